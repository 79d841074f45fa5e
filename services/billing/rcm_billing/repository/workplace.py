"""SQL of the biller's workplace: what waits, pages of claims, aged receivables."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from rcm_billing.domain.denial import CLOCKED, OPEN
from rcm_billing.repository.tracking import UNFILED


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many claims stand in one state and what they charge."""

    state: str
    claims: int
    charge_cents: int


async def count_claims(conn: asyncpg.Connection, facilities: list[str] | None) -> list[StateCount]:
    """Return the standing claims by state."""
    rows = await conn.fetch(
        "SELECT state, count(*) AS claims, sum(charge_cents)::bigint AS cents FROM claim"
        " WHERE state NOT IN ('replaced', 'voided') AND ($1::text[] IS NULL OR facility_id = ANY($1))"
        " GROUP BY state ORDER BY state",
        facilities,
    )
    return [StateCount(row["state"], row["claims"], row["cents"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One pile of work; `cents` is the money that hangs on it, None where no amount is known."""

    what: str
    items: int
    cents: int | None


async def count_waiting(
    conn: asyncpg.Connection, *, facilities: list[str] | None, today: date, soon: datetime
) -> list[Waiting]:
    """Return what a person has to look at: each pile with its number and its money."""
    rows = await conn.fetch(
        "SELECT 'held' AS what, count(*) AS items, sum(charge_cents)::bigint AS cents FROM claim"
        "  WHERE state = 'held' AND ($1::text[] IS NULL OR facility_id = ANY($1))"
        " UNION ALL SELECT 'rejected', count(*), sum(charge_cents)::bigint FROM claim"
        "  WHERE state = 'rejected' AND ($1::text[] IS NULL OR facility_id = ANY($1))"
        " UNION ALL SELECT 'filing', count(*), sum(charge_cents)::bigint FROM claim"
        "  WHERE state = ANY($6::text[]) AND filing_warn_day <= $2"
        "   AND ($1::text[] IS NULL OR facility_id = ANY($1))"
        " UNION ALL SELECT 'denials', count(*), sum(denied_cents)::bigint FROM denial"
        "  WHERE state = ANY($4::text[])"
        "   AND ($1::text[] IS NULL OR facility_id = ANY($1))"
        " UNION ALL SELECT 'denials-due', count(*), sum(denied_cents)::bigint FROM denial"
        "  WHERE state = ANY($5::text[])"
        "   AND deadline_at < $3 AND ($1::text[] IS NULL OR facility_id = ANY($1))"
        " UNION ALL SELECT 'unmatched', count(*), sum(amount_cents)::bigint FROM unmatched"
        "  WHERE state IN ('open', 'parked')"
        " UNION ALL SELECT 'variances', count(*), sum(expected_cents - allowed_cents)::bigint FROM variance"
        "  WHERE state IN ('open', 'disputed') AND ($1::text[] IS NULL OR facility_id = ANY($1))"
        " UNION ALL SELECT 'requests', count(*), sum(cents)::bigint FROM"
        "  (SELECT cents, facility_id FROM settlement_request WHERE state = 'requested'"
        "   UNION ALL SELECT cents, facility_id FROM denial_write_off WHERE state = 'waiting') AS request"
        "  WHERE $1::text[] IS NULL OR facility_id = ANY($1)",
        facilities,
        today,
        soon,
        sorted(OPEN),
        sorted(CLOCKED),
        list(UNFILED),
    )
    return [Waiting(row["what"], row["items"], row["cents"]) for row in rows]


async def page_of_claims(
    conn: asyncpg.Connection,
    *,
    state: str | None,
    queue: str | None,
    payer_id: str | None,
    facilities: list[str] | None,
    after: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Return a page of standing claims, oldest first; `after` is the last claim of the page before."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT claim_id, encounter_id, payer_id, payer_order, version, form, frequency, claim_control,"
        " charge_cents, state, owner_queue, hits, filing_last_day, updated_at FROM claim"
        " WHERE state NOT IN ('replaced', 'voided') AND ($1::text IS NULL OR state = $1)"
        " AND ($2::text IS NULL OR owner_queue = $2) AND ($3::text IS NULL OR payer_id = $3)"
        " AND ($4::text[] IS NULL OR facility_id = ANY($4)) AND ($5::uuid IS NULL OR claim_id > $5)"
        " ORDER BY claim_id LIMIT $6",
        state,
        queue,
        payer_id,
        facilities,
        after,
        limit,
    )
    return rows


async def find_controls(
    conn: asyncpg.Connection, claim_ids: Collection[UUID], facilities: list[str] | None
) -> dict[UUID, str]:
    """Return our control numbers of the claims among these that a person may know of."""
    rows = await conn.fetch(
        "SELECT claim_id, claim_control FROM claim WHERE claim_id = ANY($1::uuid[])"
        " AND ($2::text[] IS NULL OR facility_id = ANY($2))",
        list(claim_ids),
        facilities,
    )
    return {row["claim_id"]: row["claim_control"] for row in rows}


#: Days since the service by their first day; a service still to come is in the first.
BUCKETS = {"0-30": 0, "31-60": 31, "61-90": 61, "91-120": 91, "over 120": 121}
PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Aged:
    """What one debtor owes by days since the service; `buckets` in cents, in the order of BUCKETS."""

    debtor: str
    accounts: int
    buckets: tuple[int, ...]

    @property
    def total(self) -> int:
        """Return the sum over all ages."""
        return sum(self.buckets)


async def aged_receivables(
    conn: asyncpg.Connection, *, today: date, facilities: list[str] | None
) -> list[Aged]:
    """Return what is open by debtor and age, from the ledger's own entries; payers first, the patients last.

    Age counts from the first day of service on the account's newest claim in that order.
    """
    rows = await conn.fetch(
        "WITH open AS ("
        "  SELECT a.encounter_id, e.account, sum(e.cents)::bigint AS cents"
        "  FROM account a JOIN ledger_transaction t USING (encounter_id) JOIN ledger_entry e USING (transaction_id)"
        "  WHERE (a.balance_cents <> 0 OR a.patient_cents <> 0) AND ($2::text[] IS NULL OR a.facility_id = ANY($2))"
        "   AND e.account IN ('insurance_receivable_p', 'insurance_receivable_s', 'insurance_receivable_t',"
        "    'patient_receivable')"
        "  GROUP BY 1, 2 HAVING sum(e.cents) <> 0),"
        " aged AS ("
        "  SELECT o.encounter_id, o.cents,"
        "   CASE o.account WHEN 'patient_receivable' THEN $4 ELSE coalesce(c.payer_id, '') END AS payer_id,"
        "   greatest(1, width_bucket($1 - coalesce(c.service_from::date, $1), $3::int[])) AS bucket"
        "  FROM open o LEFT JOIN LATERAL ("
        "   SELECT payer_id, service_from FROM claim WHERE claim.encounter_id = o.encounter_id"
        "    AND (o.account = 'patient_receivable' OR payer_order = upper(right(o.account, 1)))"
        "   ORDER BY payer_order DESC, version DESC LIMIT 1) c ON true),"
        " debtor AS (SELECT payer_id, count(DISTINCT encounter_id) AS accounts FROM aged GROUP BY payer_id)"
        " SELECT payer_id, accounts, bucket, sum(cents)::bigint AS cents"
        " FROM aged JOIN debtor USING (payer_id) GROUP BY 1, 2, 3 ORDER BY payer_id, bucket",
        today,
        facilities,
        list(BUCKETS.values()),
        PATIENT,
    )
    found: dict[str, tuple[int, list[int]]] = {}
    for row in rows:
        _, buckets = found.setdefault(row["payer_id"], (row["accounts"], [0] * len(BUCKETS)))
        buckets[row["bucket"] - 1] = row["cents"]
    payers_first = sorted(found, key=lambda debtor: (debtor == PATIENT, debtor))
    return [Aged(debtor, found[debtor][0], tuple(found[debtor][1])) for debtor in payers_first]


async def open_accounts_of(
    conn: asyncpg.Connection, *, facilities: list[str] | None, patient: bool, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Return accounts with something open, with the patient or with a payer, in the order of their ids."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT encounter_id, claim_state, waiting_for, charged_cents, paid_cents, adjusted_cents, patient_cents,"
        " balance_cents, updated_at FROM account WHERE (balance_cents <> 0 OR patient_cents <> 0)"
        " AND CASE WHEN $1 THEN patient_cents <> 0 ELSE balance_cents <> 0 END"
        " AND ($2::text[] IS NULL OR facility_id = ANY($2)) AND ($3::uuid IS NULL OR encounter_id > $3)"
        " ORDER BY encounter_id LIMIT $4",
        patient,
        facilities,
        after,
        limit,
    )
    return rows
