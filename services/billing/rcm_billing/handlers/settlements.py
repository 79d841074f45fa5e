"""What people do to an account's money: undo, write off, refund with a second person, decide a variance."""

from dataclasses import dataclass
from uuid import UUID

from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound, Refused
from rcm_shared.ids import derived_uuid, uuid7
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents

from rcm_billing import repository
from rcm_billing.domain import settling
from rcm_billing.domain.account import Account
from rcm_billing.domain.settling import WriteOff
from rcm_billing.domain.submission import Step
from rcm_billing.handlers.acknowledging import emit
from rcm_billing.handlers.commands import account_of
from rcm_billing.handlers.deps import MoneyPolicy
from rcm_billing.handlers.poster import list_posted
from rcm_billing.handlers.statements import follow_balance
from rcm_billing.repository import ledger, payer_files, remittances, settlements, variances
from rcm_billing.repository.settlements import SettlementRow

REFUND, WRITE_OFF = "refund", "write-off"
#: Which state of a variance may follow which; a withdrawn one belongs to a decision that was taken back.
VARIANCE_STEPS = {
    "open": frozenset({"disputed", "accepted", "recovered"}),
    "disputed": frozenset({"open", "accepted", "recovered"}),
    "accepted": frozenset[str](),
    "recovered": frozenset[str](),
    "withdrawn": frozenset[str](),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for."""

    receivable: str
    category: str
    cents: Cents
    reason: str


async def _apply(uow: UnitOfWork, policy: MoneyPolicy, before: Account, step: Step) -> Account:
    emit(uow, before.encounter_id, before, step)
    follow_balance(policy.statements, uow, before, step.account)
    await repository.save_accounts(uow.conn, {before.encounter_id: step.account})
    return step.account


async def undo(
    uow: UnitOfWork, policy: MoneyPolicy, transaction_id: UUID, reason: str, who: Principal
) -> Account:
    """Undo a transaction by its counter-entry; a payer's decision goes back to the unmatched queue with its money.

    Raises: NotFound; Refused with the reason when it cannot be undone.
    """
    row = await ledger.find_transaction(uow.conn, transaction_id)
    if row is None or (row["encounter_id"] is not None and not who.sees(row["facility_id"])):
        raise NotFound("transaction")
    if row["encounter_id"] is None:
        raise Refused("kind-not-undone", f"a {row['kind']} transaction belongs to no account")
    account = await account_of(uow, row["encounter_id"], who)
    row = await ledger.find_transaction(uow.conn, transaction_id)  # again, now that the account is locked
    if row is None or row["reversed_by"] is not None:
        raise Refused("already-undone", "this transaction was undone or reversed already")
    original = (await ledger.get_transactions(uow.conn, [transaction_id]))[transaction_id]
    decision = await remittances.find_decision(uow.conn, transaction_id)
    standing = await list_posted(uow.conn, [decision.claim_id]) if decision else {}
    posted = next(
        (
            one
            for several in standing.values()
            for one in several
            if decision and one.remitted_id == decision.remitted_id
        ),
        None,
    )
    undo_id = derived_uuid(transaction_id, "undo")
    step = settling.undo(
        account, original, posted, transaction_id=undo_id, actor=who.subject, reason=reason, now=uow.now
    )
    if decision is not None:
        await repository.mark_reversed(uow.conn, [(decision.remitted_id, undo_id)])
        await variances.withdraw_variances(uow.conn, [decision.remitted_id])
        await payer_files.set_aside_again(uow.conn, decision, "undone")
    await variances.reopen_accepted(uow.conn, transaction_id)
    return await _apply(uow, policy, account, step)


async def request_write_off(
    uow: UnitOfWork, policy: MoneyPolicy, encounter_id: UUID, asked: Asked, who: Principal
) -> tuple[Account, SettlementRow]:
    """Write off at once up to the limit; above it, leave it to another person.

    Raises: Refused when the account does not allow it.
    """
    account = await account_of(uow, encounter_id, who)
    settling.check_write_off(account, asked.receivable, WriteOff(asked.category), asked.cents, policy.limits)
    alone = asked.cents <= policy.limits.alone_cents
    row = _request(uow, account, WRITE_OFF, asked, who, posted=alone)
    await settlements.insert_request(uow.conn, row)
    if alone:
        account = await _apply(uow, policy, account, _write_off(account, row, who))
    return account, row


async def request_refund(
    uow: UnitOfWork, encounter_id: UUID, asked: Asked, who: Principal
) -> tuple[Account, SettlementRow]:
    """Ask for a refund of a credit; another person approves it.

    Raises: Refused when there is no such credit.
    """
    account = await account_of(uow, encounter_id, who)
    settling.check_refund(account, asked.receivable, asked.cents)
    row = _request(uow, account, REFUND, asked, who, posted=False)
    await settlements.insert_request(uow.conn, row)
    return account, row


def _request(
    uow: UnitOfWork, account: Account, kind: str, asked: Asked, who: Principal, *, posted: bool
) -> SettlementRow:
    request_id = uuid7()
    return SettlementRow(
        request_id,
        account.encounter_id,
        account.facility_id,
        kind,
        asked.category,
        asked.receivable,
        asked.cents,
        asked.reason,
        "posted" if posted else "requested",
        who.subject,
        uow.now,
        derived_uuid(request_id, "posting") if posted else None,
    )


def _write_off(account: Account, row: SettlementRow, who: Principal) -> Step:
    return settling.write_off(
        account,
        row.receivable,
        WriteOff(row.category),
        Cents(row.cents),
        transaction_id=derived_uuid(row.request_id, "posting"),
        actor=who.subject,
        reason=row.reason,
    )


async def decide_request(
    uow: UnitOfWork, policy: MoneyPolicy, request_id: UUID, *, approve: bool, who: Principal
) -> tuple[Account, SettlementRow]:
    """Approve or refuse what another person asked for; approving checks the account again and posts.

    Raises: Refused for one's own request, or when the account changed so that it no longer fits.
    """
    found = await settlements.find_request(uow.conn, request_id)
    if found is None or not who.sees(found["facility_id"]):
        raise NotFound("request")
    if found["state"] != "requested":
        raise Refused("request-decided", "this request was decided already")
    if found["requested_by"] == who.subject and approve:
        raise Refused("own-request", "another person approves it", status=403)
    row = SettlementRow(*(found[name] for name in SettlementRow.__slots__))
    account = await account_of(uow, row.encounter_id, who)
    transaction_id = derived_uuid(request_id, "posting")
    if approve:
        if row.kind == REFUND:
            settling.check_refund(account, row.receivable, row.cents)
            step = settling.refund(
                account,
                row.receivable,
                Cents(row.cents),
                transaction_id=transaction_id,
                actor=who.subject,
                reason=row.reason,
            )
        else:
            settling.check_write_off(
                account, row.receivable, WriteOff(row.category), row.cents, policy.limits
            )
            step = _write_off(account, row, who)
        account = await _apply(uow, policy, account, step)
    await settlements.decide_request(
        uow.conn,
        request_id,
        state="posted" if approve else "refused",
        decided_by=who.subject,
        at=uow.now,
        transaction_id=transaction_id if approve else None,
    )
    return account, row


async def move_variance(
    uow: UnitOfWork, policy: MoneyPolicy, variance_id: UUID, to: str, reason: str, who: Principal
) -> None:
    """Dispute, accept or close a variance; accepting posts the reduction that was held.

    Raises: Refused for a step that the states do not know.
    """
    key = await variances.encounter_of(uow.conn, variance_id)
    if key is None:
        raise NotFound("variance")
    account = await account_of(uow, key, who)  # the account before the variance: the order of every posting
    row = await variances.find_variance(uow.conn, variance_id)
    if row is None:
        raise NotFound("variance")
    if to not in VARIANCE_STEPS[row["state"]]:
        raise Refused("variance-step", f"a variance that is {row['state']} cannot become {to}")
    transaction_id = uuid7() if to == "accepted" and row["held_cents"] else None
    if transaction_id is not None:
        step = settling.accept_reduction(
            account,
            row["claim_id"],
            row["payer_order"],
            Cents(row["held_cents"]),
            transaction_id=transaction_id,
            actor=who.subject,
        )
        await _apply(uow, policy, account, step)
    await variances.move_variance(
        uow.conn, variance_id, state=to, decided_by=who.subject, reason=reason, transaction_id=transaction_id
    )
