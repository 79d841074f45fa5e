"""What coding asks intake for, by id and with its purpose: note texts, facts of a stay for grouping."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from rcm_shared.contracts.records import (
    MAX_FETCH,
    DocumentKey,
    Documents,
    DocumentText,
    EncounterRecord,
    Encounters,
    FetchDocuments,
    FetchEncounters,
    Purpose,
)
from rcm_shared.web.client import ServiceClient

from rcm_coding.gateways.grouper import Stay


class Intake:
    """Intake's fetch API. Errors: Transient when intake is away, Poison when it refuses."""

    def __init__(self, client: ServiceClient, base_url: str) -> None:
        self._client = client
        self._url = base_url

    async def documents(self, keys: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], DocumentText]:
        """Return texts by (document id, version); those that intake does not have are missing."""
        found: dict[tuple[UUID, int], DocumentText] = {}
        for start in range(0, len(keys), MAX_FETCH):
            wanted = tuple(
                DocumentKey(document_id=document_id, version=version)
                for document_id, version in keys[start : start + MAX_FETCH]
            )
            body = FetchDocuments(documents=wanted, purpose=Purpose.CODING)
            answer = await self._client.post(self._url, "/v1/documents/fetch", body, Documents)
            found.update({(item.document_id, item.version): item for item in answer.documents})
        return found

    async def stay(self, encounter_id: UUID) -> Stay | None:
        """Return what grouping needs of a stay, or None when intake does not know the encounter."""
        body = FetchEncounters(encounter_ids=(encounter_id,), purpose=Purpose.CODING)
        answer = await self._client.post(self._url, "/v1/encounters/fetch", body, Encounters)
        record = next((item for item in answer.encounters if item.encounter_id == encounter_id), None)
        return stay_of(record) if record else None


def stay_of(record: EncounterRecord) -> Stay:
    """Reduce an encounter's record to what grouping needs. Age is counted at admission."""
    admitted = (
        record.stay.admitted_at.date() if record.stay and record.stay.admitted_at else record.service_from
    )
    return Stay(
        age_years=age_on(record.patient.birth_date, admitted),
        sex=record.patient.sex,
        discharge_status=record.stay.discharge_status if record.stay else "",
        discharged_on=record.service_through,
    )


def age_on(born: date, day: date) -> int:
    """Return the age in whole years, never below zero."""
    return max(0, day.year - born.year - ((day.month, day.day) < (born.month, born.day)))
