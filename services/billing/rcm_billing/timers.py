"""Deadlines of billing: which kind of timer leads to which decision."""

from rcm_shared.messaging.decide import FiredTimer, fold_timers
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.handlers import facts


async def apply_timers(uow: UnitOfWork, fired: list[FiredTimer]) -> None:
    """Apply timers whose time has come."""
    await fold_timers(
        uow,
        fired,
        table={facts.CHARGES_WAIT: facts.charges_overdue},
        load=repository.load_accounts,
        save=repository.save_accounts,
    )
