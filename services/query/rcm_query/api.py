"""HTTP in: inboxes and worklists, one query, its answer or retraction, and answers for intake."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from rcm_shared.auth import Principal, allow
from rcm_shared.contracts.records import Answers, FetchAnswers
from rcm_shared.messaging.decide import Moment, record
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.idempotency import idempotent

from rcm_query import repository
from rcm_query.domain.provider_query import SENT, QueryState
from rcm_query.handlers import answer_one, load_one, open_one, retract_query

router = APIRouter(prefix="/v1", tags=["query"])

READERS = ("provider", "coder", "auditor", "operations")


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class QueryLineOut(_Body):
    """One query in a list: ids and states, no words of the record."""

    query_id: UUID
    encounter_id: UUID
    provider_id: str | None
    rule: str
    state: QueryState
    level: int
    findings: tuple[str, ...]
    requested_at: datetime
    due_at: datetime | None


class QueryList(_Body):
    queries: tuple[QueryLineOut, ...]


class QuoteOut(_Body):
    document_kind: str
    written_on: str
    prior: bool
    text: str


class OptionOut(_Body):
    key: str
    label: str


class QueryOut(QueryLineOut):
    """One query. Title, stem, quotes and options are shown to its provider only."""

    title: str | None = None
    stem: str | None = None
    quotes: tuple[QuoteOut, ...] = ()
    options: tuple[OptionOut, ...] = ()
    outcome: str | None = None
    answer_id: UUID | None = None


class AnswerIn(_Body):
    """A provider's answer: an option's key, own words, or both."""

    option: Annotated[str, StringConstraints(max_length=100)] | None = None
    text: Annotated[str, StringConstraints(max_length=4_000)] = ""


class AnswerOut(_Body):
    query_id: UUID
    answer_id: UUID
    outcome: str
    state: QueryState


class RetractIn(_Body):
    """Why the query is withdrawn: a short code, no free text about the patient."""

    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,40}$")]


class RetractOut(_Body):
    query_id: UUID
    state: QueryState


@router.get("/queries")
async def list_queries(
    who: Annotated[Principal, Depends(allow(*READERS))],
    runtime: Annotated[Runtime, Depends(runtime_of)],
    provider_id: Annotated[str | None, Query(max_length=100)] = None,
    encounter_id: UUID | None = None,
    state: QueryState | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> QueryList:
    """List queries by provider and state. A provider sees only his own that were sent."""
    own_only = not set(who.roles) & {"coder", "auditor", "operations"}
    if own_only:
        provider_id = who.subject
    states = [state.value] if state else None
    if own_only:
        states = [value.value for value in SENT if state is None or value is state]
    async with runtime.http_pool.acquire() as conn:
        lines = await repository.list_queries(
            conn,
            facilities=who.facility_filter(),
            provider_id=provider_id,
            encounter_id=encounter_id,
            states=states,
            limit=limit,
        )
    return QueryList(
        queries=tuple(
            QueryLineOut(
                query_id=line.query_id,
                encounter_id=line.encounter_id,
                provider_id=line.provider_id,
                rule=line.rule,
                state=QueryState(line.state),
                level=line.level,
                findings=line.findings,
                requested_at=line.requested_at,
                due_at=line.due_at,
            )
            for line in lines
        )
    )


@router.get("/queries/{query_id}")
async def get_query(
    query_id: UUID,
    who: Annotated[Principal, Depends(allow(*READERS))],
    runtime: Annotated[Runtime, Depends(runtime_of)],
) -> QueryOut:
    """Return one query; opening it marks it as viewed for its provider, others see ids and states."""
    async with runtime.transaction(who.subject) as uow:
        state, query = await open_one(uow, who, query_id)
    shown = query.content if query.provider_id == who.subject else None
    return QueryOut(
        query_id=query.query_id,
        encounter_id=state.encounter_id,
        provider_id=query.provider_id,
        rule=query.rule,
        state=query.state,
        level=query.level,
        findings=query.findings,
        requested_at=query.requested_at,
        due_at=query.due_at,
        title=shown.title if shown else None,
        stem=shown.stem if shown else None,
        quotes=tuple(
            QuoteOut(
                document_kind=quote.kind,
                written_on=quote.written_on.isoformat() if quote.written_on else "",
                prior=quote.prior,
                text=quote.text,
            )
            for quote in (shown.quotes if shown else ())
        ),
        options=tuple(OptionOut(key=o.key, label=o.label) for o in (shown.options if shown else ())),
        outcome=query.answer.outcome if query.answer else None,
        answer_id=query.answer.answer_id if query.answer else None,
    )


@router.post("/queries/{query_id}/answer", status_code=201)
async def post_answer(
    query_id: UUID,
    body: AnswerIn,
    request: Request,
    who: Annotated[Principal, Depends(allow("provider"))],
) -> Response:
    """Take the provider's answer. Needs an Idempotency-Key."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        answer = await answer_one(uow, who, query_id, body.option, body.text)
        return 201, AnswerOut(
            query_id=query_id,
            answer_id=answer.answer_id,
            outcome=answer.outcome,
            state=QueryState.ANSWERED,
        )

    return await idempotent(request, who, run)


@router.post("/queries/{query_id}/retract")
async def post_retract(
    query_id: UUID,
    body: RetractIn,
    request: Request,
    who: Annotated[Principal, Depends(allow("coder"))],
) -> Response:
    """Withdraw a query that has no answer yet. Needs an Idempotency-Key."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        state, query = await load_one(uow, who, query_id)
        moment = Moment(uow.now, state.encounter_id)
        decision = retract_query(state, query, reason=body.reason, actor=who.subject, moment=moment)
        await repository.save_encounters(uow.conn, {state.encounter_id: decision.state or state})
        record(uow, moment, decision)
        return 200, RetractOut(query_id=query_id, state=QueryState.RETRACTED)

    return await idempotent(request, who, run)


@router.post("/answers/fetch")
async def fetch_answers(
    body: FetchAnswers,
    who: Annotated[Principal, Depends(allow("service"))],
    runtime: Annotated[Runtime, Depends(runtime_of)],
) -> Answers:
    """Hand answers with their text to another service; every one is written to the access log."""
    async with runtime.transaction(who.subject) as uow:
        answers = await repository.list_answers(uow.conn, body.answer_ids)
        for answer in answers:
            uow.record_access(
                encounter_id=answer.encounter_id,
                subject=who.subject,
                purpose=body.purpose.value,
                what="query-answer",
            )
    return Answers(answers=tuple(answers))
