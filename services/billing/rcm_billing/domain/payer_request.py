"""A payer's request for records, or its audit of a claim: states, what has to be gathered, when it is due."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from rcm_billing.domain.errors import IllegalTransition

DUE = "payer-request-due"
WARN_DAYS = 7
DEFAULT_DAYS = 30  # where the payer names no day


class RequestState(StrEnum):
    """Where one request stands."""

    RECEIVED = "received"
    IN_WORK = "in_work"
    ANSWERED = "answered"
    CLOSED = "closed"


R = RequestState
REQUEST_STEPS: dict[RequestState, frozenset[RequestState]] = {
    R.RECEIVED: frozenset({R.IN_WORK, R.CLOSED}),
    R.IN_WORK: frozenset({R.ANSWERED, R.CLOSED}),
    # the payer may ask for more of the same
    R.ANSWERED: frozenset({R.IN_WORK, R.CLOSED}),
    R.CLOSED: frozenset({R.IN_WORK}),
}
OPEN_REQUESTS = frozenset({R.RECEIVED, R.IN_WORK})

#: kind of request -> what is usually asked for: (kind of evidence, must it be there)
_ASKED: dict[str, tuple[tuple[str, bool], ...]] = {
    "medical-records": (("clinical-note", True), ("order", False), ("results", False)),
    "audit": (("clinical-note", True), ("itemised-bill", True), ("order", False), ("coding-summary", False)),
}
KINDS = tuple(_ASKED)


class Alert(StrEnum):
    """What was told about the day on which it is due."""

    NONE = ""
    WARNED = "warned"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One entry of the checklist: a document by its id, one of our own records, or why there is none."""

    kind: str
    required: bool
    document_id: UUID | None = None
    reference: str = ""  # a claim version or acknowledgement of ours
    sha256: str = ""
    unavailable: str = ""  # a code of why it cannot be had

    @property
    def settled(self) -> bool:
        """Return whether nothing more is to be done about it."""
        return self.document_id is not None or bool(self.reference) or bool(self.unavailable)


def first_checklist(kind: str, own: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return what a request of this kind needs, after what billing itself can show (claim, acknowledgements)."""
    return (*own, *(Evidence(name, required) for name, required in _ASKED[kind]))


def with_evidence(checklist: Iterable[Evidence], found: Evidence) -> tuple[Evidence, ...]:
    """Return the checklist with an entry settled: the first open one of its kind, else one more."""
    entries = list(checklist)
    for at, entry in enumerate(entries):
        if entry.kind == found.kind and not entry.settled:
            entries[at] = replace(found, required=entry.required)
            return tuple(entries)
    return (*entries, replace(found, required=False))


def missing(checklist: Iterable[Evidence]) -> tuple[str, ...]:
    """Return the kinds that must be there and are not."""
    return tuple(entry.kind for entry in checklist if entry.required and not entry.settled)


def move_request(state: RequestState, to: RequestState) -> RequestState:
    """Return `to` when the table lists the step.

    Raises: IllegalTransition.
    """
    if to not in REQUEST_STEPS[state]:
        raise IllegalTransition(f"payer-request-{state}-to-{to}")
    return to


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)


def next_alert(due_on: date, alert: Alert) -> datetime | None:
    """Return when the next warning about a due day comes; None when all was told."""
    if alert is Alert.EXPIRED:
        return None
    return _end_of(due_on) if alert is Alert.WARNED else _end_of(due_on - timedelta(days=WARN_DAYS + 1))


def alert_at(due_on: date, now: datetime) -> Alert:
    """Return what is to be told at a moment: the due day is over, or at most seven days away."""
    if now >= _end_of(due_on):
        return Alert.EXPIRED
    return Alert.WARNED if now >= _end_of(due_on - timedelta(days=WARN_DAYS + 1)) else Alert.NONE
