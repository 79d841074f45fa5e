"""Deadlines of billing: which kind of timer leads to which decision."""

from rcm_shared.messaging.decide import FiredTimer, fold_timers
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.domain.denial_clock import DEADLINE
from rcm_billing.domain.payer_request import DUE
from rcm_billing.domain.statement import Cycle
from rcm_billing.handlers import denial_triage, facts, payer_requests
from rcm_billing.handlers.statements import STATEMENT, issue_statements


async def apply_timers(uow: UnitOfWork, fired: list[FiredTimer], cycle: Cycle) -> None:
    """Apply timers whose time has come."""
    due = [timer for timer in fired if timer.kind == STATEMENT]
    if due:
        await issue_statements(uow, due, cycle)
        fired = [timer for timer in fired if timer.kind != STATEMENT]
    requests = [timer for timer in fired if timer.kind == DUE]
    if requests:
        await payer_requests.tell_due(uow, requests)
        fired = [timer for timer in fired if timer.kind != DUE]
    await fold_timers(
        uow,
        fired,
        table={facts.CHARGES_WAIT: facts.charges_overdue, DEADLINE: denial_triage.deadline_due},
        load=repository.load_accounts,
        save=repository.save_accounts,
    )
