"""What people do with denial cases: each command locks the account, asks the domain, publishes and saves."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from rcm_shared.auth import Principal
from rcm_shared.contracts.billing import RecodeRequested
from rcm_shared.contracts.event import Event
from rcm_shared.errors import NotFound, Refused
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork, Work

from rcm_billing import repository
from rcm_billing.domain import denial_work
from rcm_billing.domain.account import Account, Denial, recode_digest
from rcm_billing.domain.denial import DENIAL_STEPS, DenialState
from rcm_billing.domain.denial_routing import Routing
from rcm_billing.domain.denial_work import Order
from rcm_billing.domain.submission import Step
from rcm_billing.handlers.commands import account_of
from rcm_billing.handlers.denial_triage import follow
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.facts import BUILD_CLAIM
from rcm_billing.handlers.statements import follow_balance
from rcm_billing.repository import appeals, denials


@dataclass(frozen=True, slots=True)
class Wish:
    """Which case, why (a code), and the state that the person saw; None when it does not matter."""

    denial_id: UUID
    reason: str
    seen: DenialState | None = None


Act = Callable[[Account, Denial, Order], Step]


async def case_of(
    uow: UnitOfWork, denial_id: UUID, who: Principal, seen: DenialState | None = None
) -> tuple[Account, Denial]:
    """Lock and return a case with its account.

    Raises: NotFound when the caller may not know of it; Refused when it moved since the caller saw it.
    """
    found = await denials.find_denial(uow.conn, denial_id)
    if found is None or not who.sees(found[1]):
        raise NotFound("denial")
    account = await account_of(uow, found[0], who)
    case = next((d for d in account.denials if d.denial_id == denial_id), None)
    if case is None:
        raise NotFound("denial")
    if seen is not None and case.state is not seen:
        raise Refused("denial-moved", f"the denial is {case.state} meanwhile")
    return account, case


async def keep(deps: Deps, uow: UnitOfWork, account: Account, events: tuple[Event, ...]) -> Account:
    """Publish what happened and save the account with its time limits."""
    for event in events:
        uow.emit(account.encounter_id, event)
    account = follow(deps.master.payers, uow, account)
    await repository.save_accounts(uow.conn, {account.encounter_id: account})
    return account


async def work(deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal, act: Act) -> Account:
    """Do one thing with one case."""
    account, case = await case_of(uow, wish.denial_id, who, wish.seen)
    step = act(account, case, Order(who.subject, uow.now, wish.reason))
    follow_balance(deps.policy.statements, uow, account, step.account)
    return await keep(deps, uow, step.account, step.events)


async def triage(deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal, routing: Routing) -> Account:
    """Say what kind of denial it is and whose work."""
    return await work(
        deps, uow, wish, who, lambda account, case, order: denial_work.triage(account, case, routing, order)
    )


async def take(
    deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal, assignee: str, *, take_over: bool
) -> Account:
    """Start or hand over the work on a case; a drafted appeal is put away by it."""
    await appeals.withdraw_draft(uow.conn, wish.denial_id)
    return await work(
        deps,
        uow,
        wish,
        who,
        lambda account, case, order: denial_work.take(account, case, order, assignee, take_over=take_over),
    )


async def resubmit(deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal) -> Account:
    """Send a corrected claim: the next version, frequency 7, with the payer's claim number."""
    account = await work(deps, uow, wish, who, denial_work.resubmit)
    uow.add_work(account.encounter_id, Work(BUILD_CLAIM))
    return account


async def recode(deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal) -> Account:
    """Send the chart back to its coder; new final codes lead to a corrected claim by themselves."""
    account, case = await case_of(uow, wish.denial_id, who, wish.seen)
    if case.state not in (DenialState.TRIAGED, DenialState.IN_WORK):
        raise Refused("denial-step-illegal", f"the chart of a denial that is {case.state} does not go back")
    if account.coding is None or account.recoding or account.cancelled:
        raise Refused("chart-not-final", "the chart is not finally coded")
    reasons = (f"denial-{case.group}-{case.carc}",)
    digest = recode_digest(account.coding, reasons)
    if digest in account.recodes_asked:
        raise Refused("recode-asked", "the coder was asked about these codes and this denial before")
    order = Order(who.subject, uow.now, wish.reason)
    step = denial_work.take(account, case, order, case.assignee or who.subject, take_over=False)
    event = RecodeRequested(
        actor=who.subject, facility_id=account.facility_id, claim_id=case.claim_id, reasons=reasons
    )
    account = step.account.but(recodes_asked=(*step.account.recodes_asked, digest))
    return await keep(deps, uow, account, (*step.events, event))


async def transfer(deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal) -> Account:
    """Move the denied amount to the patient."""
    return await work(
        deps, uow, wish, who, lambda account, case, order: denial_work.transfer(account, case, order, uuid7())
    )


async def close(deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal) -> Account:
    """Put a case away that needs nothing more."""
    return await work(deps, uow, wish, who, denial_work.close)


async def reopen(deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal) -> Account:
    """Take a case up again; its write-off or transfer is undone first."""
    account, case = await case_of(uow, wish.denial_id, who, wish.seen)
    undone = None
    if case.settled_by is not None:
        undone = (await repository.get_transactions(uow.conn, [case.settled_by])).get(case.settled_by)
    order = Order(who.subject, uow.now, wish.reason)
    step = denial_work.reopen(account, case, order, undone, uuid7())
    follow_balance(deps.policy.statements, uow, account, step.account)
    return await keep(deps, uow, step.account, step.events)


async def write_off(deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal) -> tuple[Account, bool]:
    """Write a denial off, or, above the limit, ask another person to; return whether it was written off."""
    account, case = await case_of(uow, wish.denial_id, who, wish.seen)
    denial_work.refuse_illegal(case, DenialState.WRITTEN_OFF)
    if case.cents <= deps.master.denial_write_off_limit_cents:
        step = denial_work.write_off(account, case, Order(who.subject, uow.now, wish.reason), uuid7())
        return await keep(deps, uow, step.account, step.events), True
    fresh = await denials.ask_write_off(
        uow.conn,
        request_id=uuid7(),
        denial_id=case.denial_id,
        encounter_id=account.encounter_id,
        facility_id=account.facility_id,
        cents=case.cents,
        reason=wish.reason,
        asked_by=who.subject,
        asked_at=uow.now,
    )
    if not fresh:
        raise Refused("write-off-waiting", "somebody asked for this write-off already")
    return account, False


async def decide_write_off(
    deps: Deps, uow: UnitOfWork, denial_id: UUID, who: Principal, *, approve: bool
) -> Account:
    """Approve or refuse a write-off that another person asked for.

    Raises: Refused for one's own request, or when the case or its amount changed meanwhile.
    """
    account, case = await case_of(uow, denial_id, who)
    waiting = await denials.find_write_off(uow.conn, denial_id)
    if waiting is None:
        raise Refused("no-write-off-waiting", "nobody asked for a write-off of this denial")
    if approve and waiting["asked_by"] == who.subject:
        raise Refused("own-request", "another person approves a write-off above the limit", status=403)
    transaction_id = uuid7() if approve else None
    if transaction_id is not None:
        if waiting["cents"] != case.cents or DenialState.WRITTEN_OFF not in DENIAL_STEPS[case.state]:
            raise Refused("denial-moved", f"the denial is {case.state} meanwhile")
        step = denial_work.write_off(
            account, case, Order(who.subject, uow.now, waiting["reason"]), transaction_id
        )
        account = await keep(deps, uow, step.account, step.events)
    await denials.decide_write_off(
        uow.conn,
        waiting["request_id"],
        state="approved" if approve else "refused",
        decided_by=who.subject,
        decided_at=uow.now,
        transaction_id=transaction_id,
    )
    return account
