"""Our JSON form: strict about everything that could be read in two ways."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_intake.gateways.readers import read_message
from rcm_intake.gateways.reading import Reading, Refusal
from unit.intake.messages import as_bytes, canonical


def refused(raw: bytes) -> tuple[str, str]:
    judged = read_message(raw, "json")
    assert isinstance(judged, Refusal), judged
    return judged.code, judged.position


def test_whole_encounter_is_read() -> None:
    judged = read_message(as_bytes(canonical()), "json")
    assert isinstance(judged, Reading)
    (message,) = judged.messages
    assert message.key == ("F1", "ehr", "V1")
    assert message.charges[0].cents == 13200
    assert message.documents[0].kind == "office-note"


def with_charge(**more: Any) -> bytes:
    said = canonical()
    said["charges"][0] |= more
    return as_bytes(said)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"[" * 100_000, "json-too-deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "json-too-deep"),
        (with_charge().replace(b"13200", b"1" * 5000), "json-number"),
        (with_charge().replace(b"13200", b"NaN"), "json-number"),
        (with_charge().replace(b"13200", b"Infinity"), "json-number"),
        (with_charge().replace(b"13200", b"1e999"), "json-number"),
        (with_charge(amount_cents=132.5), "invalid-value"),
        (with_charge(amount_cents="13200"), "invalid-value"),
        (with_charge(amount_cents=-1), "invalid-value"),
        (with_charge(amount_cents=10**15), "invalid-value"),
        (with_charge(amount_cents=True), "invalid-value"),
        (
            as_bytes(canonical()).replace(b'{"message_id"', b'{"source":"x","message_id"', 1),
            "json-duplicate-key",
        ),
        (as_bytes(canonical(is_admin=True)), "unknown-field"),
        (as_bytes(canonical(message_id="x" * 300)), "invalid-value"),
        (as_bytes(canonical(message_id="../../etc")), "invalid-value"),
        (as_bytes(canonical()).replace(b"ZQTESTER", b"ZQ\\ud800"), "lone-surrogate"),
        (as_bytes(canonical()).replace(b"well.", b"we\\u0000ll"), "control-character"),
        (as_bytes(canonical()).replace(b"ZQTESTER", b"ZQ\\u001b[31m"), "control-character"),
        (as_bytes(canonical(patient={"last_name": "ZQ\nX", "birth_date": "1970-01-01"})), "invalid-value"),
        (b"\xff\xfe", "charset-mismatch"),
        (b"", "json-malformed"),
        (b"null", "json-malformed"),
        (b'"' + b'\\"' * 100_000, "json-malformed"),
        (b"{" + b" " * 4_000_001 + b"}", "message-too-large"),
        (as_bytes({k: v for k, v in canonical().items() if k != "patient"}), "missing-field"),
        (as_bytes(canonical(documents=[{"id": "D1", "text": "  "}])), "invalid-value"),
    ],
)
def test_ambiguous_or_hostile_json_is_refused(raw: bytes, code: str) -> None:
    assert refused(raw)[0] == code


def test_position_is_a_pointer_without_the_senders_words() -> None:
    said = canonical()
    said["charges"][0]["ZQSECRET"] = "ZQVALUE"
    code, position = refused(as_bytes(said))
    assert (code, position) == ("unknown-field", "/charges/0")
    said = canonical()
    said["patient"]["birth_date"] = "ZQVALUE"
    assert refused(as_bytes(said)) == ("invalid-value", "/patient/birth_date")


def test_precoded_needs_codes_and_charges() -> None:
    said = canonical()
    said["encounter"]["precoded"] = True
    assert refused(as_bytes(said)) == ("missing-field", "/diagnoses")
    said["diagnoses"] = ["I10"]
    assert isinstance(read_message(as_bytes(said), "json"), Reading)
    del said["charges"]
    assert refused(as_bytes(said)) == ("missing-field", "/charges")


def test_message_without_id_is_known_by_its_content() -> None:
    said = {k: v for k, v in canonical().items() if k != "message_id"}
    first, again = read_message(as_bytes(said), "json"), read_message(as_bytes(said), "json")
    assert first == again
    assert isinstance(first, Reading)
    assert first.message_id.startswith("sha256:")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    )
)
def test_any_json_is_judged(value: Any) -> None:
    assert isinstance(read_message(as_bytes(value), "json"), Refusal)
    assert isinstance(read_message(json.dumps(canonical(patient=value)).encode(), "json"), Refusal)


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(raw: bytes) -> None:
    assert isinstance(read_message(raw, "json"), Refusal)
    assert isinstance(read_message(raw, "fhir"), Refusal)
