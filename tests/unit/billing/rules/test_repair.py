"""Repair mends format and nothing else."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.repair import REPAIR_VERSION, Repair, repair, repair_submitter
from unit.billing import cases
from unit.billing.rules.claims import billing, billing_address, coverage, inpatient, office, patient
from unit.billing.test_claim_837 import a_dependent_claim, a_secondary_claim

MAKERS = (office, inpatient, a_dependent_claim, a_secondary_claim)


@pytest.mark.parametrize(
    ("claim", "element", "kind", "better"),
    [
        (lambda: patient(last_name="  ZQ  MOLE "), "patient.last_name", "blanks", "ZQ MOLE"),
        (lambda: coverage(member_id="PD ZQ 0001"), "coverage.member_id", "blanks-in-identifier", "PDZQ0001"),
        (lambda: billing(npi="191 230-1953"), "billing.npi", "punctuation", "1912301953"),
        (lambda: billing(tax_id="12-3456789"), "billing.tax_id", "punctuation", "123456789"),
        (lambda: billing(taxonomy="282n00000x"), "billing.taxonomy", "case", "282N00000X"),
        (
            lambda: billing_address(postal_code="62701-0001"),
            "billing.address.postal_code",
            "punctuation",
            "627010001",
        ),
        (lambda: billing_address(state="il"), "billing.address.state", "case", "IL"),
    ],
)
def test_format_is_mended_and_recorded_without_the_value(
    claim: Any, element: str, kind: str, better: str
) -> None:
    mended, done = repair(claim())
    assert done == (Repair(element, kind, REPAIR_VERSION),)
    value: Any = mended
    for name in element.split("."):
        value = getattr(value, name)
    assert value == better


@pytest.mark.parametrize("make", MAKERS)
def test_claim_in_good_format_stays_the_same_object(make: Any) -> None:
    claim = make()
    assert repair(claim) == (claim, ())
    assert repair(claim)[0] is claim


def test_identifier_that_is_no_number_is_left_for_its_rule() -> None:
    assert repair(billing(npi="19123O1953"))[1] == ()


def test_phone_of_the_submitter_loses_its_punctuation() -> None:
    submitter = cases.MASTER.submitter.model_copy(update={"contact_phone": "(217) 555-0100"})
    mended, done = repair_submitter(submitter)
    assert mended.contact_phone == "2175550100"
    assert [found.element for found in done] == ["submitter.contact_phone"]


def frozen_parts(claim: ClaimDocument) -> dict[str, Any]:
    """Return everything that no repair may change: codes, modifiers, units, money, dates."""
    parts = claim.model_dump(exclude={"patient", "coverage", "billing", "providers"})
    for line in parts["lines"]:
        line.pop("rendering", None)
    people = [claim.patient, *([claim.coverage.subscriber] if claim.coverage.subscriber else [])]
    return parts | {
        "born": [(person.birth_date, person.sex, person.death_date) for person in people],
        "cover": claim.coverage.model_dump(
            exclude={"member_id", "group_number", "authorization", "subscriber"}
        ),
        "roles": [(p.provider_id, p.role) for p in claim.providers],
    }


_TEXT = st.text(alphabet=" \t-.()/aZ09xQé\u00a0", max_size=12)
_CODE = st.text(alphabet=" .-aZ09", min_size=1, max_size=7)


@given(st.sampled_from(MAKERS), st.lists(_TEXT, min_size=8, max_size=8), _CODE, st.tuples(_CODE, _CODE))
@settings(max_examples=120, deadline=None)
def test_codes_modifiers_units_money_and_dates_never_change(
    make: Any, texts: list[str], code: str, modifiers: tuple[str, str]
) -> None:
    claim: ClaimDocument = make()
    first = claim.lines[0].model_copy(update={"code": code, "modifiers": modifiers, "revenue_code": code})
    claim = claim.model_copy(
        update={
            "lines": (first, *claim.lines[1:]),
            "diagnoses": (claim.diagnoses[0].model_copy(update={"code": code}), *claim.diagnoses[1:]),
            "patient": claim.patient.model_copy(update={"last_name": texts[0], "first_name": texts[1]}),
            "coverage": claim.coverage.model_copy(update={"member_id": texts[2], "group_number": texts[3]}),
            "billing": claim.billing.model_copy(
                update={"name": texts[4], "npi": texts[5], "tax_id": texts[6]}
            ),
            "providers": tuple(p.model_copy(update={"npi": texts[7]}) for p in claim.providers),
        }
    )
    mended, _ = repair(claim)
    assert frozen_parts(mended) == frozen_parts(claim)
    assert repair(mended) == (mended, ())  # once is enough
    for before, after in (
        (claim.coverage.member_id, mended.coverage.member_id),
        (texts[5], mended.billing.npi),
    ):
        assert re.sub(r"[\s().+/-]", "", after) == re.sub(r"[\s().+/-]", "", before)
