"""HTTP in: what payers decided on one claim, line by line, and how each decision found it."""

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter
from rcm_shared.errors import NotFound

from rcm_billing import repository
from rcm_billing.api.deps import Body, Reader, Running
from rcm_billing.domain.document import Adjustment
from rcm_billing.repository import remittances

router = APIRouter(prefix="/v1", tags=["billing"])


class AdjustmentOut(Body):
    group: str
    code: str
    cents: int


class LineOut(Body):
    """One line as the payer decided it; `number` is our line, 0 when none was sure; `original_code` is SVC06."""

    number: int
    code: str
    modifiers: tuple[str, ...]
    revenue_code: str
    original_code: str
    charge_cents: int
    paid_cents: int
    adjustments: tuple[AdjustmentOut, ...]
    remarks: tuple[str, ...]


class DecisionOut(Body):
    """One claim payment; `tier` and `score` say how it was matched, `reversed` that it was taken back."""

    transaction_id: UUID | None
    trace: str
    status: str
    payer_order: str
    payer_control: str
    tier: str
    score: int
    reversed: bool
    paid_on: date | None
    applied_at: datetime
    charge_cents: int
    paid_cents: int
    patient_cents: int
    adjustments: tuple[AdjustmentOut, ...]
    remarks: tuple[str, ...]
    lines: tuple[LineOut, ...]


class DecisionList(Body):
    decisions: tuple[DecisionOut, ...]


def _adjustments(found: tuple[Adjustment, ...]) -> tuple[AdjustmentOut, ...]:
    return tuple(AdjustmentOut(group=one.group, code=one.code, cents=one.cents) for one in found)


@router.get("/claims/{claim_id}/decisions")
async def list_decisions(claim_id: UUID, who: Reader, runtime: Running) -> DecisionList:
    """List every decision on a claim, oldest first, those that were taken back too."""
    claim = await repository.find_claim(runtime.http_pool, claim_id)
    if claim is None or not who.sees(claim["facility_id"]):
        raise NotFound("claim")
    found: list[DecisionOut] = []
    for row in await remittances.list_history(runtime.http_pool, claim_id):
        paid = repository.PAID_CLAIM.validate_json(row["body"])
        found.append(
            DecisionOut(
                transaction_id=row["transaction_id"],
                trace=row["trace"],
                status=row["status"],
                payer_order=row["payer_order"],
                payer_control=row["payer_control"],
                tier=row["tier"],
                score=row["score"],
                reversed=row["reversed_by"] is not None,
                paid_on=row["paid_on"],
                applied_at=row["applied_at"],
                charge_cents=paid.charge_cents,
                paid_cents=paid.paid_cents,
                patient_cents=paid.patient_cents,
                adjustments=_adjustments(paid.adjustments),
                remarks=paid.remarks,
                lines=tuple(
                    LineOut(
                        number=line.number,
                        code=line.code,
                        modifiers=line.modifiers,
                        revenue_code=line.revenue_code,
                        original_code=line.original_code,
                        charge_cents=line.charge_cents,
                        paid_cents=line.paid_cents,
                        adjustments=_adjustments(line.adjustments),
                        remarks=line.remarks,
                    )
                    for line in paid.lines
                ),
            )
        )
    return DecisionList(decisions=tuple(found))
