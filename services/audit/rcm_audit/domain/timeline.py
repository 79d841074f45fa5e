"""The timeline of one encounter: every service's events, what led to them, and where some are missing."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rcm_audit.domain.journal import JournalEntry

#: What a summary may show: codes, states and amounts. Ids, dates of service and everything else stay out.
_SHOWN = (
    "setting",
    "claim_form",
    "source_format",
    "precoded",
    "reason",
    "reasons",
    "rule",
    "outcome",
    "level",
    "suggested",
    "gaps",
    "drg",
    "payer_id",
    "payer_order",
    "form",
    "frequency",
    "owner_queue",
    "acknowledgement",
    "status_codes",
    "status",
    "source",
    "group",
    "carc",
    "category",
    "charge_cents",
    "charged_cents",
    "paid_cents",
    "patient_cents",
    "to_patient_cents",
    "adjusted_cents",
    "denied_cents",
    "total_cents",
)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One row: an event, or a marker (`gap_first`, `gap_last`) for sequence numbers that are missing."""

    kind: str  # "event", "gap"
    topic: str
    time: datetime | None = None
    sequence: int | None = None
    event_id: UUID | None = None
    type: str = ""
    actor: str = ""
    caused_by: UUID | None = None
    causes: tuple[UUID, ...] = ()
    trace_id: str = ""
    summary: tuple[tuple[str, str], ...] = ()
    recorded_at: datetime | None = None
    gap_first: int | None = None
    gap_last: int | None = None


def summary_of(body: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the actor and the fields worth showing; an unreadable body gives nothing rather than failing."""
    try:
        fields: Any = json.loads(body)
    except ValueError:
        return "", ()
    if not isinstance(fields, dict):
        return "", ()
    shown = [
        (name, _text(fields[name])) for name in _SHOWN if fields.get(name) not in (None, "", [], False, 0)
    ]
    diagnoses = fields.get("diagnoses")
    procedures = fields.get("procedures")
    for name, values in (("diagnoses", diagnoses), ("procedures", procedures)):
        if isinstance(values, list) and values:
            shown.append((name, ", ".join(_code(value) for value in values)))
    for adjustment in fields.get("adjustments") or ():
        shown.append((f"{adjustment['group']}-{adjustment['code']}", str(adjustment["cents"])))
    return str(fields.get("actor", "")), tuple(shown)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _code(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return "-".join((str(value.get("code", "")), *map(str, value.get("modifiers") or ())))


def trace_id(traceparent: str | None) -> str:
    """Return the trace id of a W3C traceparent, or empty."""
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) == 4 else ""


def timeline(
    entries: Iterable[JournalEntry], held: Sequence[tuple[str, int]] = ()
) -> tuple[TimelineEntry, ...]:
    """Order an encounter's events by time and mark what is missing.

    `held` are (topic, sequence) that audit received but keeps back behind a gap: they show that one exists.
    Shape: a gap's marker stands before the event that revealed it, or at the end.
    """
    found = sorted(entries, key=lambda entry: (entry.time, entry.topic, entry.sequence))
    effects: dict[UUID, list[UUID]] = {}
    for entry in found:
        if entry.causation_id:
            effects.setdefault(entry.causation_id, []).append(entry.event_id)
    present: dict[str, set[int]] = {}
    for entry in found:
        present.setdefault(entry.topic, set()).add(entry.sequence)
    reported: dict[str, int] = {}
    rows: list[TimelineEntry] = []
    for entry in found:
        rows.extend(_gaps(entry.topic, reported.get(entry.topic, 0), entry.sequence, present[entry.topic]))
        reported[entry.topic] = max(reported.get(entry.topic, 0), entry.sequence)
        actor, summary = summary_of(entry.body)
        rows.append(
            TimelineEntry(
                kind="event",
                topic=entry.topic,
                time=entry.time,
                sequence=entry.sequence,
                event_id=entry.event_id,
                type=entry.type,
                actor=actor,
                caused_by=entry.causation_id,
                causes=tuple(effects.get(entry.event_id, ())),
                trace_id=trace_id(entry.traceparent),
                summary=summary,
                recorded_at=entry.recorded_at,
            )
        )
    for topic, sequence in sorted(held):
        last = reported.get(topic, 0)
        rows.extend(_gaps(topic, last, sequence, present.get(topic, set())))
        reported[topic] = max(last, sequence)
    return tuple(rows)


def _gaps(topic: str, last: int, sequence: int, present: set[int]) -> list[TimelineEntry]:
    missing = [number for number in range(last + 1, sequence) if number not in present]
    rows: list[TimelineEntry] = []
    for number in missing:
        if rows and rows[-1].gap_last == number - 1:
            rows[-1] = TimelineEntry("gap", topic, gap_first=rows[-1].gap_first, gap_last=number)
        else:
            rows.append(TimelineEntry("gap", topic, gap_first=number, gap_last=number))
    return rows
