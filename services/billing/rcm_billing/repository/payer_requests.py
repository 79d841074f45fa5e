"""SQL of payers' requests for records and audits: the cases, their steps, what was answered."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from rcm_billing.domain.payer_request import Alert, Evidence, RequestState


@dataclass(frozen=True, slots=True)
class PayerRequest:
    """One request as it is stored."""

    request_id: UUID
    reference: str
    encounter_id: UUID
    facility_id: str
    claim_id: UUID
    payer_id: str
    kind: str
    reason_code: str
    source: str  # file, letter (a person entered it), 277
    due_on: date
    state: RequestState
    checklist: tuple[Evidence, ...]
    received_at: datetime
    assignee: str = ""
    alert: Alert = Alert.NONE
    outcome: str = ""
    answered_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a request."""

    was: str
    state: str
    at: datetime
    actor: str
    reason: str


def _dumped(checklist: Sequence[Evidence]) -> str:
    return json.dumps([asdict(entry) for entry in checklist], default=str)


def _request(row: asyncpg.Record) -> PayerRequest:
    found = dict(row)
    checklist = tuple(
        Evidence(**entry | {"document_id": UUID(entry["document_id"]) if entry["document_id"] else None})
        for entry in json.loads(found.pop("checklist"))
    )
    state, alert = RequestState(found.pop("state")), Alert(found.pop("alert"))
    return PayerRequest(**found, checklist=checklist, state=state, alert=alert)


async def insert_request(conn: asyncpg.Connection, request: PayerRequest, actor: str, reason: str) -> bool:
    """Open a case; False when the payer's reference is known already."""
    fresh = await conn.fetchval(
        "INSERT INTO payer_request (request_id, reference, encounter_id, facility_id, claim_id, payer_id, kind,"
        " reason_code, source, due_on, state, checklist, received_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING RETURNING true",
        request.request_id,
        request.reference,
        request.encounter_id,
        request.facility_id,
        request.claim_id,
        request.payer_id,
        request.kind,
        request.reason_code,
        request.source,
        request.due_on,
        request.state.value,
        _dumped(request.checklist),
        request.received_at,
    )
    if fresh:
        step = Step("", request.state.value, request.received_at, actor, reason)
        await insert_step(conn, request.request_id, step)
    return bool(fresh)


async def insert_step(conn: asyncpg.Connection, request_id: UUID, step: Step) -> None:
    """Append a step."""
    await conn.execute(
        "INSERT INTO payer_request_move (request_id, was, state, at, actor, reason) VALUES ($1, $2, $3, $4, $5, $6)",
        request_id,
        step.was,
        step.state,
        step.at,
        step.actor,
        step.reason,
    )


async def save_request(conn: asyncpg.Connection, request: PayerRequest) -> None:
    """Write what changes of a case."""
    await conn.execute(
        "UPDATE payer_request SET reference = $2, due_on = $3, state = $4, assignee = $5, alert = $6, checklist = $7,"
        " outcome = $8, answered_at = $9, closed_at = $10, kind = $11, reason_code = $12, source = $13"
        " WHERE request_id = $1",
        request.request_id,
        request.reference,
        request.due_on,
        request.state.value,
        request.assignee,
        request.alert.value,
        _dumped(request.checklist),
        request.outcome,
        request.answered_at,
        request.closed_at,
        request.kind,
        request.reason_code,
        request.source,
    )


async def find_request(conn: asyncpg.Connection, request_id: UUID) -> PayerRequest | None:
    """Lock and return a case."""
    row = await conn.fetchrow("SELECT * FROM payer_request WHERE request_id = $1 FOR UPDATE", request_id)
    return _request(row) if row else None


async def read_request(conn: asyncpg.Connection, request_id: UUID) -> PayerRequest | None:
    """Return a case."""
    row = await conn.fetchrow("SELECT * FROM payer_request WHERE request_id = $1", request_id)
    return _request(row) if row else None


async def find_open_status(conn: asyncpg.Connection, claim_id: UUID) -> PayerRequest | None:
    """Lock and return the open case of a claim that only a status (277) told of."""
    row = await conn.fetchrow(
        "SELECT * FROM payer_request WHERE claim_id = $1 AND source = '277' AND state IN ('received', 'in_work')"
        " ORDER BY received_at LIMIT 1 FOR UPDATE",
        claim_id,
    )
    return _request(row) if row else None


async def count_open(conn: asyncpg.Connection, claim_id: UUID) -> int:
    """Return how many cases of a claim are open."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM payer_request WHERE claim_id = $1 AND state IN ('received', 'in_work')",
        claim_id,
    )
    return count


async def list_of_encounters(conn: asyncpg.Connection, keys: Sequence[UUID]) -> list[PayerRequest]:
    """Lock and return the open cases of encounters, for their due days."""
    rows = await conn.fetch(
        "SELECT * FROM payer_request WHERE encounter_id = ANY($1::uuid[]) AND state IN ('received', 'in_work')"
        " ORDER BY request_id FOR UPDATE",
        list(keys),
    )
    return [_request(row) for row in rows]


async def list_requests(
    conn: asyncpg.Connection,
    *,
    facilities: list[str] | None,
    state: str | None,
    kind: str | None,
    after: tuple[date, UUID] | None,
    limit: int,
) -> list[PayerRequest]:
    """Return a page of cases by due day; state "open" means received or in work."""
    states = ["received", "in_work"] if state == "open" else [state] if state else None
    rows = await conn.fetch(
        "SELECT * FROM payer_request WHERE ($1::text[] IS NULL OR facility_id = ANY($1))"
        " AND ($2::text[] IS NULL OR state = ANY($2)) AND ($3::text IS NULL OR kind = $3)"
        " AND ($4::date IS NULL OR (due_on, request_id) > ($4, $5::uuid)) ORDER BY due_on, request_id LIMIT $6",
        facilities,
        states,
        kind,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )
    return [_request(row) for row in rows]


async def list_steps(conn: asyncpg.Connection, request_id: UUID) -> list[Step]:
    """Return the steps of a case, oldest first."""
    rows = await conn.fetch(
        "SELECT was, state, at, actor, reason FROM payer_request_move WHERE request_id = $1 ORDER BY move_id",
        request_id,
    )
    return [Step(**dict(row)) for row in rows]


# --- answers ---------------------------------------------------------------------------------------------


async def insert_answer(
    conn: asyncpg.Connection,
    *,
    answer_id: UUID,
    request: PayerRequest,
    body: bytes,
    sha256: bytes,
    answered_by: str,
    answered_at: datetime,
) -> None:
    """Queue an answer for the payer; its bytes never change."""
    await conn.execute(
        "INSERT INTO payer_request_answer (answer_id, request_id, facility_id, body, sha256, evidence, answered_by,"
        " answered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        answer_id,
        request.request_id,
        request.facility_id,
        body,
        sha256,
        _dumped(request.checklist),
        answered_by,
        answered_at,
    )


async def list_waiting_answers(conn: asyncpg.Connection) -> list[asyncpg.Record]:
    """Return answers that have not left."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT a.answer_id, a.body, r.payer_id FROM payer_request_answer a JOIN payer_request r USING (request_id)"
        " WHERE a.sent_at IS NULL ORDER BY a.answered_at LIMIT 100"
    )
    return rows


async def mark_answer_sent(conn: asyncpg.Connection, answer_id: UUID) -> None:
    """Record that an answer left."""
    await conn.execute("UPDATE payer_request_answer SET sent_at = now() WHERE answer_id = $1", answer_id)


async def list_answers(conn: asyncpg.Connection, request_id: UUID) -> list[asyncpg.Record]:
    """Return what was sent for a case, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT answer_id, encode(sha256, 'hex') AS sha256, evidence, answered_by, answered_at, sent_at"
        " FROM payer_request_answer WHERE request_id = $1 ORDER BY answered_at",
        request_id,
    )
    return rows


async def list_own_evidence(conn: asyncpg.Connection, claim_id: UUID) -> tuple[Evidence, ...]:
    """Return what billing itself can show of a claim: its version as sent, and each acknowledgement of it."""
    claim = await conn.fetchrow("SELECT claim_control, document FROM claim WHERE claim_id = $1", claim_id)
    rows = await conn.fetch(
        "SELECT label, encode(sha256, 'hex') AS sha256 FROM acknowledgement WHERE claim_id = $1"
        " ORDER BY acknowledgement_id",
        claim_id,
    )
    sent = await conn.fetch(
        "SELECT i.isa13, encode(i.sha256, 'hex') AS sha256 FROM submission_attempt a JOIN interchange i"
        " USING (interchange_id) WHERE a.claim_id = $1 ORDER BY i.isa13",
        claim_id,
    )
    found = [Evidence("claim", required=True, reference=claim["claim_control"])] if claim else []
    found += [
        Evidence("submission", required=False, reference=row["isa13"], sha256=row["sha256"]) for row in sent
    ]
    found += [
        Evidence("acknowledgement", required=False, reference=row["label"], sha256=row["sha256"])
        for row in rows
    ]
    return tuple(found)
