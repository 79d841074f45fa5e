"""SQL of the query service: one function per question, set-based where a batch asks it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter
from rcm_shared.contracts.records import AnswerText

from rcm_query.domain.provider_query import Answer, EncounterQueries

_STATE: TypeAdapter[EncounterQueries] = TypeAdapter(EncounterQueries)

_LOAD = """
INSERT INTO encounter_queries AS e (encounter_id)
SELECT key FROM unnest($1::uuid[]) AS key ORDER BY key
ON CONFLICT (encounter_id) DO UPDATE SET version = e.version
RETURNING encounter_id, body
"""

_SAVE = """
UPDATE encounter_queries AS e
SET facility_id = n.facility_id, stopped = n.stopped, body = n.body, version = e.version + 1,
    updated_at = now()
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS n(encounter_id, facility_id, stopped, body)
WHERE e.encounter_id = n.encounter_id
"""

_SAVE_LINES = """
INSERT INTO provider_query (query_id, encounter_id, facility_id, provider_id, rule, state, level, findings,
                            requested_at, due_at, updated_at)
SELECT query_id, encounter_id, facility_id, provider_id, rule, state, level,
       coalesce(string_to_array(nullif(findings, ''), ' '), '{}'), requested_at, due_at, now()
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[],
            $9::timestamptz[], $10::timestamptz[])
    AS n(query_id, encounter_id, facility_id, provider_id, rule, state, level, findings, requested_at, due_at)
ON CONFLICT (query_id) DO UPDATE
SET provider_id = excluded.provider_id, state = excluded.state, level = excluded.level,
    findings = excluded.findings, due_at = excluded.due_at, updated_at = excluded.updated_at
"""


@dataclass(frozen=True, slots=True)
class QueryLine:
    """One query as lists show it: ids and states only."""

    query_id: UUID
    encounter_id: UUID
    facility_id: str
    provider_id: str | None
    rule: str
    state: str
    level: int
    findings: tuple[str, ...]
    requested_at: datetime
    due_at: datetime | None


async def load_encounters(conn: asyncpg.Connection, keys: list[UUID]) -> dict[UUID, EncounterQueries]:
    """Lock the encounters in key order and return those that have a state.

    A row is made where there is none, so that two transactions about a new encounter meet in it.
    """
    rows = await conn.fetch(_LOAD, sorted(set(keys)))
    return {row["encounter_id"]: _STATE.validate_json(row["body"]) for row in rows if row["body"] is not None}


async def save_encounters(conn: asyncpg.Connection, states: dict[UUID, EncounterQueries]) -> None:
    """Write changed encounters and the lines of their queries. The rows were locked by `load_encounters`."""
    items = sorted(states.items())
    await conn.execute(
        _SAVE,
        [key for key, _ in items],
        [state.facility_id for _, state in items],
        [state.stopped for _, state in items],
        [_STATE.dump_json(state).decode() for _, state in items],
    )
    lines = [(key, state.facility_id, query) for key, state in items for query in state.queries]
    if lines:
        await conn.execute(
            _SAVE_LINES,
            [query.query_id for _, _, query in lines],
            [key for key, _, _ in lines],
            [facility for _, facility, _ in lines],
            [query.provider_id for _, _, query in lines],
            [query.rule for _, _, query in lines],
            [query.state.value for _, _, query in lines],
            [query.level for _, _, query in lines],
            [" ".join(query.findings) for _, _, query in lines],
            [query.requested_at for _, _, query in lines],
            [query.due_at for _, _, query in lines],
        )


async def find_encounter_of(conn: asyncpg.Connection, query_id: UUID) -> UUID | None:
    """Return the encounter that a query belongs to."""
    found: UUID | None = await conn.fetchval(
        "SELECT encounter_id FROM provider_query WHERE query_id = $1", query_id
    )
    return found


async def find_encounter(conn: asyncpg.Connection, encounter_id: UUID) -> EncounterQueries | None:
    """Read one encounter's queries without locking them."""
    body = await conn.fetchval("SELECT body FROM encounter_queries WHERE encounter_id = $1", encounter_id)
    return None if body is None else _STATE.validate_json(body)


async def list_queries(
    conn: asyncpg.Connection,
    *,
    facilities: Sequence[str] | None,
    provider_id: str | None,
    encounter_id: UUID | None,
    states: Sequence[str] | None,
    limit: int,
) -> list[QueryLine]:
    """List queries, the most pressing first. None means no restriction."""
    rows = await conn.fetch(
        "SELECT query_id, encounter_id, facility_id, provider_id, rule, state, level, findings,"
        " requested_at, due_at"
        " FROM provider_query"
        " WHERE ($1::text[] IS NULL OR facility_id = ANY($1))"
        " AND ($2::text IS NULL OR provider_id = $2)"
        " AND ($3::uuid IS NULL OR encounter_id = $3)"
        " AND ($4::text[] IS NULL OR state = ANY($4))"
        " ORDER BY due_at NULLS LAST, requested_at, query_id LIMIT $5",
        None if facilities is None else list(facilities),
        provider_id,
        encounter_id,
        None if states is None else list(states),
        limit,
    )
    return [QueryLine(**{**dict(row), "findings": tuple(row["findings"])}) for row in rows]


async def add_answer(
    conn: asyncpg.Connection,
    *,
    encounter_id: UUID,
    facility_id: str,
    query_id: UUID,
    answer: Answer,
    text: str,
) -> None:
    """Store an answer for good."""
    await conn.execute(
        "INSERT INTO answer (answer_id, query_id, encounter_id, facility_id, provider_id, option, text,"
        " sha256, answered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        answer.answer_id,
        query_id,
        encounter_id,
        facility_id,
        answer.provider_id,
        answer.option,
        text,
        answer.sha256,
        answer.answered_at,
    )


async def list_answers(conn: asyncpg.Connection, answer_ids: Sequence[UUID]) -> list[AnswerText]:
    """Return stored answers with their text. Shape: those that exist, in no order."""
    rows = await conn.fetch(
        "SELECT answer_id, query_id, encounter_id, provider_id, answered_at, sha256, text"
        " FROM answer WHERE answer_id = ANY($1::uuid[])",
        list(answer_ids),
    )
    return [AnswerText(**dict(row)) for row in rows]
