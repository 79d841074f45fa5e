"""CloudEvents 1.0 in Kafka binary mode: the attributes travel as headers, the body is the bare event.

Consumers route, de-duplicate and order by the headers without touching the body. Ids are read as asyncpg's UUID, a
subclass of the standard one that is made, compared and stored several times faster.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from asyncpg.pgproto.pgproto import UUID

from rcm_shared.contracts.envelope import Envelope
from rcm_shared.errors import Poison

SPEC_VERSION = b"1.0"
CONTENT_TYPE = b"application/json"


def to_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """Write the envelope as Kafka headers."""
    headers = [
        ("ce_specversion", SPEC_VERSION),
        ("ce_id", str(envelope.id).encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_time", envelope.time.isoformat().encode()),
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
    fields: dict[str, bytes] = dict(headers)  # type: ignore[arg-type]  # a null value fails below, as it must
    try:
        causation, traceparent = fields.get("ce_causationid"), fields.get("traceparent")
        envelope = Envelope(
            UUID(fields["ce_id"].decode()),
            fields["ce_type"].decode(),
            fields["ce_source"].decode(),
            UUID(fields["ce_partitionkey"].decode()),
            datetime.fromisoformat(fields["ce_time"].decode()),
            int(fields["ce_sequence"]),
            UUID(fields["ce_correlationid"].decode()),
            UUID(causation.decode()) if causation is not None else None,
            fields["ce_facilityid"].decode(),
            traceparent.decode() if traceparent is not None else None,
        )
    except (KeyError, ValueError, AttributeError, TypeError):
        raise Poison(f"envelope-{_first_fault(fields)}") from None
    if envelope.time.tzinfo is None:
        raise Poison("envelope-ce_time")
    if not 0 < envelope.sequence < 1 << 62:
        raise Poison("envelope-ce_sequence")
    return envelope


_READERS: dict[str, Callable[[str], object]] = {
    "ce_id": UUID,
    "ce_partitionkey": UUID,
    "ce_time": datetime.fromisoformat,
    "ce_sequence": int,
    "ce_correlationid": UUID,
    "ce_causationid": UUID,
    "ce_type": str,
    "ce_source": str,
    "ce_facilityid": str,
    "traceparent": str,
}
_OPTIONAL = frozenset({"ce_causationid", "traceparent"})


def _first_fault(fields: Mapping[str, bytes | None]) -> str:
    """Name the first attribute that cannot be read."""
    for name, read in _READERS.items():
        value = fields.get(name)
        if value is None and name in _OPTIONAL and name not in fields:
            continue
        try:
            read((value or b"").decode())
        except ValueError:
            return name
        if value is None:
            return name
    return "unreadable"
