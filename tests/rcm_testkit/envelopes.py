"""Envelopes and deliveries for tests, with fixed ids."""

from datetime import UTC, datetime
from uuid import UUID

from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.event import Event
from rcm_shared.messaging.delivery import Delivery

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def an_id(number: int) -> UUID:
    """Return a fixed version 7 UUID."""
    return UUID(int=0x019A0000_0000_7000_8000_000000000000 + number)


def an_envelope(
    event_type: str = "rcm.query.query-expired.v1",
    *,
    number: int = 1,
    key: int = 900,
    sequence: int = 1,
    causation: bool = False,
    traceparent: bool = False,
) -> Envelope:
    """Return an envelope; `number` makes its id, `key` its encounter."""
    return Envelope(
        id=an_id(number),
        type=event_type,
        source=f"/rcm/{event_type.split('.')[1]}",
        key=an_id(key),
        time=datetime(2026, 9, 28, 8, 0, tzinfo=UTC),
        sequence=sequence,
        correlation_id=an_id(800),
        causation_id=an_id(801) if causation else None,
        facility_id="DEMO-GENERAL",
        traceparent=TRACEPARENT if traceparent else None,
    )


def a_delivery(event: Event, *, number: int = 1, key: int = 900, sequence: int = 1) -> Delivery:
    """Return a received event."""
    envelope = an_envelope(event.TYPE, number=number, key=key, sequence=sequence)
    return Delivery(envelope, event.model_dump_json().encode(), "rcm.test", 0, number)
