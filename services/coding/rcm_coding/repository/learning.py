"""SQL of learning: the decision log with its phrases, refits, aliases, finished charts, the shadow's answers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from rcm_coding.domain.case import CodingCase
from rcm_coding.domain.decision_log import Logged, Refusal
from rcm_coding.domain.learning import Standing
from rcm_coding.engine.evidence import Evidence

_CASE: TypeAdapter[CodingCase] = TypeAdapter(CodingCase)
_EVIDENCE: TypeAdapter[tuple[Evidence, ...]] = TypeAdapter(tuple[Evidence, ...])
_LOCK = "rcm-coding-learning"

_UNREAD = """
SELECT d.id, d.facility_id, d.evidence FROM coding_decision d
WHERE NOT EXISTS (SELECT FROM decision_phrase p WHERE p.decision_id = d.id)
  AND d.system = 'ICD-10-CM' AND d.action <> 'suggested' ORDER BY d.id LIMIT $1
"""
_LINES = """
SELECT d.id, d.facility_id, d.encounter_id, d.actor, d.action, d.code, d.suggested_code, d.source, p.phrase, d.at,
       d.shown_position, d.model, d.p
FROM coding_decision d JOIN decision_phrase p ON p.decision_id = d.id
WHERE d.id <= $1 ORDER BY d.id
"""
_FINISHED = """
SELECT body FROM coding_case c
WHERE state = 'final_coded' AND EXISTS (SELECT FROM coding_decision d WHERE d.encounter_id = c.encounter_id)
ORDER BY updated_at DESC, encounter_id LIMIT $1
"""
_KEEP_RUN = """
INSERT INTO learning_run (run_id, first_decision, last_decision, decisions, refusals, model, sha256, against,
                          passed, verdict, at)
VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10::jsonb, $11)
"""
_KEEP_ALIASES = """
INSERT INTO alias_standing (facility_id, phrase, code, shown, accepted, agreed, encounters, coders, promoted, against)
SELECT facility, phrase, code, shown, accepted, agreed, encounters, coders, promoted,
       coalesce(string_to_array(nullif(against, ''), ' '), '{}')
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[],
            $9::bool[], $10::text[])
    AS a(facility, phrase, code, shown, accepted, agreed, encounters, coders, promoted, against)
"""
_KEEP_SHADOW = """
INSERT INTO shadow_answer (encounter_id, record_version, facility_id, live_model, shadow_model, live_codes,
                           shadow_codes, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""
#: Agreement of both answers with each other and, for finished charts, with the coders' final diagnoses.
_AGREEMENT = """
WITH answer AS (
    SELECT DISTINCT ON (encounter_id) encounter_id, live_codes, shadow_codes FROM shadow_answer
    WHERE shadow_model = $1 ORDER BY encounter_id, record_version DESC, at DESC
), final AS (
    SELECT encounter_id, array_agg(DISTINCT code) AS codes FROM (
        SELECT DISTINCT ON (d.encounter_id, d.assignment_id) d.encounter_id, d.code, d.action
        FROM coding_decision d JOIN answer USING (encounter_id)
        WHERE d.system = 'ICD-10-CM' ORDER BY d.encounter_id, d.assignment_id, d.id DESC
    ) last JOIN coding_case c USING (encounter_id)
    WHERE last.action IN ('accepted', 'overridden', 'added') AND c.state = 'final_coded' GROUP BY encounter_id
), counted AS (
    SELECT both_codes.n AS both_n, cardinality(live_codes) AS live_n, cardinality(shadow_codes) AS shadow_n,
           cardinality(final.codes) AS gold, live_right.n AS live_right, shadow_right.n AS shadow_right
    FROM answer LEFT JOIN final USING (encounter_id),
         LATERAL (SELECT count(*) AS n FROM unnest(live_codes) x WHERE x = ANY (shadow_codes)) both_codes,
         LATERAL (SELECT count(*) AS n FROM unnest(live_codes) x WHERE x = ANY (final.codes)) live_right,
         LATERAL (SELECT count(*) AS n FROM unnest(shadow_codes) x WHERE x = ANY (final.codes)) shadow_right
)
SELECT count(*) AS charts, coalesce(sum(both_n), 0) AS both, coalesce(sum(live_n - both_n), 0) AS live_only,
       coalesce(sum(shadow_n - both_n), 0) AS shadow_only,
       count(gold) AS finished, coalesce(sum(gold), 0) AS final_codes,
       coalesce(sum(live_n) FILTER (WHERE gold IS NOT NULL), 0) AS live_shown,
       coalesce(sum(shadow_n) FILTER (WHERE gold IS NOT NULL), 0) AS shadow_shown,
       coalesce(sum(live_right) FILTER (WHERE gold IS NOT NULL), 0) AS live_right,
       coalesce(sum(shadow_right) FILTER (WHERE gold IS NOT NULL), 0) AS shadow_right
FROM counted
"""


@dataclass(frozen=True, slots=True)
class Unread:
    """A decision whose words have not been read from the text yet."""

    number: int
    facility: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One refit as it is kept."""

    run_id: UUID
    first: int
    last: int
    decisions: int
    refusals: tuple[Refusal, ...]
    model: str
    sha256: str
    against: str
    verdict: Mapping[str, Any]
    at: datetime


async def take_turn(conn: asyncpg.Connection) -> bool:
    """Take the only place of a refit for as long as the connection holds it; False: another process refits."""
    return bool(await conn.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", _LOCK))


async def end_turn(conn: asyncpg.Connection) -> None:
    """Give the place back."""
    await conn.execute("SELECT pg_advisory_unlock(hashtext($1))", _LOCK)


async def unread(conn: asyncpg.Connection, limit: int) -> list[Unread]:
    """Return decisions on diagnoses whose words are not known yet, the oldest first."""
    rows = await conn.fetch(_UNREAD, limit)
    return [Unread(row["id"], row["facility_id"], _EVIDENCE.validate_json(row["evidence"])) for row in rows]


async def keep_phrases(conn: asyncpg.Connection, phrases: Sequence[tuple[int, str, str]]) -> None:
    """Append (decision, facility, stems joined by blanks); what is known already stays."""
    await conn.executemany(
        "INSERT INTO decision_phrase (decision_id, facility_id, phrase) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        phrases,
    )


async def last_decision(conn: asyncpg.Connection) -> int:
    """Return the number of the newest decision whose words are known, 0 when there is none."""
    return int(await conn.fetchval("SELECT coalesce(max(decision_id), 0) FROM decision_phrase"))


async def lines(conn: asyncpg.Connection, until: int) -> list[Logged]:
    """Return the log of diagnoses up to a decision, in its order."""
    return [
        Logged(
            row["id"],
            row["facility_id"],
            str(row["encounter_id"]),
            row["actor"],
            row["action"],
            row["code"],
            row["suggested_code"],
            row["source"],
            tuple(row["phrase"].split()),
            row["at"],
            row["shown_position"],
            row["model"],
            row["p"],
        )
        for row in await conn.fetch(_LINES, until)
    ]


async def finished(conn: asyncpg.Connection, limit: int) -> list[CodingCase]:
    """Return the charts that were finished last and on which somebody decided something."""
    return [_CASE.validate_json(row["body"]) for row in await conn.fetch(_FINISHED, limit)]


async def runs(conn: asyncpg.Connection, limit: int = 1000) -> list[Run]:
    """Return the refits, the newest first."""
    return [
        Run(
            row["run_id"],
            row["first_decision"],
            row["last_decision"],
            row["decisions"],
            tuple(
                Refusal(item["facility"], item["first"], item["last"], tuple(item["reasons"]))
                for item in json.loads(row["refusals"])
            ),
            row["model"],
            row["sha256"],
            row["against"],
            json.loads(row["verdict"]),
            row["at"],
        )
        for row in await conn.fetch(
            "SELECT * FROM learning_run ORDER BY at DESC, run_id DESC LIMIT $1", limit
        )
    ]


async def keep_run(conn: asyncpg.Connection, run: Run, standings: Iterable[Standing]) -> None:
    """Keep a refit and put the alias memory in the state that it leaves."""
    refusals = [
        {"facility": one.facility, "first": one.first, "last": one.last, "reasons": list(one.reasons)}
        for one in run.refusals
    ]
    await conn.execute(
        _KEEP_RUN,
        run.run_id,
        run.first,
        run.last,
        run.decisions,
        json.dumps(refusals),
        run.model,
        run.sha256,
        run.against,
        bool(run.verdict["passed"]),
        json.dumps(run.verdict),
        run.at,
    )
    await conn.execute("DELETE FROM alias_standing")
    items = list(standings)
    await conn.execute(
        _KEEP_ALIASES,
        [item.alias.facility for item in items],
        [" ".join(item.alias.phrase) for item in items],
        [item.alias.code for item in items],
        [item.alias.shown for item in items],
        [item.alias.accepted for item in items],
        [item.alias.agreed for item in items],
        [len(item.alias.votes) for item in items],
        [item.alias.coders for item in items],
        [item.promoted for item in items],
        [" ".join(item.against) for item in items],
    )


async def keep_shadow(
    conn: asyncpg.Connection,
    case: CodingCase,
    record_version: int,
    shadow: str,
    shadow_codes: Sequence[str],
    live_codes: Sequence[str],
    now: datetime,
) -> None:
    """Append what the shadow would have shown for a chart."""
    await conn.execute(
        _KEEP_SHADOW,
        case.encounter_id,
        record_version,
        case.facility_id,
        case.model,
        shadow,
        sorted(live_codes),
        sorted(shadow_codes),
        now,
    )


async def agreement(conn: asyncpg.Connection, shadow: str) -> dict[str, int]:
    """Count how the shadow's diagnoses stand beside those that were shown and beside the coders' final ones."""
    return {name: int(value) for name, value in dict(await conn.fetchrow(_AGREEMENT, shadow)).items()}
