"""HTTP in: payers' files, what of them could not be applied, and what a person does about it."""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing import repository
from rcm_billing.api.deps import Biller, Body, Limit, Running, deps_of
from rcm_billing.api.remittances import Money, PostedOut, Sender
from rcm_billing.handlers import unmatched
from rcm_billing.repository import payer_files, remittances

router = APIRouter(prefix="/v1", tags=["billing"])
Reason = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]


class CandidateOut(Body):
    """A claim that a payment may belong to; `score` is of 100."""

    claim_id: UUID
    tier: str
    score: int


class UnmatchedOut(Body):
    """Something from a payer that could not be applied; `segment` and `rule` say where and why."""

    unmatched_id: UUID
    kind: str
    ordinal: int
    reason: str
    reference: str
    amount_cents: int | None
    segment: str
    rule: str
    state: str
    candidates: tuple[CandidateOut, ...]
    created_at: datetime


class UnmatchedList(Body):
    unmatched: tuple[UnmatchedOut, ...]


class MatchIn(Body):
    claim_id: UUID


class MatchOut(Body):
    """Where a payment went; `score` is what the tiers alone gave that claim."""

    unmatched_id: UUID
    claim_id: UUID
    encounter_id: UUID
    score: int


class ReasonIn(Body):
    """Why, as a code of the facility's own."""

    reason: Reason


class DismissedOut(Body):
    unmatched_id: UUID
    state: str


class PayerFileOut(Body):
    """A payer's file: `state` is stored, applied or unreadable; what of it could not be applied, with the rule."""

    sha256: str
    name: str
    state: str
    received_at: datetime
    payments: tuple[PostedOut, ...]
    aside: tuple[UnmatchedOut, ...]


class PayerFileTaken(Body):
    """A file that is put where billing takes it in; ask for it by its digest."""

    sha256: str
    bytes: int


def _unmatched(row: Any) -> UnmatchedOut:
    values = {name: row[name] for name in UnmatchedOut.model_fields if name != "candidates"}
    return UnmatchedOut(
        **values, candidates=tuple(CandidateOut(**one) for one in json.loads(row["candidates"]))
    )


@router.get("/unmatched")
async def list_unmatched(who: Money, runtime: Running, limit: Limit = 100) -> UnmatchedList:
    """List what payers sent that could not be applied."""
    rows = await repository.list_unmatched(runtime.http_pool, limit)
    return UnmatchedList(unmatched=tuple(_unmatched(row) for row in rows))


@router.post("/unmatched/{unmatched_id}/match")
async def match_unmatched(unmatched_id: UUID, body: MatchIn, request: Request, who: Biller) -> Response:
    """Attach an unmatched claim payment to a claim."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        found = await unmatched.attach(deps_of(request), uow, unmatched_id, body.claim_id, who)
        return 200, MatchOut(
            unmatched_id=unmatched_id,
            claim_id=found.claim_id,
            encounter_id=found.encounter_id,
            score=found.score,
        )

    return await idempotent(request, who, run)


@router.post("/unmatched/{unmatched_id}/dismiss")
async def dismiss_unmatched(unmatched_id: UUID, body: ReasonIn, request: Request, who: Biller) -> Response:
    """Take something off the queue with a reason."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        await unmatched.dismiss(uow, unmatched_id, body.reason, who)
        return 200, DismissedOut(unmatched_id=unmatched_id, state="dismissed")

    return await idempotent(request, who, run)


@router.post("/payer-files", status_code=202)
async def take_payer_file(request: Request, who: Sender) -> PayerFileTaken:
    """Take in a payer's file as if it had come through the exchange; the same bytes again are the same file."""
    data = await request.body()
    if not data:
        raise Refused("empty-file", "the body is the file", status=422)
    digest = repository.digest_of(data).hex()
    await deps_of(request).exchange.put_incoming(f"upload-{digest[:32]}.x12", data)
    return PayerFileTaken(sha256=digest, bytes=len(data))


@router.get("/payer-files/{sha256}")
async def get_payer_file(
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], who: Sender, runtime: Running
) -> PayerFileOut:
    """Show what became of a payer's file."""
    digest = bytes.fromhex(sha256)
    row = await payer_files.find_inbound(runtime.http_pool, digest)
    if row is None:
        raise NotFound("file")
    payments = await remittances.list_payments_of_file(runtime.http_pool, digest)
    aside = await payer_files.list_aside_of_file(runtime.http_pool, digest)
    return PayerFileOut(
        sha256=sha256,
        name=row["name"],
        state=row["state"],
        received_at=row["received_at"],
        payments=tuple(PostedOut(**{name: one[name] for name in PostedOut.model_fields}) for one in payments),
        aside=tuple(_unmatched(one) for one in aside),
    )
