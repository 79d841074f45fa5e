"""HTTP in: what payers sent that could not be applied, and the sum over the ledger."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from rcm_shared.auth import Principal, allow

from rcm_billing import repository
from rcm_billing.api.deps import Body, Limit, Running

router = APIRouter(prefix="/v1", tags=["billing"])


class UnmatchedOut(Body):
    """Something from a payer that could not be applied."""

    unmatched_id: UUID
    kind: str
    ordinal: int
    reason: str
    reference: str
    amount_cents: int | None
    created_at: datetime


class UnmatchedList(Body):
    unmatched: tuple[UnmatchedOut, ...]


class LedgerOut(Body):
    """`sum_cents` is 0 when the books balance."""

    sum_cents: int
    transactions: int


@router.get("/unmatched")
async def list_unmatched(
    who: Annotated[Principal, Depends(allow("biller", "auditor", "operations"))],
    runtime: Running,
    limit: Limit = 100,
) -> UnmatchedList:
    """List what payers sent that could not be applied."""
    rows = await repository.list_unmatched(runtime.http_pool, limit)
    return UnmatchedList(unmatched=tuple(UnmatchedOut(**dict(row)) for row in rows))


@router.get("/ledger/summary")
async def ledger_summary(
    who: Annotated[Principal, Depends(allow("biller", "auditor", "operations", "service"))], runtime: Running
) -> LedgerOut:
    """Show the sum over the whole ledger."""
    cents, transactions = await repository.ledger_summary(runtime.http_pool)
    return LedgerOut(sum_cents=cents, transactions=transactions)
