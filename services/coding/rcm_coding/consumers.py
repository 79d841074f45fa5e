"""What the coding service reads from Kafka: event type → decision, and the suggestion work that follows."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg
from rcm_shared.contracts.audit import AuditRecodeRequested
from rcm_shared.contracts.billing import RecodeRequested
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.intake import (
    ChargesCaptured,
    CoverageVerified,
    DocumentationAmended,
    DocumentationCompleted,
    EncounterCancelled,
    EncountersMerged,
)
from rcm_shared.contracts.query import QueryAnswered, QueryExpired, QueryRetracted, QuerySent
from rcm_shared.errors import Transient
from rcm_shared.messaging.apply import Apply
from rcm_shared.messaging.decide import Decide, Moment, fold, record
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import WorkItem, WorkKind

from rcm_coding import repository
from rcm_coding.domain.case import SYSTEM, CodingCase
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.engine.evidence import Document, Suggestions
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.ranking.model import Model
from rcm_coding.engine.suggest import suggest
from rcm_coding.gateways.intake import Intake
from rcm_coding.handlers import charts, facts, routing, suggesting
from rcm_coding.handlers.tables import tables_for
from rcm_coding.repository import learning

ON_QUERY: Mapping[type[Event], Decide[CodingCase]] = {
    QuerySent: facts.query_sent,
    QueryAnswered: facts.query_answered,
    QueryExpired: facts.query_expired,
    QueryRetracted: facts.query_retracted,
}
ON_CLAIM: Mapping[type[Event], Decide[CodingCase]] = {RecodeRequested: facts.recode_requested}
ON_FINDING: Mapping[type[Event], Decide[CodingCase]] = {AuditRecodeRequested: facts.recode_requested}

SUGGEST_BATCH = 20  # charts fetched and read at once


@dataclass(frozen=True, slots=True)
class SuggestionPass:
    """The result of one pass with the record version that it read."""

    found: Suggestions
    record_version: int
    shadow: Suggestions | None = None  # what the next model would have said


def on_encounter(code_sets: Callable[[], CodeSets]) -> Apply:
    """Make the consumer of intake's facts. `code_sets` is asked at each batch,
    as editions may be activated meanwhile.
    """

    async def apply(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
        loaded = code_sets()

        async def load(conn: asyncpg.Connection, keys: list[UUID]) -> dict[UUID, CodingCase]:
            nonlocal loaded
            cases = await repository.load_cases(conn, keys)
            loaded = loaded.beside(await tables_for(conn, cases, deliveries))
            return cases

        def completed(
            case: CodingCase | None, event: DocumentationCompleted, moment: Moment
        ) -> facts.CaseDecision:
            return facts.documentation_completed(case, event, moment, loaded)

        def charged(case: CodingCase | None, event: ChargesCaptured, moment: Moment) -> facts.CaseDecision:
            return facts.charges_captured(case, event, moment, loaded)

        table: dict[type[Event], Decide[CodingCase]] = {
            DocumentationCompleted: completed,
            ChargesCaptured: charged,
            CoverageVerified: facts.coverage_verified,
            DocumentationAmended: facts.documentation_amended,
            EncounterCancelled: facts.encounter_cancelled,
            EncountersMerged: facts.encounters_merged,
        }
        await fold(uow, deliveries, table=table, load=load, save=routing.save_cases)

    return apply


async def on_query(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Apply a batch of query's facts."""
    await _fold(uow, deliveries, ON_QUERY)


async def on_claim(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Apply a batch of billing's facts."""
    await _fold(uow, deliveries, ON_CLAIM)


async def on_finding(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Apply a batch of audit's facts."""
    await _fold(uow, deliveries, ON_FINDING)


async def _fold(
    uow: UnitOfWork, deliveries: list[Delivery], table: Mapping[type[Event], Decide[CodingCase]]
) -> None:
    await fold(uow, deliveries, table=table, load=repository.load_cases, save=routing.save_cases)


def suggest_work(
    intake: Intake,
    knowledge: Callable[[date], Knowledge],
    code_sets: Callable[[], CodeSets],
    model: Callable[[], Model | None],
    shadow: Callable[[], Model | None] = lambda: None,
) -> WorkKind:
    """Make the work that fetches a chart's texts and reads them; the engine runs beside the event loop.

    The shadow's answer is kept beside the other; no coder sees it.
    """

    async def compute(items: list[WorkItem]) -> dict[UUID, object]:
        keys = [key for item in items for key in _document_keys(item)]
        texts = await intake.documents(list(dict.fromkeys(keys)))
        results: dict[UUID, object] = {}
        for item in items:
            wanted = _document_keys(item)
            if any(key not in texts for key in wanted):
                results[item.key] = Transient("document-missing")
                continue
            documents = [
                Document(key[0], key[1], texts[key].kind, texts[key].text, order)
                for order, key in enumerate(wanted)
            ]
            day = date.fromisoformat(item.payload["day"])
            asked = (documents, item.payload["setting"], day, knowledge(day), item.payload["claim_form"])
            facility = item.payload.get("facility", "")
            found = await asyncio.to_thread(suggest, *asked, model=model(), facility=facility)
            beside = shadow()
            other = (
                await asyncio.to_thread(suggest, *asked, model=beside, facility=facility) if beside else None
            )
            results[item.key] = SuggestionPass(found, item.payload["record_version"], other)
        return results

    async def apply(uow: UnitOfWork, results: dict[UUID, SuggestionPass]) -> None:
        await apply_suggestions(uow, results, code_sets())

    return WorkKind(facts.SUGGEST, compute, apply, batch=SUGGEST_BATCH)


async def apply_suggestions(
    uow: UnitOfWork, results: dict[UUID, SuggestionPass], code_sets: CodeSets
) -> None:
    """Put the suggestions on their charts and say so; close by rule what the facility allows."""
    policy = await routing.active_policy(uow.conn)
    cases = await repository.load_cases(uow.conn, list(results))
    changed: dict[UUID, CodingCase] = {}
    for key, result in results.items():
        if key not in cases:
            continue
        decision = suggesting.suggested(cases[key], result.found, result.record_version)
        record(uow, Moment(uow.now, key), decision)
        if decision.state is not None:
            changed[key] = await charts.close_if_allowed(uow, decision.state, policy, code_sets)
            if result.shadow is not None:
                await learning.keep_shadow(
                    uow.conn,
                    decision.state,
                    result.record_version,
                    result.shadow.model,
                    _diagnoses(result.shadow),
                    _diagnoses(result.found),
                    uow.now,
                )
        uow.record_access(encounter_id=key, subject=SYSTEM, purpose="coding", what="documents")
    if changed:
        await routing.save_cases(uow.conn, changed)


def _diagnoses(found: Suggestions) -> list[str]:
    return [item.code for item in found.suggestions if item.system == "ICD-10-CM"]


def _document_keys(item: WorkItem) -> list[tuple[UUID, int]]:
    return [(UUID(document_id), version) for document_id, version in item.payload["documents"]]
