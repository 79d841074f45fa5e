"""One batch: every event is kept and chained, readable or not, with one lock, one copy and one update."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
from rcm_audit.domain.journal import GENESIS, ChainCheck, ChainHead, JournalEntry
from rcm_audit.handlers.journal import Journal
from rcm_audit.repository import COLUMNS
from rcm_shared.contracts import coding, intake
from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.event import Event
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents

NOW = datetime(2026, 9, 28, 12, tzinfo=UTC)
A, B = UUID(int=1), UUID(int=2)
TOPIC = "rcm.intake.encounter"


@dataclass
class FakeConnection:
    """Keeps rows as the journal's statements leave them; counts the statements."""

    heads: dict[UUID, tuple[int, bytes, str | None]] = field(default_factory=dict)
    journal: list[tuple[Any, ...]] = field(default_factory=list)
    statements: int = 0

    async def execute(self, _sql: str, *columns: Any) -> None:
        self.statements += 1
        if len(columns) == 1:
            for key in columns[0]:
                self.heads.setdefault(key, (0, GENESIS, None))
            return
        for row in zip(*columns, strict=True):
            self.heads[row[0]] = (row[1], row[2], row[15])

    async def fetch(self, _sql: str, keys: list[UUID]) -> list[dict[str, Any]]:
        self.statements += 1
        names = ("chain_length", "chain_hash", "body")
        return [{"key": key, **dict(zip(names, self.heads[key], strict=True))} for key in keys]

    async def copy_records_to_table(self, _table: str, *, records: Any, columns: tuple[str, ...]) -> None:
        assert columns == COLUMNS
        self.statements += 1
        self.journal.extend(records)


def a_delivery(key: UUID, sequence: int, type_: str, body: bytes) -> Delivery:
    event_id = UUID(int=key.int * 100 + sequence)
    envelope = Envelope(event_id, type_, "/rcm/intake", key, NOW, sequence, event_id, None, "F")
    return Delivery(envelope, body, TOPIC, 0, sequence)


def of(key: UUID, sequence: int, event: Event) -> Delivery:
    return a_delivery(key, sequence, event.TYPE, event.model_dump_json().encode())


async def take(conn: FakeConnection, deliveries: list[Delivery]) -> Journal:
    uow = UnitOfWork(cast(asyncpg.Connection, conn), now=NOW, service="audit", topic="rcm.audit.finding")
    journal = Journal()
    await journal.take(uow, deliveries)
    return journal


CHARGES = intake.ChargesCaptured(
    actor="system:intake", facility_id="F", record_version=1, charges=(), total_cents=Cents(0)
)
CANCELLED = intake.EncounterCancelled(actor="system:intake", facility_id="F", reason="cancelled")


async def test_batch_extends_each_chain_and_verifies() -> None:
    conn = FakeConnection()
    journal = await take(conn, [of(A, 1, CHARGES), of(B, 1, CHARGES), of(A, 2, CHARGES)])
    assert (journal.appended, conn.statements) == (3, 4)
    await take(conn, [of(A, 3, CANCELLED)])
    entries = sorted((JournalEntry(*row) for row in conn.journal), key=lambda e: (e.key, e.position))
    check = ChainCheck({key: ChainHead(length, hash_) for key, (length, hash_, _) in conn.heads.items()}, {})
    check.take(entries)
    check.finish()
    assert (check.records, check.chains, check.breaks) == (4, 2, [])
    assert '"waiting":"cancelled"' in (conn.heads[A][2] or "")


async def test_unreadable_and_unknown_events_are_kept_and_counted() -> None:
    conn = FakeConnection()
    await take(
        conn,
        [
            a_delivery(A, 1, CHARGES.TYPE, b"\xff not json"),
            a_delivery(A, 2, "rcm.intake.something-new.v7", b"{}"),
        ],
    )
    assert [row[13] for row in conn.journal] == [b"\xff not json", b"{}"]
    assert '"events":2' in (conn.heads[A][2] or "")


async def test_code_set_release_is_chained_without_a_view() -> None:
    event = coding.CodesetReleaseActivated(
        actor="a",
        system="ICD-10-CM",
        edition="2026",
        effective_from=NOW.date(),
        effective_to=None,
        sha256="0",
    )
    conn = FakeConnection()
    await take(conn, [of(B, 1, event)])
    assert conn.heads[B][0] == 1
    assert conn.heads[B][2] is None
