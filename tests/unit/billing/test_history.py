"""What new claims leave for the patient's later ones, and what a batch knows of its own patients."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.handlers.history import histories, history_rows, patient_key, read_body
from rcm_billing.repository import references
from unit.billing import cases
from unit.billing.rules.services import billed, sold

NOBODY = cast(Any, None)


def a_visit(number: int, *codes: str, record: str = "", order: str = "P", days: int = 0) -> ClaimDocument:
    """Return a claim of one encounter, of a patient with this record number."""
    day = cases.OFFICE_DAY + timedelta(days=days)
    claim = billed(*(sold(code, "25", service_date=day) for code in codes))()
    return claim.model_copy(
        update={
            "claim_id": cases.encounter_id(5000 + number),
            "encounter_id": cases.encounter_id(number),
            "service_from": day,
            "service_through": day,
            "patient": claim.patient.model_copy(update={"medical_record_number": record or f"R{number}"}),
            "coverage": claim.coverage.model_copy(update={"order": order}),
        }
    )


class Stored:
    """What the database holds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *documents: ClaimDocument) -> None:
        self.rows = history_rows(documents)
        self.asked: list[tuple[int, date]] = []
        monkeypatch.setattr(references, "list_history", self.list)

    async def list(self, _pool: Any, patients: Sequence[bytes], since: date) -> list[dict[str, Any]]:
        self.asked.append((len(patients), since))
        return [
            {"patient": row.patient, "body": row.body, "billed": True}
            for row in self.rows
            if row.patient in patients and row.service_through >= since
        ]


def by_encounter(documents: Sequence[ClaimDocument]) -> dict[UUID, ClaimDocument]:
    return {document.encounter_id: document for document in documents}


def test_what_is_remembered_reads_back() -> None:
    document = a_visit(1, "99213", "17110")
    row = history_rows([document])[0]
    prior = read_body(row.body, billed=True)
    assert (prior.claim_id, prior.encounter_id) == (document.claim_id, document.encounter_id)
    assert (prior.form, prior.setting, prior.order) == ("837P", "office", "P")
    assert prior.diagnoses == ("D225",)
    assert [(s.code, s.modifiers, s.service_date, s.units, s.npi, s.specialty) for s in prior.services] == [
        (line.code, ("25",), cases.OFFICE_DAY, 1, "1245319599", "207N00000X") for line in document.lines
    ]
    assert sum(service.charge_cents for service in prior.services) == document.charge_cents


def test_services_are_remembered_once_though_two_payers_get_a_claim() -> None:
    assert history_rows([a_visit(1, "99213", order="S")]) == []


def test_patients_are_told_apart_by_number_and_birth_date() -> None:
    one, other = a_visit(1, "99213", record="A"), a_visit(2, "99213", record="A")
    assert patient_key(one) == patient_key(other)
    younger = other.patient.model_copy(update={"birth_date": date(2001, 1, 1)})
    assert patient_key(other.model_copy(update={"patient": younger})) != patient_key(one)


async def test_batch_asks_once_and_knows_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    before = a_visit(1, "17110", record="A", days=-30)
    stored = Stored(monkeypatch, before)
    first, second = a_visit(2, "99213", record="A"), a_visit(3, "99214", record="A")
    stranger = a_visit(4, "99213", record="B")
    known = await histories(NOBODY, by_encounter([first, second, stranger]))
    assert stored.asked == [(2, date(2023, 9, 2))]
    assert {prior.encounter_id for prior in known[first.encounter_id]} == {
        before.encounter_id,
        second.encounter_id,
    }
    assert {(prior.encounter_id, prior.billed) for prior in known[second.encounter_id]} == {
        (before.encounter_id, True),
        (first.encounter_id, False),
    }
    assert known[stranger.encounter_id] == ()


async def test_own_earlier_version_is_no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    former = a_visit(1, "99213", record="A")
    Stored(monkeypatch, former)
    again = former.model_copy(update={"claim_id": cases.encounter_id(6000), "version": 2})
    assert await histories(NOBODY, by_encounter([again])) == {former.encounter_id: ()}


async def test_empty_batch_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = Stored(monkeypatch)
    assert await histories(NOBODY, {}) == {}
    assert stored.asked == []
