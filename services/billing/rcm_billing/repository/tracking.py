"""SQL of tracking: acknowledgements as they arrived, status inquiries, filing windows, what is overdue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from rcm_billing.repository.rows import columns

UNFILED = ("held", "ready", "submitted", "rejected")
UNDECIDED = ("submitted", "accepted", "pended")


@dataclass(frozen=True, slots=True)
class AckRow:
    """One acknowledgement or status that reached an attempt; `reference` is the number it named."""

    attempt_id: UUID
    claim_id: UUID
    encounter_id: UUID
    label: str
    effect: str
    status_codes: tuple[str, ...]
    reference: str
    digest: bytes


async def insert_acknowledgements(conn: asyncpg.Connection, rows: Sequence[AckRow]) -> None:
    """Append what reached the attempts."""
    await conn.execute(
        "INSERT INTO acknowledgement (attempt_id, claim_id, encounter_id, label, effect, status_codes, reference,"
        " sha256) SELECT a, c, e, l, f, CASE WHEN s = '' THEN '{}' ELSE string_to_array(s, ',') END, r, d"
        " FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],"
        " $8::bytea[]) AS t(a, c, e, l, f, s, r, d)",
        *columns(
            (
                (
                    row.attempt_id,
                    row.claim_id,
                    row.encounter_id,
                    row.label,
                    row.effect,
                    ",".join(row.status_codes),
                    row.reference[:80],
                    row.digest,
                )
                for row in rows
            ),
            8,
        ),
    )


async def list_acknowledgements(conn: asyncpg.Connection, claim_id: UUID) -> list[asyncpg.Record]:
    """Return what reached a claim's attempts in the order of arrival, with the file's name and hash."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT k.attempt_id, k.label, k.effect, k.status_codes, k.reference, k.received_at, k.sha256, f.name"
        " FROM acknowledgement k JOIN inbound_file f USING (sha256)"
        " WHERE k.claim_id = $1 ORDER BY k.acknowledgement_id",
        claim_id,
    )
    return rows


async def list_submissions(conn: asyncpg.Connection, claim_id: UUID) -> list[asyncpg.Record]:
    """Return a claim's attempts with the numbers, the hash and the times of their interchanges, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT a.attempt_id, i.interchange_id, i.isa13, i.gs06, i.st02, i.bht03, i.sha256, i.state, i.built_at,"
        " i.sent_at FROM submission_attempt a JOIN interchange i USING (interchange_id)"
        " WHERE a.claim_id = $1 ORDER BY i.built_at, i.isa13",
        claim_id,
    )
    return rows


async def get_interchange(conn: asyncpg.Connection, interchange_id: UUID) -> bytes:
    """Return the frozen bytes of an interchange."""
    return bytes(
        await conn.fetchval("SELECT body FROM interchange WHERE interchange_id = $1", interchange_id)
    )


async def get_inbound(conn: asyncpg.Connection, digest: bytes) -> bytes:
    """Return a payer's file."""
    return bytes(await conn.fetchval("SELECT body FROM inbound_file WHERE sha256 = $1", digest))


# --- status inquiries ----------------------------------------------------------------------------------


async def list_due_inquiries(
    conn: asyncpg.Connection, payer_id: str, days: int, limit: int
) -> list[asyncpg.Record]:
    """Return undecided claims that were sent that many days ago and not asked about since."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT c.claim_id, c.encounter_id, c.facility_id FROM claim c"
        " WHERE c.payer_id = $1 AND c.state IN ('submitted', 'accepted', 'pended')"
        "  AND EXISTS (SELECT FROM submission_attempt a JOIN interchange i USING (interchange_id)"
        "   WHERE a.claim_id = c.claim_id AND i.sent_at <= now() - make_interval(days => $2))"
        "  AND NOT EXISTS (SELECT FROM status_inquiry q WHERE q.claim_id = c.claim_id"
        "   AND (q.state = 'waiting' OR q.asked_at > now() - make_interval(days => $2)))"
        " ORDER BY c.claim_id LIMIT $3",
        payer_id,
        days,
        limit,
    )
    return rows


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question about one claim."""

    trace: str
    claim_id: UUID
    encounter_id: UUID
    facility_id: str
    payer_id: str
    asked_by: str


async def insert_inquiries(conn: asyncpg.Connection, inquiries: Sequence[Inquiry]) -> None:
    """Note questions that wait to be sent."""
    await conn.execute(
        "INSERT INTO status_inquiry (trace, claim_id, encounter_id, facility_id, payer_id, asked_by, asked_at)"
        " SELECT *, now() FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[])",
        *columns(
            ((i.trace, i.claim_id, i.encounter_id, i.facility_id, i.payer_id, i.asked_by) for i in inquiries),
            6,
        ),
    )


async def take_waiting_inquiries(conn: asyncpg.Connection, limit: int) -> list[asyncpg.Record]:
    """Lock and return questions of one facility and payer that wait to be sent, with their claims."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "WITH first AS (SELECT facility_id, payer_id FROM status_inquiry WHERE state = 'waiting'"
        "  ORDER BY asked_at LIMIT 1)"
        " SELECT q.trace, q.facility_id, q.payer_id, c.document, c.payer_control, c.claim_id"
        " FROM status_inquiry q JOIN first USING (facility_id, payer_id) JOIN claim c USING (claim_id)"
        " WHERE q.state = 'waiting' ORDER BY q.trace LIMIT $1 FOR UPDATE OF q SKIP LOCKED",
        limit,
    )
    return rows


async def mark_inquiries_sent(conn: asyncpg.Connection, traces: Sequence[str], interchange_id: UUID) -> None:
    """Record in which interchange questions left."""
    await conn.execute(
        "UPDATE status_inquiry SET interchange_id = $2, state = 'sent' WHERE trace = ANY($1::text[])",
        list(traces),
        interchange_id,
    )


async def refuse_inquiry(conn: asyncpg.Connection, trace: str, reason: str) -> None:
    """Record that a question cannot be written, with the reason in place of a category."""
    await conn.execute(
        "UPDATE status_inquiry SET state = 'refused', category = $2 WHERE trace = $1", trace, reason
    )


async def answer_inquiries(conn: asyncpg.Connection, answers: Sequence[tuple[str, str]]) -> None:
    """Record the categories that came back for traces; the first answer stays."""
    await conn.execute(
        "UPDATE status_inquiry SET answered_at = now(), category = n.category, state = 'answered'"
        " FROM unnest($1::text[], $2::text[]) AS n(trace, category)"
        " WHERE status_inquiry.trace = n.trace AND state <> 'answered'",
        [trace for trace, _ in answers],
        [category for _, category in answers],
    )


async def find_traces(conn: asyncpg.Connection, traces: Sequence[str]) -> dict[str, str]:
    """Return the control number (CLM01) of the claim that each trace asked about."""
    rows = await conn.fetch(
        "SELECT q.trace, c.claim_control FROM status_inquiry q JOIN claim c USING (claim_id)"
        " WHERE q.trace = ANY($1::text[])",
        list(traces),
    )
    return {row["trace"]: row["claim_control"] for row in rows}


async def list_inquiries(conn: asyncpg.Connection, claim_id: UUID) -> list[asyncpg.Record]:
    """Return the questions asked about a claim, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT trace, state, asked_by, asked_at, answered_at, category FROM status_inquiry WHERE claim_id = $1"
        " ORDER BY asked_at",
        claim_id,
    )
    return rows


# --- filing windows and what is overdue ----------------------------------------------------------------


async def take_filing_alerts(conn: asyncpg.Connection, today: date, limit: int) -> list[asyncpg.Record]:
    """Lock and return unfiled claims whose warning or last day has passed and was not told yet."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT claim_id, encounter_id, facility_id, payer_id, filing_last_day, filing_last_day < $1 AS expired"
        " FROM claim WHERE state IN ('held', 'ready', 'submitted', 'rejected') AND filing_alert <> 'expired'"
        "  AND filing_warn_day <= $1 AND (filing_alert = '' OR filing_last_day < $1)"
        " ORDER BY filing_warn_day LIMIT $2 FOR UPDATE SKIP LOCKED",
        today,
        limit,
    )
    return rows


async def mark_filing_alerts(conn: asyncpg.Connection, claim_ids: Sequence[UUID], alert: str) -> None:
    """Record what was told about claims' filing windows."""
    await conn.execute(
        "UPDATE claim SET filing_alert = $2 WHERE claim_id = ANY($1::uuid[])", list(claim_ids), alert
    )


async def list_filing(
    conn: asyncpg.Connection, *, until: date, facilities: list[str] | None, limit: int
) -> list[asyncpg.Record]:
    """Return claims that no payer has accepted and whose warning day is reached by a date, last day first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT claim_id, encounter_id, facility_id, payer_id, claim_control, state, owner_queue, charge_cents,"
        " filing_warn_day, filing_last_day, filing_alert FROM claim"
        " WHERE state IN ('held', 'ready', 'submitted', 'rejected') AND filing_warn_day <= $1"
        " AND ($2::text[] IS NULL OR facility_id = ANY($2)) ORDER BY filing_last_day, claim_id LIMIT $3",
        until,
        facilities,
        limit,
    )
    return rows


async def list_unanswered(
    conn: asyncpg.Connection, *, before: datetime, facilities: list[str] | None, limit: int
) -> list[asyncpg.Record]:
    """Return claims whose interchange left before a moment and that nothing has answered, oldest first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT c.claim_id, c.encounter_id, c.facility_id, c.payer_id, c.claim_control, a.attempt_id, i.isa13,"
        " i.sent_at FROM interchange i JOIN submission_attempt a USING (interchange_id) JOIN claim c USING (claim_id)"
        " WHERE i.state = 'sent' AND i.sent_at < $1 AND c.state = 'submitted'"
        "  AND NOT EXISTS (SELECT FROM acknowledgement k WHERE k.attempt_id = a.attempt_id)"
        " AND ($2::text[] IS NULL OR c.facility_id = ANY($2)) ORDER BY i.sent_at, c.claim_id LIMIT $3",
        before,
        facilities,
        limit,
    )
    return rows
