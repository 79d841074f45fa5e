"""The timeline shows causes, codes and amounts, and marks every missing sequence number once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from rcm_audit.domain.journal import JournalEntry
from rcm_audit.domain.timeline import TimelineEntry, summary_of, timeline, trace_id

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
KEY = UUID(int=1)


def an_entry(sequence: int, *, topic: str = "rcm.intake.encounter", body: bytes = b"{}") -> JournalEntry:
    """Make a journal entry."""
    return JournalEntry(
        key=KEY,
        position=sequence,
        event_id=UUID(int=sequence + (0 if topic.startswith("rcm.intake") else 1000)),
        type="rcm.intake.encounter-registered.v1",
        source="/rcm/intake",
        time=START + timedelta(minutes=sequence),
        sequence=sequence,
        correlation_id=UUID(int=1),
        causation_id=None,
        facility_id="F",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        topic=topic,
        recorded_at=START,
        body=body,
        body_sha256=b"",
        hash=b"",
    )


def gaps(rows: tuple[TimelineEntry, ...]) -> list[tuple[str, int | None, int | None]]:
    """Return the gap markers."""
    return [(row.topic, row.gap_first, row.gap_last) for row in rows if row.kind == "gap"]


def test_complete_streams_have_no_marker() -> None:
    rows = timeline([an_entry(2), an_entry(1), an_entry(1, topic="rcm.query.query")])
    assert gaps(rows) == []
    assert [row.sequence for row in rows] == [1, 1, 2]


def test_missing_numbers_are_marked_before_the_event_that_shows_them() -> None:
    rows = timeline([an_entry(1), an_entry(4), an_entry(6)])
    assert gaps(rows) == [("rcm.intake.encounter", 2, 3), ("rcm.intake.encounter", 5, 5)]
    assert [row.kind for row in rows] == ["event", "gap", "event", "gap", "event"]


def test_missing_start_is_marked() -> None:
    assert gaps(timeline([an_entry(3)])) == [("rcm.intake.encounter", 1, 2)]


def test_event_held_back_shows_the_gap_before_it() -> None:
    rows = timeline([an_entry(1)], held=[("rcm.intake.encounter", 4), ("rcm.query.query", 2)])
    assert gaps(rows) == [("rcm.intake.encounter", 2, 3), ("rcm.query.query", 1, 1)]


@given(st.sets(st.integers(1, 30), min_size=1))
def test_markers_and_events_cover_every_number_once(present: set[int]) -> None:
    rows = timeline([an_entry(number) for number in present])
    covered = [row.sequence for row in rows if row.sequence is not None]
    for _, first, last in gaps(rows):
        covered += range(first or 0, (last or 0) + 1)
    assert sorted(covered) == list(range(1, max(present) + 1))


def test_causes_link_both_ways() -> None:
    cause = an_entry(1)
    effect = replace(an_entry(2), causation_id=cause.event_id)
    rows = timeline([effect, cause])
    assert rows[0].causes == (effect.event_id,)
    assert rows[1].caused_by == cause.event_id


def test_summary_shows_codes_and_amounts_only() -> None:
    actor, shown = summary_of(
        b'{"actor":"coder:1","service_from":"2026-09-01","claim_id":"x","diagnoses":[{"code":"I10","role":"p"}],'
        b'"procedures":[{"code":"99213","modifiers":["25"]}],"charge_cents":17800,'
        b'"adjustments":[{"group":"CO","code":"45","cents":700}]}'
    )
    assert actor == "coder:1"
    assert dict(shown) == {
        "charge_cents": "17800",
        "diagnoses": "I10",
        "procedures": "99213-25",
        "CO-45": "700",
    }


def test_unreadable_body_gives_an_empty_summary() -> None:
    assert summary_of(b"\xff\x00") == ("", ())
    assert summary_of(b"[]") == ("", ())
    assert timeline([an_entry(1, body=b"not json")])[0].summary == ()


def test_trace_id_of_a_traceparent() -> None:
    assert timeline([an_entry(1)])[0].trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert trace_id(None) == ""
    assert trace_id("nonsense") == ""
