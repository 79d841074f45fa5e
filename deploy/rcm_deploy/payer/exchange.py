"""Watches the exchange folders: record an input with its answers, publish them, move the input to done.

Killed anywhere, the next run publishes the same bytes under the same names: an input is known by its SHA-256.
"""

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rcm_deploy.payer.answering import Desk, claim_keys
from rcm_deploy.payer.appeals import answer_appeal
from rcm_deploy.payer.damage import OutFile, apply_faults
from rcm_deploy.payer.due import answer_due
from rcm_deploy.payer.faults import (
    FAULT_PREFIX,
    ActiveFault,
    FaultRule,
    Manner,
    active_faults,
    prefix_rules,
    read_fault_rules,
)
from rcm_deploy.payer.ledger import Answer, Ledger, RecordedInput
from rcm_deploy.payer.parser import UnreadableInterchangeError
from rcm_deploy.payer.responses import answer_records

logger = logging.getLogger("rcm.payer")

X12_FILES = ("*.837", "*.276", "*.x12", "*.edi")
APPEAL_FILES, RESPONSE_FILES = "*.appeal.json", "*.response.json"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where inputs wait, where answers go, and where faults.json and the clock file are looked for."""

    inbox: Path
    outbox: Path
    settings: Path

    @classmethod
    def under(cls, directory: Path) -> "Folders":
        """Return the folders of an exchange directory with to_payer and from_payer."""
        return cls(directory / "to_payer", directory / "from_payer", directory)


class Exchange:
    """One pair of folders; inputs that were answered are moved to `done` in the inbox.

    `always` are faults that hit every input besides those of faults.json and of member prefixes.
    """

    def __init__(
        self, folders: Folders, ledger: Ledger, desk: Desk, always: Sequence[FaultRule] = ()
    ) -> None:
        self._inbox = folders.inbox
        self._done = folders.inbox / "done"
        self._outbox = folders.outbox
        self._fault_file = folders.settings / "faults.json"
        self._clock_file = folders.settings / "clock"
        self._ledger = ledger
        self._desk = desk
        self._always = list(always)
        for folder in (self._done, self._outbox):
            folder.mkdir(parents=True, exist_ok=True)

    def recover(self) -> int:
        """Finish what an earlier run recorded but did not finish; returns how many inputs that were."""
        unfinished = self._ledger.list_unpublished()
        for recorded in unfinished:
            self._finish(recorded)
        return len(unfinished)

    def _put_away_enclosures(self, name: str) -> None:
        """Move what came with an appeal or a response: files of the same first name, such as its letter."""
        if name.endswith(".json"):
            for path in self._inbox.glob(f"{name.split('.')[0]}.*"):
                if path.suffix != ".tmp" and not _is_input(path):
                    path.replace(self._done / path.name)

    def poll(self) -> int:
        """Answer every waiting input in the order of names, then what is due; returns how many there were."""
        self._read_clock()
        patterns = (*X12_FILES, APPEAL_FILES, RESPONSE_FILES)
        waiting = sorted(path for pattern in patterns for path in self._inbox.glob(pattern))
        for path in waiting:
            self._handle(path)
        days = 0
        while self._ledger.has_due():
            self._do_due()
            days += 1
        return len(waiting) + days

    def _handle(self, path: Path) -> None:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        recorded = self._ledger.find_input(digest)
        with self._ledger.transaction():
            number = self._ledger.next_number("file") if recorded is None else recorded.number
            faults = self._faults(number, content)
            # the same bytes again: the same answers again, with the faults of today
            answers = self._answers(path, content, digest, faults) if recorded is None else []
            recorded = RecordedInput(digest, path.name, number, published=False, faults=faults)
            self._ledger.record_input(recorded, answers)
        self._finish(recorded)

    def _answers(self, path: Path, content: bytes, digest: str, faults: list[ActiveFault]) -> list[Answer]:
        if path.match(APPEAL_FILES):
            return answer_appeal(self._desk, content, digest)
        if path.match(RESPONSE_FILES):
            return answer_records(self._desk, content)
        try:
            return self._desk.answer(content, digest, Manner(tuple(faults)))
        except UnreadableInterchangeError as error:
            logger.warning("file not answered: %s", error)
            return []

    def _do_due(self) -> None:
        with self._ledger.transaction():
            name = f"due-{self._ledger.next_number('due-day'):06d}"
            answers = answer_due(self._desk)
            recorded = RecordedInput(name, "", 0, published=False, faults=self._faults(0, b""))
            self._ledger.record_input(recorded, answers)
        self._finish(recorded)

    def _faults(self, number: int, content: bytes) -> list[ActiveFault]:
        rules = [*self._fault_rules(), *self._always]
        if FAULT_PREFIX.encode() in content:
            rules += [rule for rule in prefix_rules() if (rule.match.member_prefix or "").encode() in content]
        return active_faults(rules, number, claim_keys(content) if content else []) if rules else []

    def _fault_rules(self) -> list[FaultRule]:
        try:
            return read_fault_rules(self._fault_file)
        except ValueError as error:
            logger.warning("faults ignored: %s", error)
            return []

    def _read_clock(self) -> None:
        try:
            day = date.fromisoformat(self._clock_file.read_text().strip())
        except FileNotFoundError:
            day = None
        except ValueError:
            logger.warning("clock ignored: not a date")
            day = None
        if day is not None:
            self._desk.today = day
        today = self._desk.today.strftime("%Y%m%d") if self._desk.today is not None else ""
        if today > self._ledger.clock():
            with self._ledger.transaction():
                self._ledger.advance_clock(today)

    def _finish(self, recorded: RecordedInput) -> None:
        answers = self._ledger.list_answers(recorded.digest)
        files = [OutFile(one.stem, one.kind, one.body) for one in answers]
        files = apply_faults(files, recorded.faults)
        for at, one in enumerate(files, start=1):
            _write_whole(self._outbox / _file_name(one, at), one.body)
        waiting = self._inbox / recorded.name
        known = recorded.name and waiting.exists()
        if known and hashlib.sha256(waiting.read_bytes()).hexdigest() == recorded.digest:
            waiting.replace(self._done / recorded.name)
            self._put_away_enclosures(recorded.name)
        self._ledger.mark_published(recorded.digest)
        if recorded.name:
            logger.info("input %d answered with %d files", recorded.number, len(files))
        else:
            logger.info("due day brought %d files", len(files))


def _is_input(path: Path) -> bool:
    return any(path.match(pattern) for pattern in (*X12_FILES, APPEAL_FILES, RESPONSE_FILES))


def _file_name(one: OutFile, at: int) -> str:
    if one.json_kind:
        about = one.kind.removeprefix(f"{one.json_kind}-")
        return f"{one.stem}-{at}-{about}.{one.json_kind}.json"
    return f"{one.stem}-{at}-{one.kind}.x12"


def _write_whole(path: Path, body: bytes) -> None:
    partial = path.with_name(path.name + ".tmp")
    with partial.open("wb") as stream:
        stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
