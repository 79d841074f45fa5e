"""Watches the exchange directory: record an input with its answers, publish them, move the input to done.

Killed anywhere, the next run publishes the same bytes under the same names: an input is known by its SHA-256.
"""

import hashlib
import logging
import os
from pathlib import Path

from rcm_deploy.payer.answering import Desk, claim_keys
from rcm_deploy.payer.appeals import answer_appeal
from rcm_deploy.payer.faults import (
    ActiveFault,
    FaultRule,
    OutFile,
    active_faults,
    apply_faults,
    read_fault_rules,
)
from rcm_deploy.payer.ledger import Answer, Ledger, RecordedInput
from rcm_deploy.payer.parser import UnreadableInterchangeError

logger = logging.getLogger("rcm.payer")

CLAIM_FILES = "*.837"
APPEAL_FILES = "*.appeal.json"


class Exchange:
    """One exchange directory with its to_payer, to_payer/done and from_payer folders."""

    def __init__(self, directory: Path, ledger: Ledger, desk: Desk) -> None:
        self._inbox = directory / "to_payer"
        self._done = self._inbox / "done"
        self._outbox = directory / "from_payer"
        self._fault_file = directory / "faults.json"
        self._ledger = ledger
        self._desk = desk
        for folder in (self._done, self._outbox):
            folder.mkdir(parents=True, exist_ok=True)

    def recover(self) -> int:
        """Finish what an earlier run recorded but did not finish; returns how many inputs that were."""
        unfinished = self._ledger.list_unpublished()
        for recorded in unfinished:
            self._finish(recorded)
        return len(unfinished)

    def poll(self) -> int:
        """Answer every waiting input in the order of names; returns how many there were."""
        waiting = sorted([*self._inbox.glob(CLAIM_FILES), *self._inbox.glob(APPEAL_FILES)])
        for path in waiting:
            self._handle(path)
        return len(waiting)

    def _handle(self, path: Path) -> None:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        rules = self._fault_rules()
        recorded = self._ledger.find_input(digest)
        with self._ledger.transaction():
            if recorded is None:
                number = self._ledger.next_number("file")
                answers = self._answers(path, content, digest)
            else:  # the same bytes again: the same answers again, with the faults of today
                number, answers = recorded.number, []
            faults = _faults(rules, number, content)
            recorded = RecordedInput(digest, path.name, number, published=False, faults=faults)
            self._ledger.record_input(recorded, answers)
        self._finish(recorded)

    def _answers(self, path: Path, content: bytes, digest: str) -> list[Answer]:
        if path.match(APPEAL_FILES):
            return answer_appeal(self._desk, content, digest)
        try:
            return self._desk.answer(content, digest)
        except UnreadableInterchangeError as error:
            logger.warning("file not answered: %s", error)
            return []

    def _fault_rules(self) -> list[FaultRule]:
        try:
            return read_fault_rules(self._fault_file)
        except ValueError as error:
            logger.warning("faults ignored: %s", error)
            return []

    def _finish(self, recorded: RecordedInput) -> None:
        answers = self._ledger.list_answers(recorded.digest)
        files = [OutFile(one.stem, one.kind, one.body) for one in answers]
        files = apply_faults(files, recorded.faults)
        for at, one in enumerate(files, start=1):
            _write_whole(self._outbox / f"{one.stem}-{at}-{one.kind}.x12", one.body)
        waiting = self._inbox / recorded.name
        if waiting.exists() and hashlib.sha256(waiting.read_bytes()).hexdigest() == recorded.digest:
            waiting.replace(self._done / recorded.name)
        self._ledger.mark_published(recorded.digest)
        logger.info("input %d answered with %d files", recorded.number, len(files))


def _faults(rules: list[FaultRule], number: int, content: bytes) -> list[ActiveFault]:
    return active_faults(rules, number, claim_keys(content)) if rules else []


def _write_whole(path: Path, body: bytes) -> None:
    partial = path.with_name(path.name + ".tmp")
    with partial.open("wb") as stream:
        stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
