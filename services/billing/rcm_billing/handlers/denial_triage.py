"""Route new denials and note whom they go back to: by the operator's list, outside any transaction; what no row names
stays new, for a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from rcm_shared.messaging.decide import Decision, FiredTimer, Moment
from rcm_shared.messaging.uow import CancelTimer, SetTimer, UnitOfWork, Work
from rcm_shared.messaging.work import WorkItem

from rcm_billing import repository
from rcm_billing.domain import denial_clock
from rcm_billing.domain.account import Account, Denial
from rcm_billing.domain.denial import DenialState
from rcm_billing.domain.denial_attribution import Attributed, attribute
from rcm_billing.domain.denial_cases import SYSTEM
from rcm_billing.domain.denial_routing import RouteTable, Routing
from rcm_billing.domain.denial_work import Order, triage
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.master import Payer
from rcm_billing.domain.scrubbing import hits_of
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.rejudging import judge_again
from rcm_billing.repository import denial_routes, denials

TRIAGE_DENIALS = "triage-denials"


def follow(payers: Mapping[str, Payer], uow: UnitOfWork, account: Account) -> Account:
    """Return the account with the time limits of its cases set, its timer moved, new cases queued for triage.

    Call it before an account whose denial cases moved is saved.
    """
    if not account.moves:
        return account
    account = denial_clock.set_clocks(account, payers.get, uow.now)
    timer = _timer(account)
    if isinstance(timer, CancelTimer):
        uow.cancel_timer(account.encounter_id, timer.kind)
    else:
        uow.set_timer(account.encounter_id, timer)
    if any(not move.was for move in account.moves):
        uow.add_work(account.encounter_id, Work(TRIAGE_DENIALS))
    return account


def _timer(account: Account) -> SetTimer | CancelTimer:
    at = denial_clock.next_time(account.denials)
    return SetTimer(denial_clock.DEADLINE, at) if at else CancelTimer(denial_clock.DEADLINE)


def deadline_due(account: Account | None, _fired: FiredTimer, moment: Moment) -> Decision[Account]:
    """Tell each case whose warning or time limit has come, and set the timer for the next."""
    if account is None:
        return Decision()
    account, events = denial_clock.lapse(account, moment.now)
    return Decision(account, events, timers=(_timer(account),))


@dataclass(frozen=True, slots=True)
class Triaged:
    """Where the new cases of one account go, and whom its cases are attributed to."""

    routings: dict[UUID, Routing]
    attributions: list[denials.Attribution]


async def compute_triage(deps: Deps, items: list[WorkItem]) -> dict[UUID, Triaged | Exception | None]:
    """Compute routing and attribution for every account asked for; one read of each table for all of them."""
    keys = [item.key for item in items]
    accounts = await repository.read_accounts(deps.pool, keys)
    table = await denial_routes.get_route_table(deps.pool)
    waiting = await denials.list_unattributed(deps.pool, keys)
    cases = [(account, case) for account in accounts.values() for case in account.denials]
    claim_ids = sorted({case.claim_id for _, case in cases})
    judged = await denials.get_judged(deps.pool, claim_ids)
    documents = {key: ClaimDocument.model_validate_json(one.document) for key, one in judged.items()}
    again = await judge_again(deps, judged, documents)
    decided = await repository.list_decisions(deps.pool, claim_ids)
    results: dict[UUID, Triaged | Exception | None] = {key: None for key in keys}
    if table is None:
        return results
    for account, case in cases:
        found = results[account.encounter_id]
        triaged = found if isinstance(found, Triaged) else Triaged({}, [])
        results[account.encounter_id] = triaged
        routing = _route(table, account, case)
        if case.state is DenialState.NEW:
            triaged.routings[case.denial_id] = routing
        if case.denial_id in waiting and case.claim_id in judged:
            paid = [d.paid for d in decided if d.claim_id == case.claim_id and d.payer_order == case.order]
            told = case.but(category=routing.category)
            one = judged[case.claim_id]
            found_of = attribute(
                account,
                told,
                documents[case.claim_id],
                paid[-1] if paid else None,
                hits_of(one.hits),
                one.not_evaluated,
                again.get(case.claim_id, ()),
            )
            triaged.attributions.append(_attribution(account, case, found_of, table.version))
    return results


def _route(table: RouteTable, account: Account, case: Denial) -> Routing:
    return table.route(
        payer=denial_clock.payer_of(account, case),
        group=case.group,
        carc=case.carc,
        remarks=case.remarks,
        category=case.category,
    )


def _attribution(account: Account, case: Denial, found: Attributed, version: int) -> denials.Attribution:
    return denials.Attribution(
        case.denial_id,
        denial_clock.payer_of(account, case),
        found.code,
        found.modifiers,
        found.diagnoses,
        found.coder,
        found.provider_id,
        found.rules,
        version,
    )


async def apply_triage(deps: Deps, uow: UnitOfWork, results: dict[UUID, Triaged | None]) -> None:
    """Move what is still new to its queue; a case that no row names waits for a person, with the reason."""
    accounts = await repository.load_accounts(uow.conn, sorted(results))
    changed: dict[UUID, Account] = {}
    order = Order(SYSTEM, uow.now, "routed")
    for key, triaged in results.items():
        account = accounts.get(key)
        if account is None or triaged is None:
            continue
        for case in account.denials:
            routing = triaged.routings.get(case.denial_id)
            if routing is None or case.state is not DenialState.NEW:
                continue
            if routing.person:
                account = account.with_denial(case.but(owner=routing.owner, action=routing.action))
            else:
                step = triage(account, case, routing, order)
                account = step.account
                for event in step.events:
                    uow.emit(key, event)
            changed[key] = account
        uow.record_access(encounter_id=key, subject=SYSTEM, purpose="denial", what="attribution")
    if changed:
        followed = {key: follow(deps.master.payers, uow, account) for key, account in changed.items()}
        await repository.save_accounts(uow.conn, followed)
    found = [one for triaged in results.values() if triaged for one in triaged.attributions]
    if found:
        await denials.save_attributions(uow.conn, found, uow.now)
