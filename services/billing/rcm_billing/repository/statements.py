"""SQL of statements as they were issued."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from rcm_billing.domain.ledger import Transaction
from rcm_billing.domain.statement import Statement
from rcm_billing.repository.ledger import get_transactions


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement as it is stored."""

    statement_id: UUID
    encounter_id: UUID
    facility_id: str
    statement: Statement


async def count_statements(conn: asyncpg.Connection, keys: Sequence[UUID]) -> dict[UUID, int]:
    """Return how many statements each account had."""
    rows = await conn.fetch(
        "SELECT encounter_id, max(serial) AS serial FROM statement WHERE encounter_id = ANY($1::uuid[])"
        " GROUP BY encounter_id",
        list(keys),
    )
    return {row["encounter_id"]: row["serial"] for row in rows}


async def list_postings(
    conn: asyncpg.Connection, keys: Sequence[UUID]
) -> dict[UUID, list[tuple[asyncpg.Record, Transaction]]]:
    """Return the transactions of accounts, each with its row (encounter_id, posted_at), oldest first."""
    rows = await conn.fetch(
        "SELECT transaction_id, encounter_id, posted_at FROM ledger_transaction"
        " WHERE encounter_id = ANY($1::uuid[]) ORDER BY number",
        list(keys),
    )
    known = await get_transactions(conn, [row["transaction_id"] for row in rows])
    found: dict[UUID, list[tuple[asyncpg.Record, Transaction]]] = {}
    for row in rows:
        found.setdefault(row["encounter_id"], []).append((row, known[row["transaction_id"]]))
    return found


async def insert_statements(conn: asyncpg.Connection, issued: Sequence[StatementRow]) -> None:
    """Store statements; they never change."""
    await conn.executemany(
        "INSERT INTO statement (statement_id, encounter_id, facility_id, serial, issued_on, due_on, open_cents,"
        " final, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            (
                row.statement_id,
                row.encounter_id,
                row.facility_id,
                row.statement.serial,
                row.statement.issued_on,
                row.statement.due_on,
                row.statement.open_cents,
                row.statement.final,
                row.statement.model_dump_json(),
            )
            for row in issued
        ],
    )


async def list_statements(conn: asyncpg.Connection, encounter_id: UUID) -> list[asyncpg.Record]:
    """Return the statements of an account, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT statement_id, facility_id, body FROM statement WHERE encounter_id = $1 ORDER BY serial",
        encounter_id,
    )
    return rows
