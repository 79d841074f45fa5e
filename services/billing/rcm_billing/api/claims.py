"""HTTP in: claim versions with their hits; correct one, release one."""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from rcm_shared.errors import NotFound
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing import repository
from rcm_billing.api.accounts import account_out
from rcm_billing.api.deps import Biller, Body, Limit, Reader, Running
from rcm_billing.handlers import commands

router = APIRouter(prefix="/v1", tags=["billing"])


class HitOut(Body):
    """One finding of the scrubber, with what to do about it."""

    rule_id: str
    rule_version: int
    severity: str
    where: str
    fix: str
    owner: str
    authority: str
    edition: str = ""  # of the reference table that it was judged by


class ClaimOut(Body):
    """One claim version in a worklist."""

    claim_id: UUID
    encounter_id: UUID
    payer_id: str
    order: str
    version: int
    form: str
    frequency: str
    claim_control: str
    payer_control: str
    charge_cents: int
    state: str
    owner_queue: str
    updated_at: datetime
    hits: tuple[HitOut, ...]
    not_evaluated: tuple[str, ...] = ()


class ClaimList(Body):
    claims: tuple[ClaimOut, ...]


def _claim_out(row: Any, not_evaluated: tuple[str, ...] = ()) -> ClaimOut:
    return ClaimOut(
        claim_id=row["claim_id"],
        encounter_id=row["encounter_id"],
        payer_id=row["payer_id"],
        order=row["payer_order"],
        version=row["version"],
        form=row["form"],
        frequency=row["frequency"],
        claim_control=row["claim_control"],
        payer_control=row["payer_control"],
        charge_cents=row["charge_cents"],
        state=row["state"],
        owner_queue=row["owner_queue"],
        updated_at=row["updated_at"],
        hits=tuple(HitOut(**hit) for hit in json.loads(row["hits"])),
        not_evaluated=not_evaluated,
    )


@router.get("/claims")
async def list_claims(
    who: Reader,
    runtime: Running,
    state: Annotated[str | None, Query(pattern="^[a-z_]{1,30}$")] = None,
    limit: Limit = 100,
) -> ClaimList:
    """List claims for a worklist, oldest first."""
    rows = await repository.list_claims(
        runtime.http_pool, state=state, facilities=who.facility_filter(), limit=limit
    )
    return ClaimList(claims=tuple(_claim_out(row) for row in rows))


@router.get("/claims/{claim_id}")
async def get_claim(claim_id: UUID, who: Reader, runtime: Running) -> ClaimOut:
    """Show one claim version with its hits and what to do about them."""
    row = await repository.find_claim(runtime.http_pool, claim_id)
    if row is None or not who.sees(row["facility_id"]):
        raise NotFound("claim")
    return _claim_out(row, tuple(row["not_evaluated"]))


@router.post("/claims/{claim_id}/correct")
async def correct_claim(claim_id: UUID, request: Request, who: Biller) -> Response:
    """Build a held or rejected claim again from the current record and send it as an original."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 202, account_out(await commands.correct_claim(uow, claim_id, who))

    return await idempotent(request, who, run)


@router.post("/claims/{claim_id}/replace")
async def replace_claim(claim_id: UUID, request: Request, who: Biller) -> Response:
    """Send a decided claim again from the current record, as a replacement (frequency 7)."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 202, account_out(await commands.replace_claim(uow, claim_id, who))

    return await idempotent(request, who, run)


@router.post("/claims/{claim_id}/void")
async def void_claim(claim_id: UUID, request: Request, who: Biller) -> Response:
    """Take a decided claim back from the payer (frequency 8)."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 202, account_out(await commands.void_claim(uow, claim_id, who))

    return await idempotent(request, who, run)


@router.post("/claims/{claim_id}/release")
async def release_claim(claim_id: UUID, request: Request, who: Biller) -> Response:
    """Let a held claim go after a person looked at it."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 200, account_out(await commands.release_claim(uow, claim_id, who))

    return await idempotent(request, who, run)
