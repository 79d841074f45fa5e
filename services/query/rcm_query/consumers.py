"""What the query service reads from Kafka: event type → decision, and the work that a request starts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC
from typing import TypeVar
from uuid import UUID

from rcm_shared.contracts.coding import QueryRequested
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.intake import DocumentationAmended, EncounterCancelled, EncountersMerged
from rcm_shared.contracts.records import MAX_FETCH, DocumentKey, DocumentText, EncounterRecord
from rcm_shared.messaging.decide import Decide, FiredTimer, Moment, fold, fold_timers, record
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import WorkItem, WorkKind

from rcm_query import repository
from rcm_query.domain.composition import Document, Record
from rcm_query.domain.provider_query import EncounterQueries, ProviderQuery
from rcm_query.handlers import (
    COMPOSE,
    DUE,
    Composed,
    compose_query,
    decide_amended,
    decide_cancelled,
    decide_composed,
    decide_due,
    decide_merged,
    decide_query_requested,
)

ON_ENCOUNTER: Mapping[type[Event], Decide[EncounterQueries]] = {
    EncounterCancelled: decide_cancelled,
    EncountersMerged: decide_merged,
    DocumentationAmended: decide_amended,
}
ON_CHART: Mapping[type[Event], Decide[EncounterQueries]] = {QueryRequested: decide_query_requested}
ON_TIMER: Mapping[str, Decide[EncounterQueries]] = {DUE: decide_due}

K = TypeVar("K")
T = TypeVar("T")

FetchDocumentTexts = Callable[[Sequence[DocumentKey]], Awaitable[Sequence[DocumentText]]]
FetchEncounterRecords = Callable[[Sequence[UUID]], Awaitable[Sequence[EncounterRecord]]]


async def on_encounter(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Apply a batch of intake's facts."""
    await fold(
        uow,
        deliveries,
        table=ON_ENCOUNTER,
        load=repository.load_encounters,
        save=repository.save_encounters,
    )


async def on_chart(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Apply a batch of coding's facts."""
    await fold(
        uow, deliveries, table=ON_CHART, load=repository.load_encounters, save=repository.save_encounters
    )


async def on_timers(uow: UnitOfWork, fired: Sequence[FiredTimer]) -> None:
    """Apply deadlines that have passed."""
    await fold_timers(
        uow, fired, table=ON_TIMER, load=repository.load_encounters, save=repository.save_encounters
    )


def compose_work(documents: FetchDocumentTexts, encounters: FetchEncounterRecords) -> WorkKind:
    """Make the work that fetches the quoted documents from intake, composes the drafts and lints them."""

    async def compute(items: list[WorkItem]) -> dict[UUID, object]:
        drafts = {
            item.key: [ProviderQuery.model_validate(draft) for draft in item.payload["queries"]]
            for item in items
        }
        wanted = dict.fromkeys(
            (indicator.document_id, indicator.version)
            for queries in drafts.values()
            for query in queries
            for indicator in query.indicators
        )
        texts = await _in_chunks(
            documents, [DocumentKey(document_id=key, version=version) for key, version in wanted]
        )
        by_key = {(text.document_id, text.version): text for text in texts}
        unclear = [key for key, queries in drafts.items() if _needs_encounter(queries, by_key)]
        known = {found.encounter_id: found for found in await _in_chunks(encounters, unclear)}
        return {
            key: [compose_query(query, _record(key, query, by_key, known.get(key))) for query in queries]
            for key, queries in drafts.items()
        }

    return WorkKind(COMPOSE, compute, apply_composed)


async def apply_composed(uow: UnitOfWork, results: dict[UUID, list[Composed]]) -> None:
    """Send or set aside the composed queries."""
    states = await repository.load_encounters(uow.conn, list(results))
    changed: dict[UUID, EncounterQueries] = {}
    for key, composed in results.items():
        moment = Moment(uow.now, key)
        decision = decide_composed(states.get(key), composed, moment)
        record(uow, moment, decision)
        if decision.state is not None:
            changed[key] = decision.state
        uow.record_access(encounter_id=key, subject="system:query", purpose="query", what="documents")
    if changed:
        await repository.save_encounters(uow.conn, changed)


async def _in_chunks(fetch: Callable[[Sequence[K]], Awaitable[Sequence[T]]], keys: Sequence[K]) -> list[T]:
    found: list[T] = []
    for start in range(0, len(keys), MAX_FETCH):
        found.extend(await fetch(keys[start : start + MAX_FETCH]))
    return found


def _quoted(query: ProviderQuery, by_key: Mapping[tuple[UUID, int], DocumentText]) -> list[DocumentText]:
    keys = dict.fromkeys((indicator.document_id, indicator.version) for indicator in query.indicators)
    return [by_key[key] for key in keys if key in by_key]


def _needs_encounter(
    queries: Sequence[ProviderQuery], by_key: Mapping[tuple[UUID, int], DocumentText]
) -> bool:
    """Tell whether the documents alone leave a date or the treating provider open."""
    return any(
        text.written_at is None or query.provider_id not in {t.author_id for t in _quoted(query, by_key)}
        for query in queries
        for text in _quoted(query, by_key)
    )


def _record(
    key: UUID,
    query: ProviderQuery,
    by_key: Mapping[tuple[UUID, int], DocumentText],
    encounter: EncounterRecord | None,
) -> Record:
    texts = _quoted(query, by_key)
    authors = {text.author_id for text in texts if text.author_id and text.encounter_id == key}
    providers = {provider.provider_id for provider in encounter.providers} if encounter else set()
    return Record(
        encounter_id=key,
        documents=tuple(
            Document(
                encounter_id=text.encounter_id,
                document_id=text.document_id,
                version=text.version,
                kind=text.kind,
                written_on=text.written_at.astimezone(UTC).date()
                if text.written_at
                else (encounter.service_through if encounter else None),
                author_id=text.author_id,
                text=text.text,
            )
            for text in texts
        ),
        treating=frozenset(authors | providers),
    )
