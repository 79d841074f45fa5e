"""The chain breaks on every change: a field, a byte of a body, a record removed, moved or invented."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_audit.domain.journal import (
    GENESIS,
    ChainCheck,
    ChainHead,
    JournalEntry,
    recompute,
)

A, B = UUID(int=1), UUID(int=2)
START = datetime(2026, 9, 1, 8, tzinfo=UTC)


def a_chain(key: UUID, length: int) -> list[JournalEntry]:
    """Make a valid chain."""
    previous, entries = GENESIS, []
    for position in range(1, length + 1):
        body = f'{{"n":{position}}}'.encode()
        entry = JournalEntry(
            key=key,
            position=position,
            event_id=UUID(int=key.int * 1000 + position),
            type="rcm.intake.encounter-registered.v1",
            source="/rcm/intake",
            time=START + timedelta(minutes=position),
            sequence=position,
            correlation_id=UUID(int=9),
            causation_id=UUID(int=8) if position > 1 else None,
            facility_id="F",
            traceparent=None,
            topic="rcm.intake.encounter",
            recorded_at=START + timedelta(hours=1),
            body=body,
            body_sha256=hashlib.sha256(body).digest(),
            hash=b"",
        )
        previous = recompute(previous, entry)
        entries.append(replace(entry, hash=previous))
    return entries


def check(
    entries: list[JournalEntry], heads: dict[UUID, ChainHead], marks: dict[UUID, ChainHead] | None = None
) -> ChainCheck:
    """Run a check over entries."""
    run = ChainCheck(dict(heads), marks or {})
    run.take(entries)
    run.finish()
    return run


def heads_of(*chains: list[JournalEntry]) -> dict[UUID, ChainHead]:
    """Return the heads of valid chains."""
    return {chain[0].key: ChainHead(len(chain), chain[-1].hash) for chain in chains}


def test_valid_chains_hold() -> None:
    first, second = a_chain(A, 4), a_chain(B, 2)
    run = check(first + second, heads_of(first, second))
    assert (run.records, run.chains, run.breaks) == (6, 2, [])


def test_marks_remember_the_hash_at_their_length() -> None:
    chain = a_chain(A, 4)
    run = check(chain, heads_of(chain), {A: ChainHead(2, b"")})
    assert run.marked == {A: ChainHead(2, chain[1].hash)}


TAMPERINGS: dict[str, Callable[[JournalEntry], JournalEntry]] = {
    "body": lambda e: replace(e, body=e.body + b" "),
    "body-and-digest": lambda e: replace(e, body=b"x", body_sha256=hashlib.sha256(b"x").digest()),
    "type": lambda e: replace(e, type="rcm.intake.encounter-cancelled.v1"),
    "time": lambda e: replace(e, time=e.time + timedelta(microseconds=1)),
    "recorded-at": lambda e: replace(e, recorded_at=e.recorded_at + timedelta(microseconds=1)),
    "sequence": lambda e: replace(e, sequence=e.sequence + 1),
    "cause": lambda e: replace(e, causation_id=UUID(int=77)),
    "correlation": lambda e: replace(e, correlation_id=UUID(int=77)),
    "facility": lambda e: replace(e, facility_id="G"),
    "topic": lambda e: replace(e, topic="rcm.query.query"),
    "source": lambda e: replace(e, source="/rcm/coding"),
    "event-id": lambda e: replace(e, event_id=UUID(int=77)),
    "trace": lambda e: replace(e, traceparent="00-1-2-01"),
    "hash": lambda e: replace(e, hash=bytes(32)),
}


@pytest.mark.parametrize("name", TAMPERINGS)
@pytest.mark.parametrize("index", [0, 1, 2])
def test_any_change_breaks_the_chain(name: str, index: int) -> None:
    chain = a_chain(A, 3)
    heads = heads_of(chain)
    chain[index] = TAMPERINGS[name](chain[index])
    breaks = check(chain, heads).breaks
    assert [found.key for found in breaks] == [A]
    assert breaks[0].position == index + 1


@given(st.integers(2, 6), st.data())
def test_removed_or_swapped_records_break_the_chain(length: int, data: st.DataObject) -> None:
    chain = a_chain(A, length)
    heads = heads_of(chain)
    index = data.draw(st.integers(0, length - 1))
    assert check(chain[:index] + chain[index + 1 :], heads).breaks
    if index:
        chain[index - 1], chain[index] = chain[index], chain[index - 1]
        assert check(chain, heads).breaks


def test_rehashed_tail_is_caught_by_the_head() -> None:
    chain = a_chain(A, 3)
    heads = heads_of(chain)
    forged = replace(chain[2], facility_id="G")
    chain[2] = replace(forged, hash=recompute(chain[1].hash, forged))
    assert [found.reason for found in check(chain, heads).breaks] == ["head"]


def test_lost_chain_is_reported() -> None:
    first, second = a_chain(A, 1), a_chain(B, 2)
    breaks = check(first, heads_of(first, second)).breaks
    assert [(found.key, found.reason) for found in breaks] == [(B, "missing")]
