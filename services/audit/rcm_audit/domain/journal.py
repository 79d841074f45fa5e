"""The journal's hash chain: each encounter's records, in the order in which audit took them.

`h = SHA-256(previous || canonical record)`. The record covers the envelope, when audit took it and the digest
of the raw body, so that neither a field nor a byte of a body can change without breaking the chain.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

GENESIS = bytes(32)  # before a chain's first record


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One event as audit keeps it. `position` counts from 1 within its chain."""

    key: UUID
    position: int
    event_id: UUID
    type: str
    source: str
    time: datetime
    sequence: int
    correlation_id: UUID
    causation_id: UUID | None
    facility_id: str
    traceparent: str | None
    topic: str
    recorded_at: datetime
    body: bytes
    body_sha256: bytes
    hash: bytes


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def canonical(
    key: UUID,
    position: int,
    event_id: UUID,
    type: str,
    source: str,
    time: datetime,
    sequence: int,
    correlation_id: UUID,
    causation_id: UUID | None,
    facility_id: str,
    traceparent: str | None,
    topic: str,
    recorded_at: datetime,
    body_sha256: bytes,
) -> bytes:
    """Write a record as one unambiguous line: a JSON array without blanks, times in UTC, digests in hex."""
    return _encode(
        [
            key.hex,
            position,
            event_id.hex,
            type,
            source,
            time.astimezone(UTC).isoformat(),
            sequence,
            correlation_id.hex,
            causation_id.hex if causation_id else None,
            facility_id,
            traceparent,
            topic,
            recorded_at.astimezone(UTC).isoformat(),
            body_sha256.hex(),
        ]
    ).encode()


def link(previous: bytes, record: bytes) -> bytes:
    """Return the hash of a record that follows `previous` in its chain."""
    return hashlib.sha256(previous + record).digest()


@dataclass(frozen=True, slots=True)
class ChainHead:
    """How long a chain is and its last hash."""

    length: int
    hash: bytes


def recompute(previous: bytes, entry: JournalEntry) -> bytes:
    """Return what an entry's hash must be, from its own fields and its raw body."""
    return link(
        previous,
        canonical(
            entry.key,
            entry.position,
            entry.event_id,
            entry.type,
            entry.source,
            entry.time,
            entry.sequence,
            entry.correlation_id,
            entry.causation_id,
            entry.facility_id,
            entry.traceparent,
            entry.topic,
            entry.recorded_at,
            hashlib.sha256(entry.body).digest(),
        ),
    )


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold, and why."""

    key: UUID
    position: int
    reason: str  # "position", "body", "hash", "head", "missing"


class ChainCheck:
    """Recomputes chains from entries in (key, position) order, and remembers hashes at asked-for lengths."""

    def __init__(self, heads: dict[UUID, ChainHead], marks: dict[UUID, ChainHead]) -> None:
        self._heads = heads
        self._marks = marks
        self._key: UUID | None = None
        self._last = ChainHead(0, GENESIS)
        self._broken: set[UUID] = set()
        self.records = 0
        self.chains = 0
        self.breaks: list[Break] = []
        self.marked: dict[UUID, ChainHead] = {}

    def take(self, entries: Iterable[JournalEntry]) -> None:
        """Check the next entries."""
        for entry in entries:
            if entry.key != self._key:
                self._end_chain()
                self._key, self._last = entry.key, ChainHead(0, GENESIS)
                self.chains += 1
            self.records += 1
            self._check(entry)

    def _check(self, entry: JournalEntry) -> None:
        expected = recompute(self._last.hash, entry)
        if entry.position != self._last.length + 1:
            self._report(entry.key, self._last.length + 1, "position")
        elif hashlib.sha256(entry.body).digest() != entry.body_sha256:
            self._report(entry.key, entry.position, "body")
        elif expected != entry.hash:
            self._report(entry.key, entry.position, "hash")
        self._last = ChainHead(entry.position, expected)
        mark = self._marks.get(entry.key)
        if mark is not None and mark.length == entry.position:
            self.marked[entry.key] = self._last

    def _report(self, key: UUID, position: int, reason: str) -> None:
        if key not in self._broken:
            self._broken.add(key)
            self.breaks.append(Break(key, position, reason))

    def _end_chain(self) -> None:
        if self._key is not None and self._heads.pop(self._key, None) != self._last:
            self._report(self._key, self._last.length, "head")

    def finish(self) -> None:
        """Close the last chain and report heads whose records are gone."""
        self._end_chain()
        for key, head in sorted(self._heads.items()):
            self._report(key, head.length, "missing")
