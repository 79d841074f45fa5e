"""Identifiers sort by time and derived ones come out the same every time."""

import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_shared.ids import derived_uuid, uuid7


def test_uuid7_has_version_7_and_the_rfc_variant() -> None:
    value = uuid7()
    assert value.version == 7
    assert value.int >> 62 & 0b11 == 0b10


def test_uuid7_carries_the_milliseconds_of_its_making() -> None:
    before = time.time_ns() // 1_000_000
    millis = uuid7().int >> 80
    assert before <= millis <= time.time_ns() // 1_000_000


def test_uuid7_sorts_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for moment in (1_000, 1_001, 5_000_000):
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment * 1_000_000)
        made.append(uuid7())
    assert made == sorted(made)


def test_uuid7_does_not_repeat() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000


@given(st.uuids(), st.text(max_size=40))
def test_derived_uuid_is_stable_and_keeps_the_time_of_its_parent(parent: UUID, name: str) -> None:
    derived = derived_uuid(parent, name)
    assert derived == derived_uuid(parent, name)
    assert derived.int >> 80 == parent.int >> 80
    assert derived.version == 7


@given(st.uuids(), st.uuids(), st.text(max_size=20), st.text(max_size=20))
def test_derived_uuids_differ_by_parent_and_by_name(one: UUID, other: UUID, name: str, another: str) -> None:
    if one != other:
        assert derived_uuid(one, name) != derived_uuid(other, name)
    if name != another:
        assert derived_uuid(one, name) != derived_uuid(one, another)


def test_derived_uuid_keeps_its_value_across_releases() -> None:
    parent = UUID("019a0000-0000-7000-8000-000000000001")
    assert derived_uuid(parent, "claim") == UUID("019a0000-0000-7c51-9636-8f05d5b3fbb2")
