"""SQL of denial reports: whose claims they are, the rows behind every figure."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from rcm_billing.domain.denial_report import DeniedCase
from rcm_billing.repository.rows import columns


@dataclass(frozen=True, slots=True)
class Author:
    """Whose codes and whose services a claim version carries."""

    claim_id: UUID
    facility_id: str
    payer_id: str
    coder: str
    provider_id: str


async def insert_authors(conn: asyncpg.Connection, authors: Sequence[Author]) -> None:
    """Note whose claims these are; a repeated build changes nothing."""
    rows = ((a.claim_id, a.facility_id, a.payer_id, a.coder, a.provider_id) for a in authors)
    await conn.execute(
        "INSERT INTO claim_attribution (claim_id, facility_id, payer_id, coder, provider_id)"
        " SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING",
        *columns(rows, 5),
    )


_CASES = """
SELECT d.denial_id, d.encounter_id, d.claim_id, d.payer_id, d.group_code, d.carc, d.remarks, d.category, d.root_cause,
       d.state, d.outcome, d.first_cents, d.denied_cents, d.denied_at, d.appealed_at, d.resolved_at, d.coder,
       d.provider_id, d.rules
FROM denial d
WHERE d.denied_at >= $1 AND d.denied_at < $2 AND ($3::text[] IS NULL OR d.facility_id = ANY($3))
"""

#: The dimension's value of a case in SQL; a case may count for several rules.
_VALUES = {
    "coder": "d.coder = $4",
    "provider": "d.provider_id = $4",
    "payer": "d.payer_id = $4",
    "carc": "d.group_code || '-' || d.carc = $4",
    "rule": "EXISTS (SELECT FROM unnest(d.rules) AS r WHERE split_part(r, ':', 1) = $4)"
    " OR ($4 = '' AND cardinality(d.rules) = 0)",
}


async def list_cases(
    conn: asyncpg.Connection, *, since: date, until: date, facilities: list[str] | None
) -> list[DeniedCase]:
    """Return the cases that were opened from `since` to the day before `until`."""
    rows = await conn.fetch(_CASES, since, until, facilities)
    return await asyncio.to_thread(lambda: [_case(row) for row in rows])


async def list_cases_of(
    conn: asyncpg.Connection,
    *,
    by: str,
    value: str,
    since: date,
    until: date,
    facilities: list[str] | None,
    after: UUID | None,
    limit: int,
) -> list[DeniedCase]:
    """Return the rows behind one figure of a report, by id."""
    rows = await conn.fetch(
        f"{_CASES} AND ({_VALUES[by]}) AND ($5::uuid IS NULL OR d.denial_id > $5)"
        " ORDER BY d.denial_id LIMIT $6",
        since,
        until,
        facilities,
        value,
        after,
        limit,
    )
    return [_case(row) for row in rows]


def _case(row: asyncpg.Record) -> DeniedCase:
    return DeniedCase(*row)


async def count_adjudicated(
    conn: asyncpg.Connection, *, by: str, since: date, until: date, facilities: list[str] | None
) -> dict[str, int]:
    """Return how many claims were adjudicated for the first time in the period, per coder, provider or payer."""
    column = {"coder": "a.coder", "provider": "a.provider_id", "payer": "a.payer_id"}[by]
    rows = await conn.fetch(
        f"SELECT {column} AS value, count(*) AS claims"
        " FROM (SELECT claim_id, min(applied_at) AS at FROM remittance_claim"
        " WHERE status <> '22' GROUP BY claim_id) AS first JOIN claim_attribution a USING (claim_id)"
        " WHERE first.at >= $1 AND first.at < $2 AND ($3::text[] IS NULL OR a.facility_id = ANY($3)) GROUP BY 1",
        since,
        until,
        facilities,
    )
    return {row["value"]: row["claims"] for row in rows}
