"""SQL of deposits and the 835 that explain them."""

from dataclasses import dataclass
from datetime import date

import asyncpg


@dataclass(frozen=True, slots=True)
class Deposit:
    """One deposit at the bank; `originator` is the payer's trace id (TRN03) when the bank names it."""

    deposit_id: str
    payer_id: str
    originator: str
    trace: str
    amount_cents: int
    effective_on: date | None


async def lock_trace(conn: asyncpg.Connection, trace: str) -> None:
    """Let a deposit and its 835 that come at the same moment see each other: one waits for the other's commit."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 835))", trace)


async def insert_deposit(conn: asyncpg.Connection, deposit: Deposit) -> asyncpg.Record | None:
    """Record a deposit; return the known one (state, trace, amount_cents) when it was recorded before."""
    fresh = await conn.fetchval(
        "INSERT INTO deposit (deposit_id, payer_id, originator, trace, amount_cents, effective_on, state)"
        " VALUES ($1, $2, $3, $4, $5, $6, 'waiting') ON CONFLICT DO NOTHING RETURNING true",
        deposit.deposit_id,
        deposit.payer_id,
        deposit.originator,
        deposit.trace,
        deposit.amount_cents,
        deposit.effective_on,
    )
    if fresh:
        return None
    return await conn.fetchrow(
        "SELECT state, trace, amount_cents FROM deposit WHERE deposit_id = $1", deposit.deposit_id
    )


async def find_expected(conn: asyncpg.Connection, trace: str, originator: str) -> asyncpg.Record | None:
    """Lock and return the payment (remit_key, payment_cents) that waits for a deposit with this trace."""
    return await conn.fetchrow(
        "SELECT remit_key, payment_cents FROM remittance WHERE trace = $1 AND deposit_state = 'expected'"
        " AND ($2 = '' OR payer_trace_id = $2) ORDER BY received_at LIMIT 1 FOR UPDATE",
        trace,
        originator,
    )


async def find_waiting(conn: asyncpg.Connection, trace: str, payer_trace_id: str) -> Deposit | None:
    """Lock and return the deposit that waits for the 835 with this trace."""
    row = await conn.fetchrow(
        "SELECT deposit_id, payer_id, originator, trace, amount_cents, effective_on FROM deposit"
        " WHERE trace = $1 AND state = 'waiting' AND (originator = '' OR originator = $2)"
        " ORDER BY received_at LIMIT 1 FOR UPDATE",
        trace,
        payer_trace_id,
    )
    return Deposit(*row) if row is not None else None


async def mark(conn: asyncpg.Connection, deposit_id: str, remit_key: str, state: str) -> None:
    """Record that a deposit met its payment."""
    await conn.execute(
        "UPDATE deposit SET state = $3, remit_key = $2 WHERE deposit_id = $1", deposit_id, remit_key, state
    )
    await conn.execute("UPDATE remittance SET deposit_state = $2 WHERE remit_key = $1", remit_key, state)


async def list_deposits(conn: asyncpg.Connection, *, state: str | None, limit: int) -> list[asyncpg.Record]:
    """Return deposits, newest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT * FROM deposit WHERE ($1::text IS NULL OR state = $1) ORDER BY received_at DESC LIMIT $2",
        state,
        limit,
    )
    return rows
