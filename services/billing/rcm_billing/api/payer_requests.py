"""HTTP in: payers' requests for records and audits, their checklists, what was answered."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing.api.denials import Code
from rcm_billing.api.deps import Biller, Body, Limit, Reader, Running
from rcm_billing.domain.payer_request import Evidence, missing
from rcm_billing.handlers import payer_requests as requesting
from rcm_billing.handlers.payer_requests import Asked
from rcm_billing.repository import payer_requests
from rcm_billing.repository.payer_requests import PayerRequest

router = APIRouter(prefix="/v1", tags=["denials"])
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,50}$")]


class EvidenceOut(Body):
    """One entry of the checklist."""

    kind: str
    required: bool
    document_id: UUID | None
    reference: str
    sha256: str
    unavailable: str


class RequestOut(Body):
    """One request; `missing` is what must be there before it can be answered."""

    request_id: UUID
    reference: str
    encounter_id: UUID
    claim_id: UUID
    payer_id: str
    kind: str
    reason_code: str
    source: str
    due_on: date
    state: str
    assignee: str
    alert: str
    outcome: str
    received_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    checklist: tuple[EvidenceOut, ...]
    missing: tuple[str, ...]


class RequestList(Body):
    """One page by due day; `next` goes into `after_due` and `after_id`, null on the last page."""

    requests: tuple[RequestOut, ...]
    next: tuple[date, UUID] | None = None


class StepOut(Body):
    """One step of a request."""

    was: str
    state: str
    at: datetime
    actor: str
    reason: str


class AnswerOut(Body):
    """What was sent, when."""

    answer_id: UUID
    sha256: str
    evidence: tuple[EvidenceOut, ...]
    answered_by: str
    answered_at: datetime
    sent_at: datetime | None


class RequestDetail(RequestOut):
    """A request with its steps and answers."""

    steps: tuple[StepOut, ...]
    answers: tuple[AnswerOut, ...]


class RequestIn(Body):
    """A request that came by letter."""

    claim_id: UUID
    reference: Reference
    kind: Literal["medical-records", "audit"]
    reason_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{0,20}$")] = ""
    due_on: date


class ReasonIn(Body):
    """Why, as a code of the facility's own."""

    reason: Code


class EvidenceIn(Body):
    """A document of the record by its id, or a code of why there is none."""

    kind: Code
    document_id: UUID | None = None
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    unavailable: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")] = ""


class CloseIn(ReasonIn):
    """What came of it."""

    outcome: Literal["accepted", "partly-accepted", "recouped", "withdrawn", "not-answered"]


def _shown(request: PayerRequest) -> dict[str, Any]:
    fields = {name: getattr(request, name, None) for name in RequestOut.model_fields}
    return fields | {
        "checklist": tuple(_evidence_out(entry) for entry in request.checklist),
        "missing": missing(request.checklist),
    }


def _evidence_out(entry: Evidence) -> EvidenceOut:
    return EvidenceOut(**{name: getattr(entry, name) for name in EvidenceOut.model_fields})


def _out(request: PayerRequest) -> RequestOut:
    return RequestOut(**_shown(request))


@router.get("/payer-requests")
async def list_requests(
    who: Reader,
    runtime: Running,
    state: Literal["open", "received", "in_work", "answered", "closed"] | None = None,
    kind: Literal["medical-records", "audit"] | None = None,
    after_due: date | None = None,
    after_id: Annotated[UUID | None, Query()] = None,
    limit: Limit = 100,
) -> RequestList:
    """List requests by the day on which they are due."""
    if (after_due is None) != (after_id is None):
        raise Refused("cursor-invalid", "send both after_due and after_id, or neither", status=422)
    found = await payer_requests.list_requests(
        runtime.http_pool,
        facilities=who.facility_filter(),
        state=state,
        kind=kind,
        after=(after_due, after_id) if after_due and after_id else None,
        limit=limit + 1,
    )
    shown = found[:limit]
    return RequestList(
        requests=tuple(_out(one) for one in shown),
        next=(shown[-1].due_on, shown[-1].request_id) if len(found) > limit else None,
    )


@router.get("/payer-requests/{request_id}")
async def get_request(request_id: UUID, who: Reader, runtime: Running) -> RequestDetail:
    """Show one request with its steps and what was sent."""
    pool = runtime.http_pool
    request = await payer_requests.read_request(pool, request_id)
    if request is None or not who.sees(request.facility_id):
        raise NotFound("request")
    steps = await payer_requests.list_steps(pool, request_id)
    answers = await payer_requests.list_answers(pool, request_id)
    return RequestDetail(
        **_shown(request),
        steps=tuple(
            StepOut(was=s.was, state=s.state, at=s.at, actor=s.actor, reason=s.reason) for s in steps
        ),
        answers=tuple(
            AnswerOut.model_validate(dict(row) | {"evidence": json.loads(row["evidence"])}) for row in answers
        ),
    )


@router.post("/payer-requests")
async def enter_request(body: RequestIn, request: Request, who: Biller) -> Response:
    """Enter a request that came by letter."""
    asked = Asked(body.reference, body.kind, body.reason_code, body.due_on, "letter")

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 201, _out(await requesting.enter(uow, body.claim_id, asked, who))

    return await idempotent(request, who, run)


@router.post("/payer-requests/{request_id}/take")
async def take_request(request_id: UUID, body: ReasonIn, request: Request, who: Biller) -> Response:
    """Start the work on a request, or take it up again."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 200, _out(await requesting.take(uow, request_id, who, body.reason))

    return await idempotent(request, who, run)


@router.post("/payer-requests/{request_id}/evidence")
async def add_evidence(request_id: UUID, body: EvidenceIn, request: Request, who: Biller) -> Response:
    """Settle an entry of the checklist, or add one."""
    if (body.document_id is None) == (not body.unavailable):
        raise Refused("evidence-invalid", "send either document_id or unavailable", status=422)
    found = Evidence(body.kind, False, body.document_id, sha256=body.sha256, unavailable=body.unavailable)

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 200, _out(await requesting.add_evidence(uow, request_id, who, found))

    return await idempotent(request, who, run)


@router.post("/payer-requests/{request_id}/answer")
async def answer_request(request_id: UUID, body: ReasonIn, request: Request, who: Biller) -> Response:
    """Answer the payer with what the checklist holds."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 202, _out(await requesting.answer(uow, request_id, who, body.reason))

    return await idempotent(request, who, run)


@router.post("/payer-requests/{request_id}/close")
async def close_request(request_id: UUID, body: CloseIn, request: Request, who: Biller) -> Response:
    """End a request with what came of it."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 200, _out(await requesting.close(uow, request_id, who, body.reason, body.outcome))

    return await idempotent(request, who, run)
