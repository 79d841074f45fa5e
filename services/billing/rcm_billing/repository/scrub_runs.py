"""SQL of scrub runs: what each claim version was judged by, so that it can be judged again."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from rcm_billing.repository.rows import columns


@dataclass(frozen=True, slots=True)
class ScrubRunRow:
    """One run as it is stored, with the basis that it shares with others."""

    claim_id: UUID
    facility_id: str
    basis: bytes
    basis_body: str
    circumstances: str
    result: bytes
    repairs: str


@dataclass(frozen=True, slots=True)
class StoredScrub:
    """A stored run with its claim's document and hits."""

    claim_id: UUID
    encounter_id: UUID
    facility_id: str
    document: str
    hits: str
    not_evaluated: list[str]
    basis: str
    circumstances: str
    result: bytes
    repairs: str


async def insert_runs(conn: asyncpg.Connection, runs: Sequence[ScrubRunRow]) -> None:
    """Store runs, and each basis that is new."""
    bases = {run.basis: run.basis_body for run in runs}
    await conn.execute(
        "INSERT INTO scrub_basis (digest, body) SELECT * FROM unnest($1::bytea[], $2::text[])"
        " ON CONFLICT DO NOTHING",
        sorted(bases),
        [bases[digest] for digest in sorted(bases)],
    )
    rows = ((r.claim_id, r.facility_id, r.basis, r.circumstances, r.result, r.repairs) for r in runs)
    await conn.execute(
        "INSERT INTO scrub_run (claim_id, facility_id, basis, circumstances, result, repairs)"
        " SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::bytea[], $6::text[])",
        *columns(rows, 6),
    )


async def find_run(conn: asyncpg.Connection | asyncpg.Pool, claim_id: UUID) -> StoredScrub | None:
    """Return the run of a claim version with its document, or None."""
    row = await conn.fetchrow(
        "SELECT c.claim_id, c.encounter_id, c.facility_id, c.document, c.hits, c.not_evaluated, b.body AS basis,"
        " r.circumstances, r.result, r.repairs FROM claim c JOIN scrub_run r USING (claim_id)"
        " JOIN scrub_basis b ON b.digest = r.basis WHERE c.claim_id = $1",
        claim_id,
    )
    return StoredScrub(**dict(row)) if row else None
