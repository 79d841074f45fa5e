"""Facts and charts for tests of the coding service."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from rcm_coding.domain.case import CodingCase
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.handlers import facts
from rcm_shared.contracts.intake import (
    CapturedCharge,
    ChargesCaptured,
    ClaimForm,
    DocumentationAmended,
    DocumentationCompleted,
    DocumentRef,
    Setting,
)
from rcm_shared.messaging.decide import Moment
from rcm_shared.money import Cents

KEY = UUID(int=77)
NOTE = UUID(int=5)
NOW = datetime(2026, 9, 28, 8, tzinfo=UTC)
DAY = date(2026, 9, 10)
MOMENT = Moment(NOW, KEY)


def note(version: int = 1, document: UUID = NOTE) -> DocumentRef:
    return DocumentRef(document, version, "office-note", "0" * 64, author_id="prv-1")


def completed(**changes: Any) -> DocumentationCompleted:
    values: dict[str, Any] = {
        "actor": "system:intake",
        "facility_id": "F1",
        "setting": Setting.OFFICE,
        "claim_form": ClaimForm.PROFESSIONAL,
        "service_from": DAY,
        "service_through": DAY,
        "record_version": 1,
        "documents": (note(),),
    }
    return DocumentationCompleted(**(values | changes))


def amended(record_version: int = 2, query_id: UUID | None = None) -> DocumentationAmended:
    return DocumentationAmended(
        actor="system:intake",
        facility_id="F1",
        record_version=record_version,
        reason="query-answer" if query_id else "addendum",
        documents=(note(), note(1, UUID(int=6))),
        query_id=query_id,
    )


def charge(code: str = "99213", cents: int = 13200, **changes: Any) -> CapturedCharge:
    return CapturedCharge(UUID(int=900), code, Cents(cents), DAY, **changes)


def charged(*lines: CapturedCharge, record_version: int = 1) -> ChargesCaptured:
    return ChargesCaptured(
        actor="system:intake",
        facility_id="F1",
        record_version=record_version,
        charges=lines,
        total_cents=Cents(sum(line.charge_cents for line in lines)),
    )


def superbill(*codes: str, **changes: Any) -> DocumentationCompleted:
    return completed(precoded=True, documents=(), diagnoses=codes, **changes)


def open_chart(code_sets: CodeSets, **changes: Any) -> CodingCase:
    case = facts.documentation_completed(None, completed(**changes), MOMENT, code_sets).state
    assert case is not None
    return case
