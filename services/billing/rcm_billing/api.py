"""HTTP in: accounts, claims with their hits, denials, what is unmatched, the ledger's sum; commands of
billers.
"""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from rcm_shared.auth import Principal, allow
from rcm_shared.errors import NotFound
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.idempotency import idempotent

from rcm_billing import repository
from rcm_billing.domain.account import Account
from rcm_billing.domain.claim import AttemptState
from rcm_billing.handlers import commands

router = APIRouter(prefix="/v1", tags=["billing"])

_READERS = ("biller", "auditor", "operations", "coder", "service")
Reader = Annotated[Principal, Depends(allow(*_READERS))]
Biller = Annotated[Principal, Depends(allow("biller"))]
Running = Annotated[Runtime, Depends(runtime_of)]
Limit = Annotated[int, Query(ge=1, le=200)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CodeOut(_Body):
    """One final code with its role on the claim."""

    system: str
    code: str
    role: str
    modifiers: tuple[str, ...] = ()


class AttemptOut(_Body):
    """One submission."""

    attempt_id: UUID
    interchange_control: str
    state: str
    acknowledgements: tuple[str, ...]


class AccountClaimOut(_Body):
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


class AccountOut(_Body):
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


class HitOut(_Body):
    """One finding of the scrubber, with what to do about it."""

    rule_id: str
    rule_version: int
    severity: str
    where: str
    fix: str
    owner: str
    authority: str


class ClaimOut(_Body):
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


class ClaimList(_Body):
    claims: tuple[ClaimOut, ...]


class DenialOut(_Body):
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


class DenialList(_Body):
    denials: tuple[DenialOut, ...]


class UnmatchedOut(_Body):
    """Something from a payer that could not be applied."""

    unmatched_id: UUID
    kind: str
    ordinal: int
    reason: str
    reference: str
    amount_cents: int | None
    created_at: datetime


class UnmatchedList(_Body):
    unmatched: tuple[UnmatchedOut, ...]


class LedgerOut(_Body):
    """`sum_cents` is 0 when the books balance."""

    sum_cents: int
    transactions: int


class AppealIn(_Body):
    """Why the denial is wrong, as a code of the facility's own."""

    reason_code: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class PaymentIn(_Body):
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


@router.post("/claims/{claim_id}/release")
async def release_claim(claim_id: UUID, request: Request, who: Biller) -> Response:
    """Let a held claim go after a person looked at it."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 200, account_out(await commands.release_claim(uow, claim_id, who))

    return await idempotent(request, who, run)


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


@router.post("/accounts/{encounter_id}/payments")
async def pay(encounter_id: UUID, body: PaymentIn, request: Request, who: Biller) -> Response:
    """Post a patient's payment."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        return 201, account_out(await commands.take_payment(uow, encounter_id, body.amount_cents, who))

    return await idempotent(request, who, run)


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
