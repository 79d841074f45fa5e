"""What a person does with a payment that found no claim: attach it, dismiss it, or enter a remittance by hand."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents

from rcm_billing import repository
from rcm_billing.domain.errors import OutOfBalance
from rcm_billing.domain.ledger import LedgerAccount
from rcm_billing.domain.matching import Match, Tier, score
from rcm_billing.domain.remittance import PaidClaim, ProviderAdjustment, Remittance, check_balance
from rcm_billing.handlers.commands import account_of
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.matching import Found, numbered
from rcm_billing.handlers.poster import Poster
from rcm_billing.handlers.remitting import apply_payments
from rcm_billing.repository import deposits, matching, payer_files

OPEN = ("open", "parked")


@dataclass(frozen=True, slots=True)
class Attached:
    """A claim payment that a person attached, with the account it went to and the score the tiers gave it."""

    encounter_id: UUID
    claim_id: UUID
    score: int


async def attach(deps: Deps, uow: UnitOfWork, unmatched_id: UUID, claim_id: UUID, who: Principal) -> Attached:
    """Post an unmatched claim payment on the claim that a person chose.

    Raises: NotFound; Refused when it is no claim payment, is decided already, or may not be posted there.
    """
    candidate = await matching.find_candidate(uow.conn, claim_id)
    if candidate is None:
        raise NotFound("claim")
    await account_of(
        uow, candidate.encounter_id, who
    )  # the account before the queue: the order of every posting
    row = await payer_files.find_unmatched(uow.conn, unmatched_id)
    if row is None:
        raise NotFound("unmatched payment")
    if row["state"] not in OPEN:
        raise Refused("unmatched-decided", "this was decided already")
    payment = await repository.find_payment(uow.conn, row["remit_key"]) if row["remit_key"] else None
    if payment is None or not row["body"]:
        raise Refused("no-claim-payment", "this is no payment of one claim; ask the payer for a correct file")
    paid = numbered(repository.PAID_CLAIM.validate_json(row["body"]), candidate)
    match = Match(candidate, Tier.PERSON, score(paid, candidate).score)
    poster = await Poster.over(deps, uow, row["sha256"], [Found(paid, match)])
    again = f"|{who.subject}|{row['decided_at'] or ''}|{uow.now.isoformat()}"
    problem = poster.post(payment, paid, match, money=LedgerAccount.UNAPPLIED, again=again)
    if problem:
        raise Refused(problem, "this payment may not be posted on that claim", pointer="/claim_id")
    await poster.save()
    await payer_files.decide_unmatched(
        uow.conn, [unmatched_id], state="matched", decided_by=who.subject, decision=str(claim_id)
    )
    return Attached(candidate.encounter_id, claim_id, match.score)


async def dismiss(uow: UnitOfWork, unmatched_id: UUID, reason: str, who: Principal) -> None:
    """Take something off the queue with a reason; money that it brought stays unapplied in the ledger.

    Raises: NotFound; Refused when it was decided already.
    """
    row = await payer_files.find_unmatched(uow.conn, unmatched_id)
    if row is None:
        raise NotFound("unmatched payment")
    if row["state"] not in OPEN:
        raise Refused("unmatched-decided", "this was decided already")
    await payer_files.decide_unmatched(
        uow.conn, [unmatched_id], state="dismissed", decided_by=who.subject, decision=reason
    )


@dataclass(frozen=True, slots=True)
class ManualRemittance:
    """A paper remittance as a person typed it. `payer_trace_id` names the payer."""

    payer_trace_id: str
    trace: str
    method: str
    paid_on: date
    payment_cents: Cents
    claims: Sequence[PaidClaim]
    provider_adjustments: tuple[ProviderAdjustment, ...] = ()


async def enter_remittance(
    deps: Deps, uow: UnitOfWork, manual: ManualRemittance, who: Principal
) -> Remittance:
    """Post a remittance that came on paper, by the same balance check, matching and posting as an 835.

    Raises: Refused when it does not balance or the same payment is known.
    """
    key = "|".join(
        ("manual", manual.payer_trace_id, manual.trace, f"{manual.paid_on:%Y%m%d}", str(manual.payment_cents))
    )
    remittance = Remittance(
        key,
        manual.payment_cents,
        manual.method,
        manual.trace,
        manual.payer_trace_id,
        manual.paid_on,
        manual.provider_adjustments,
        len(manual.claims),
        claims=tuple(manual.claims),
    )
    try:
        check_balance(remittance)
    except OutOfBalance as error:
        raise Refused("out-of-balance", f"the amounts do not add up: {error.code}", status=422) from None
    await deposits.lock_trace(uow.conn, manual.trace)
    electronic = "|".join(key.split("|")[1:])
    for known in (key, electronic):
        if await repository.find_payment(uow.conn, known) is not None:
            raise Refused("payment-known", "this payment is posted already")
    await apply_payments(
        deps,
        uow,
        hashlib.sha256(key.encode()).digest(),
        remittance,
        manual.claims,
        source="manual",
        entered_by=who.subject,
    )
    return remittance
