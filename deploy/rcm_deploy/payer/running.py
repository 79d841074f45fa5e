"""Serves a pair of folders with one ledger until it is told to stop, or once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.exchange import Exchange, Folders
from rcm_deploy.payer.faults import FaultRule
from rcm_deploy.payer.ledger import Ledger
from rcm_deploy.payer.rules import Payer, Rules


@dataclass(frozen=True, slots=True)
class Settings:
    """What one run works with; `today` fixes the date of all answers and moves the virtual clock."""

    folders: Folders
    database: Path
    today: date | None = None
    seed: int = 0
    daily: bool = False
    payers: tuple[Payer, ...] = ()
    any_payer: bool = False
    faults: tuple[FaultRule, ...] = ()


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set; what these did before is restored at the end."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def serve(settings: Settings, stop: threading.Event, *, once: bool, poll_s: float) -> int:
    """Answer inputs until `stop` is set, or with `once` until nothing waits; returns how many there were."""
    settings.database.parent.mkdir(parents=True, exist_ok=True)
    rules = Rules(seed=settings.seed, any_payer=settings.any_payer)
    rules.payers.update({payer.payer_id: payer for payer in settings.payers})
    ledger = Ledger(settings.database)
    answered = 0
    try:
        desk = Desk(ledger, rules, settings.today, daily=settings.daily)
        exchange = Exchange(settings.folders, ledger, desk, settings.faults)
        exchange.recover()
        while not stop.is_set():
            found = exchange.poll()
            answered += found
            if not found and (once or stop.wait(poll_s)):
                break
    finally:
        ledger.close()
    return answered
