"""An event that comes before a missing one waits; the missing one is found, asked for and sent again."""

from datetime import timedelta

from integration.ledger import POISON, Ledger, World, escalated, record, until
from rcm_shared.ids import uuid7
from rcm_shared.messaging.apply import apply_records, redrive
from rcm_shared.messaging.gaps import missing, republish


async def test_event_before_its_predecessor_waits_and_then_applies_in_order(database_world: World) -> None:
    world, ledger, key, other = database_world, Ledger(), uuid7(), uuid7()
    consumer = world.consumer(ledger)
    one, two, three, four = (record(key, n) for n in (1, 2, 3, 4))
    await apply_records(world.pool, consumer, world.lying([one, four, three, record(other, 1)]))
    assert await world.levels(key) == [1]
    assert await world.levels(other) == [1]
    assert await world.letters(key) == [("waiting", 3, "sequence-gap"), ("waiting", 4, "sequence-gap")]
    assert await world.position(key) == (1, False, True)
    await apply_records(world.pool, consumer, world.lying([two]))
    assert await world.single_applications(key) == [1, 2, 3, 4]
    assert await world.letters() == []
    assert await world.position(key) == (4, False, False)


async def test_predecessor_later_in_the_same_batch_leaves_nothing_waiting(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    sent = [record(key, n) for n in (3, 2, 1)]
    await apply_records(world.pool, world.consumer(ledger), world.lying(sent))
    assert await world.single_applications(key) == [1, 2, 3]
    assert await world.position(key) == (3, False, False)
    assert await world.letters() == []


async def test_predecessor_and_successor_of_a_waiting_event_in_one_batch(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    consumer = world.consumer(ledger)
    one, two, three, four, five, seven = (record(key, n) for n in (1, 2, 3, 4, 5, 7))
    await apply_records(world.pool, consumer, world.lying([one, three]))
    await apply_records(world.pool, consumer, world.lying([two, four, five, seven]))
    assert await world.single_applications(key) == [1, 2, 3, 4, 5]
    assert await world.letters() == [("waiting", 7, "sequence-gap")]
    assert await world.position(key) == (5, False, True)


async def test_second_gap_of_a_key_waits_on(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    consumer = world.consumer(ledger)
    for sequences, applied in (([1, 3, 5], [1]), ([2], [1, 2, 3]), ([4], [1, 2, 3, 4, 5])):
        await apply_records(world.pool, consumer, world.lying(record(key, n) for n in sequences))
        assert await world.single_applications(key) == applied


async def test_waiting_event_that_is_published_again_is_applied_once(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    consumer = world.consumer(ledger)
    one, two, three = (record(key, n) for n in (1, 2, 3))
    await apply_records(world.pool, consumer, world.lying([one, three]))
    await apply_records(world.pool, consumer, world.lying([three, two, three]))
    assert await world.single_applications(key) == [1, 2, 3]
    assert await world.letters() == []


async def test_gap_behind_a_dead_letter_is_applied_by_its_redrive(database_world: World) -> None:
    """Poison at 1, 3 before 2: when 2 comes both are parked, and one redrive applies all three."""
    world, ledger, key = database_world, Ledger(), uuid7()
    consumer = world.consumer(ledger)
    await apply_records(world.pool, consumer, world.lying([record(key, 1, escalated(POISON))]))
    await apply_records(world.pool, consumer, world.lying([record(key, 3)]))
    await apply_records(world.pool, consumer, world.lying([record(key, 2)]))
    assert await missing(world.pool, timedelta()) == []
    ledger.faults.levels.clear()
    await redrive(world.pool, consumer, key)
    assert await world.single_applications(key) == [POISON, 2, 3]
    assert await world.position(key) == (3, False, False)
    await apply_records(world.pool, consumer, world.lying([record(key, 4)]))
    assert await world.levels(key) == [POISON, 2, 3, 4]


async def test_waiting_event_that_turns_out_to_be_poison_parks_its_followers(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    consumer = world.consumer(ledger)
    await apply_records(
        world.pool, consumer, world.lying([record(key, 2, escalated(POISON)), record(key, 3)])
    )
    await apply_records(world.pool, consumer, world.lying([record(key, 1)]))
    assert await world.single_applications(key) == [1]
    assert await world.letters(key) == [("dead", 2, "level-refused"), ("parked", 3, "")]
    assert await world.position(key) == (3, True, False)


async def test_missing_names_the_sequences_to_ask_for(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    await apply_records(
        world.pool, world.consumer(ledger), world.lying(record(key, n) for n in (1, 2, 6, 7, 9))
    )
    gaps = await missing(world.pool, timedelta())
    assert [tuple(gap) for gap in gaps] == [(world.topic.name, key, 3, 5)]
    assert await missing(world.pool, timedelta(minutes=1)) == []


async def test_key_whose_first_event_is_missing_is_found_too(database_world: World) -> None:
    world, ledger, key = database_world, Ledger(), uuid7()
    await apply_records(world.pool, world.consumer(ledger), world.lying([record(key, 3)]))
    gaps = await missing(world.pool, timedelta())
    assert [(gap["first"], gap["last"]) for gap in gaps] == [(1, 2)]


async def test_republish_sends_stored_events_again_as_they_were(world: World) -> None:
    key = uuid7()
    async with world.running(world.runtime(Ledger(), consumers={})):
        await world.emit(key, 10, 20, 30, 40)
        first = await world.published_with_bodies(key, 4)
        async with world.pool.acquire() as conn:
            assert await republish(conn, key, 2, 3) == 2
            assert await republish(conn, key, 9, 12) == 0
        again = await world.published_with_bodies(key, 6)
        await until(lambda: world.pool.fetchval("SELECT count(*) = 0 FROM outbox"))
    assert again[:4] == first
    assert again[4:] == first[1:3]
