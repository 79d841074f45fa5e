"""The envelope of an event: CloudEvents 1.0 attributes, which travel as Kafka headers beside the bare body."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Envelope(NamedTuple):
    """Who says what about which encounter, and why.

    `key` is the opaque encounter id (Kafka key), `sequence` is gapless per (topic, key) and starts at 1,
    `causation_id` is the event that led to this one; `correlation_id` is shared by all events of one story: the
    encounter, unless a cause says otherwise.
    """

    id: UUID
    type: str
    source: str
    key: UUID
    time: datetime
    sequence: int
    correlation_id: UUID
    causation_id: UUID | None
    facility_id: str
    traceparent: str | None = None
