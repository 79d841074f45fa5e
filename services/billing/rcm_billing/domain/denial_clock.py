"""Time limits of appeals: per payer and level, with a warning before, counted from the denial or the last answer."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from rcm_shared.contracts.billing import DenialMoved
from rcm_shared.contracts.event import Event

from rcm_billing.domain.account import Account, Denial
from rcm_billing.domain.denial import CLOCKED, DenialMove
from rcm_billing.domain.denial_cases import SYSTEM
from rcm_billing.domain.master import AppealLevel, Payer

DEADLINE = "denial-deadline"
WARNED, EXPIRED = "deadline-warned", "deadline-expired"
DEFAULT_APPEAL_DAYS = 120


def levels_of(payer: Payer | None) -> tuple[AppealLevel, ...]:
    """Return a payer's levels of appeal; without any of its own, one of `appeal_days`."""
    if payer is None:
        return (AppealLevel(name="appeal", days=DEFAULT_APPEAL_DAYS),)
    return payer.appeal_levels or (AppealLevel(name="appeal", days=payer.appeal_days),)


def payer_of(account: Account, case: Denial) -> str:
    """Return who denied: the payer of the claim, or the later one that it was forwarded to."""
    claim = account.claim(case.claim_id)
    coverage = account.coverage_of(case.order)
    if claim is not None and (coverage is None or case.order == claim.order):
        return claim.payer_id
    return coverage.payer_id if coverage else ""


def next_level(case: Denial, levels: tuple[AppealLevel, ...]) -> AppealLevel | None:
    """Return the level that an appeal filed now would be of, or None when there is none left."""
    return levels[case.level] if case.level < len(levels) else None


def set_clocks(account: Account, payer_by_id: Callable[[str], Payer | None], now: datetime) -> Account:
    """Return the account with the deadline of the next level set on every case that reached it."""
    for case in account.denials:
        if case.state not in CLOCKED or case.clock_level == case.level:
            continue
        level = next_level(case, levels_of(payer_by_id(payer_of(account, case))))
        started = now if case.outcome else case.denied_at  # after an answer the next time limit runs from it
        due = started + timedelta(days=level.days) if level else None
        account = account.with_denial(
            case.but(
                deadline_at=due,
                warn_at=max(started, due - timedelta(days=level.warn_days)) if due and level else None,
                clock_level=case.level,
                warned=False,
                expired=False,
            )
        )
    return account


def _next_of(case: Denial) -> datetime | None:
    if case.state not in CLOCKED or case.deadline_at is None or case.expired:
        return None
    return case.warn_at if case.warn_at and not case.warned else case.deadline_at


def next_time(denials: Iterable[Denial]) -> datetime | None:
    """Return the earliest warning or deadline of an account's cases, for its one timer."""
    return min((at for at in map(_next_of, denials) if at is not None), default=None)


def lapse(account: Account, now: datetime) -> tuple[Account, list[Event]]:
    """Mark the cases whose warning or deadline has come; each is told once."""
    events: list[Event] = []
    for case in account.denials:
        if (at := _next_of(case)) is None or at > now:
            continue
        expired = case.deadline_at is not None and case.deadline_at <= now
        reason = EXPIRED if expired else WARNED
        after = case.but(warned=True, expired=expired)
        state = case.state.value
        step = DenialMove(case.denial_id, case.claim_id, state, state, case.level, now, SYSTEM, reason)
        account = account.with_denial(after).but(moves=(*account.moves, step))
        events.append(
            DenialMoved(
                actor=SYSTEM,
                facility_id=account.facility_id,
                claim_id=case.claim_id,
                denial_id=case.denial_id,
                state=state,
                level=case.level,
                reason=reason,
            )
        )
    return account, events
