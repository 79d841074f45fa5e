"""SQL of payer rules: versions that never change, and the steps that made them active or retired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg


@dataclass(frozen=True, slots=True)
class PayerRuleRow:
    """One version as it is stored."""

    rule_id: str
    version: int
    facility_id: str
    title: str
    payers: list[str]
    form: str | None
    effective_from: date
    effective_to: date | None
    severity: str
    owner: str
    authority: str
    fix: str
    expression: str
    written_by: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class RuleStep:
    """Who moved a version to a state, when and why."""

    rule_id: str
    version: int
    state: str
    by: str
    at: datetime
    reason: str


_COLUMNS = (
    "rule_id, version, facility_id, title, payers, form, effective_from, effective_to, severity, owner,"
    " authority, fix, expression, written_by, written_at"
)


async def lock_rule(conn: asyncpg.Connection, rule_id: str) -> None:
    """Let only one transaction at a time change a rule, one that does not exist yet included."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('payer_rule:' || $1, 0))", rule_id)


async def insert_version(conn: asyncpg.Connection, row: PayerRuleRow) -> None:
    """Store a new version as a draft."""
    await conn.execute(
        f"INSERT INTO payer_rule ({_COLUMNS})"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        row.rule_id,
        row.version,
        row.facility_id,
        row.title,
        row.payers,
        row.form,
        row.effective_from,
        row.effective_to,
        row.severity,
        row.owner,
        row.authority,
        row.fix,
        row.expression,
        row.written_by,
        row.written_at,
    )
    await insert_step(conn, RuleStep(row.rule_id, row.version, "draft", row.written_by, row.written_at, ""))


async def insert_step(conn: asyncpg.Connection, step: RuleStep) -> None:
    """Store a step of a version."""
    await conn.execute(
        "INSERT INTO payer_rule_step (rule_id, version, state, by, at, reason) VALUES ($1, $2, $3, $4, $5, $6)",
        step.rule_id,
        step.version,
        step.state,
        step.by,
        step.at,
        step.reason,
    )


async def list_versions(
    conn: asyncpg.Connection | asyncpg.Pool,
    *,
    rule_ids: Sequence[str] | None = None,
    facilities: list[str] | None = None,
) -> list[PayerRuleRow]:
    """Return versions by rule and number; of all rules when none are named. A rule for all facilities is anybody's."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM payer_rule WHERE ($1::text[] IS NULL OR rule_id = ANY($1))"
        " AND ($2::text[] IS NULL OR facility_id = '' OR facility_id = ANY($2)) ORDER BY rule_id, version",
        list(rule_ids) if rule_ids is not None else None,
        facilities,
    )
    return [PayerRuleRow(**dict(row)) for row in rows]


async def list_steps(
    conn: asyncpg.Connection | asyncpg.Pool, rule_ids: Sequence[str] | None = None
) -> list[RuleStep]:
    """Return the steps of rules, oldest first; of all rules when none are named."""
    rows = await conn.fetch(
        "SELECT rule_id, version, state, by, at, reason FROM payer_rule_step"
        " WHERE ($1::text[] IS NULL OR rule_id = ANY($1)) ORDER BY step_id",
        list(rule_ids) if rule_ids is not None else None,
    )
    return [RuleStep(**dict(row)) for row in rows]


async def latest_step(conn: asyncpg.Connection | asyncpg.Pool) -> int:
    """Return the number of the last step of any rule; it changes with every change."""
    found: int = await conn.fetchval("SELECT coalesce(max(step_id), 0) FROM payer_rule_step")
    return found
