"""SQL of proposed rules: repeated denials, past claims with their outcomes, what was proposed and decided."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from uuid import UUID

import asyncpg

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.rule_proposal import Key, Outcome, Proposal, Repeated

#: Denials that count: a person's or the payer's later word that it was none takes them out.
_REPEATED = """
SELECT facility_id, payer_id, carc, coalesce(remarks[1], '') AS rarc, code,
       array_agg(DISTINCT claim_id) AS claim_ids, sum(first_cents)::bigint AS cents,
       mode() WITHIN GROUP (ORDER BY owner_queue) AS owner
FROM denial
WHERE denied_at >= $1 AND denied_at < $2 AND attributed_at IS NOT NULL AND code <> '' AND category <> 'duplicate'
  AND outcome NOT IN ('overturned', 'reversed') AND ($3::text[] IS NULL OR facility_id = ANY($3))
GROUP BY 1, 2, 3, 4, 5 HAVING count(DISTINCT claim_id) >= $4
ORDER BY count(DISTINCT claim_id) DESC, 1, 2, 3, 4, 5 LIMIT $5
"""

_PAST = """
SELECT c.claim_id, c.document,
       NOT EXISTS (SELECT FROM denial d WHERE d.claim_id = c.claim_id)
       AND EXISTS (SELECT FROM remittance_claim r WHERE r.claim_id = c.claim_id AND r.reversed_by IS NULL
                   AND r.status IN ('1', '2', '3', '19', '20', '21')) AS paid
FROM claim c
WHERE c.payer_id = $1 AND c.facility_id = $2
  AND EXISTS (SELECT FROM remittance_claim r WHERE r.claim_id = c.claim_id AND r.applied_at >= $3)
ORDER BY c.claim_id DESC LIMIT $4
"""


async def list_repeated(
    conn: asyncpg.Connection,
    *,
    since: date,
    until: date,
    facilities: list[str] | None,
    at_least: int,
    limit: int,
) -> list[Repeated]:
    """Return denials that repeat: same payer, reason, remark and code; the most frequent first."""
    rows = await conn.fetch(_REPEATED, since, until, facilities, at_least, limit)
    return [
        Repeated(
            Key(row["facility_id"], row["payer_id"], row["carc"], row["rarc"], row["code"]),
            frozenset(row["claim_ids"]),
            row["cents"],
            row["owner"] or "",
        )
        for row in rows
    ]


async def list_past(
    conn: asyncpg.Connection, *, payer_id: str, facility_id: str, since: date, limit: int
) -> list[Outcome]:
    """Return decided claims of one payer, the newest first, with whether they were paid without a denial."""
    rows = await conn.fetch(_PAST, payer_id, facility_id, since, limit)
    return [
        Outcome(row["claim_id"], ClaimDocument.model_validate_json(row["document"]), row["paid"])
        for row in rows
    ]


async def save_proposals(
    conn: asyncpg.Connection,
    proposals: Sequence[tuple[UUID, Proposal]],
    *,
    since: date,
    until: date,
    created_by: str,
    created_at: datetime,
) -> None:
    """Store proposals; one that waits is renewed, one that was decided stays as it is."""
    await conn.executemany(
        "INSERT INTO rule_proposal (proposal_id, facility_id, payer_id, carc, rarc, code, modifiers, diagnosis,"
        " expression, denied, denied_cents, back_test, state, rule_id, since, until, created_by, created_at, owner)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'proposed', $13, $14, $15, $16, $17, $18)"
        " ON CONFLICT (facility_id, payer_id, carc, rarc, code, modifiers, diagnosis) DO UPDATE"
        " SET expression = excluded.expression, denied = excluded.denied, denied_cents = excluded.denied_cents,"
        " back_test = excluded.back_test, since = excluded.since, until = excluded.until"
        " WHERE rule_proposal.state = 'proposed'",
        [
            (
                proposal_id,
                one.repeated.key.facility_id,
                one.repeated.key.payer_id,
                one.repeated.key.carc,
                one.repeated.key.rarc,
                one.condition.code,
                one.condition.modifier,
                one.condition.diagnosis,
                one.condition.expression,
                len(one.repeated.claim_ids),
                one.repeated.cents,
                json.dumps(asdict(one.back_test), default=str),
                one.rule.rule_id,
                since,
                until,
                created_by,
                created_at,
                one.rule.owner.value,
            )
            for proposal_id, one in proposals
        ],
    )


async def list_proposals(
    conn: asyncpg.Connection, *, state: str | None, facilities: list[str] | None, limit: int
) -> list[asyncpg.Record]:
    """Return proposals, the highest denied amount first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT * FROM rule_proposal WHERE ($1::text IS NULL OR state = $1)"
        " AND ($2::text[] IS NULL OR facility_id = ANY($2)) ORDER BY denied_cents DESC, proposal_id LIMIT $3",
        state,
        facilities,
        limit,
    )
    return rows


async def find_proposal(conn: asyncpg.Connection, proposal_id: UUID) -> asyncpg.Record | None:
    """Lock and return one proposal."""
    return await conn.fetchrow("SELECT * FROM rule_proposal WHERE proposal_id = $1 FOR UPDATE", proposal_id)


async def decide_proposal(
    conn: asyncpg.Connection, proposal_id: UUID, *, state: str, decided_by: str, decided_at: datetime
) -> None:
    """Record what a person decided about a proposal."""
    await conn.execute(
        "UPDATE rule_proposal SET state = $2, decided_by = $3, decided_at = $4 WHERE proposal_id = $1",
        proposal_id,
        state,
        decided_by,
        decided_at,
    )
