"""Composition root of the query service: settings, gateways to intake, consumers, timers, routes."""

from collections.abc import Sequence
from uuid import UUID

from rcm_shared.contracts import topics
from rcm_shared.contracts.records import (
    DocumentKey,
    Documents,
    DocumentText,
    EncounterRecord,
    Encounters,
    FetchDocuments,
    FetchEncounters,
    Purpose,
)
from rcm_shared.runtime import ServiceSpec
from rcm_shared.web.client import ServiceClient

from rcm_query import api, consumers, pages
from rcm_query.settings import QuerySettings


def build(settings: QuerySettings) -> ServiceSpec:
    """Describe the service: what it reads, what wakes it, what it serves."""
    client = ServiceClient(settings, "query")
    intake = settings.shared.url_of("intake")

    async def fetch_documents(keys: Sequence[DocumentKey]) -> Sequence[DocumentText]:
        body = FetchDocuments(documents=tuple(keys), purpose=Purpose.QUERY)
        return (await client.post(intake, "/v1/documents/fetch", body, Documents)).documents

    async def fetch_encounters(ids: Sequence[UUID]) -> Sequence[EncounterRecord]:
        body = FetchEncounters(encounter_ids=tuple(ids), purpose=Purpose.QUERY)
        return (await client.post(intake, "/v1/encounters/fetch", body, Encounters)).encounters

    return ServiceSpec(
        name="query",
        migrations="rcm_query.migrations",
        consumers={
            topics.ENCOUNTER: consumers.on_encounter,
            topics.CHART: consumers.on_chart,
        },
        timers=consumers.on_timers,
        work=(consumers.compose_work(fetch_documents, fetch_encounters),),
        routers=(api.router, pages.router),
    )
