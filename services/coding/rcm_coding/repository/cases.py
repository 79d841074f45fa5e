"""SQL of charts, decisions and releases: one function per question, set-based where a batch asks it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from rcm_coding.domain.case import CodeAssignment, CodingCase
from rcm_coding.domain.worklist import Route, value_cents
from rcm_coding.engine.evidence import Evidence
from rcm_coding.engine.tabular import Tabular

_CASE: TypeAdapter[CodingCase] = TypeAdapter(CodingCase)
_EVIDENCE: TypeAdapter[tuple[Evidence, ...]] = TypeAdapter(tuple[Evidence, ...])

_SAVE = """
INSERT INTO coding_case AS c (encounter_id, facility_id, state, setting, assignee, service_through,
                              completed_at, version, body, queue, work_type, urgency, payer_id, due_at,
                              filing_deadline, priority_at, policy_version, lock_until, hold_owner,
                              hold_reason, returned, charge_cents, flagged)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[],
                     $7::timestamptz[], $8::int[], $9::text[], $10::text[], $11::text[], $12::text[],
                     $13::text[], $14::timestamptz[], $15::date[], $16::timestamptz[], $17::int[],
                     $18::timestamptz[], $19::text[], $20::text[], $21::bool[], $22::bigint[],
                     $23::bool[])
ON CONFLICT (encounter_id) DO UPDATE
SET facility_id = excluded.facility_id, state = excluded.state, setting = excluded.setting,
    assignee = excluded.assignee, service_through = excluded.service_through,
    completed_at = excluded.completed_at, version = excluded.version, body = excluded.body,
    queue = excluded.queue, work_type = excluded.work_type, urgency = excluded.urgency,
    payer_id = excluded.payer_id, due_at = excluded.due_at, filing_deadline = excluded.filing_deadline,
    priority_at = excluded.priority_at, policy_version = excluded.policy_version,
    lock_until = excluded.lock_until, hold_owner = excluded.hold_owner, hold_reason = excluded.hold_reason,
    returned = excluded.returned, charge_cents = excluded.charge_cents, flagged = excluded.flagged,
    updated_at = now()
"""

_LOG = """
INSERT INTO coding_decision (encounter_id, facility_id, case_version, actor, action, assignment_id, system,
                             code, suggested_code, score, reason, evidence, release, engine, at,
                             role, source, shown_position, shown_count, model, p)
SELECT $1, $2, $3, $4, d.action, d.id, d.system, d.code, d.suggested, d.score, d.reason, d.evidence::jsonb,
       $5, $6, $7, d.role, d.source, d.position, $16, $17, d.p
FROM unnest($8::text[], $9::uuid[], $10::text[], $11::text[], $12::text[], $13::real[], $14::text[],
            $15::text[], $18::text[], $19::text[], $20::int[], $21::real[])
    AS d(action, id, system, code, suggested, score, reason, evidence, role, source, position, p)
"""

_ACTIVATE = """
INSERT INTO code_set_release (release_id, system, edition, effective_from, effective_to, sha256, row_count,
                              billable_count, status, activated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9)
"""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One chart as the worklist shows it: ids, states and dates only."""

    encounter_id: UUID
    facility_id: str
    state: str
    setting: str
    assignee: str | None
    service_through: date
    completed_at: datetime | None
    version: int


async def load_cases(conn: asyncpg.Connection, keys: list[UUID]) -> dict[UUID, CodingCase]:
    """Lock the cases in key order and return those that exist.

    Only intake's topic makes a case, and one consumer reads a key at a time, so a missing row needs no lock.
    """
    rows = await conn.fetch(
        "SELECT encounter_id, body FROM coding_case WHERE encounter_id = ANY($1::uuid[])"
        " ORDER BY encounter_id FOR UPDATE",
        keys,
    )
    return {row["encounter_id"]: _CASE.validate_json(row["body"]) for row in rows}


async def save_cases(
    conn: asyncpg.Connection, cases: Mapping[UUID, CodingCase], routes: Mapping[UUID, Route]
) -> None:
    """Write changed cases with their places in the worklist in one statement."""
    items = sorted(cases.items())
    placed = [routes[key] for key, _ in items]
    await conn.execute(
        _SAVE,
        [key for key, _ in items],
        [case.facility_id for _, case in items],
        [case.state.value for _, case in items],
        [case.setting.value for _, case in items],
        [case.assignee for _, case in items],
        [case.service_through for _, case in items],
        [case.completed_at for _, case in items],
        [case.version for _, case in items],
        [_CASE.dump_json(case).decode() for _, case in items],
        [item.queue for item in placed],
        [item.work_type for item in placed],
        [item.urgency.value for item in placed],
        [case.payer_id for _, case in items],
        [item.due_at for item in placed],
        [item.filing_deadline for item in placed],
        [item.priority_at for item in placed],
        [item.policy_version for item in placed],
        [case.lock_until for _, case in items],
        [case.hold_owner for _, case in items],
        [case.hold_reason for _, case in items],
        [bool(case.reopen_reasons) for _, case in items],
        [value_cents(case) for _, case in items],
        [case.final is not None and case.final.changed_after_payment for _, case in items],
    )


async def find_case(conn: asyncpg.Connection, encounter_id: UUID) -> CodingCase | None:
    """Read one case without locking it."""
    body = await conn.fetchval("SELECT body FROM coding_case WHERE encounter_id = $1", encounter_id)
    return None if body is None else _CASE.validate_json(body)


async def list_cases(
    conn: asyncpg.Connection, *, states: Sequence[str], facilities: Sequence[str] | None, limit: int
) -> list[CaseLine]:
    """List charts, the longest waiting first. `facilities` None means all."""
    rows = await conn.fetch(
        "SELECT encounter_id, facility_id, state, setting, assignee, service_through, completed_at, version"
        " FROM coding_case"
        " WHERE state = ANY($1::text[]) AND ($2::text[] IS NULL OR facility_id = ANY($2))"
        " ORDER BY completed_at NULLS LAST, encounter_id LIMIT $3",
        list(states),
        None if facilities is None else list(facilities),
        limit,
    )
    return [CaseLine(**dict(row)) for row in rows]


async def log_decisions(
    conn: asyncpg.Connection, case: CodingCase, actor: str, at: datetime, changed: Iterable[CodeAssignment]
) -> None:
    """Append what was decided. `changed` are the assignments as they stand after the decision.

    A suggestion's place in the list, its probability and the model that ranked it are kept with it,
    as learning must allow for what the coder was shown.
    """
    items = list(changed)
    if not items:
        return
    shown = sum(item.source == "cac" for item in case.assignments)
    await conn.execute(
        _LOG,
        case.encounter_id,
        case.facility_id,
        case.version,
        actor,
        case.release,
        case.engine,
        at,
        [item.choice.value for item in items],
        [item.id for item in items],
        [item.system for item in items],
        [item.code for item in items],
        [item.suggested_code or (item.code if item.source == "cac" else None) for item in items],
        [item.score for item in items],
        [item.reason for item in items],
        [_EVIDENCE.dump_json(item.evidence).decode() for item in items],
        shown,
        case.model,
        [item.role for item in items],
        [item.source for item in items],
        [item.position + 1 if item.source == "cac" else None for item in items],
        [item.score if item.source == "cac" else None for item in items],
    )


async def activate_release(
    conn: asyncpg.Connection, release_id: UUID, edition: Tabular, now: datetime
) -> bool:
    """Record an edition as active unless this very file already is; return whether it is new.

    An earlier edition for the same fiscal year is superseded in the same transaction.
    """
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('code_set_release'))")
    if await conn.fetchval("SELECT true FROM code_set_release WHERE sha256 = $1", edition.sha256):
        return False
    await conn.execute(
        "UPDATE code_set_release SET status = 'superseded'"
        " WHERE system = 'ICD-10-CM' AND effective_from = $1 AND status = 'active'",
        edition.effective_from,
    )
    await conn.execute(
        _ACTIVATE,
        release_id,
        "ICD-10-CM",
        edition.edition,
        edition.effective_from,
        edition.effective_to,
        edition.sha256,
        len(edition.concepts),
        edition.billable_count,
        now,
    )
    return True
