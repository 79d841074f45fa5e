"""Asks intake for the records that claims are built from."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from rcm_shared.contracts.records import MAX_FETCH, EncounterRecord, Encounters, FetchEncounters, Purpose
from rcm_shared.web.client import ServiceClient


@dataclass(frozen=True, slots=True)
class IntakeRecords:
    """Intake's fetch API, called as a service with the purpose "claim"."""

    client: ServiceClient
    base_url: str

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, EncounterRecord]:
        """Return the records that exist, by encounter.

        Raises: Transient when intake is away.
        """
        found: dict[UUID, EncounterRecord] = {}
        for start in range(0, len(ids), MAX_FETCH):
            body = FetchEncounters(encounter_ids=tuple(ids[start : start + MAX_FETCH]), purpose=Purpose.CLAIM)
            answer = await self.client.post(self.base_url, "/v1/encounters/fetch", body, Encounters)
            found |= {record.encounter_id: record for record in answer.encounters}
        return found
