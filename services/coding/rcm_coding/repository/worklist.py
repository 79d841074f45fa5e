"""SQL of the worklist: pages by key, the next free chart, month end, rules, certificates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from rcm_coding.domain.worklist import Policy, Route

_POLICY: TypeAdapter[Policy] = TypeAdapter(Policy)
_OPEN = "state NOT IN ('final_coded', 'cancelled', 'awaiting_documentation') AND priority_at IS NOT NULL"
_FREE = (
    "(state = 'unassigned' OR (state IN ('assigned', 'in_progress') AND lock_until IS NOT NULL"
    " AND lock_until <= $1))"
)
_LINE = (
    "encounter_id, facility_id, state, setting, queue, work_type, urgency, payer_id, assignee, lock_until,"
    " hold_owner, hold_reason, returned, service_through, completed_at, due_at, filing_deadline, priority_at,"
    " charge_cents, version"
)


@dataclass(frozen=True, slots=True)
class WorkLine:
    """One chart as the worklist shows it: ids, states and dates; `charge_cents` not for coders."""

    encounter_id: UUID
    facility_id: str
    state: str
    setting: str
    queue: str
    work_type: str
    urgency: str
    payer_id: str | None
    assignee: str | None
    lock_until: datetime | None
    hold_owner: str | None
    hold_reason: str | None
    returned: bool
    service_through: date
    completed_at: datetime | None
    due_at: datetime | None
    filing_deadline: date | None
    priority_at: datetime
    charge_cents: int
    version: int


@dataclass(frozen=True, slots=True)
class QueueCount:
    """How many open charts a queue has, how many are free, and how many are past due."""

    queue: str
    open: int
    free: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Discharged and not final coded: one queue and state with count, value and age."""

    queue: str
    state: str
    charts: int
    charge_cents: int
    oldest: date
    over_goal: int


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A certificate and the days on which it is in force."""

    subject: str
    credential: str
    valid_from: date
    valid_to: date
    granted_by: str


def _where(
    first: int,
    *,
    facilities: Sequence[str] | None,
    queue: str | None,
    assignee: str | None,
    states: Sequence[str] | None,
    free: bool,
) -> tuple[str, list[object]]:
    """Compose only the conditions that are asked for, so that the planner takes the index that fits."""
    parts, values = [_OPEN], list[object]()

    def add(text: str, value: object) -> None:
        parts.append(text.format(f"${first + len(values)}"))
        values.append(value)

    if facilities is not None:
        add("facility_id = ANY({}::text[])", list(facilities))
    if queue is not None:
        add("queue = {}", queue)
    if assignee is not None:
        add("assignee = {}", assignee)
    if states is not None:
        add("state = ANY({}::text[])", list(states))
    if free:
        parts.append(_FREE)
    return " AND ".join(parts), values


async def page_of(
    conn: asyncpg.Connection,
    *,
    now: datetime,
    facilities: Sequence[str] | None,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
    queue: str | None = None,
    assignee: str | None = None,
    states: Sequence[str] | None = None,
    free: bool = False,
) -> list[WorkLine]:
    """Return one page in priority order, starting behind a key."""
    where, values = _where(2, facilities=facilities, queue=queue, assignee=assignee, states=states, free=free)
    if after is not None:
        values.extend(after)
        where += f" AND (priority_at, encounter_id) > (${len(values)}::timestamptz, ${len(values) + 1}::uuid)"
    rows = await conn.fetch(
        f"SELECT {_LINE} FROM coding_case WHERE {where} AND $1::timestamptz IS NOT NULL"
        f" ORDER BY priority_at, encounter_id LIMIT {limit:d}",
        now,
        *values,
    )
    return [WorkLine(**dict(row)) for row in rows]


async def count_queues(
    conn: asyncpg.Connection, *, now: datetime, facilities: Sequence[str] | None
) -> list[QueueCount]:
    """Count the open charts of every queue."""
    rows = await conn.fetch(
        f"SELECT queue, count(*) AS open, count(*) FILTER (WHERE {_FREE}) AS free,"
        " count(*) FILTER (WHERE due_at < $1) AS overdue"
        f" FROM coding_case WHERE {_OPEN} AND ($2::text[] IS NULL OR facility_id = ANY($2))"
        " GROUP BY queue ORDER BY queue",
        now,
        None if facilities is None else list(facilities),
    )
    return [QueueCount(**dict(row)) for row in rows]


async def lock_next(
    conn: asyncpg.Connection,
    *,
    now: datetime,
    facilities: Sequence[str] | None,
    queue: str | None,
    work_types: Sequence[str] | None,
) -> UUID | None:
    """Lock the most pressing free chart that nobody else is about to take, and return its id."""
    where, values = _where(2, facilities=facilities, queue=queue, assignee=None, states=None, free=True)
    if work_types is not None:
        values.append(list(work_types))
        where += f" AND work_type = ANY(${1 + len(values)}::text[])"
    found: UUID | None = await conn.fetchval(
        f"SELECT encounter_id FROM coding_case WHERE {where}"
        " ORDER BY priority_at, encounter_id LIMIT 1 FOR UPDATE SKIP LOCKED",
        now,
        *values,
    )
    return found


async def held_by(conn: asyncpg.Connection, subject: str, facilities: Sequence[str] | None) -> list[UUID]:
    """Return the open charts that a coder holds."""
    rows = await conn.fetch(
        f"SELECT encounter_id FROM coding_case WHERE {_OPEN} AND assignee = $1"
        " AND ($2::text[] IS NULL OR facility_id = ANY($2)) ORDER BY encounter_id",
        subject,
        None if facilities is None else list(facilities),
    )
    return [row["encounter_id"] for row in rows]


async def unfinished(
    conn: asyncpg.Connection, *, through: date, now: datetime, facilities: Sequence[str] | None
) -> list[Unfinished]:
    """Return what is discharged by a day and not final coded, by queue and state (DNFC)."""
    rows = await conn.fetch(
        "SELECT queue, state, count(*) AS charts, sum(charge_cents)::bigint AS charge_cents,"
        " min(service_through) AS oldest, count(*) FILTER (WHERE due_at < $2) AS over_goal"
        " FROM coding_case WHERE state NOT IN ('final_coded', 'cancelled')"
        " AND service_through > '0001-01-01' AND service_through <= $1"
        " AND ($3::text[] IS NULL OR facility_id = ANY($3))"
        " GROUP BY queue, state ORDER BY queue, state",
        through,
        now,
        None if facilities is None else list(facilities),
    )
    return [Unfinished(**dict(row)) for row in rows]


async def newest_policy(conn: asyncpg.Connection) -> Policy | None:
    """Return the rules in force, or None when only the built-in ones are."""
    body = await conn.fetchval("SELECT body FROM worklist_policy ORDER BY version DESC LIMIT 1")
    return None if body is None else _POLICY.validate_json(body)


async def lock_policy(conn: asyncpg.Connection) -> None:
    """Let one person at a time change the rules."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('worklist_policy'))")


async def add_policy(conn: asyncpg.Connection, policy: Policy, by: str, now: datetime) -> None:
    """Keep a new version of the rules; it is in force from now on."""
    await conn.execute(
        "INSERT INTO worklist_policy (version, body, created_by, created_at) VALUES ($1, $2, $3, $4)",
        policy.version,
        _POLICY.dump_json(policy).decode(),
        by,
        now,
    )


async def outdated(conn: asyncpg.Connection, version: int, limit: int) -> list[UUID]:
    """Return open charts that other rules have routed."""
    rows = await conn.fetch(
        "SELECT encounter_id FROM coding_case WHERE state NOT IN ('final_coded', 'cancelled')"
        " AND policy_version <> $1 ORDER BY encounter_id LIMIT $2",
        version,
        limit,
    )
    return [row["encounter_id"] for row in rows]


async def move(conn: asyncpg.Connection, routes: Mapping[UUID, Route]) -> None:
    """Write new places of charts whose state stays."""
    items = sorted(routes.items())
    await conn.execute(
        "UPDATE coding_case AS c SET queue = r.queue, work_type = r.work_type, urgency = r.urgency,"
        " due_at = r.due_at, filing_deadline = r.deadline, priority_at = r.priority, policy_version = r.policy"
        " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::date[],"
        " $7::timestamptz[], $8::int[]) AS r(id, queue, work_type, urgency, due_at, deadline, priority, policy)"
        " WHERE c.encounter_id = r.id",
        [key for key, _ in items],
        [item.queue for _, item in items],
        [item.work_type for _, item in items],
        [item.urgency.value for _, item in items],
        [item.due_at for _, item in items],
        [item.filing_deadline for _, item in items],
        [item.priority_at for _, item in items],
        [item.policy_version for _, item in items],
    )


async def credentials_of(conn: asyncpg.Connection, subject: str, day: date) -> tuple[str, ...]:
    """Return the certificates that someone holds on a day."""
    rows = await conn.fetch(
        "SELECT DISTINCT credential FROM coder_credential"
        " WHERE subject = $1 AND valid_from <= $2 AND $2 <= valid_to ORDER BY credential",
        subject,
        day,
    )
    return tuple(row["credential"] for row in rows)


async def list_credentials(conn: asyncpg.Connection, subject: str) -> list[CredentialRow]:
    """Return everything recorded of someone's certificates."""
    rows = await conn.fetch(
        "SELECT subject, credential, valid_from, valid_to, granted_by FROM coder_credential"
        " WHERE subject = $1 ORDER BY credential, valid_from",
        subject,
    )
    return [CredentialRow(**dict(row)) for row in rows]


async def grant(conn: asyncpg.Connection, row: CredentialRow, now: datetime) -> None:
    """Record a certificate; the same one from the same day gets the new last day."""
    await conn.execute(
        "INSERT INTO coder_credential (subject, credential, valid_from, valid_to, granted_by, granted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (subject, credential, valid_from) DO UPDATE SET valid_to = excluded.valid_to,"
        " granted_by = excluded.granted_by, granted_at = excluded.granted_at",
        row.subject,
        row.credential,
        row.valid_from,
        row.valid_to,
        row.granted_by,
        now,
    )
