"""What cannot be applied is set aside with its key; everything else flows, and nothing is lost."""

import json
from typing import Any
from uuid import UUID

import pytest
from integration.ledger import (
    BAD_ROW,
    BAD_TEXT,
    BROKEN,
    POISON,
    FakeRecord,
    Ledger,
    World,
    escalated,
    record,
    until,
)
from rcm_shared.errors import Transient
from rcm_shared.ids import uuid7
from rcm_shared.messaging import dead_letter
from rcm_shared.messaging.apply import MAX_ATTEMPTS, Outcome, apply_records, redrive


async def deliver(world: World, ledger: Ledger, records: list[FakeRecord], times: int = 1) -> int:
    """Hand a batch over until it is accepted; returns how often it was given back."""
    for given_back in range(times):
        try:
            await apply_records(world.pool, world.consumer(ledger), records)
        except Exception:
            if given_back + 1 == times:
                raise
            continue
        return given_back
    raise AssertionError("unreachable")


async def test_bad_body_is_set_aside_and_parks_its_key_only(database_world: World) -> None:
    world, ledger, bad, good = database_world, Ledger(), uuid7(), uuid7()
    sent = [
        record(bad, 1),
        record(good, 1),
        record(bad, 2, body=b'{"level": "no number"}'),
        record(bad, 3),
        record(good, 2),
    ]
    outcome = await apply_records(world.pool, world.consumer(ledger), world.lying(sent))
    assert (outcome.applied, outcome.aside) == (3, 2)
    await apply_records(world.pool, world.consumer(ledger), world.lying([record(bad, 4), record(good, 3)]))
    assert await world.levels(bad) == [1]
    assert await world.levels(good) == [1, 2, 3]
    assert await world.letters(bad) == [("dead", 2, "body-invalid"), ("parked", 3, ""), ("parked", 4, "")]
    assert await world.position(bad) == (4, True, False)
    assert await world.position(good) == (3, False, False)


async def test_refused_decision_is_set_aside_under_its_code(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    await apply_records(
        world.pool, world.consumer(ledger), world.lying([record(key, 1, escalated(POISON)), record(key, 2)])
    )
    assert await world.letters(key) == [("dead", 1, "level-refused"), ("parked", 2, "")]
    assert await world.levels(key) == []


async def test_redelivered_poison_is_set_aside_once(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    sent = [record(key, 1, escalated(POISON)), record(key, 2)]
    records = world.lying(sent)
    for batch in (records, records, world.lying(sent)):
        await apply_records(world.pool, world.consumer(ledger), batch)
    assert [state for state, _, _ in await world.letters(key)] == ["dead", "parked"]


@pytest.mark.parametrize(("level", "state"), [(BAD_TEXT, "22021"), (BAD_ROW, "23514")])
async def test_data_that_the_database_refuses_isolates_the_culprit_at_once(
    database_world: World, level: int, state: str
) -> None:
    world, ledger, bad, good = database_world, Ledger(), uuid7(), uuid7()
    sent = [
        record(good, 1),
        record(bad, 1),
        record(bad, 2, escalated(level)),
        record(bad, 3),
        record(good, 2),
    ]
    assert await deliver(world, ledger, world.lying(sent)) == 0
    assert await world.levels(good) == [1, 2]
    assert await world.levels(bad) == [1]
    assert await world.letters() == [("dead", 2, state), ("parked", 3, "")]


async def test_unknown_exception_is_tried_five_times_then_set_aside(database_world: World) -> None:
    world, ledger, bad, good = database_world, Ledger(), uuid7(), uuid7()
    records = world.lying(
        [record(good, 1), record(bad, 1, escalated(BROKEN)), record(bad, 2), record(good, 2)]
    )
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises(RuntimeError):
            await apply_records(world.pool, world.consumer(ledger), records)
        assert await world.pool.fetchval("SELECT attempts FROM attempt") == attempt
        assert await world.letters() == []
    await apply_records(world.pool, world.consumer(ledger), records)
    assert await world.letters() == [("dead", 1, "unexpected"), ("parked", 2, "")]
    assert await world.single_applications(good) == [1, 2]


async def test_unknown_exception_that_goes_away_loses_nothing(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    failures = 3

    async def fail(_uow: Any, _deliveries: Any) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise KeyError("unknown")

    ledger.faults.handler = fail
    records = world.lying([record(key, 1), record(key, 2)])
    await deliver(world, ledger, records, times=4)
    assert await world.single_applications(key) == [1, 2]
    assert await world.letters() == []


@pytest.mark.parametrize(
    ("garbled_key", "headers", "code"),
    [
        (None, [], "envelope-key"),
        (b"poison", [], "envelope-key"),
        (bytes(16), [], "envelope-ce_id"),
        (bytes(16), [("ce_id", b"\xff\xfe")], "envelope-ce_id"),
        (bytes(16), [("ce_id", None)], "envelope-ce_id"),
        (bytes(16), [("\x00name", b"\x00")], "envelope-ce_id"),
    ],
)
async def test_record_without_a_readable_envelope_is_kept_and_the_rest_applies(
    database_world: World, garbled_key: bytes | None, headers: list[tuple[str, bytes | None]], code: str
) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    garbage = FakeRecord(world.topic.name, 1, 7, garbled_key, b"\x00\xff", headers)
    records = [*world.lying([record(key, 1)]), garbage, *world.lying([record(key, 2)])]
    outcome = await apply_records(world.pool, world.consumer(ledger), records)
    assert (outcome.applied, outcome.aside) == (2, 1)
    assert await world.levels(key) == [1, 2]
    row = await world.pool.fetchrow("SELECT * FROM dead_letter")
    assert (row["state"], row["key"], row["error_code"]) == ("dead", None, code)
    assert (row["partition"], row["offset"], row["body"]) == (1, 7, b"\x00\xff")
    assert len(json.loads(row["headers"])) == len(headers)


@pytest.mark.parametrize("name", ["ce_sequence", "ce_time", "ce_id"])
async def test_unreadable_attribute_is_named_by_the_code(database_world: World, name: str) -> None:
    world, ledger = database_world, Ledger()
    bad = record(uuid7(), 1).changed(name, b"\xff")
    await apply_records(world.pool, world.consumer(ledger), world.lying([bad]))
    assert await world.letters() == [("dead", None, f"envelope-{name}")]


@pytest.mark.parametrize("name", ["ce_facilityid", "ce_source", "ce_type"])
async def test_nul_character_in_an_attribute_blocks_nothing(database_world: World, name: str) -> None:
    """PostgreSQL stores no NUL in text: such an event must not be given back for ever."""
    world, ledger, bad, good = database_world, Ledger(), uuid7(), uuid7()
    sent = [
        record(bad, 1, body=b"no json").changed(name, b"rcm.\x00"),
        record(good, 1),
    ]
    await deliver(world, ledger, world.lying(sent))
    assert await world.levels(good) == [1]


async def test_lost_connection_gives_the_batch_back_and_it_applies_later(world: World) -> None:
    ledger, key = Ledger(), uuid7()
    killed = 0

    async def end_own_session(uow: Any, _deliveries: Any) -> None:
        nonlocal killed
        if killed < 2:
            killed += 1
            await world.pool.execute("SELECT pg_terminate_backend($1)", uow.conn.get_server_pid())

    ledger.faults.handler = end_own_session
    async with world.running(world.runtime(ledger)):
        await world.publish([record(key, n) for n in (1, 2, 3)])
        await until(lambda: _has(world, key, 3))
        await until(lambda: world.pool.fetchval("SELECT count(*) = 3 FROM inbox"))
    assert killed == 2
    assert await world.single_applications(key) == [1, 2, 3]
    assert await world.letters() == []
    assert await world.pool.fetchval("SELECT count(*) FROM attempt") == 0


async def test_dependency_that_is_down_never_dead_letters(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()

    async def down(_uow: Any, _deliveries: Any) -> None:
        raise Transient("http-503")

    ledger.faults.handler = down
    records = world.lying([record(key, 1)])
    for _ in range(MAX_ATTEMPTS + 3):
        with pytest.raises(Transient):
            await apply_records(world.pool, world.consumer(ledger), records)
    ledger.faults.handler = None
    await apply_records(world.pool, world.consumer(ledger), records)
    assert await world.single_applications(key) == [1]
    assert await world.letters() == []


async def test_poison_on_a_real_topic_stops_nothing(world: World) -> None:
    """Bad bodies, bad headers, refused rows and broken handlers between the events of healthy keys."""
    ledger = Ledger()
    good = [uuid7() for _ in range(10)]
    bad = {level: uuid7() for level in (POISON, BAD_TEXT, BAD_ROW, BROKEN)}
    body, header = uuid7(), uuid7()
    sent = []
    for n in range(1, 5):
        sent += [record(key, n) for key in good]
        sent += [record(key, n, escalated(level) if n == 2 else None) for level, key in bad.items()]
        sent.append(record(body, n, body=b"" if n == 3 else None))
    sent.insert(17, record(header, 1).changed("ce_id", b"\xff"))
    async with world.running(world.runtime(ledger)):
        await world.publish(sent)
        await until(lambda: world.pool.fetchval("SELECT count(*) = 15 FROM dead_letter"))
        await until(lambda: _all_have(world, good, 4))
    for key in good:
        assert await world.single_applications(key) == [1, 2, 3, 4]
    for key in bad.values():
        assert await world.single_applications(key) == [1]
        assert [letter[:2] for letter in await world.letters(key)] == [
            ("dead", 2),
            ("parked", 3),
            ("parked", 4),
        ]
    assert await world.single_applications(body) == [1, 2]
    assert await world.committed() == len(sent)


async def _all_have(world: World, keys: list[UUID], count: int) -> bool:
    return all([await _has(world, key, count) for key in keys])


async def _has(world: World, key: UUID, count: int) -> bool:
    return len(await world.levels(key)) >= count


# Redrive


async def _set_aside(world: World, ledger: Ledger, key: UUID, *levels: int) -> None:
    sent = [record(key, n, escalated(level)) for n, level in enumerate(levels, start=1)]
    await apply_records(world.pool, world.consumer(ledger), world.lying(sent))


async def test_dry_run_of_a_redrive_tells_and_changes_nothing(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    await _set_aside(world, ledger, key, POISON, 2, 3)
    before = await world.pool.fetch("SELECT * FROM dead_letter ORDER BY id")
    told = await redrive(world.pool, world.consumer(ledger), key, dry_run=True)
    assert isinstance(told, list)
    assert [one["sequence"] for one in told] == [1, 2, 3]
    assert await world.pool.fetch("SELECT * FROM dead_letter ORDER BY id") == before
    assert await world.position(key) == (3, True, False)
    assert await world.levels(key) == []


async def test_redrive_applies_dead_and_parked_in_order(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(emits=True), uuid7()
    await _set_aside(world, ledger, key, 1, POISON, 3, 4)
    ledger.faults.levels.clear()
    outcome = await redrive(world.pool, world.consumer(ledger), key)
    assert outcome == Outcome(applied=3, emitted=3)
    assert await world.single_applications(key) == [1, POISON, 3, 4]
    assert [state for state, _, _ in await world.letters(key)] == ["redriven"] * 3
    assert await world.position(key) == (4, False, False)
    assert [
        row["sequence"] for row in await world.pool.fetch("SELECT sequence FROM event_log ORDER BY sequence")
    ] == [1, 2, 3, 4]
    await apply_records(world.pool, world.consumer(ledger), world.lying([record(key, 5)]))
    assert await world.levels(key) == [1, POISON, 3, 4, 5]


@pytest.mark.parametrize("followers", [(), (2, 3)])
async def test_discarded_event_no_longer_holds_its_key(
    database_world: World, followers: tuple[int, ...]
) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    await _set_aside(world, ledger, key, POISON, *followers)
    letter = await world.pool.fetchval("SELECT id FROM dead_letter WHERE key = $1 AND state = 'dead'", key)
    async with world.pool.acquire() as conn:
        assert await dead_letter.discard(conn, letter)
        assert await dead_letter.discard(conn, letter)
        assert not await dead_letter.discard(conn, uuid7())
    await redrive(world.pool, world.consumer(ledger), key)
    assert await world.levels(key) == list(followers)
    assert await world.position(key) == (1 + len(followers), False, False)


async def test_redrive_again_changes_nothing(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    await _set_aside(world, ledger, key, POISON, 2)
    ledger.faults.levels.clear()
    await redrive(world.pool, world.consumer(ledger), key)
    assert await redrive(world.pool, world.consumer(ledger), key) == Outcome()
    assert await redrive(world.pool, world.consumer(ledger), uuid7()) == Outcome()
    assert await world.single_applications(key) == [POISON, 2]


async def test_redrive_that_fails_again_keeps_the_rest_behind_it(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    await _set_aside(world, ledger, key, POISON, 2, 3)
    outcome = await redrive(world.pool, world.consumer(ledger), key)
    assert outcome == Outcome(aside=3)
    assert await world.letters(key) == [("dead", 1, "level-refused"), ("parked", 2, ""), ("parked", 3, "")]
    assert await world.pool.fetchval("SELECT attempts FROM dead_letter WHERE sequence = 1") == 2
    assert await world.position(key) == (3, True, False)


async def test_parked_event_that_fails_in_a_redrive_becomes_the_dead_one(database_world: World) -> None:
    """Otherwise the key is blocked by something that no listing and no later redrive can find."""
    world, ledger, key = database_world, Ledger(), uuid7()
    ledger.faults.levels = {POISON, 77}
    await _set_aside(world, ledger, key, POISON, 2, 77, 4)
    ledger.faults.levels = {77}
    outcome = await redrive(world.pool, world.consumer(ledger), key)
    assert outcome == Outcome(applied=2, aside=2)
    assert await world.letters(key) == [
        ("redriven", 1, "level-refused"),
        ("redriven", 2, ""),
        ("dead", 3, "level-refused"),
        ("parked", 4, ""),
    ]
    assert await world.levels(key) == [POISON, 2]
    assert await world.position(key) == (4, True, False)
    ledger.faults.levels.clear()
    await redrive(world.pool, world.consumer(ledger), key)
    assert await world.single_applications(key) == [POISON, 2, 77, 4]


@pytest.mark.parametrize(("level", "code"), [(BAD_ROW, "23514"), (BAD_TEXT, "22021"), (BROKEN, "unexpected")])
async def test_redrive_into_an_error_of_the_database_or_handler_stops_at_the_culprit(
    database_world: World, level: int, code: str
) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    ledger.faults.levels = {POISON}
    await _set_aside(world, ledger, key, POISON, 2, level, 4)
    ledger.faults.levels.clear()
    outcome = await redrive(world.pool, world.consumer(ledger), key)
    assert outcome == Outcome(applied=2, aside=2)
    assert await world.single_applications(key) == [POISON, 2]
    assert [letter for letter in await world.letters(key) if letter[0] != "redriven"] == [
        ("dead", 3, code),
        ("parked", 4, ""),
    ]


async def test_redrive_while_the_database_goes_away_changes_nothing(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    await _set_aside(world, ledger, key, POISON, 2)
    ledger.faults.levels.clear()

    async def down(_uow: Any, _deliveries: Any) -> None:
        raise Transient

    ledger.faults.handler = down
    with pytest.raises(Transient):
        await redrive(world.pool, world.consumer(ledger), key)
    assert [state for state, _, _ in await world.letters(key)] == ["dead", "parked"]
    assert await world.position(key) == (2, True, False)
