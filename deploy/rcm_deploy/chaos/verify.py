"""What really happened, by SQL over every producer's event log and every consumer's own tables.

No counter of a process under test is believed. An event counts as lost when a consumer's inbox lacks it, when the
consumer's position has not passed it, or when the audit journal does not hold its very bytes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from rcm_shared.contracts.topics import TOPICS, Topic

from rcm_deploy.chaos.noise import GARBAGE, SOURCE
from rcm_deploy.engines.databases import SERVICES

#: Facts of which a precoded encounter has exactly one.
ONCE = {
    "intake": (
        "rcm.intake.encounter-registered.v1",
        "rcm.intake.documentation-completed.v1",
        "rcm.intake.charges-captured.v1",
        "rcm.intake.coverage-verified.v1",
    ),
    "coding": ("rcm.coding.coding-started.v1", "rcm.coding.coding-finalised.v1"),
    "billing": (
        "rcm.billing.claim-drafted.v1",
        "rcm.billing.claim-released.v1",
        "rcm.billing.claim-submitted.v1",
        "rcm.billing.claim-adjudicated.v1",
        "rcm.billing.account-closed.v1",
    ),
}


@dataclass(frozen=True, slots=True)
class Findings:
    """Zero everywhere is what must hold; `events` counts what was published."""

    events: int
    lost: int
    applied_twice: int
    out_of_order: int
    ledger_sum_cents: int
    chain_verified: bool
    unexplained: tuple[str, ...]


class Addresses(Protocol):
    """The part of a system that the proof needs."""

    @property
    def owner_dsn(self) -> Callable[[str], str]:
        """Give the address of a service's database in the role that owns it."""


class Databases:
    """One connection to each service's database, in the role that may read everything."""

    def __init__(self, system: Addresses) -> None:
        self._system = system
        self._open: dict[str, asyncpg.Connection] = {}

    async def of(self, service: str) -> asyncpg.Connection:
        """Return the connection to a service's database."""
        conn = self._open.get(service)
        if conn is None or conn.is_closed():
            conn = self._open[service] = await asyncpg.connect(self._system.owner_dsn(service))
        return conn

    async def close(self) -> None:
        """Close all."""
        for conn in self._open.values():
            await conn.close()


async def quiet(databases: Databases) -> bool:
    """Tell whether nothing is under way: no outbox rows, no due work, every event in every reader's inbox."""
    for service in SERVICES:
        conn = await databases.of(service)
        if await conn.fetchval(
            "SELECT EXISTS (SELECT FROM outbox) OR EXISTS (SELECT FROM work WHERE NOT failed)"
        ):
            return False
    for topic in TOPICS:
        published = await _published(databases, topic)
        for consumer in topic.consumers:
            if await _not_taken(databases, topic, consumer, published):
                return False
    return True


async def check(databases: Databases, encounters: int) -> Findings:
    """Compare what was published with what was applied, once nothing is under way."""
    events = 0
    for topic in TOPICS:
        events += await (await databases.of(topic.owner)).fetchval("SELECT count(*) FROM event_log")
    twice, notes = await _applied_twice(databases, encounters)
    return Findings(
        events=events,
        lost=await _lost(databases) + await _not_closed(databases, encounters),
        applied_twice=twice,
        out_of_order=await _out_of_order(databases),
        ledger_sum_cents=await _ledger_sum(databases),
        chain_verified=await _chain_verified(databases),
        unexplained=(
            *notes,
            *await _accounts_beside_their_ledger(databases),
            *await _unexplained_letters(databases),
            *await _never_done(databases),
        ),
    )


@dataclass(frozen=True, slots=True)
class Published:
    """One event as its producer's log has it."""

    key: UUID
    sequence: int
    digest: bytes


async def _published(databases: Databases, topic: Topic) -> dict[UUID, Published]:
    rows = await (await databases.of(topic.owner)).fetch(
        "SELECT id, key, sequence, sha256(body) AS digest FROM event_log WHERE topic = $1", topic.name
    )
    return {row["id"]: Published(row["key"], row["sequence"], row["digest"]) for row in rows}


async def _not_taken(
    databases: Databases, topic: Topic, consumer: str, published: dict[UUID, Published]
) -> set[UUID]:
    """Return the events that a consumer's inbox lacks or its position has not passed."""
    conn = await databases.of(consumer)
    group = topic.group(consumer)
    inbox = await conn.fetch("SELECT event_id FROM inbox WHERE consumer = $1", group)
    taken = {row["event_id"] for row in inbox}
    rows = await conn.fetch("SELECT key, last_seq FROM position WHERE consumer = $1", group)
    passed = {row["key"]: row["last_seq"] for row in rows}
    return {
        number
        for number, event in published.items()
        if number not in taken or passed.get(event.key, 0) < event.sequence
    }


async def _lost(databases: Databases) -> int:
    """Count (event, consumer) pairs where the consumer never took the event in, and events that left no record."""
    lost = 0
    rows = await (await databases.of("audit")).fetch("SELECT event_id, sequence, body FROM journal")
    kept = {row["event_id"]: (row["sequence"], hashlib.sha256(row["body"]).digest()) for row in rows}
    for topic in TOPICS:
        published = await _published(databases, topic)
        lost += await _holes(databases, topic)
        for consumer in topic.consumers:
            missing = await _not_taken(databases, topic, consumer, published)
            if consumer == "audit":
                missing |= {
                    n for n, event in published.items() if kept.get(n) != (event.sequence, event.digest)
                }
            lost += len(missing)
    return lost


async def _holes(databases: Databases, topic: Topic) -> int:
    """Count sequences that a producer gave out and of which its own log has no event."""
    return int(
        await (await databases.of(topic.owner)).fetchval(
            "SELECT coalesce(sum(abs(s.last_seq - coalesce(e.n, 0))), 0)::bigint FROM stream s LEFT JOIN"
            " (SELECT key, count(*) AS n FROM event_log GROUP BY key) e USING (key)"
        )
    )


async def _not_closed(databases: Databases, encounters: int) -> int:
    """Count encounters that were published and whose account is not closed."""
    billing = await databases.of("billing")
    closed = int(
        await billing.fetchval(
            "SELECT count(DISTINCT key) FROM event_log WHERE type = 'rcm.billing.account-closed.v1'"
        )
    )
    return max(0, encounters - closed)


async def _applied_twice(databases: Databases, encounters: int) -> tuple[int, list[str]]:
    """Count effects that exist more than once: facts, events of one cause, journal records, claims, postings."""
    twice, notes = 0, []
    for service, types in ONCE.items():
        rows = await (await databases.of(service)).fetch(
            "SELECT type, count(*) AS n, count(DISTINCT key) AS keys FROM event_log"
            " WHERE type = ANY($1::text[]) GROUP BY type",
            list(types),
        )
        counts = {row["type"]: row for row in rows}
        for name in types:
            row: Any = counts.get(name) or {"n": 0, "keys": 0}
            twice += row["n"] - row["keys"]
            if row["keys"] != encounters:
                notes.append(f"{name}: {row['keys']} encounters of {encounters}")
    audit = await databases.of("audit")
    twice += await audit.fetchval("SELECT count(*) - count(DISTINCT event_id) FROM journal")
    for service in SERVICES:
        twice += await (await databases.of(service)).fetchval(
            "SELECT count(*) - count(DISTINCT (key, type, causation_id)) FROM event_log"
            " WHERE causation_id IS NOT NULL AND NOT type = ANY($1::text[])",
            list(ONCE.get(service, ())),
        )
    billing = await databases.of("billing")
    twice += await billing.fetchval("SELECT count(*) - count(DISTINCT encounter_id) FROM claim")
    twice += await billing.fetchval(
        "SELECT coalesce(sum(n - 1), 0)::bigint FROM (SELECT count(*) AS n FROM ledger_transaction"
        " WHERE encounter_id IS NOT NULL GROUP BY encounter_id, kind) t"
    )
    return twice, notes


async def _out_of_order(databases: Databases) -> int:
    """Count journal records that stand before a record of lower sequence of the same topic and key."""
    audit = await databases.of("audit")
    return int(
        await audit.fetchval(
            "SELECT count(*) FROM (SELECT sequence, lag(sequence) OVER"
            " (PARTITION BY key, topic ORDER BY position) AS before FROM journal) t WHERE before >= sequence"
        )
    )


async def _ledger_sum(databases: Databases) -> int:
    """Return by how much ledger transactions are out of balance; errors of opposite sign do not cancel out."""
    return int(
        await (await databases.of("billing")).fetchval(
            "SELECT coalesce(sum(abs(cents)), 0)::bigint FROM"
            " (SELECT sum(cents) AS cents FROM ledger_entry GROUP BY transaction_id) t"
        )
    )


async def _accounts_beside_their_ledger(databases: Databases) -> list[str]:
    """Name accounts whose amounts are not what their ledger entries add up to."""
    differing = await (await databases.of("billing")).fetchval(
        "SELECT count(*) FROM account a LEFT JOIN (SELECT encounter_id,"
        " -sum(cents) FILTER (WHERE account = 'charge_revenue') AS charged,"
        " sum(cents) FILTER (WHERE account IN ('cash', 'deposit_expected', 'unapplied_payment')) AS paid,"
        " sum(cents) FILTER (WHERE account = 'patient_receivable') AS patient,"
        " sum(cents) FILTER (WHERE account LIKE 'insurance_receivable_%') AS balance"
        " FROM ledger_entry JOIN ledger_transaction USING (transaction_id) GROUP BY 1) l USING (encounter_id)"
        " WHERE (charged_cents, paid_cents, patient_cents, balance_cents) IS DISTINCT FROM (coalesce(charged, 0),"
        " coalesce(paid, 0), coalesce(patient, 0), coalesce(balance, 0))"
    )
    return [f"billing: {differing} accounts differ from their ledger"] if differing else []


async def _chain_verified(databases: Databases) -> bool:
    """Recompute every hash chain of the journal from its raw bodies."""
    from rcm_audit import repository
    from rcm_audit.domain.journal import ChainCheck

    conn = await databases.of("audit")
    async with conn.transaction():
        chains = ChainCheck(await repository.list_heads(conn), {})
        async for entries in repository.stream_journal(conn):
            chains.take(entries)
    chains.finish()
    return not chains.breaks


async def _unexplained_letters(databases: Databases) -> list[str]:
    """Name dead letters that no poison record of ours explains."""
    notes = []
    for service in SERVICES:
        rows = await (await databases.of(service)).fetch(
            "SELECT consumer, state, error_code, count(*) AS n FROM dead_letter"
            " WHERE headers->>'ce_source' IS DISTINCT FROM $1"
            " AND NOT (event_id IS NULL AND body = ANY($2::bytea[])) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            SOURCE,
            list(GARBAGE),
        )
        notes += [f"{row['consumer']}: {row['n']} {row['state']} {row['error_code']}" for row in rows]
    return notes


async def _never_done(databases: Databases) -> list[str]:
    """Name what a service still has to do when it should have nothing to do, and what it gave up."""
    notes = []
    for service in SERVICES:
        row: Any = await (await databases.of(service)).fetchrow(
            "SELECT (SELECT count(*) FROM outbox) AS unsent, count(*) FILTER (WHERE failed) AS failed,"
            " count(*) FILTER (WHERE NOT failed) AS undone FROM work"
        )
        told = {
            "events never left the outbox": row["unsent"],
            "work items were never done": row["undone"],
            "work items failed for good": row["failed"],
        }
        notes += [f"{service}: {count} {what}" for what, count in told.items() if count]
    return notes
