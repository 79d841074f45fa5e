"""Whether a final code says that something stands behind it, and whether a person looked."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from rcm_coding.domain.case import Choice, CodeAssignment, CodingCase, FinalCodes, codes_for_claim
from rcm_coding.handlers.facts import finalised_event
from rcm_shared.contracts.intake import ClaimForm, Setting


def chosen(system: str, code: str, **changes: Any) -> CodeAssignment:
    """Return a code that stands on the claim with nothing behind it."""
    bare = CodeAssignment(UUID(int=1), system, code, "", "first-listed", Choice.ADDED, "coder")
    return replace(bare, **changes)


CASE = replace(
    CodingCase(UUID(int=77), "F1"),
    setting=Setting.OFFICE,
    claim_form=ClaimForm.PROFESSIONAL,
    service_from=date(2026, 9, 2),
    service_through=date(2026, 9, 2),
)


@pytest.mark.parametrize(
    ("changes", "supported"),
    [({}, False), ({"reason": "seen in the operative report"}, True), ({"source": "provider"}, True)],
)
def test_final_code_says_whether_something_stands_behind_it(changes: dict[str, Any], supported: bool) -> None:
    case = replace(
        CASE, assignments=(chosen("ICD-10-CM", "D225", **changes), chosen("CPT", "17110", **changes))
    )
    (diagnosis,), (procedure,) = codes_for_claim(case)
    assert (diagnosis.supported, procedure.supported) == (supported, supported)


@pytest.mark.parametrize(
    ("who", "precoded", "automatic"),
    [("coder-1", False, False), ("system:coding", False, True), ("system:coding", True, False)],
)
def test_final_codes_say_whether_a_person_looked(who: str, precoded: bool, automatic: bool) -> None:
    final = FinalCodes((), (), "ICD-10-CM:2026-04-01", who, datetime(2026, 9, 3, tzinfo=UTC))
    assert finalised_event(replace(CASE, precoded=precoded), final).automatic is automatic
