"""An exchange directory as the stand-in sees it: put files in, let it work once, read what it published."""

import json
from collections.abc import Sequence
from pathlib import Path

from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.exchange import Exchange, Folders
from rcm_deploy.payer.faults import FaultRule
from rcm_deploy.payer.ledger import Ledger
from rcm_deploy.payer.rules import Rules
from unit.deploy.payer.samples import File, visit

FIRST = File([[visit("C1", "PD1"), visit("C2", "DN1")]])
SECOND = File([[visit("C3", "PF1")]], control="000000102")


def drop(directory: Path, name: str, content: bytes) -> None:
    """Put an input into to_payer."""
    inbox = directory / "to_payer"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / name).write_bytes(content)


def run_once(directory: Path, always: Sequence[FaultRule] = ()) -> None:
    """Answer what waits, as a process that is started and ended does."""
    ledger = Ledger(directory / "payer.sqlite3")
    try:
        exchange = Exchange(Folders.under(directory), ledger, Desk(ledger, Rules()), always)
        exchange.recover()
        exchange.poll()
    finally:
        ledger.close()


def published(directory: Path) -> dict[str, bytes]:
    """The X12 files in from_payer by name."""
    return {path.name: path.read_bytes() for path in sorted((directory / "from_payer").glob("*.x12"))}


def kinds(directory: Path) -> list[tuple[str, bytes]]:
    """Kind and bytes of the X12 files answered to an input, in the order of appearance."""
    names = published(directory).items()
    numbered = sorted(names, key=lambda item: int(item[0].split("-")[3]))
    return [(name.split("-", 4)[4].removesuffix(".x12"), body) for name, body in numbered]


def answered(
    directory: Path, fault: str | None = None, content: bytes | None = None, **match: object
) -> list[tuple[str, bytes]]:
    """Answer FIRST, or other content, under a fault of faults.json."""
    if fault:
        directory.mkdir(exist_ok=True)
        (directory / "faults.json").write_text(json.dumps([{"match": match, "fault": fault}]))
    drop(directory, "first.837", FIRST.encode() if content is None else content)
    run_once(directory)
    return kinds(directory)
