"""The stand-in's memory in one SQLite file: control numbers, interchanges seen, claims decided, answers.

Everything one input causes is one transaction, committed before the first answer file appears.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from rcm_deploy.payer.adjudicate import RemitClaim
from rcm_deploy.payer.claims import Claim
from rcm_deploy.payer.faults import ActiveFault
from rcm_deploy.payer.segments import Address

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS interchange (
    sender TEXT, receiver TEXT, control TEXT, PRIMARY KEY (sender, receiver, control));
CREATE TABLE IF NOT EXISTS input (
    digest TEXT PRIMARY KEY, name TEXT NOT NULL, number INTEGER NOT NULL, published INTEGER NOT NULL,
    faults TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answer (
    digest TEXT, ordinal INTEGER, stem TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (digest, ordinal));
CREATE TABLE IF NOT EXISTS claim (
    payer_control TEXT PRIMARY KEY, payer_id TEXT NOT NULL, claim_control TEXT NOT NULL,
    live INTEGER NOT NULL, claim TEXT NOT NULL, remit TEXT NOT NULL, address TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS claim_by_control ON claim (claim_control, payer_id);
CREATE TABLE IF NOT EXISTS accumulator (
    payer_id TEXT, member_id TEXT, year TEXT, deductible_cents INTEGER NOT NULL,
    PRIMARY KEY (payer_id, member_id, year));
CREATE TABLE IF NOT EXISTS carried (
    payer_id TEXT, payee_npi TEXT, cents INTEGER NOT NULL, PRIMARY KEY (payer_id, payee_npi));
CREATE TABLE IF NOT EXISTS appeal (
    digest TEXT PRIMARY KEY, payer_control TEXT NOT NULL, level INTEGER NOT NULL, outcome TEXT NOT NULL);
"""

_CLAIM = TypeAdapter(Claim)
_REMIT = TypeAdapter(RemitClaim)
_ADDRESS = TypeAdapter(Address)
_FAULTS = TypeAdapter(list[ActiveFault])


@dataclass(frozen=True, slots=True)
class Answer:
    """One file to publish: the stem names the inbound interchange, the kind the transaction."""

    stem: str
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Decided:
    """One adjudicated claim as it was received and decided."""

    claim: Claim
    remit: RemitClaim
    address: Address


@dataclass(frozen=True, slots=True)
class RecordedInput:
    """One input file the ledger knows, by the SHA-256 of its bytes."""

    digest: str
    name: str
    number: int
    published: bool
    faults: list[ActiveFault]


class Ledger:
    """Opens or creates the file; use transaction() around every write."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, or nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def next_number(self, name: str) -> int:
        """Draw the next control number of a counter; a rolled-back transaction gives it back."""
        sql = (
            "INSERT INTO counter VALUES (?, 1)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"
        )
        return int(self._db.execute(sql, (name,)).fetchone()[0])

    def note_interchange(self, sender: str, receiver: str, control: str) -> bool:
        """Remember an ISA13; false when it was known."""
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO interchange VALUES (?, ?, ?)", (sender, receiver, control)
        )
        return cursor.rowcount == 1

    def find_input(self, digest: str) -> RecordedInput | None:
        """Find an input by the digest of its bytes."""
        sql = "SELECT digest, name, number, published, faults FROM input WHERE digest = ?"
        row = self._db.execute(sql, (digest,)).fetchone()
        return None if row is None else _recorded(row)

    def list_unpublished(self) -> list[RecordedInput]:
        """List inputs whose answers may not all be out yet, oldest first."""
        sql = "SELECT digest, name, number, published, faults FROM input WHERE published = 0 ORDER BY number"
        return [_recorded(row) for row in self._db.execute(sql)]

    def record_input(self, recorded: RecordedInput, answers: list[Answer]) -> None:
        """Keep an input with the answers it caused."""
        faults = _FAULTS.dump_json(recorded.faults).decode()
        row = (recorded.digest, recorded.name, recorded.number, int(recorded.published), faults)
        self._db.execute("INSERT OR REPLACE INTO input VALUES (?, ?, ?, ?, ?)", row)
        self._db.executemany(
            "INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?)",
            [(recorded.digest, at, one.stem, one.kind, one.body) for at, one in enumerate(answers)],
        )

    def list_answers(self, digest: str) -> list[Answer]:
        """List the answers of an input in their order."""
        sql = "SELECT stem, kind, body FROM answer WHERE digest = ? ORDER BY ordinal"
        return [Answer(*row) for row in self._db.execute(sql, (digest,))]

    def mark_published(self, digest: str) -> None:
        """Note that every answer file of an input is in place."""
        self._db.execute("UPDATE input SET published = 1 WHERE digest = ?", (digest,))

    def find_decided(
        self, payer_id: str, *, claim_control: str = "", payer_control: str = ""
    ) -> Decided | None:
        """Find a decision that still stands, by the payer's number or else by CLM01 (the first one)."""
        columns = "SELECT claim, remit, address FROM claim WHERE live = 1 AND "
        if payer_control:
            key, value = "payer_control = ?", payer_control
        else:
            key, value = "claim_control = ?", claim_control
        where = f"{key} AND (payer_id = ? OR ? = '') ORDER BY rowid LIMIT 1"
        row = self._db.execute(columns + where, (value, payer_id, payer_id)).fetchone()
        if row is None:
            return None
        return Decided(
            _CLAIM.validate_json(row[0]), _REMIT.validate_json(row[1]), _ADDRESS.validate_json(row[2])
        )

    def is_decided(self, payer_id: str, *, claim_control: str = "", payer_control: str = "") -> bool:
        """Tell whether a standing decision exists, without reading it."""
        column, value = (
            ("payer_control", payer_control) if payer_control else ("claim_control", claim_control)
        )
        sql = f"SELECT 1 FROM claim WHERE live = 1 AND {column} = ? AND payer_id = ? LIMIT 1"
        return self._db.execute(sql, (value, payer_id)).fetchone() is not None

    def keep_decided(self, decided: Decided) -> None:
        """Keep a decision under its payer control number."""
        row = (
            decided.remit.payer_control,
            decided.claim.payer.identifier,
            decided.claim.control,
            1,
            _CLAIM.dump_json(decided.claim).decode(),
            _REMIT.dump_json(decided.remit).decode(),
            _ADDRESS.dump_json(decided.address).decode(),
        )
        self._db.execute("INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def supersede(self, payer_control: str) -> None:
        """Mark a decision as reversed."""
        self._db.execute("UPDATE claim SET live = 0 WHERE payer_control = ?", (payer_control,))

    def deductible_met_cents(self, payer_id: str, member_id: str, year: str) -> int:
        """Return what a member has met of the deductible in a calendar year."""
        sql = "SELECT deductible_cents FROM accumulator WHERE payer_id = ? AND member_id = ? AND year = ?"
        row = self._db.execute(sql, (payer_id, member_id, year)).fetchone()
        return 0 if row is None else int(row[0])

    def add_deductible(self, payer_id: str, member_id: str, year: str, cents: int) -> None:
        """Add to (or, negative, take from) a member's deductible of a year."""
        sql = (
            "INSERT INTO accumulator VALUES (?, ?, ?, ?) ON CONFLICT (payer_id, member_id, year)"
            " DO UPDATE SET deductible_cents = deductible_cents + excluded.deductible_cents"
        )
        self._db.execute(sql, (payer_id, member_id, year, cents))

    def carried_cents(self, payer_id: str, payee_npi: str) -> int:
        """Return the debt a payee has from checks that would have been negative."""
        sql = "SELECT cents FROM carried WHERE payer_id = ? AND payee_npi = ?"
        row = self._db.execute(sql, (payer_id, payee_npi)).fetchone()
        return 0 if row is None else int(row[0])

    def add_carried(self, payer_id: str, payee_npi: str, cents: int) -> None:
        """Add to (or, negative, take from) a payee's debt."""
        sql = (
            "INSERT INTO carried VALUES (?, ?, ?) ON CONFLICT (payer_id, payee_npi)"
            " DO UPDATE SET cents = cents + excluded.cents"
        )
        self._db.execute(sql, (payer_id, payee_npi, cents))

    def log_appeal(self, digest: str, payer_control: str, level: int, outcome: str) -> None:
        """Keep what became of an appeal."""
        row = (digest, payer_control, level, outcome)
        self._db.execute("INSERT OR REPLACE INTO appeal VALUES (?, ?, ?, ?)", row)

    def list_appeals(self) -> list[tuple[str, int, str]]:
        """List payer control number, level and outcome of every appeal received."""
        return list(self._db.execute("SELECT payer_control, level, outcome FROM appeal ORDER BY rowid"))


def _recorded(row: tuple[str, str, int, int, str]) -> RecordedInput:
    digest, name, number, published, faults = row
    return RecordedInput(digest, name, number, bool(published), _FAULTS.validate_python(json.loads(faults)))
