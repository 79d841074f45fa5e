"""`fold`: one load, one decision per event in order, one save; a poisoned key stops, the others go on."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.query import QueryAnswered, QueryExpired, QueryRetracted
from rcm_shared.errors import Poison, Transient
from rcm_shared.messaging.decide import (
    CancelTimer,
    Decision,
    FiredTimer,
    Moment,
    SetTimer,
    Work,
    fold,
    fold_timers,
)
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork
from rcm_testkit.envelopes import a_delivery, an_id

NOW = datetime(2026, 9, 28, 8, 0, tzinfo=UTC)
A, B = 900, 901


class _Timers:
    """Answers the one statement of `take_timers`: only the live ones are deleted and returned."""

    def __init__(self, *live: FiredTimer) -> None:
        self._live = live

    async def fetch(
        self, _sql: str, keys: list[UUID], kinds: list[str], due: list[datetime]
    ) -> list[dict[str, Any]]:
        asked = set(zip(keys, kinds, due, strict=True))
        return [
            {"key": t.key, "kind": t.kind, "due_at": t.due_at, "payload": json.dumps(dict(t.payload))}
            for t in self._live
            if (t.key, t.kind, t.due_at) in asked
        ]


class Store:
    """Counts per key; remembers how often it was asked."""

    def __init__(self, states: dict[UUID, int] | None = None) -> None:
        self.states = states or {}
        self.loads: list[list[UUID]] = []
        self.saves: list[dict[UUID, int]] = []

    async def load(self, _conn: Any, keys: list[UUID]) -> dict[UUID, int]:
        self.loads.append(keys)
        return {key: self.states[key] for key in keys if key in self.states}

    async def save(self, _conn: Any, states: dict[UUID, int]) -> None:
        self.saves.append(dict(states))
        self.states.update(states)


def _uow(conn: Any = None) -> UnitOfWork:
    return UnitOfWork(conn, now=NOW, service="query", topic="rcm.query.query")


def _expired(number: int, key: int = A, sequence: int = 1) -> Delivery:
    event = QueryExpired(actor="system:query", facility_id="F", query_id=an_id(number))
    return a_delivery(event, number=number, key=key, sequence=sequence)


def _retracted(number: int, key: int = A, sequence: int = 1) -> Delivery:
    event = QueryRetracted(actor="system:query", facility_id="F", query_id=an_id(number), reason="x")
    return a_delivery(event, number=number, key=key, sequence=sequence)


def _count(state: int | None, _event: Event, _moment: Moment) -> Decision[int]:
    return Decision((state or 0) + 1)


def _poison(_state: int | None, _event: Event, _moment: Moment) -> Decision[int]:
    raise Poison("broken-rule")


async def _fold(uow: UnitOfWork, store: Store, deliveries: list[Delivery], *, expired: Any = _count) -> None:
    table: dict[type[Event], Any] = {QueryExpired: expired, QueryRetracted: _poison}
    await fold(uow, deliveries, table=table, load=store.load, save=store.save)


async def test_batch_is_one_load_in_key_order_and_one_save() -> None:
    store = Store({an_id(B): 5})
    await _fold(_uow(), store, [_expired(1, B), _expired(2, A), _expired(3, A, 2)])
    assert store.loads == [[an_id(A), an_id(B)]]
    assert store.saves == [{an_id(A): 2, an_id(B): 6}]


async def test_each_decision_sees_the_state_left_by_the_one_before() -> None:
    seen: list[int | None] = []

    def decide(state: int | None, _event: Event, _moment: Moment) -> Decision[int]:
        seen.append(state)
        return Decision((state or 0) + 1)

    await _fold(
        _uow(), Store(), [_expired(1), _expired(2, sequence=2), _expired(3, sequence=3)], expired=decide
    )
    assert seen == [None, 1, 2]


async def test_poison_sets_its_event_aside_parks_its_key_and_lets_others_go_on() -> None:
    uow, store = _uow(), Store()
    await _fold(uow, store, [_expired(1), _retracted(2, sequence=2), _expired(3, B), _expired(4, sequence=3)])
    assert [(letter.delivery.offset, letter.state) for letter in uow.dead] == [(2, "dead"), (4, "parked")]
    assert (uow.dead[0].error_class, uow.dead[0].error_code) == ("Poison", "broken-rule")
    assert uow.blocked == {an_id(A)}
    assert store.saves == [{an_id(A): 1, an_id(B): 1}]


async def test_programming_error_is_set_aside_under_its_class_without_its_text() -> None:
    def decide(_state: int | None, _event: Event, _moment: Moment) -> Decision[int]:
        raise KeyError("ZQCANARY")

    uow = _uow()
    await _fold(uow, Store(), [_expired(1)], expired=decide)
    assert (uow.dead[0].error_class, uow.dead[0].error_code) == ("KeyError", "unexpected")
    assert "ZQCANARY" not in repr(uow.dead[0])


async def test_body_that_does_not_parse_is_poison_for_its_key_only() -> None:
    uow, store = _uow(), Store()
    await _fold(uow, store, [_expired(1)._replace(body=b'{"actor": 1'), _expired(2, B)])
    assert [(letter.delivery.offset, letter.error_code) for letter in uow.dead] == [(1, "body-invalid")]
    assert store.saves == [{an_id(B): 1}]


async def test_events_of_a_key_that_is_blocked_already_are_parked_whatever_their_type() -> None:
    uow, store = _uow(), Store()
    uow.blocked.add(an_id(A))
    answered = QueryAnswered(
        actor="p", facility_id="F", query_id=an_id(1), outcome="agreed", answer_id=an_id(2), answer_sha256="0",
        provider_id="p",
    )  # fmt: skip
    await _fold(uow, store, [_expired(1), a_delivery(answered, number=2)])
    assert [letter.state for letter in uow.dead] == ["parked", "parked"]
    assert store.loads == []


async def test_transient_error_gives_the_whole_batch_back() -> None:
    def decide(_state: int | None, _event: Event, _moment: Moment) -> Decision[int]:
        raise Transient("later")

    uow, store = _uow(), Store()
    with pytest.raises(Transient):
        await _fold(uow, store, [_expired(1)], expired=decide)
    assert uow.dead == []
    assert store.saves == []


async def test_type_outside_the_table_is_ignored_and_unknown_type_is_counted() -> None:
    uow, store = _uow(), Store()
    known = _expired(1)
    future = known._replace(envelope=known.envelope._replace(type="rcm.query.query-dreamt.v9"), body=b"\xff")
    await fold(uow, [known, future], table={}, load=store.load, save=store.save)
    assert uow.unknown_types == 1
    assert (uow.dead, store.loads, store.saves) == ([], [], [])


async def test_decision_without_state_saves_nothing() -> None:
    store = Store()
    await _fold(_uow(), store, [_expired(1)], expired=lambda *_: Decision())
    assert store.saves == []


async def test_events_timers_and_work_go_to_the_unit_of_work_under_the_key_with_their_cause() -> None:
    uow, delivery = _uow(), _expired(1)
    event = QueryRetracted(actor="system:query", facility_id="F", query_id=an_id(1), reason="x")
    timer, work = SetTimer("remind", NOW + timedelta(days=1)), Work("compose")
    decision: Decision[int] = Decision(events=(event,), timers=(timer, CancelTimer("expire")), work=(work,))
    await _fold(uow, Store(), [delivery], expired=lambda *_: decision)
    (emitted,) = uow._emitted
    assert (emitted.key, emitted.event, emitted.cause) == (an_id(A), event, delivery.envelope)
    assert uow._timers == {(an_id(A), "remind"): timer, (an_id(A), "expire"): CancelTimer("expire")}
    assert uow._work == {(an_id(A), "compose"): (work, delivery.envelope)}


async def test_moment_carries_business_time_key_and_cause() -> None:
    moments: list[Moment] = []

    def decide(_state: int | None, _event: Event, moment: Moment) -> Decision[int]:
        moments.append(moment)
        return Decision()

    delivery = _expired(1)
    await _fold(_uow(), Store(), [delivery], expired=decide)
    assert moments == [Moment(NOW, an_id(A), delivery.envelope)]


async def test_only_timers_that_are_still_live_fire() -> None:
    live, moved = FiredTimer(an_id(A), "remind", NOW, {"level": 1}), FiredTimer(an_id(B), "remind", NOW, {})
    store, payloads = Store(), []

    def decide(state: int | None, timer: FiredTimer, moment: Moment) -> Decision[int]:
        payloads.append((timer.payload, moment.cause))
        return Decision((state or 0) + 1)

    uow = _uow(_Timers(live))
    await fold_timers(uow, [live, moved], table={"remind": decide}, load=store.load, save=store.save)
    assert payloads == [({"level": 1}, None)]
    assert store.saves == [{an_id(A): 1}]
