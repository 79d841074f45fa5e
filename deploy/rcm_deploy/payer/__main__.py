"""Runs the payer stand-in: python -m rcm_deploy.payer --exchange-dir DIR [--db FILE] [--date DAY]."""

import argparse
import logging
from datetime import date
from pathlib import Path

from rcm_deploy.payer.exchange import Folders
from rcm_deploy.payer.faults import FaultName, FaultRule
from rcm_deploy.payer.rules import Payer
from rcm_deploy.payer.running import Settings, serve, stopped_by_signals


def main(arguments: list[str] | None = None) -> int:
    """Serve the directory until SIGTERM or SIGINT; with --once, answer what waits and return."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    settings = Settings(
        folders=Folders.under(options.exchange_dir),
        database=options.db or options.exchange_dir / "payer.sqlite3",
        today=options.date,
        seed=options.seed,
        daily=options.daily,
        payers=tuple(options.payer),
        faults=tuple(FaultRule(fault=fault) for fault in options.fault),
    )
    with stopped_by_signals() as stop:
        serve(settings, stop, once=options.once, poll_s=options.poll_ms / 1000)
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
    parser.add_argument("--seed", type=int, default=0, help="draws the outcomes of member ids MX...")
    parser.add_argument("--daily", action="store_true", help="one remittance a day for each payee")
    parser.add_argument("--fault", type=FaultName, action="append", default=[], choices=list(FaultName))
    parser.add_argument("--once", action="store_true", help="answer what waits, then end")
    return parser.parse_args(arguments)


def _payer(text: str) -> Payer:
    payer_id, _, name = text.partition("=")
    return Payer(payer_id, name or payer_id)


if __name__ == "__main__":
    raise SystemExit(main())
