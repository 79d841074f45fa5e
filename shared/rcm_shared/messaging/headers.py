"""CloudEvents 1.0 in Kafka binary mode: attributes are headers, the key is the encounter, the body the bare event.

Consumers route, de-duplicate and order by the headers without touching the body. What the record says by itself is not
said again in a header: the partition key is the record's key, the content is JSON, and the correlation is the encounter
unless a header names another. Ids are read as asyncpg's UUID, a subclass of the standard one that is made, compared and
stored several times faster.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from asyncpg.pgproto.pgproto import UUID

from rcm_shared.contracts.envelope import Envelope
from rcm_shared.errors import Poison

_SPEC_VERSION = ("ce_specversion", b"1.0")


def to_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """Write the envelope as Kafka headers; its key is the record's key."""
    headers = [
        _SPEC_VERSION,
        ("ce_id", str(envelope.id).encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_time", envelope.time.isoformat().encode()),
        ("ce_sequence", b"%d" % envelope.sequence),
        ("ce_facilityid", envelope.facility_id.encode()),
    ]
    if envelope.correlation_id != envelope.key:
        headers.append(("ce_correlationid", str(envelope.correlation_id).encode()))
    if envelope.causation_id:
        headers.append(("ce_causationid", str(envelope.causation_id).encode()))
    if envelope.traceparent:
        headers.append(("traceparent", envelope.traceparent.encode()))
    return headers


def from_headers(key: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """Read the envelope from a Kafka record's key (16 bytes of the encounter's UUID) and headers.

    Raises: Poison with the code of the first attribute that is missing or unreadable.
    """
    fields: dict[str, bytes] = dict(headers)  # type: ignore[arg-type]  # a null value fails below, as it must
    if key is None or len(key) != 16:
        raise Poison("envelope-key")
    encounter = UUID(key)
    try:
        causation, traceparent = fields.get("ce_causationid"), fields.get("traceparent")
        correlation = fields.get("ce_correlationid")
        envelope = Envelope(
            UUID(fields["ce_id"].decode()),
            fields["ce_type"].decode(),
            fields["ce_source"].decode(),
            encounter,
            datetime.fromisoformat(fields["ce_time"].decode()),
            int(fields["ce_sequence"]),
            UUID(correlation.decode()) if correlation is not None else encounter,
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
    if "\0" in f"{envelope.type}{envelope.source}{envelope.facility_id}{envelope.traceparent}":
        raise Poison(
            "envelope-nul"
        )  # PostgreSQL stores none: it could be neither applied nor set aside, for ever
    return envelope


_READERS: dict[str, Callable[[str], object]] = {
    "ce_id": UUID,
    "ce_time": datetime.fromisoformat,
    "ce_sequence": int,
    "ce_correlationid": UUID,
    "ce_causationid": UUID,
    "ce_type": str,
    "ce_source": str,
    "ce_facilityid": str,
    "traceparent": str,
}
_OPTIONAL = frozenset({"ce_correlationid", "ce_causationid", "traceparent"})


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
