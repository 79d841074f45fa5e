"""SQL of denial cases: rows that follow the account, their history, worklists, write-offs that wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from rcm_billing.domain.account import Account
from rcm_billing.domain.denial import OPEN, OUTCOMES, DenialState
from rcm_billing.repository.rows import columns

_UPSERT_DENIALS = """
INSERT INTO denial AS d (denial_id, encounter_id, facility_id, claim_id, state, group_code, carc, category,
                         denied_cents, deadline_at, denied_at, payer_order, line, level, owner_queue, assignee,
                         root_cause, action, outcome, warned, expired, first_cents, remarks)
SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, i,
       CASE WHEN v = '' THEN '{}' ELSE string_to_array(v, ' ') END
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::bigint[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::int[], $14::int[], $15::text[],
            $16::text[], $17::text[], $18::text[], $19::text[], $20::bool[], $21::bool[], $22::text[])
    AS x(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v)
ON CONFLICT (denial_id) DO UPDATE
SET claim_id = excluded.claim_id, state = excluded.state, denied_cents = excluded.denied_cents,
    category = excluded.category,
    deadline_at = excluded.deadline_at, level = excluded.level, owner_queue = excluded.owner_queue,
    assignee = excluded.assignee, root_cause = excluded.root_cause, action = excluded.action,
    outcome = excluded.outcome, warned = excluded.warned, expired = excluded.expired
"""

_INSERT_MOVES = """
INSERT INTO denial_move (denial_id, encounter_id, facility_id, was, state, level, at, actor, reason)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::timestamptz[],
                     $8::text[], $9::text[])
"""

#: When a case was first appealed, and when it last came to an end (none while it is open).
_DATE_DENIALS = """
UPDATE denial d
SET appealed_at = coalesce(d.appealed_at, n.appealed_at),
    resolved_at = CASE WHEN n.ended THEN n.at ELSE NULL END
FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bool[]) AS n(denial_id, at, appealed_at, ended)
WHERE d.denial_id = n.denial_id
"""
_ENDED = frozenset(state.value for state in (OUTCOMES | {DenialState.CLOSED}) - OPEN)


async def save_denials(conn: asyncpg.Connection, accounts: Sequence[Account]) -> None:
    """Write the denial cases of accounts, and append the steps that they took."""
    rows = [
        (
            case.denial_id,
            account.encounter_id,
            account.facility_id,
            case.claim_id,
            case.state.value,
            case.group,
            case.carc,
            case.category,
            case.cents,
            case.deadline_at,
            case.denied_at,
            case.order,
            case.line,
            case.level,
            case.owner,
            case.assignee,
            case.root_cause,
            case.action,
            case.outcome,
            case.warned,
            case.expired,
            " ".join(case.remarks),
        )
        for account in accounts
        for case in account.denials
    ]
    if rows:
        await conn.execute(_UPSERT_DENIALS, *columns(rows, 22))
    moves = [(account, move) for account in accounts for move in account.moves]
    if not moves:
        return
    steps = (
        (
            move.denial_id,
            account.encounter_id,
            account.facility_id,
            move.was,
            move.now,
            move.level,
            move.at,
            move.actor,
            move.reason,
        )
        for account, move in moves
    )
    await conn.execute(_INSERT_MOVES, *columns(steps, 9))
    dated: dict[UUID, tuple[UUID, datetime, datetime | None, bool]] = {}
    for _, move in moves:
        former = dated.get(move.denial_id)
        submitted = move.at if move.now == DenialState.APPEAL_SUBMITTED and move.was != move.now else None
        ended = move.now in _ENDED
        at = former[1] if former and former[3] and ended else move.at
        dated[move.denial_id] = (move.denial_id, at, (former and former[2]) or submitted, ended)
    await conn.execute(_DATE_DENIALS, *columns(dated.values(), 4))


class Page(NamedTuple):
    """Where a worklist goes on: the sort value and the id of the last row shown."""

    value: str
    denial_id: UUID


_COLUMNS = (
    "denial_id, encounter_id, facility_id, claim_id, payer_id, payer_order, line, state, group_code, carc, remarks,"
    " category, root_cause, owner_queue, action, assignee, level, outcome, denied_cents, deadline_at, denied_at,"
    " warned, expired, code, modifiers, coder, provider_id, rules, route_version"
)
#: As the partial indexes of the worklist say it.
_IS_OPEN = "state IN ({})".format(", ".join(f"'{state.value}'" for state in DenialState if state in OPEN))
_SORTS = {"deadline": "coalesce(deadline_at, 'infinity'::timestamptz)", "value": "-denied_cents"}


async def list_denials(
    conn: asyncpg.Connection,
    *,
    facilities: list[str] | None,
    state: str | None = None,
    owner: str | None = None,
    category: str | None = None,
    assignee: str | None = None,
    encounter_id: UUID | None = None,
    sort: str = "deadline",
    after: Page | None = None,
    limit: int = 100,
) -> list[asyncpg.Record]:
    """Return a page of denial cases by deadline or by value; state "open" means every case that needs somebody."""
    arguments: list[Any] = []
    conditions: list[str] = []

    def only(condition: str, value: object) -> None:
        if value is not None:
            arguments.append(value)
            conditions.append(condition.format(len(arguments)))

    if state == "open":
        conditions.append(_IS_OPEN)
    else:
        only("state = ${}", state)
    only("facility_id = ANY(${}::text[])", facilities)
    only("owner_queue = ${}", owner)
    only("category = ${}", category)
    only("assignee = ${}", assignee)
    only("encounter_id = ${}::uuid", encounter_id)
    by = _SORTS[sort]
    if after is not None:
        value = -int(after.value) if sort == "value" else _deadline(after.value)
        arguments += [value, after.denial_id]
        conditions.append(f"({by}, denial_id) > (${len(arguments) - 1}, ${len(arguments)}::uuid)")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    rows: list[asyncpg.Record] = await conn.fetch(
        f"SELECT {_COLUMNS} FROM denial{where} ORDER BY {by}, denial_id LIMIT ${len(arguments) + 1}",
        *arguments,
        limit,
    )
    return rows


def _deadline(value: str) -> datetime:
    return datetime.fromisoformat(value) if value else datetime.max.replace(tzinfo=UTC)


async def get_denial(conn: asyncpg.Connection, denial_id: UUID) -> asyncpg.Record | None:
    """Return one case."""
    return await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM denial WHERE denial_id = $1",
        denial_id,
    )


async def list_moves(conn: asyncpg.Connection, denial_id: UUID) -> list[asyncpg.Record]:
    """Return every step of a case, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT was, state, level, at, actor, reason FROM denial_move WHERE denial_id = $1 ORDER BY move_id",
        denial_id,
    )
    return rows


async def find_denial(conn: asyncpg.Connection, denial_id: UUID) -> tuple[UUID, str] | None:
    """Return (encounter, facility) of a denial case."""
    row = await conn.fetchrow("SELECT encounter_id, facility_id FROM denial WHERE denial_id = $1", denial_id)
    return (row["encounter_id"], row["facility_id"]) if row else None


@dataclass(frozen=True, slots=True)
class Attribution:
    """What is noted of a case once: who denied what, whose codes and services they were, which rules spoke."""

    denial_id: UUID
    payer_id: str
    code: str
    modifiers: tuple[str, ...]
    diagnoses: tuple[str, ...]
    coder: str
    provider_id: str
    rules: tuple[str, ...]
    route_version: int


async def save_attributions(conn: asyncpg.Connection, found: Sequence[Attribution], at: datetime) -> None:
    """Note the attribution of cases that have none yet."""
    rows = (
        (
            one.denial_id,
            one.payer_id,
            one.code,
            " ".join(one.modifiers),
            " ".join(one.diagnoses),
            one.coder,
            one.provider_id,
            " ".join(one.rules),
            one.route_version,
        )
        for one in found
    )
    await conn.execute(
        "UPDATE denial d SET payer_id = n.b, code = n.c,"
        " modifiers = array_remove(string_to_array(n.d, ' '), ''),"
        " diagnoses = array_remove(string_to_array(n.e, ' '), ''), coder = n.f, provider_id = n.g,"
        " rules = array_remove(string_to_array(n.h, ' '), ''), route_version = n.i, attributed_at = $10"
        " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
        " $8::text[], $9::int[]) AS n(a, b, c, d, e, f, g, h, i)"
        " WHERE d.denial_id = n.a AND d.attributed_at IS NULL",
        *columns(rows, 9),
        at,
    )


async def list_unattributed(conn: asyncpg.Connection, keys: Sequence[UUID]) -> set[UUID]:
    """Return the cases of these encounters whose attribution was not noted yet."""
    rows = await conn.fetch(
        "SELECT denial_id FROM denial WHERE encounter_id = ANY($1::uuid[]) AND attributed_at IS NULL",
        list(keys),
    )
    return {row["denial_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim as it was built, with what its scrub found; `basis` and `circumstances` are empty for older claims."""

    document: str
    hits: str
    not_evaluated: tuple[str, ...]
    basis: str
    circumstances: str


async def get_judged(conn: asyncpg.Connection, claim_ids: Sequence[UUID]) -> dict[UUID, Judged]:
    """Return claims with their scrubs as stored."""
    rows = await conn.fetch(
        "SELECT c.claim_id, c.document, c.hits, c.not_evaluated, coalesce(b.body, '') AS basis,"
        " coalesce(r.circumstances, '') AS circumstances"
        " FROM claim c LEFT JOIN scrub_run r USING (claim_id) LEFT JOIN scrub_basis b ON b.digest = r.basis"
        " WHERE c.claim_id = ANY($1::uuid[])",
        list(claim_ids),
    )
    return {
        row["claim_id"]: Judged(
            row["document"], row["hits"], tuple(row["not_evaluated"]), row["basis"], row["circumstances"]
        )
        for row in rows
    }


# --- write-offs that wait for another person -------------------------------------------------------------


async def ask_write_off(
    conn: asyncpg.Connection,
    *,
    request_id: UUID,
    denial_id: UUID,
    encounter_id: UUID,
    facility_id: str,
    cents: int,
    reason: str,
    asked_by: str,
    asked_at: datetime,
) -> bool:
    """Note that a person asks to write a denial off; False when such a request waits already."""
    fresh = await conn.fetchval(
        "INSERT INTO denial_write_off (request_id, denial_id, encounter_id, facility_id, cents, reason, state,"
        " asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8)"
        " ON CONFLICT DO NOTHING RETURNING true",
        request_id,
        denial_id,
        encounter_id,
        facility_id,
        cents,
        reason,
        asked_by,
        asked_at,
    )
    return bool(fresh)


_WAITING = "SELECT request_id, cents, reason, asked_by FROM denial_write_off WHERE denial_id = $1 AND state = 'waiting'"


async def find_write_off(conn: asyncpg.Connection, denial_id: UUID) -> asyncpg.Record | None:
    """Lock and return the write-off of a denial that waits for approval."""
    return await conn.fetchrow(f"{_WAITING} FOR UPDATE", denial_id)


async def get_write_off(conn: asyncpg.Connection, denial_id: UUID) -> asyncpg.Record | None:
    """Return the write-off of a denial that waits for approval, without a lock."""
    return await conn.fetchrow(_WAITING, denial_id)


async def decide_write_off(
    conn: asyncpg.Connection,
    request_id: UUID,
    *,
    state: str,
    decided_by: str,
    decided_at: datetime,
    transaction_id: UUID | None,
) -> None:
    """Record what became of a request to write off."""
    await conn.execute(
        "UPDATE denial_write_off SET state = $2, decided_by = $3, decided_at = $4, transaction_id = $5"
        " WHERE request_id = $1",
        request_id,
        state,
        decided_by,
        decided_at,
        transaction_id,
    )


async def list_write_offs(
    conn: asyncpg.Connection, *, facilities: list[str] | None, limit: int
) -> list[asyncpg.Record]:
    """Return the write-offs that wait for another person, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT request_id, denial_id, encounter_id, cents, reason, asked_by, asked_at FROM denial_write_off"
        " WHERE state = 'waiting' AND ($1::text[] IS NULL OR facility_id = ANY($1))"
        " ORDER BY asked_at, request_id LIMIT $2",
        facilities,
        limit,
    )
    return rows
