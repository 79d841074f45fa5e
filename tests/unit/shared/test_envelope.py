"""The envelope survives its headers; every header that is missing or wrong has its own code."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_shared.contracts.envelope import Envelope
from rcm_shared.errors import Poison
from rcm_shared.messaging.headers import from_headers, to_headers
from rcm_testkit.envelopes import an_envelope

CANARY = b"ZQCANARY"
KEY = an_envelope().key.bytes
NEEDED = (
    "ce_id",
    "ce_type",
    "ce_source",
    "ce_time",
    "ce_sequence",
    "ce_facilityid",
)

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)


def _headers(**replaced: bytes | None) -> list[tuple[str, bytes | None]]:
    headers: dict[str, bytes | None] = dict(to_headers(an_envelope(causation=True, traceparent=True)))
    headers.update(replaced)
    return list(headers.items())


@given(
    st.builds(
        Envelope,
        id=st.uuids(),
        type=_TEXT.filter(bool),
        source=_TEXT,
        key=st.uuids(),
        time=st.datetimes(timezones=st.just(UTC)),
        sequence=st.integers(1, (1 << 62) - 1),
        correlation_id=st.uuids(),
        causation_id=st.none() | st.uuids(),
        facility_id=_TEXT,
        traceparent=st.none() | _TEXT.filter(bool),
    )
)
def test_envelope_survives_its_headers(envelope: Envelope) -> None:
    assert from_headers(envelope.key.bytes, list(to_headers(envelope))) == envelope


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", [None, b"\xff\xfe"], ids=["missing", "not-utf8"])
def test_missing_or_undecodable_header_is_poison_with_its_name(name: str, value: bytes | None) -> None:
    with pytest.raises(Poison) as raised:
        from_headers(KEY, _headers(**{name: value}))
    assert raised.value.code == f"envelope-{name}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", CANARY),
        ("ce_time", CANARY),
        ("ce_time", b"2026-09-28T08:00:00"),  # no zone
        ("ce_sequence", CANARY),
        ("ce_sequence", b"0"),
        ("ce_sequence", b"-1"),
        ("ce_sequence", b"1.5"),
        ("ce_sequence", b"9" * 30),
        ("ce_sequence", b"9" * 5_000),
        ("ce_correlationid", CANARY),
        ("ce_causationid", CANARY),
        ("ce_causationid", b"\xff"),
    ],
)
def test_unreadable_header_is_poison_without_its_value(name: str, value: bytes) -> None:
    with pytest.raises(Poison) as raised:
        from_headers(KEY, _headers(**{name: value}))
    assert raised.value.code == f"envelope-{name}"
    assert str(raised.value) == f"envelope-{name}"
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("key", [None, b"", b"poison", bytes(15), bytes(17)])
def test_record_without_an_encounter_as_its_key_is_poison(key: bytes | None) -> None:
    with pytest.raises(Poison) as raised:
        from_headers(key, _headers())
    assert raised.value.code == "envelope-key"


def test_correlation_is_the_encounter_unless_a_header_names_another() -> None:
    own = an_envelope()._replace(correlation_id=an_envelope().key)
    assert "ce_correlationid" not in dict(to_headers(own))
    assert from_headers(KEY, to_headers(own)).correlation_id == own.key
    other = own._replace(correlation_id=UUID(int=77))
    assert from_headers(KEY, to_headers(other)).correlation_id == UUID(int=77)


def test_optional_headers_may_be_absent() -> None:
    headers = [item for item in _headers() if item[0] not in ("ce_causationid", "traceparent")]
    envelope = from_headers(KEY, headers)
    assert envelope.causation_id is None
    assert envelope.traceparent is None


def test_unknown_and_repeated_headers_do_no_harm() -> None:
    envelope = from_headers(KEY, [("x", b"\xff"), ("ce_id", b"old"), *_headers(), ("y", None)])
    assert envelope.id == an_envelope().id


def test_time_is_read_with_its_offset() -> None:
    envelope = from_headers(KEY, _headers(ce_time=b"2026-09-28T10:00:00+02:00"))
    assert envelope.time == datetime(2026, 9, 28, 8, 0, tzinfo=UTC)


def test_headers_are_read_in_the_form_that_kafka_gives_them() -> None:
    assert from_headers(KEY, tuple(_headers())).key == UUID(int=an_envelope().key.int)
