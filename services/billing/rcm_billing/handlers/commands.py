"""What people ask for: correct or release a claim, appeal a denial, take a patient's payment."""

from uuid import UUID

from rcm_shared.auth import Principal
from rcm_shared.contracts.billing import AppealFiled, ClaimReleased
from rcm_shared.errors import NotFound, Refused
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork, Work
from rcm_shared.money import Cents

from rcm_billing import repository
from rcm_billing.domain.account import Account, BuildReason, Claim
from rcm_billing.domain.claim import ClaimState
from rcm_billing.domain.denial import DENIAL_STEPS, DenialState, move_denial
from rcm_billing.domain.posting import post_patient_payment
from rcm_billing.domain.scrubbing import Severity
from rcm_billing.domain.submission import GATE_RULE
from rcm_billing.handlers.building import hits_of
from rcm_billing.handlers.facts import BUILD_CLAIM, RECODE


async def account_of(uow: UnitOfWork, encounter_id: UUID, who: Principal) -> Account:
    """Lock and return an account that the caller may know of.

    Raises: NotFound otherwise.
    """
    account = (await repository.load_accounts(uow.conn, [encounter_id])).get(encounter_id)
    if account is None or not who.sees(account.facility_id):
        raise NotFound("account")
    return account


async def claim_of(uow: UnitOfWork, claim_id: UUID, who: Principal) -> tuple[Account, Claim, str]:
    """Lock and return a claim's account, the claim and its stored hits.

    Raises: NotFound when the caller may not know of it; Refused when a newer version stands in its place.
    """
    row = await repository.find_claim(uow.conn, claim_id)
    if row is None or not who.sees(row["facility_id"]):
        raise NotFound("claim")
    account = await account_of(uow, row["encounter_id"], who)
    claim = account.claim(claim_id)
    if claim is None:
        raise NotFound("claim")
    if account.latest(claim.order) != claim:
        raise Refused("claim-superseded", "a newer version of this claim exists")
    return account, claim, row["hits"]


async def correct_claim(uow: UnitOfWork, claim_id: UUID, who: Principal) -> Account:
    """Build the claim again from the current record: a rejected or held claim becomes a new original."""
    account, claim, _ = await claim_of(uow, claim_id, who)
    if claim.state not in (ClaimState.HELD, ClaimState.REJECTED):
        raise Refused("claim-not-correctable", "only a held or rejected claim is corrected and sent again")
    if account.coding is None or account.recoding or account.cancelled:
        raise Refused("chart-not-final", "the chart is not finally coded")
    account = account.request_build(claim.order, BuildReason.CORRECTED, who.subject)
    uow.add_work(account.encounter_id, Work(BUILD_CLAIM))
    await repository.save_accounts(uow.conn, {account.encounter_id: account})
    return account


async def release_claim(uow: UnitOfWork, claim_id: UUID, who: Principal) -> Account:
    """Let a held claim go after a person looked at it; what the payer would reject cannot be waved
    through.
    """
    account, claim, stored = await claim_of(uow, claim_id, who)
    if claim.state is not ClaimState.HELD:
        raise Refused("claim-not-held", "the claim is not held")
    if RECODE in claim.reasons or account.recoding or GATE_RULE in claim.reasons:
        raise Refused("hold-needs-correction", "this hold ends by correcting the claim, not by releasing it")
    if any(found.severity == Severity.REJECT for found in hits_of(stored)):
        raise Refused("hit-needs-correction", "the payer would reject this claim; correct it instead")
    if account.open_queries:
        raise Refused("query-open", "a query that affects coding is open")
    account = account.with_claim(claim.move(ClaimState.READY, reasons=(), owner_queue=""))
    uow.emit(
        account.encounter_id,
        ClaimReleased(
            actor=who.subject, facility_id=account.facility_id, claim_id=claim.claim_id, version=claim.version
        ),
    )
    await repository.save_accounts(uow.conn, {account.encounter_id: account})
    return account


async def file_appeal(uow: UnitOfWork, denial_id: UUID, reason_code: str, who: Principal) -> Account:
    """File the next level of appeal against a denial, while the payer's clock still runs."""
    found = await repository.find_denial(uow.conn, denial_id)
    if found is None or not who.sees(found[1]):
        raise NotFound("denial")
    account = await account_of(uow, found[0], who)
    case = next((d for d in account.denials if d.denial_id == denial_id), None)
    claim = account.claim(case.claim_id) if case else None
    if case is None or claim is None:
        raise NotFound("denial")
    if DenialState.APPEAL_SUBMITTED not in DENIAL_STEPS[case.state]:
        raise Refused("denial-not-appealable", f"a denial that is {case.state} cannot be appealed")
    if case.deadline_at is not None and uow.now > case.deadline_at:
        raise Refused("appeal-deadline-passed", "the payer's time limit for this appeal is over")
    level = case.level + 1
    account = account.with_denial(
        case.but(state=move_denial(case.state, DenialState.APPEAL_SUBMITTED), level=level)
    )
    account = account.with_claim(claim.move(ClaimState.APPEALED))
    await repository.insert_appeal(
        uow.conn,
        appeal_id=uuid7(),
        denial_id=denial_id,
        encounter_id=account.encounter_id,
        level=level,
        body={
            "claim_control": claim.claim_control,
            "payer_control": claim.payer_control,
            "payer_id": claim.payer_id,
            "level": level,
            "group": case.group,
            "carc": case.carc,
            "denied_cents": case.cents,
            "reason_code": reason_code,
            "filed_on": uow.now.date().isoformat(),
        },
        filed_by=who.subject,
        filed_at=uow.now,
    )
    uow.emit(
        account.encounter_id,
        AppealFiled(
            actor=who.subject,
            facility_id=account.facility_id,
            claim_id=claim.claim_id,
            denial_id=denial_id,
            level=level,
            deadline_at=case.deadline_at,
        ),
    )
    await repository.save_accounts(uow.conn, {account.encounter_id: account})
    return account


async def take_payment(uow: UnitOfWork, encounter_id: UUID, amount_cents: int, who: Principal) -> Account:
    """Post a patient's payment."""
    account = await account_of(uow, encounter_id, who)
    step = post_patient_payment(account, Cents(amount_cents), transaction_id=uuid7(), actor=who.subject)
    for event in step.events:
        uow.emit(encounter_id, event)
    await repository.save_accounts(uow.conn, {encounter_id: step.account})
    return step.account
