"""HTTP in: one encounter's account, and what the patient pays."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.errors import NotFound
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing import repository
from rcm_billing.api.deps import Biller, Body, Reader, Running
from rcm_billing.domain.account import Account
from rcm_billing.domain.claim import AttemptState
from rcm_billing.handlers import commands

router = APIRouter(prefix="/v1", tags=["billing"])


class CodeOut(Body):
    """One final code with its role on the claim."""

    system: str
    code: str
    role: str
    modifiers: tuple[str, ...] = ()


class AttemptOut(Body):
    """One submission."""

    attempt_id: UUID
    interchange_control: str
    state: str
    acknowledgements: tuple[str, ...]


class AccountClaimOut(Body):
    """One claim version of an account."""

    claim_id: UUID
    version: int
    payer_id: str
    order: str
    form: str
    frequency: str
    state: str
    claim_control: str
    payer_control: str
    charge_cents: int
    reasons: tuple[str, ...]
    attempts: tuple[AttemptOut, ...]


class AccountOut(Body):
    """An encounter's money: charged = paid + adjusted + patient (open with the patient) + balance (with
    insurance).
    """

    encounter_id: UUID
    facility_id: str
    setting: str | None
    form: str | None
    claim_state: str
    waiting_for: str | None
    acknowledgements: tuple[str, ...]
    codes: tuple[CodeOut, ...]
    drg: str | None
    charged_cents: int
    paid_cents: int
    adjusted_cents: int
    patient_cents: int
    balance_cents: int
    late_charges: bool
    claims: tuple[AccountClaimOut, ...]


class PaymentIn(Body):
    """What the patient paid."""

    amount_cents: Annotated[int, Field(gt=0, le=10**12)]


def account_out(account: Account, sent: set[str] | None = None) -> AccountOut:
    """Show an account; `sent` are the interchanges that have left."""
    coding = account.coding
    codes: list[CodeOut] = []
    if coding is not None:
        codes += [CodeOut(system="ICD-10-CM", code=d.code, role=d.role) for d in coding.diagnoses]
        codes += [
            CodeOut(system=p.system, code=p.code, role="procedure", modifiers=p.modifiers)
            for p in coding.procedures
        ]
    totals = account.totals
    return AccountOut(
        encounter_id=account.encounter_id,
        facility_id=account.facility_id,
        setting=account.setting,
        form=account.form,
        claim_state=account.claim_state,
        waiting_for=account.waiting_for,
        acknowledgements=account.acknowledgements,
        codes=tuple(codes),
        drg=coding.drg if coding else None,
        charged_cents=totals.charged,
        paid_cents=totals.paid,
        adjusted_cents=totals.adjusted,
        patient_cents=totals.patient,
        balance_cents=totals.insurance,
        late_charges=account.late_charges,
        claims=tuple(
            AccountClaimOut(
                claim_id=claim.claim_id,
                version=claim.version,
                payer_id=claim.payer_id,
                order=claim.order,
                form=claim.form,
                frequency=claim.frequency,
                state=claim.state,
                claim_control=claim.claim_control,
                payer_control=claim.payer_control,
                charge_cents=claim.charge_cents,
                reasons=claim.reasons,
                attempts=tuple(
                    AttemptOut(
                        attempt_id=attempt.attempt_id,
                        interchange_control=attempt.interchange_control,
                        state=AttemptState.SENT
                        if attempt.state is AttemptState.BUILT and attempt.interchange_control in (sent or ())
                        else attempt.state,
                        acknowledgements=attempt.acknowledgements,
                    )
                    for attempt in claim.attempts
                ),
            )
            for claim in account.claims
        ),
    )


@router.get("/accounts/{encounter_id}")
async def get_account(encounter_id: UUID, who: Reader, runtime: Running) -> AccountOut:
    """Show one encounter's account."""
    found = await repository.read_accounts(runtime.http_pool, [encounter_id])
    account = found.get(encounter_id)
    if account is None or not who.sees(account.facility_id):
        raise NotFound("account")
    controls = [attempt.interchange_control for claim in account.claims for attempt in claim.attempts]
    sent = await repository.list_sent(runtime.http_pool, controls) if controls else set()
    return account_out(account, sent)


@router.post("/accounts/{encounter_id}/payments")
async def pay(encounter_id: UUID, body: PaymentIn, request: Request, who: Biller) -> Response:
    """Post a patient's payment."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 201, account_out(await commands.take_payment(uow, encounter_id, body.amount_cents, who))

    return await idempotent(request, who, run)
