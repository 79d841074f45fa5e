"""Runs the payer stand-in: python -m rcm_deploy.payer --exchange-dir DIR [--db FILE] [--date DAY]."""

import argparse
import logging
import signal
import threading
from datetime import date
from pathlib import Path

from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.exchange import Exchange
from rcm_deploy.payer.ledger import Ledger
from rcm_deploy.payer.rules import Payer, Rules


def main(arguments: list[str] | None = None) -> int:
    """Serve the directory until SIGTERM or SIGINT; with --once, answer what waits and return."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    directory: Path = options.exchange_dir
    directory.mkdir(parents=True, exist_ok=True)
    rules = Rules()
    rules.payers.update({payer.payer_id: payer for payer in options.payer})
    ledger = Ledger(options.db or directory / "payer.sqlite3")
    exchange = Exchange(directory, ledger, Desk(ledger, rules, options.date))
    exchange.recover()
    while not stop.is_set():
        if not exchange.poll() and (options.once or stop.wait(options.poll_ms / 1000)):
            break
    ledger.close()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rcm_deploy.payer", description="Payer stand-in")
    parser.add_argument(
        "--exchange-dir", type=Path, required=True, help="folder with to_payer and from_payer"
    )
    parser.add_argument("--db", type=Path, help="SQLite file; DIR/payer.sqlite3 when not given")
    parser.add_argument("--poll-ms", type=int, default=50, help="pause between looks at the folder")
    parser.add_argument(
        "--date", type=date.fromisoformat, help="date of all answers; else each input's own date"
    )
    parser.add_argument("--payer", type=_payer, action="append", default=[], metavar="ID=NAME")
    parser.add_argument("--once", action="store_true", help="answer what waits, then end")
    return parser.parse_args(arguments)


def _payer(text: str) -> Payer:
    payer_id, _, name = text.partition("=")
    return Payer(payer_id, name or payer_id)


if __name__ == "__main__":
    raise SystemExit(main())
