"""HTTP in: denial cases by deadline, and appeals."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing import repository
from rcm_billing.api.accounts import account_out
from rcm_billing.api.deps import Biller, Body, Limit, Reader, Running
from rcm_billing.handlers import commands

router = APIRouter(prefix="/v1", tags=["billing"])


class DenialOut(Body):
    """One denial case."""

    denial_id: UUID
    encounter_id: UUID
    claim_id: UUID
    state: str
    group: str
    carc: str
    category: str
    denied_cents: int
    denied_at: datetime
    deadline_at: datetime | None


class DenialList(Body):
    denials: tuple[DenialOut, ...]


class AppealIn(Body):
    """Why the denial is wrong, as a code of the facility's own."""

    reason_code: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


@router.get("/denials")
async def list_denials(
    who: Reader,
    runtime: Running,
    state: Annotated[str | None, Query(pattern="^[a-z_]{1,30}$")] = None,
    limit: Limit = 100,
) -> DenialList:
    """List denial cases by deadline."""
    rows = await repository.list_denials(
        runtime.http_pool, state=state, facilities=who.facility_filter(), limit=limit
    )
    return DenialList(
        denials=tuple(
            DenialOut(
                denial_id=row["denial_id"],
                encounter_id=row["encounter_id"],
                claim_id=row["claim_id"],
                state=row["state"],
                group=row["group_code"],
                carc=row["carc"],
                category=row["category"],
                denied_cents=row["denied_cents"],
                denied_at=row["denied_at"],
                deadline_at=row["deadline_at"],
            )
            for row in rows
        )
    )


@router.post("/denials/{denial_id}/appeal")
async def appeal_denial(denial_id: UUID, body: AppealIn, request: Request, who: Biller) -> Response:
    """File the next level of appeal."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 201, account_out(await commands.file_appeal(uow, denial_id, body.reason_code, who))

    return await idempotent(request, who, run)
