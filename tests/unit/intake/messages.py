"""Builders of messages for the tests of intake."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from rcm_intake.domain.changes import (
    Change,
    ChargeChange,
    CoverageChange,
    DocumentChange,
    EncounterMessage,
    Progress,
    apply,
)
from rcm_intake.domain.encounter import Encounter
from rcm_shared.contracts.intake import Setting
from rcm_shared.contracts.records import PatientPhi

NOW = datetime(2026, 9, 28, 12, tzinfo=UTC)
ID = UUID("01990000-0000-7000-8000-000000000001")
OTHER_ID = UUID("01990000-0000-7000-8000-000000000002")
PATIENT = PatientPhi(last_name="ZQTESTER", first_name="Ada", birth_date=date(1970, 1, 2), sex="F")


def a_document(external_id: str = "D1", kind: str = "office-note", **more: Any) -> DocumentChange:
    return DocumentChange(
        **{"external_id": external_id, "kind": kind, "text": f"text of {external_id}", **more}
    )


def a_charge(external_id: str = "C1", code: str = "99213", cents: int = 13200, **more: Any) -> ChargeChange:
    return ChargeChange(external_id, code, cents, date(2026, 9, 1), **more)


def a_coverage(order: str = "P", member_id: str = "M1") -> CoverageChange:
    return CoverageChange(order, "DHP01", "Demo Health Plan", member_id)


def a_message(**more: Any) -> EncounterMessage:
    said: dict[str, Any] = {
        "facility_id": "F1",
        "source": "ehr",
        "external_id": "V1",
        "source_format": "json",
        "progress": Progress.FINISHED,
        "setting": Setting.OFFICE,
        "service_from": date(2026, 9, 1),
        "patient": PATIENT,
    }
    return EncounterMessage(**(said | more))


def applied(encounter: Encounter | None, message: EncounterMessage, encounter_id: UUID = ID) -> Change:
    return apply(encounter, message, encounter_id=encounter_id, actor="system:intake", now=NOW)


def names(change: Change) -> list[str]:
    """Return the facts of a change by their short names."""
    return [event.TYPE.split(".")[2] for event in change.events]


def canonical(**more: Any) -> dict[str, Any]:
    """Return a valid encounter in our JSON form."""
    said: dict[str, Any] = {
        "message_id": "M1",
        "source": "ehr",
        "facility_id": "F1",
        "encounter": {
            "external_id": "V1",
            "setting": "office",
            "service_from": "2026-09-01",
            "service_through": "2026-09-01",
        },
        "patient": {"last_name": "ZQTESTER", "first_name": "Ada", "birth_date": "1970-01-02", "sex": "F"},
        "documents": [{"id": "D1", "kind": "office-note", "text": "ASSESSMENT: well."}],
        "charges": [{"id": "C1", "code": "99213", "amount_cents": 13200, "service_date": "2026-09-01"}],
    }
    return said | more


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def hl7(*segments: str, kind: str = "ADT^A04^ADT_A01", control: str = "M1", charset: str = "") -> bytes:
    head = f"MSH|^~\\&|ehr|F1|CS|F1|20260901120000||{kind}|{control}|P|2.5.1|||AL|NE||{charset}"
    return "\r".join([head, *segments]).encode() + b"\r"


PID = "PID|1||MR1^^^F1^MR||ZQTESTER^Ada||19700102|F|||1 Main St^^Springfield^IL^62701"
PV1 = "PV1|1|E|ED||||" + "|" * 12 + "V1"
