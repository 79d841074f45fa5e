"""The proof itself, put to the proof: a small sound run, then one planted fault at a time, which it must find.

A fault is planted in a transaction on the verifier's own connection and rolled back afterwards, so that every test
starts from the same sound run.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from rcm_deploy.chaos import noise
from rcm_deploy.chaos.verify import Databases, Findings, check, quiet
from rcm_deploy.engines.system import PAYER, SERVICES, System, running_system
from rcm_deploy.superbills import source_of, superbill
from rcm_shared.contracts.topics import INBOUND_TOPIC
from rcm_testkit.threads import kept_in_thread

ENCOUNTERS = 4
SOUND_S = 60.0
ONE_CLOSED = "(SELECT key FROM event_log WHERE type = 'rcm.billing.account-closed.v1' ORDER BY key LIMIT 1)"


@pytest.fixture(scope="module")
def sound() -> Iterator[System]:
    """A system that has brought a few encounters to zero balance and whose services are down again."""
    with tempfile.TemporaryDirectory(prefix="rcm-verifier-") as home:
        block = _sound_run(Path(home))
        with kept_in_thread(block, name="test-verifier", start_s=2 * SOUND_S) as (system, _loop):
            yield system


@asynccontextmanager
async def _sound_run(home: Path) -> AsyncIterator[System]:
    async with running_system(home, say=lambda _text: None) as system:
        producer = AIOKafkaProducer(bootstrap_servers=system.kafka_bootstrap, acks="all")
        await producer.start()
        for number in range(ENCOUNTERS):
            await producer.send_and_wait(INBOUND_TOPIC, superbill(number), key=source_of(number).encode())
        await producer.stop()
        databases = Databases(system)
        billing = await databases.of("billing")
        closed = "SELECT count(*) FROM event_log WHERE type = 'rcm.billing.account-closed.v1'"
        async with asyncio.timeout(SOUND_S):
            while await billing.fetchval(closed) < ENCOUNTERS or not await quiet(databases):
                await asyncio.sleep(0.1)
        await databases.close()
        await asyncio.gather(*(system.stop(name) for name in (*SERVICES, PAYER)))
        yield system


@pytest.fixture
async def databases(sound: System) -> AsyncIterator[Databases]:
    found = Databases(sound)
    yield found
    await found.close()


async def judged(databases: Databases, planted: dict[str, str | tuple[str, ...]]) -> tuple[Findings, bool]:
    """Plant statements per service, return what the verifier finds and whether it calls the system quiet."""
    open_ones = []
    for service, statements in planted.items():
        conn = await databases.of(service)
        transaction = conn.transaction()
        await transaction.start()
        open_ones.append(transaction)
        for statement in (statements,) if isinstance(statements, str) else statements:
            done: Any = await conn.execute(statement)
            assert done.rpartition(" ")[2] != "0", f"nothing planted by {statement}"
    try:
        return await check(databases, ENCOUNTERS), await quiet(databases)
    finally:
        for transaction in open_ones:
            await transaction.rollback()


def off(table: str) -> str:
    """Return the statement with which only a table's owner can get round its triggers."""
    return f"ALTER TABLE {table} DISABLE TRIGGER USER"


async def test_sound_run_has_no_finding(databases: Databases) -> None:
    found, is_quiet = await judged(databases, {})
    assert is_quiet
    assert found == Findings(found.events, 0, 0, 0, 0, True, ())
    assert found.events > 10 * ENCOUNTERS


ONE_INBOX = "DELETE FROM inbox WHERE ctid = (SELECT ctid FROM inbox WHERE consumer = '{}' LIMIT 1)"
LOSSES: dict[str, dict[str, str | tuple[str, ...]]] = {
    "inbox row gone": {"coding": ONE_INBOX.format("coding.intake-encounter")},
    "inbox row gone at the last of the readers": {"intake": ONE_INBOX.format("intake.billing-claim")},
    "inbox row and effect gone": {
        "audit": (
            off("journal"),
            "WITH one AS (DELETE FROM journal WHERE ctid = (SELECT ctid FROM journal LIMIT 1) RETURNING event_id)"
            " DELETE FROM inbox USING one WHERE inbox.event_id = one.event_id",
        )
    },
    "effect gone, inbox row kept": {
        "audit": (off("journal"), "DELETE FROM journal WHERE ctid = (SELECT ctid FROM journal LIMIT 1)")
    },
    "other bytes kept than published": {
        "audit": (
            off("journal"),
            "UPDATE journal SET body = body || ' ' WHERE ctid = (SELECT ctid FROM journal LIMIT 1)",
        )
    },
    "position behind": {
        "billing": "UPDATE position SET last_seq = last_seq - 1 WHERE ctid = (SELECT ctid FROM position"
        " WHERE consumer = 'billing.coding-chart' AND last_seq > 1 LIMIT 1)"
    },
    "position gone": {
        "query": "DELETE FROM position WHERE ctid = (SELECT ctid FROM position"
        " WHERE consumer = 'query.intake-encounter' LIMIT 1)"
    },
    "event in nobody's log": {
        "query": "INSERT INTO stream (key, last_seq) VALUES (gen_random_uuid(), 1)",
    },
    "event in the log that nobody ever saw": {
        "coding": "INSERT INTO event_log (key, sequence, id, topic, type, occurred_at, facility_id, correlation_id,"
        " body) SELECT gen_random_uuid(), 1, gen_random_uuid(), topic, 'rcm.coding.never-sent.v1', now(), '',"
        " gen_random_uuid(), '' FROM event_log LIMIT 1"
    },
    "account never closed": {
        "billing": (
            off("event_log"),
            f"DELETE FROM event_log WHERE key = {ONE_CLOSED} AND type LIKE '%closed.v1'",
        )
    },
}


@pytest.mark.parametrize("fault", LOSSES)
async def test_lost_event_is_found(databases: Databases, fault: str) -> None:
    found, _ = await judged(databases, LOSSES[fault])
    assert found.lost > 0


AGAIN = (
    "INSERT INTO event_log (key, sequence, id, topic, type, occurred_at, facility_id, correlation_id, causation_id,"
    " body) SELECT key, (SELECT last_seq FROM stream s WHERE s.key = e.key) + 1, gen_random_uuid(), topic, type,"
    " occurred_at, facility_id, correlation_id, causation_id, body FROM event_log e WHERE type = '{}' LIMIT 1"
)
POST_AGAIN = (
    "WITH one AS (SELECT * FROM ledger_transaction WHERE kind = '{kind}' AND encounter_id IS NOT NULL LIMIT 1),"
    " again AS (INSERT INTO ledger_transaction (transaction_id, encounter_id, facility_id, kind, claim_id)"
    " SELECT gen_random_uuid(), encounter_id, facility_id, kind, claim_id FROM one RETURNING transaction_id)"
    " INSERT INTO ledger_entry (transaction_id, position, account, group_code, reason_code, cents)"
    " SELECT again.transaction_id, position, account, group_code, reason_code, cents"
    " FROM again, ledger_entry e JOIN one USING (transaction_id)"
)
TWICE: dict[str, dict[str, str | tuple[str, ...]]] = {
    "a charge posted twice": {"billing": POST_AGAIN.format(kind="charge")},
    "a payment posted twice": {"billing": POST_AGAIN.format(kind="remittance")},
    "a fact stated twice": {"coding": AGAIN.format("rcm.coding.coding-finalised.v1")},
    "a second event of the same cause": {"billing": AGAIN.format("rcm.billing.payment-posted.v1")},
    "an encounter claimed twice": {
        "billing": "CREATE TEMP TABLE again AS SELECT * FROM claim LIMIT 1; ALTER TABLE again DROP COLUMN service_from;"
        " UPDATE again SET claim_id = gen_random_uuid(), version = 99, claim_control = 'AGAIN';"
        " DO $$ BEGIN EXECUTE (SELECT format('INSERT INTO claim (%1$s) SELECT %1$s FROM again', string_agg("
        "quote_ident(attname), ', ')) FROM pg_attribute WHERE attrelid = 'again'::regclass AND attnum > 0"
        " AND NOT attisdropped); END $$"
    },
    "an event twice in the journal": {
        "audit": "INSERT INTO journal SELECT (jsonb_populate_record(journal,"
        " jsonb_build_object('position', 9999))).* FROM journal LIMIT 1"
    },
}


@pytest.mark.parametrize("fault", TWICE)
async def test_effect_applied_twice_is_found(databases: Databases, fault: str) -> None:
    found, _ = await judged(databases, TWICE[fault])
    assert found.applied_twice > 0


async def test_posting_twice_is_no_imbalance_but_the_account_differs(databases: Databases) -> None:
    found, _ = await judged(databases, {"billing": POST_AGAIN.format(kind="remittance")})
    assert found.ledger_sum_cents == 0
    assert found.unexplained == ("billing: 1 accounts differ from their ledger",)


async def test_events_applied_out_of_order_are_found(databases: Databases) -> None:
    swapped = (
        "WITH two AS (SELECT key, topic, min(position) AS one, max(position) AS other FROM journal GROUP BY 1, 2"
        " HAVING count(*) > 1 LIMIT 1) UPDATE journal j SET position = CASE position WHEN one THEN -other ELSE -one"
        " END FROM two WHERE j.key = two.key AND position IN (one, other)"
    )
    turned = "UPDATE journal SET position = -position WHERE position < 0"
    found, _ = await judged(databases, {"audit": (off("journal"), swapped, turned)})
    assert found.out_of_order > 0
    assert not found.chain_verified
    assert (found.lost, found.applied_twice) == (0, 0)


ONE_CENT_MORE = (
    "UPDATE ledger_entry SET cents = cents + 1 WHERE ctid = (SELECT ctid FROM ledger_entry WHERE {} LIMIT 1)"
)


async def test_unbalanced_ledger_is_found_even_when_errors_cancel_out(databases: Databases) -> None:
    up = ONE_CENT_MORE.format("account = 'cash'")
    down = ONE_CENT_MORE.format("account = 'charge_revenue'").replace("+ 1", "- 1")
    found, _ = await judged(databases, {"billing": (off("ledger_entry"), up, down)})
    assert found.ledger_sum_cents == 2


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (ONE_CENT_MORE.format("true"), asyncpg.RestrictViolationError),
        ("DELETE FROM ledger_transaction", asyncpg.RestrictViolationError),
        ("TRUNCATE ledger_entry", asyncpg.RestrictViolationError),
        (
            "INSERT INTO ledger_entry SELECT transaction_id, 99, account, '', '', 1 FROM ledger_entry LIMIT 1",
            asyncpg.CheckViolationError,
        ),
    ],
)
async def test_database_itself_refuses_an_unbalanced_or_changed_ledger(
    databases: Databases, statement: str, error: type[Exception]
) -> None:
    conn = await databases.of("billing")
    with pytest.raises(error):
        await conn.execute(f"BEGIN; SET CONSTRAINTS ALL IMMEDIATE; {statement}")


BROKEN_CHAINS = {
    "body changed": "UPDATE journal SET body = '{}' WHERE ctid = (SELECT ctid FROM journal LIMIT 1)",
    "field changed": "UPDATE journal SET type = 'rcm.x.y.v1' WHERE ctid = (SELECT ctid FROM journal LIMIT 1)",
    "hash changed": "UPDATE journal SET hash = sha256('') WHERE ctid = (SELECT ctid FROM journal LIMIT 1)",
    "last record gone": "DELETE FROM journal WHERE (key, position) = (SELECT key, chain_length FROM encounter_view"
    " WHERE chain_length > 0 LIMIT 1)",
    "whole chain gone": "DELETE FROM journal WHERE key = (SELECT key FROM journal LIMIT 1)",
}


@pytest.mark.parametrize("fault", BROKEN_CHAINS)
async def test_broken_hash_chain_is_found(databases: Databases, fault: str) -> None:
    found, _ = await judged(databases, {"audit": (off("journal"), BROKEN_CHAINS[fault])})
    assert not found.chain_verified


LETTER = (
    'INSERT INTO dead_letter (id, consumer, state, event_id, topic, partition, "offset", error_class, error_code,'
    " headers, body) VALUES (gen_random_uuid(), '{consumer}', 'dead', {event_id}, 't', 0, {offset}, 'Poison', 'why',"
    " '{headers}', '{body}')"
)


def letter(
    consumer: str, *, readable: bool = True, source: str = "", body: bytes = b"{}", offset: int = 1
) -> str:
    return LETTER.format(
        consumer=consumer,
        event_id="gen_random_uuid()" if readable else "NULL",
        headers=f'{{"ce_source": "{source}"}}' if source else "{}",
        body=f"\\x{body.hex()}",
        offset=offset,
    )


@pytest.mark.parametrize(
    ("service", "consumer", "readable"),
    [
        ("billing", "billing.coding-chart", True),
        ("audit", "audit.billing-claim", True),
        ("intake", "intake.inbound", False),
        ("coding", "coding.intake-encounter", False),
    ],
)
async def test_dead_letter_that_no_poison_explains_is_named(
    databases: Databases, service: str, consumer: str, readable: bool
) -> None:
    planted = letter(consumer, readable=readable, source="/rcm/intake", body=b'{"actor": "x"}')
    found, _ = await judged(databases, {service: planted})
    assert found.unexplained == (f"{consumer}: 1 dead why",)


async def test_dead_letters_of_our_poison_are_explained(databases: Databases) -> None:
    ours = [letter("coding.intake-encounter", source=noise.SOURCE, body=b'{"facility_id": 7}')]
    ours += [
        letter("coding.intake-encounter", readable=False, body=body, offset=number)
        for number, body in enumerate(sorted(noise.GARBAGE), start=2)
    ]
    found, _ = await judged(databases, {"coding": tuple(ours)})
    assert found.unexplained == ()


STUCK = {
    "INSERT INTO outbox (key, sequence) SELECT key, sequence FROM event_log LIMIT 1": (
        "1 events never left the outbox"
    ),
    "INSERT INTO work (key, kind) VALUES (gen_random_uuid(), 'x')": "1 work items were never done",
    "INSERT INTO work (key, kind, failed) VALUES (gen_random_uuid(), 'x', true)": "1 work items failed for good",
}


@pytest.mark.parametrize("statement", STUCK)
async def test_what_never_gets_done_is_named_and_the_system_is_not_quiet(
    databases: Databases, statement: str
) -> None:
    found, is_quiet = await judged(databases, {"coding": statement})
    assert found.unexplained == (f"coding: {STUCK[statement]}",)
    assert is_quiet is ("failed for good" in STUCK[statement])
