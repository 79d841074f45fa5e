"""SQL of what happened to charts: who had them, second opinions, payment that was seen, trials of closing by rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from rcm_coding.domain.case import CodingCase


@dataclass(frozen=True, slots=True)
class Handling:
    """One line of a chart's handling."""

    actor: str
    action: str
    state: str
    assignee: str | None
    reason: str | None
    case_version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """One contribution to a chart's second-opinion thread."""

    id: UUID
    author: str
    kind: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TrialCount:
    """How closing by rule did on one work type in test mode."""

    work_type: str
    mode: str
    trials: int
    judged: int
    agreed: int


async def log_handling(
    conn: asyncpg.Connection, case: CodingCase, actor: str, action: str, reason: str | None, at: datetime
) -> None:
    """Append who did what with a chart."""
    await conn.execute(
        "INSERT INTO case_handling (encounter_id, facility_id, actor, action, state, assignee, reason,"
        " case_version, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        case.encounter_id,
        case.facility_id,
        actor,
        action,
        case.state.value,
        case.assignee,
        reason,
        case.version,
        at,
    )


async def list_handling(conn: asyncpg.Connection, encounter_id: UUID) -> list[Handling]:
    """Return a chart's handling, oldest first."""
    rows = await conn.fetch(
        "SELECT actor, action, state, assignee, reason, case_version, at FROM case_handling"
        " WHERE encounter_id = $1 ORDER BY id",
        encounter_id,
    )
    return [Handling(**dict(row)) for row in rows]


async def add_comment(conn: asyncpg.Connection, case: CodingCase, comment: Comment) -> None:
    """Append to a chart's thread."""
    await conn.execute(
        "INSERT INTO case_comment (id, encounter_id, facility_id, author, kind, body, at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        comment.id,
        case.encounter_id,
        case.facility_id,
        comment.author,
        comment.kind,
        comment.body,
        comment.at,
    )


async def list_comments(conn: asyncpg.Connection, encounter_id: UUID) -> list[Comment]:
    """Return a chart's thread, oldest first."""
    rows = await conn.fetch(
        "SELECT id, author, kind, body, at FROM case_comment WHERE encounter_id = $1 ORDER BY at, id",
        encounter_id,
    )
    return [Comment(**dict(row)) for row in rows]


async def see_payment(conn: asyncpg.Connection, case: CodingCase, subject: str, at: datetime) -> None:
    """Record that someone saw the payment of a final version."""
    await conn.execute(
        "INSERT INTO payment_seen (encounter_id, subject, case_version, at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING",
        case.encounter_id,
        subject,
        case.version,
        at,
    )


async def payment_was_seen(conn: asyncpg.Connection, encounter_id: UUID) -> bool:
    """Tell whether anyone has seen the payment of an earlier final version."""
    return bool(
        await conn.fetchval("SELECT EXISTS (SELECT FROM payment_seen WHERE encounter_id = $1)", encounter_id)
    )


async def keep_trial(
    conn: asyncpg.Connection, case: CodingCase, work_type: str, mode: str, codes: Sequence[str], at: datetime
) -> None:
    """Keep what closing by rule would do; a later pass over the record replaces it until a person judged."""
    await conn.execute(
        "INSERT INTO auto_close_trial (encounter_id, facility_id, work_type, mode, codes, at)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (encounter_id) DO UPDATE SET codes = excluded.codes, at = excluded.at,"
        " mode = excluded.mode, work_type = excluded.work_type WHERE auto_close_trial.judged_at IS NULL",
        case.encounter_id,
        case.facility_id,
        work_type,
        mode,
        list(codes),
        at,
    )


async def drop_trial(conn: asyncpg.Connection, encounter_id: UUID) -> None:
    """Forget an unjudged trial: the record has changed and the rule would not close it now."""
    await conn.execute(
        "DELETE FROM auto_close_trial WHERE encounter_id = $1 AND judged_at IS NULL", encounter_id
    )


async def judge_trial(
    conn: asyncpg.Connection, encounter_id: UUID, codes: Sequence[str], at: datetime
) -> None:
    """Compare what the rule would have closed with what the person coded."""
    await conn.execute(
        "UPDATE auto_close_trial SET agreed = (codes = $2::text[]), judged_at = $3"
        " WHERE encounter_id = $1 AND judged_at IS NULL",
        encounter_id,
        list(codes),
        at,
    )


async def count_trials(conn: asyncpg.Connection) -> list[TrialCount]:
    """Count the trials of every work type."""
    rows = await conn.fetch(
        "SELECT work_type, mode, count(*) AS trials, count(*) FILTER (WHERE judged_at IS NOT NULL) AS judged,"
        " count(*) FILTER (WHERE agreed) AS agreed FROM auto_close_trial"
        " GROUP BY work_type, mode ORDER BY work_type, mode"
    )
    return [TrialCount(**dict(row)) for row in rows]


async def flagged(
    conn: asyncpg.Connection, facilities: Sequence[str] | None, limit: int
) -> list[tuple[UUID, str]]:
    """Return final charts (id, facility) whose codes changed after their payment had been seen."""
    rows = await conn.fetch(
        "SELECT encounter_id, facility_id FROM coding_case WHERE flagged"
        " AND ($1::text[] IS NULL OR facility_id = ANY($1)) ORDER BY encounter_id LIMIT $2",
        None if facilities is None else list(facilities),
        limit,
    )
    return [(row["encounter_id"], row["facility_id"]) for row in rows]
