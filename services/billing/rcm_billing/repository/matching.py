"""SQL that finds the claims a payment may belong to."""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

import asyncpg

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.matching import Candidate

SEARCH_LIMIT = 50  # claims of one charge and day; a person searches on from there
_COLUMNS = "claim_id, encounter_id, claim_control, payer_control, charge_cents, service_from, state"
_NEVER_SENT = "('held', 'ready', 'replaced', 'voided')"


async def list_named(
    conn: asyncpg.Connection, controls: Sequence[str], payer_controls: Sequence[str]
) -> list[Candidate]:
    """Return the claims that carry one of our control numbers or one of the payer's."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM claim WHERE claim_control = ANY($1::text[])"
        f" UNION SELECT {_COLUMNS} FROM claim WHERE payer_control <> '' AND payer_control = ANY($2::text[])",
        list(controls),
        list(payer_controls),
    )
    return [_candidate(row) for row in rows]


async def search(
    conn: asyncpg.Connection, wanted: Sequence[tuple[int, date]]
) -> dict[tuple[int, date], list[Candidate]]:
    """Return sent claims by charge and first day of service, with their member and lines."""
    rows = await conn.fetch(
        f"SELECT c.* FROM unnest($1::bigint[], $2::text[]) AS w(cents, day) CROSS JOIN LATERAL"
        f" (SELECT {_COLUMNS}, document FROM claim WHERE charge_cents = w.cents AND service_from = w.day"
        f"  AND state NOT IN {_NEVER_SENT} ORDER BY claim_id DESC LIMIT {SEARCH_LIMIT}) AS c",
        [cents for cents, _ in wanted],
        [day.isoformat() for _, day in wanted],
    )
    found: dict[tuple[int, date], list[Candidate]] = {}
    for row in rows:
        candidate = _candidate(row, row["document"])
        if candidate.service_from is not None:
            found.setdefault((candidate.charge_cents, candidate.service_from), []).append(candidate)
    return found


async def find_candidate(conn: asyncpg.Connection, claim_id: UUID) -> Candidate | None:
    """Return one claim with its member and lines."""
    row = await conn.fetchrow(f"SELECT {_COLUMNS}, document FROM claim WHERE claim_id = $1", claim_id)
    return _candidate(row, row["document"]) if row is not None else None


async def with_documents(conn: asyncpg.Connection, candidates: Iterable[Candidate]) -> dict[UUID, Candidate]:
    """Return candidates with their member and lines read."""
    ids = [candidate.claim_id for candidate in candidates]
    if not ids:
        return {}
    rows = await conn.fetch(f"SELECT {_COLUMNS}, document FROM claim WHERE claim_id = ANY($1::uuid[])", ids)
    return {row["claim_id"]: _candidate(row, row["document"]) for row in rows}


def _candidate(row: asyncpg.Record, document: str = "") -> Candidate:
    member = ""
    lines: tuple[ServiceLine, ...] = ()
    if document:
        claim = ClaimDocument.model_validate_json(document)
        member, lines = claim.coverage.member_id, claim.lines
    return Candidate(
        row["claim_id"],
        row["encounter_id"],
        row["claim_control"],
        row["payer_control"],
        row["charge_cents"],
        date.fromisoformat(row["service_from"]) if row["service_from"] else None,
        row["state"] not in ("held", "ready", "replaced", "voided"),
        member,
        lines,
    )
