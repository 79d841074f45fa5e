"""What really happened, by SQL over every producer's event log and every consumer's own tables.

No counter of a process under test is believed: an event counts as applied when the consumer's inbox has it and its
position has passed it, as lost when neither dead letter nor inbox knows it.
"""

from dataclasses import dataclass
from typing import Any

import asyncpg
from rcm_shared.contracts.topics import TOPICS, read_by

from rcm_deploy.engines.system import System

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
    unexplained: tuple[str, ...]


class Databases:
    """One connection to each service's database, in the role that may read everything."""

    def __init__(self, system: System) -> None:
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
    for topic in TOPICS:
        owner = await databases.of(topic.owner)
        if await owner.fetchval("SELECT count(*) FROM outbox"):
            return False
        if await owner.fetchval("SELECT count(*) FROM work WHERE NOT failed"):
            return False
    return await _lost(databases, stop_at_first=True) == 0


async def check(databases: Databases, encounters: int) -> Findings:
    """Compare what was published with what was applied."""
    events = 0
    for topic in TOPICS:
        events += await (await databases.of(topic.owner)).fetchval("SELECT count(*) FROM event_log")
    twice, notes = await _applied_twice(databases, encounters)
    return Findings(
        events=events,
        lost=await _lost(databases) + await _not_closed(databases, encounters),
        applied_twice=twice,
        out_of_order=await _out_of_order(databases),
        unexplained=(*notes, *await _unexplained_letters(databases)),
    )


async def _lost(databases: Databases, *, stop_at_first: bool = False) -> int:
    """Count (event, consumer) pairs where the consumer never took the event in."""
    lost = 0
    for topic in TOPICS:
        published = {
            row["id"] for row in await (await databases.of(topic.owner)).fetch("SELECT id FROM event_log")
        }
        for consumer in topic.consumers:
            rows = await (await databases.of(consumer)).fetch(
                "SELECT event_id FROM inbox WHERE consumer = $1", topic.group(consumer)
            )
            lost += len(published - {row["event_id"] for row in rows})
            if lost and stop_at_first:
                return lost
    return lost


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
    """Count effects that exist more than once: facts, journal records, claims, ledger transactions."""
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


async def _unexplained_letters(databases: Databases) -> list[str]:
    """Name dead letters that no poison record of ours explains."""
    notes = []
    for service in ("intake", "coding", "query", "billing", "audit"):
        groups = [topic.group(service) for topic in read_by(service)]
        rows = await (await databases.of(service)).fetch(
            "SELECT consumer, state, error_code, count(*) AS n FROM dead_letter d"
            " WHERE consumer = ANY($1::text[]) AND state IN ('dead', 'parked', 'waiting')"
            " AND coalesce(headers->>'ce_source', '') <> '/chaos' AND d.event_id IS NOT NULL"
            " GROUP BY 1, 2, 3",
            groups,
        )
        notes += [f"{row['consumer']}: {row['n']} {row['state']} {row['error_code']}" for row in rows]
        failed = await (await databases.of(service)).fetchval("SELECT count(*) FROM work WHERE failed")
        if failed:
            notes.append(f"{service}: {failed} work items failed for good")
    return notes
