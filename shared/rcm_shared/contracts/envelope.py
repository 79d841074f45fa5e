"""CloudEvents 1.0 in Kafka binary mode: the attributes travel as headers, the body is the bare event.

Consumers route, de-duplicate and order by the headers without touching the body.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rcm_shared.errors import Poison

SPEC_VERSION = "1.0"
CONTENT_TYPE = b"application/json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who says what about which encounter, and why.

    `key` is the opaque encounter id (Kafka key), `sequence` is gapless per (topic, key) and starts at 1,
    `causation_id` is the event that led to this one, `correlation_id` the first of the whole chain.
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


def to_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """Write the envelope as Kafka headers."""
    headers = [
        ("ce_specversion", SPEC_VERSION.encode()),
        ("ce_id", str(envelope.id).encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_subject", str(envelope.key).encode()),
        ("ce_time", envelope.time.isoformat().encode()),
        ("ce_dataschema", f"urn:claimstream:schema:{envelope.type}".encode()),
        ("content-type", CONTENT_TYPE),
        ("ce_partitionkey", str(envelope.key).encode()),
        ("ce_sequence", str(envelope.sequence).encode()),
        ("ce_correlationid", str(envelope.correlation_id).encode()),
        ("ce_facilityid", envelope.facility_id.encode()),
    ]
    if envelope.causation_id:
        headers.append(("ce_causationid", str(envelope.causation_id).encode()))
    if envelope.traceparent:
        headers.append(("traceparent", envelope.traceparent.encode()))
    return headers


def from_headers(headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """Read the envelope from Kafka headers.

    Raises: Poison with the code of the first attribute that is missing or unreadable.
    """
    fields = {name: value for name, value in headers if value is not None}

    def text(name: str) -> str:
        try:
            return fields[name].decode()
        except (KeyError, UnicodeDecodeError):
            raise Poison(f"envelope-{name}") from None

    code = "ce_id"
    try:
        event_id = UUID(text("ce_id"))
        code = "ce_partitionkey"
        key = UUID(text("ce_partitionkey"))
        code = "ce_time"
        time = datetime.fromisoformat(text("ce_time"))
        if time.tzinfo is None:
            raise ValueError
        code = "ce_sequence"
        sequence = int(text("ce_sequence"))
        if not 0 < sequence < 1 << 62:
            raise ValueError
        code = "ce_correlationid"
        correlation_id = UUID(text("ce_correlationid"))
        code = "ce_causationid"
        causation_id = UUID(text("ce_causationid")) if "ce_causationid" in fields else None
    except ValueError:
        raise Poison(f"envelope-{code}") from None
    return Envelope(
        id=event_id,
        type=text("ce_type"),
        source=text("ce_source"),
        key=key,
        time=time,
        sequence=sequence,
        correlation_id=correlation_id,
        causation_id=causation_id,
        facility_id=text("ce_facilityid"),
        traceparent=text("traceparent") if "traceparent" in fields else None,
    )
