"""What the query service decides on events, finished work, timers and people's commands."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from rcm_shared.auth import Principal
from rcm_shared.contracts.coding import QueryRequested
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.intake import DocumentationAmended, EncounterCancelled, EncountersMerged
from rcm_shared.contracts.query import (
    QueryAnswered,
    QueryEscalated,
    QueryExpired,
    QueryRetracted,
    QuerySent,
)
from rcm_shared.errors import NotFound
from rcm_shared.ids import derived_uuid
from rcm_shared.messaging.decide import CancelTimer, Decision, FiredTimer, Moment, SetTimer, Work, record
from rcm_shared.messaging.uow import UnitOfWork

from rcm_query import repository
from rcm_query.domain import provider_query as pq
from rcm_query.domain.compliance import NO_TEMPLATE, lint
from rcm_query.domain.composition import Record, compose
from rcm_query.domain.provider_query import SENT, Content, EncounterQueries, ProviderQuery, QueryState
from rcm_query.domain.templates import TEMPLATES

ACTOR = "system:query"
DUE = "due"
COMPOSE = "compose"


@dataclass(frozen=True, slots=True)
class Composed:
    """The outcome of composing one draft: its content, and the compliance rules that it breaks."""

    query_id: UUID
    content: Content | None
    findings: tuple[str, ...]


def _retracted(state: EncounterQueries, query: ProviderQuery, reason: str, actor: str) -> QueryRetracted:
    return QueryRetracted(actor=actor, facility_id=state.facility_id, query_id=query.query_id, reason=reason)


def _clock(state: EncounterQueries) -> SetTimer | CancelTimer:
    """Return the one timer of the encounter: the earliest deadline of its waiting queries."""
    due_at = state.next_due_at()
    return CancelTimer(DUE) if due_at is None else SetTimer(DUE, due_at)


def _compose_work(state: EncounterQueries) -> tuple[Work, ...]:
    drafts = state.drafts()
    if not drafts:
        return ()
    return (Work(COMPOSE, {"queries": [draft.model_dump(mode="json") for draft in drafts]}),)


def decide_query_requested(
    state: EncounterQueries | None, event: QueryRequested, moment: Moment
) -> Decision[EncounterQueries]:
    """Begin a draft; for an encounter that is cancelled or merged away it is retracted at once."""
    state = state or EncounterQueries(encounter_id=moment.key, facility_id=event.facility_id)
    if state.find(event.query_id) is not None:
        return Decision()
    query = pq.draft(
        query_id=event.query_id,
        rule=event.rule,
        provider_id=event.provider_id,
        indicators=event.indicators,
        blocks_coding=event.blocks_coding,
        requested_by=event.actor,
        now=moment.now,
    )
    if state.stopped:
        query = pq.retract(query, state.stopped, now=moment.now, actor=ACTOR)
        return Decision(state.put(query), (_retracted(state, query, state.stopped, ACTOR),))
    state = state.put(query)
    return Decision(state, work=_compose_work(state))


def _stop(
    state: EncounterQueries | None, facility_id: str, reason: str, moment: Moment
) -> Decision[EncounterQueries]:
    state = state or EncounterQueries(encounter_id=moment.key, facility_id=facility_id)
    if state.stopped:
        return Decision()
    events: list[Event] = []
    for query in state.queries:
        if pq.can_become(query, QueryState.RETRACTED):
            query = pq.retract(query, reason, now=moment.now, actor=ACTOR)
            events.append(_retracted(state, query, reason, ACTOR))
            state = state.put(query)
    return Decision(state.model_copy(update={"stopped": reason}), events, (CancelTimer(DUE),))


def decide_cancelled(
    state: EncounterQueries | None, event: EncounterCancelled, moment: Moment
) -> Decision[EncounterQueries]:
    """Retract whatever is not answered; nothing more may be asked about the encounter."""
    return _stop(state, event.facility_id, "encounter-cancelled", moment)


def decide_merged(
    state: EncounterQueries | None, event: EncountersMerged, moment: Moment
) -> Decision[EncounterQueries]:
    """Retract the queries of the record that went away; the survivor is coded, and queried, anew."""
    if event.merged_id != moment.key:
        return Decision()
    return _stop(state, event.facility_id, "encounter-merged", moment)


def decide_amended(
    state: EncounterQueries | None, event: DocumentationAmended, moment: Moment
) -> Decision[EncounterQueries]:
    """Close a query once its answer stands in the record as an addendum."""
    query = state.find(event.query_id) if state and event.query_id else None
    if state is None or query is None or query.state is not QueryState.ANSWERED:
        return Decision()
    return Decision(state.put(pq.close(query, now=moment.now, actor=event.actor)))


def compose_query(query: ProviderQuery, record: Record) -> Composed:
    """Compose one draft and lint it. Pure; called outside any transaction."""
    template = TEMPLATES.get(query.rule)
    if template is None:
        return Composed(query.query_id, None, (NO_TEMPLATE,))
    content = compose(query, template, record)
    return Composed(query.query_id, content, lint(query, content, record))


def decide_composed(
    state: EncounterQueries | None, composed: Iterable[Composed], moment: Moment
) -> Decision[EncounterQueries]:
    """Send what passed the lint; keep the rest for a person. Drafts that went away are skipped."""
    if state is None:
        return Decision()
    events: list[Event] = []
    for result in composed:
        query = state.find(result.query_id)
        if query is None or query.state is not QueryState.DRAFT:
            continue
        if result.findings or result.content is None or query.provider_id is None:
            query = pq.fail_lint(query, result.content, result.findings, now=moment.now, actor=ACTOR)
            state = state.put(query)
            continue
        query = pq.pass_lint(query, result.content, now=moment.now, actor=ACTOR)
        query = pq.send(query, now=moment.now, actor=ACTOR)
        state = state.put(query)
        events.append(
            QuerySent(
                actor=ACTOR,
                facility_id=state.facility_id,
                query_id=query.query_id,
                rule=query.rule,
                provider_id=query.provider_id or "",
                due_at=query.due_at or moment.now,
                blocks_coding=query.blocks_coding,
            )
        )
    return Decision(state, events, (_clock(state),))


def decide_due(
    state: EncounterQueries | None, fired: FiredTimer, moment: Moment
) -> Decision[EncounterQueries]:
    """Escalate or expire every query whose time is up, and set the clock for the next."""
    if state is None:
        return Decision()
    events: list[Event] = []
    for query in state.queries:
        after = pq.overdue(query, now=moment.now, actor=ACTOR)
        if after is query:
            continue
        state = state.put(after)
        if after.state is QueryState.EXPIRED:
            events.append(QueryExpired(actor=ACTOR, facility_id=state.facility_id, query_id=query.query_id))
        elif after.due_at is not None:
            events.append(
                QueryEscalated(
                    actor=ACTOR,
                    facility_id=state.facility_id,
                    query_id=query.query_id,
                    level=after.level,
                    due_at=after.due_at,
                )
            )
    return Decision(state, events, (_clock(state),))


@dataclass(frozen=True, slots=True)
class Answered:
    """What follows from an answer: the decision, the reference and the text to store with it."""

    decision: Decision[EncounterQueries]
    answer: pq.Answer
    text: str


def answer_query(
    state: EncounterQueries,
    query: ProviderQuery,
    *,
    option: str | None,
    text: str,
    provider_id: str,
    moment: Moment,
) -> Answered:
    """Take a provider's answer. Raises: Refused when the state or the answer does not allow it."""
    outcome, statement = pq.check_answer(query, option, text)
    digest = hashlib.sha256(statement.encode()).hexdigest()
    answer = pq.Answer(
        answer_id=derived_uuid(query.query_id, "answer"),
        option=option,
        outcome=outcome,
        sha256=digest,
        provider_id=provider_id,
        answered_at=moment.now,
    )
    state = state.put(pq.record_answer(query, answer))
    event = QueryAnswered(
        actor=provider_id,
        facility_id=state.facility_id,
        query_id=query.query_id,
        outcome=outcome,
        answer_id=answer.answer_id,
        answer_sha256=digest,
        provider_id=provider_id,
    )
    return Answered(Decision(state, (event,), (_clock(state),)), answer, statement)


def retract_query(
    state: EncounterQueries, query: ProviderQuery, *, reason: str, actor: str, moment: Moment
) -> Decision[EncounterQueries]:
    """Withdraw a query on a person's word. Raises: Refused when it is answered or gone."""
    query = pq.retract(query, reason, now=moment.now, actor=actor)
    state = state.put(query)
    return Decision(state, (_retracted(state, query, reason, actor),), (_clock(state),))


def view_query(
    state: EncounterQueries, query: ProviderQuery, *, actor: str, moment: Moment
) -> Decision[EncounterQueries]:
    """Note that the provider has opened the query."""
    seen = pq.view(query, now=moment.now, actor=actor)
    return Decision() if seen is query else Decision(state.put(seen))


def may_see(who: Principal, state: EncounterQueries, query: ProviderQuery) -> bool:
    """Tell whether a person may know of a query: his own once sent, or any of his facilities."""
    if not who.sees(state.facility_id):
        return False
    own = query.provider_id == who.subject and query.state in SENT
    return own or bool(set(who.roles) & {"coder", "auditor", "operations"})


async def load_one(uow: UnitOfWork, who: Principal, query_id: UUID) -> tuple[EncounterQueries, ProviderQuery]:
    """Lock a query's encounter and return both. Raises: NotFound also for what the caller may not see."""
    encounter_id = await repository.find_encounter_of(uow.conn, query_id)
    if encounter_id is None:
        raise NotFound("query")
    state = (await repository.load_encounters(uow.conn, [encounter_id])).get(encounter_id)
    query = state.find(query_id) if state else None
    if state is None or query is None or not may_see(who, state, query):
        raise NotFound("query")
    return state, query


async def open_one(uow: UnitOfWork, who: Principal, query_id: UUID) -> tuple[EncounterQueries, ProviderQuery]:
    """Read a query; for its provider this marks it as viewed and is written to the access log."""
    state, query = await load_one(uow, who, query_id)
    if query.provider_id == who.subject:
        moment = Moment(uow.now, state.encounter_id)
        decision = view_query(state, query, actor=who.subject, moment=moment)
        uow.record_access(
            encounter_id=state.encounter_id, subject=who.subject, purpose="treatment", what="query"
        )
        if decision.state is not None:
            state = decision.state
            await repository.save_encounters(uow.conn, {state.encounter_id: state})
            query = state.find(query_id) or query
    return state, query


async def answer_one(
    uow: UnitOfWork, who: Principal, query_id: UUID, option: str | None, text: str
) -> pq.Answer:
    """Store a provider's answer and publish that it was given."""
    state, query = await load_one(uow, who, query_id)
    if query.provider_id != who.subject:
        raise NotFound("query")
    moment = Moment(uow.now, state.encounter_id)
    answered = answer_query(state, query, option=option, text=text, provider_id=who.subject, moment=moment)
    after = answered.decision.state or state
    await repository.save_encounters(uow.conn, {state.encounter_id: after})
    await repository.add_answer(
        uow.conn,
        encounter_id=state.encounter_id,
        facility_id=state.facility_id,
        query_id=query_id,
        answer=answered.answer,
        text=answered.text,
    )
    record(uow, moment, answered.decision)
    return answered.answer
