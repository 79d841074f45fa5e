"""Finding losses: an event that came before a missing one asks, after a while, for the missing ones again.

The owner still has every event it ever published; `POST /ops/republish` puts pointers back into its outbox.
"""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from rcm_shared.contracts.topics import TOPICS
from rcm_shared.settings import ServiceSettings
from rcm_shared.telemetry import log
from rcm_shared.web.client import ServiceClient

DEADLINE_S = 60.0
EVERY_S = 15.0


async def missing(conn: Any, older_than: timedelta) -> list[asyncpg.Record]:
    """Return gaps older than a time: shape (topic, key, first, last) with the sequences that are missing."""
    return list(
        await conn.fetch(
            """
            SELECT d.topic, d.key, p.last_seq + 1 AS first, min(d.sequence) - 1 AS last
            FROM dead_letter d JOIN position p ON p.consumer = d.consumer AND p.key = d.key
            WHERE d.state = 'waiting' AND d.first_seen < now() - $1::interval
            GROUP BY d.topic, d.key, p.last_seq
            HAVING min(d.sequence) > p.last_seq + 1
            LIMIT 100
            """,
            older_than,
        )
    )


async def republish(conn: asyncpg.Connection, key: UUID, first: int, last: int) -> int:
    """Point the relay at stored events of a key again; return how many."""
    rows = await conn.fetch(
        "INSERT INTO outbox (key, sequence) SELECT key, sequence FROM event_log"
        " WHERE key = $1 AND sequence BETWEEN $2 AND $3 ORDER BY sequence RETURNING id",
        key,
        first,
        last,
    )
    return len(rows)


async def watch(settings: ServiceSettings, service: str, pool: asyncpg.Pool) -> None:
    """Ask owners for missing events until cancelled."""
    client = ServiceClient(settings, service)
    owners = {topic.name: topic.owner for topic in TOPICS}
    try:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                gaps = await missing(pool, timedelta(seconds=DEADLINE_S))
                for gap in gaps:
                    log().warning("gap in a stream", topic=gap["topic"], encounter_id=str(gap["key"]))
                    await client.post_json(
                        settings.shared.url_of(owners[gap["topic"]]),
                        "/ops/republish",
                        {
                            "key": str(gap["key"]),
                            "first": gap["first"],
                            "last": gap["last"],
                            "reason": f"gap at {service}",
                        },
                    )
            except Exception as error:
                log().warning("gap check paused", error=type(error).__name__)
    finally:
        await client.close()
