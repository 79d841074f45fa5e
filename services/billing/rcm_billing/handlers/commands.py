"""What people ask for: correct or release a claim, take a patient's payment."""

from uuid import UUID

from rcm_shared.auth import Principal
from rcm_shared.contracts.billing import ClaimReleased
from rcm_shared.errors import NotFound, Refused
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork, Work
from rcm_shared.money import Cents

from rcm_billing import repository
from rcm_billing.domain.account import Account, BuildReason, Claim
from rcm_billing.domain.claim import DECIDED, ClaimState
from rcm_billing.domain.posting import post_patient_payment
from rcm_billing.domain.scrubbing import Severity, hits_of
from rcm_billing.domain.submission import GATE_RULE
from rcm_billing.handlers.facts import BUILD_CLAIM, RECODE
from rcm_billing.handlers.statements import STATEMENT


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
    return await _ask_for(uow, account, claim, BuildReason.CORRECTED, who)


async def replace_claim(uow: UnitOfWork, claim_id: UUID, who: Principal) -> Account:
    """Send a decided claim again from the current record, as a replacement (7) of what the payer has."""
    account, claim = await _decided(uow, claim_id, who)
    if account.coding is None or account.recoding or account.cancelled:
        raise Refused("chart-not-final", "the chart is not finally coded")
    return await _ask_for(uow, account, claim, BuildReason.REPLACED, who)


async def void_claim(uow: UnitOfWork, claim_id: UUID, who: Principal) -> Account:
    """Take a decided claim back from the payer (8); its charge goes when the payer has reversed its decision."""
    account, claim = await _decided(uow, claim_id, who)
    return await _ask_for(uow, account, claim, BuildReason.VOIDED, who)


async def _decided(uow: UnitOfWork, claim_id: UUID, who: Principal) -> tuple[Account, Claim]:
    account, claim, _ = await claim_of(uow, claim_id, who)
    if claim.state not in DECIDED | {ClaimState.REVERSED}:
        raise Refused("claim-not-decided", "only a claim that its payer has decided is replaced or voided")
    if claim.state is ClaimState.APPEALED:
        raise Refused("appeal-open", "an appeal of this claim is open; it would be lost")
    if not claim.payer_control:
        raise Refused(
            "payer-number-missing", "the payer's claim number is not known, and it is needed for this"
        )
    return account, claim


async def _ask_for(
    uow: UnitOfWork, account: Account, claim: Claim, reason: BuildReason, who: Principal
) -> Account:
    account = account.request_build(claim.order, reason, who.subject)
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


async def take_payment(uow: UnitOfWork, encounter_id: UUID, amount_cents: int, who: Principal) -> Account:
    """Post a patient's payment."""
    account = await account_of(uow, encounter_id, who)
    step = post_patient_payment(account, Cents(amount_cents), transaction_id=uuid7(), actor=who.subject)
    for event in step.events:
        uow.emit(encounter_id, event)
    if step.account.totals.patient <= 0:
        uow.cancel_timer(encounter_id, STATEMENT)
    await repository.save_accounts(uow.conn, {encounter_id: step.account})
    return step.account
