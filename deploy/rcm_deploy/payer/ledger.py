"""The stand-in's memory in one SQLite file: control numbers, interchanges seen, claims decided, answers.

Everything one input causes is one transaction, committed before the first answer file appears.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from rcm_deploy.payer.adjudicate import Met, RemitClaim
from rcm_deploy.payer.claims import Claim
from rcm_deploy.payer.faults import ActiveFault
from rcm_deploy.payer.segments import Address
from rcm_deploy.payer.settlement import Debt

#: claim.live: a decision was reversed, stands, or is not made yet.
SUPERSEDED, STANDS, WAITS = 0, 1, 2

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
CREATE TABLE IF NOT EXISTS member_year (
    payer_id TEXT, member_id TEXT, year TEXT, deductible_cents INTEGER NOT NULL,
    out_of_pocket_cents INTEGER NOT NULL, PRIMARY KEY (payer_id, member_id, year));
CREATE TABLE IF NOT EXISTS debt (
    payer_id TEXT, payee_npi TEXT, reason TEXT, reference TEXT, cents INTEGER NOT NULL,
    PRIMARY KEY (payer_id, payee_npi, reason, reference));
CREATE TABLE IF NOT EXISTS issued (
    payer_control TEXT PRIMARY KEY, trace TEXT NOT NULL, day TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), day TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS agenda (
    number INTEGER PRIMARY KEY, due_on TEXT NOT NULL, kind TEXT NOT NULL, payer_id TEXT NOT NULL,
    payer_control TEXT NOT NULL, payload TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS agenda_by_day ON agenda (due_on);
CREATE TABLE IF NOT EXISTS request (
    request_id TEXT PRIMARY KEY, payer_control TEXT NOT NULL, kind TEXT NOT NULL, answered INTEGER NOT NULL);
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
class Standing:
    """Where an accepted claim stands; `remit` is None while it waits, `trace` "" until its 835 is out."""

    payer_control: str
    claim: Claim
    remit: RemitClaim | None
    reversed: bool
    trace: str
    issued_on: str
    asked_for: str


@dataclass(frozen=True, slots=True)
class Due:
    """Something that happens when the virtual clock reaches a day (CCYYMMDD)."""

    due_on: str
    kind: str
    payer_id: str
    payer_control: str
    payload: str = ""


@dataclass(frozen=True, slots=True)
class RecordedInput:
    """One input file the ledger knows, by the SHA-256 of its bytes; `name` is "" for a day of the agenda."""

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
        columns = f"SELECT claim, remit, address FROM claim WHERE live = {STANDS} AND "
        if payer_control:
            key, value = "payer_control = ?", payer_control
        else:
            key, value = "claim_control = ?", claim_control
        where = f"{key} AND (payer_id = ? OR ? = '') ORDER BY rowid LIMIT 1"
        row = self._db.execute(columns + where, (value, payer_id, payer_id)).fetchone()
        return None if row is None else _decided(*row)

    def is_decided(self, payer_id: str, *, claim_control: str = "", payer_control: str = "") -> bool:
        """Tell whether a standing decision exists, without reading it."""
        column, value = (
            ("payer_control", payer_control) if payer_control else ("claim_control", claim_control)
        )
        sql = f"SELECT 1 FROM claim WHERE live = {STANDS} AND {column} = ? AND payer_id = ? LIMIT 1"
        return self._db.execute(sql, (value, payer_id)).fetchone() is not None

    def keep_decided(self, decided: Decided) -> None:
        """Keep a decision under its payer control number."""
        remit = decided.remit
        body = _REMIT.dump_json(remit).decode()
        self._keep(decided.claim, decided.address, remit.payer_control, STANDS, body)

    def keep_undecided(self, claim: Claim, address: Address, payer_control: str) -> None:
        """Keep an accepted claim that waits for its decision."""
        self._keep(claim, address, payer_control, WAITS, "")

    def _keep(self, claim: Claim, address: Address, payer_control: str, live: int, remit: str) -> None:
        row = (
            payer_control,
            claim.payer.identifier,
            claim.control,
            live,
            _CLAIM.dump_json(claim).decode(),
            remit,
            _ADDRESS.dump_json(address).decode(),
        )
        self._db.execute("INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def find_undecided(self, payer_control: str) -> tuple[Claim, Address] | None:
        """Find an accepted claim that waits for its decision."""
        sql = f"SELECT claim, address FROM claim WHERE live = {WAITS} AND payer_control = ?"
        row = self._db.execute(sql, (payer_control,)).fetchone()
        return None if row is None else (_CLAIM.validate_json(row[0]), _ADDRESS.validate_json(row[1]))

    def find_status(
        self, payer_id: str, *, claim_control: str = "", payer_control: str = ""
    ) -> Standing | None:
        """Find where a payer's claim stands, by the payer's number or else by CLM01 (its latest intake)."""
        column, value = (
            ("claim.payer_control", payer_control)
            if payer_control
            else ("claim.claim_control", claim_control)
        )
        sql = (
            "SELECT claim.payer_control, live, claim, remit, trace, day, request.kind FROM claim"
            " LEFT JOIN issued ON issued.payer_control = claim.payer_control"
            " LEFT JOIN request ON request.payer_control = claim.payer_control AND request.answered = 0"
            f" WHERE {column} = ? AND payer_id = ? ORDER BY claim.rowid DESC LIMIT 1"
        )
        row = self._db.execute(sql, (value, payer_id)).fetchone()
        if row is None:
            return None
        number, live, claim, remit, trace, day, asked = row
        return Standing(
            payer_control=number,
            claim=_CLAIM.validate_json(claim),
            remit=_REMIT.validate_json(remit) if live != WAITS else None,
            reversed=live == SUPERSEDED,
            trace=trace or "",
            issued_on=day or "",
            asked_for=asked or "",
        )

    def supersede(self, payer_control: str) -> None:
        """Mark a decision as reversed."""
        sql = f"UPDATE claim SET live = {SUPERSEDED} WHERE payer_control = ?"
        self._db.execute(sql, (payer_control,))

    def note_issued(self, payer_controls: Iterable[str], trace: str, day: str) -> None:
        """Note the check (TRN02) and day (CCYYMMDD) that told the provider of these claims."""
        rows = [(number, trace, day) for number in payer_controls]
        self._db.executemany("INSERT OR REPLACE INTO issued VALUES (?, ?, ?)", rows)

    def met(self, payer_id: str, member_id: str, year: str) -> Met:
        """Return what a member has met of deductible and out-of-pocket limit in a calendar year."""
        sql = (
            "SELECT deductible_cents, out_of_pocket_cents FROM member_year"
            " WHERE payer_id = ? AND member_id = ? AND year = ?"
        )
        row = self._db.execute(sql, (payer_id, member_id, year)).fetchone()
        return Met() if row is None else Met(*row)

    def add_met(self, payer_id: str, member_id: str, year: str, more: Met) -> None:
        """Add to (or, negative, take from) what a member has met in a year."""
        sql = (
            "INSERT INTO member_year VALUES (?, ?, ?, ?, ?) ON CONFLICT (payer_id, member_id, year) DO UPDATE"
            " SET deductible_cents = deductible_cents + excluded.deductible_cents,"
            " out_of_pocket_cents = out_of_pocket_cents + excluded.out_of_pocket_cents"
        )
        row = (payer_id, member_id, year, more.deductible_cents, more.out_of_pocket_cents)
        self._db.execute(sql, row)

    def list_debts(self, payer_id: str, payee_npi: str) -> list[Debt]:
        """List what a payee owes from earlier checks, oldest first."""
        sql = (
            "SELECT reason, reference, cents FROM debt"
            " WHERE payer_id = ? AND payee_npi = ? AND cents > 0 ORDER BY rowid"
        )
        return [Debt(*row) for row in self._db.execute(sql, (payer_id, payee_npi))]

    def add_debt(self, payer_id: str, payee_npi: str, debt: Debt) -> None:
        """Add to (or, negative, take from) what a payee owes under one reason and reference."""
        sql = (
            "INSERT INTO debt VALUES (?, ?, ?, ?, ?) ON CONFLICT (payer_id, payee_npi, reason, reference)"
            " DO UPDATE SET cents = cents + excluded.cents"
        )
        self._db.execute(sql, (payer_id, payee_npi, debt.reason, debt.reference, debt.cents))

    def clock(self) -> str:
        """Return the virtual day CCYYMMDD, "" before the first input."""
        row = self._db.execute("SELECT day FROM clock").fetchone()
        return "" if row is None else str(row[0])

    def advance_clock(self, day: str) -> None:
        """Move the virtual day forward, never back."""
        sql = "INSERT INTO clock VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET day = max(day, excluded.day)"
        self._db.execute(sql, (day,))

    def plan_for_later(self, item: Due) -> None:
        """Put something on the agenda."""
        row = (item.due_on, item.kind, item.payer_id, item.payer_control, item.payload)
        sql = "INSERT INTO agenda (due_on, kind, payer_id, payer_control, payload) VALUES (?, ?, ?, ?, ?)"
        self._db.execute(sql, row)

    def has_due(self) -> bool:
        """Tell whether the clock has reached something on the agenda."""
        sql = "SELECT 1 FROM agenda, clock WHERE agenda.due_on <= clock.day LIMIT 1"
        return self._db.execute(sql).fetchone() is not None

    def take_due(self) -> list[Due]:
        """Take what the clock has reached off the agenda: the earliest day's items, in their order."""
        sql = (
            "SELECT number, due_on, kind, payer_id, payer_control, payload FROM agenda"
            " WHERE due_on = (SELECT min(due_on) FROM agenda) AND due_on <= (SELECT day FROM clock)"
            " ORDER BY number"
        )
        rows = self._db.execute(sql).fetchall()
        self._db.executemany("DELETE FROM agenda WHERE number = ?", [(row[0],) for row in rows])
        return [Due(*row[1:]) for row in rows]

    def keep_request(self, request_id: str, payer_control: str, kind: str) -> None:
        """Keep a request for records or an audit that is open."""
        self._db.execute("INSERT INTO request VALUES (?, ?, ?, 0)", (request_id, payer_control, kind))

    def close_request(self, request_id: str) -> tuple[str, str] | None:
        """Close an open request; returns its payer control number and kind, None when none is open."""
        sql = (
            "UPDATE request SET answered = 1 WHERE request_id = ? AND answered = 0"
            " RETURNING payer_control, kind"
        )
        return self._db.execute(sql, (request_id,)).fetchone()  # type: ignore[no-any-return]

    def log_appeal(self, digest: str, payer_control: str, level: int, outcome: str) -> None:
        """Keep what became of an appeal."""
        row = (digest, payer_control, level, outcome)
        self._db.execute("INSERT OR REPLACE INTO appeal VALUES (?, ?, ?, ?)", row)

    def list_appeals(self) -> list[tuple[str, int, str]]:
        """List payer control number, level and outcome of every appeal received."""
        return list(self._db.execute("SELECT payer_control, level, outcome FROM appeal ORDER BY rowid"))


def _decided(claim: str, remit: str, address: str) -> Decided:
    return Decided(_CLAIM.validate_json(claim), _REMIT.validate_json(remit), _ADDRESS.validate_json(address))


def _recorded(row: tuple[str, str, int, int, str]) -> RecordedInput:
    digest, name, number, published, faults = row
    return RecordedInput(digest, name, number, bool(published), _FAULTS.validate_python(json.loads(faults)))
