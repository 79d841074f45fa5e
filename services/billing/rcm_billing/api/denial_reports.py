"""HTTP in: denials by coder, provider, rule, payer or reason, and the rows behind every figure."""

import asyncio
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from rcm_shared.auth import Principal, allow
from rcm_shared.errors import Refused

from rcm_billing.api.deps import Body, Limit, Running
from rcm_billing.domain.denial_report import report
from rcm_billing.repository import denial_reports

router = APIRouter(prefix="/v1", tags=["denials"])
Analyst = Annotated[Principal, Depends(allow("biller", "auditor", "operations"))]
By = Literal["coder", "provider", "rule", "payer", "carc"]
Since = Annotated[date, Query(alias="from")]
Until = Annotated[date, Query(alias="to")]
MAX_DAYS = 800
_OF_CLAIMS = ("coder", "provider", "payer")


class SpanOut(Body):
    """Mean and median of days."""

    mean_days: float | None
    median_days: float | None


class LineOut(Body):
    """One line; `rows` leads to what it counts."""

    value: str
    cases: int
    denied_cents: int
    claims: int
    adjudicated: int | None
    denial_rate: float | None
    appealed: int
    appeals_resolved: int
    overturned: int
    overturn_rate: float | None
    overturned_cents: int
    overturn_rate_cents: float | None
    written_off_cents: int
    to_appeal: SpanOut
    to_resolution: SpanOut
    root_causes: dict[str, int]


class ReportOut(Body):
    """Denials opened from `since` to `until`, both days included."""

    by: str
    since: date
    until: date
    lines: tuple[LineOut, ...]


class CaseOut(Body):
    """One row behind a figure."""

    denial_id: UUID
    encounter_id: UUID
    claim_id: UUID
    payer_id: str
    group_code: str
    carc: str
    remarks: tuple[str, ...]
    category: str
    root_cause: str
    state: str
    outcome: str
    first_cents: int
    denied_cents: int
    denied_at: datetime
    appealed_at: datetime | None
    resolved_at: datetime | None
    coder: str
    provider_id: str
    rules: tuple[str, ...]


class CaseList(Body):
    """The rows of one line, by id; `next` is the id to go on after, null on the last page."""

    cases: tuple[CaseOut, ...]
    next: UUID | None = None


def _check(since: date, until: date) -> None:
    if until < since or (until - since).days > MAX_DAYS:
        raise Refused("period-invalid", f"a period has 0 to {MAX_DAYS} days", status=422)


@router.get("/denials/report")
async def get_report(who: Analyst, runtime: Running, by: By, since: Since, until: Until) -> ReportOut:
    """Report denials by one dimension."""
    _check(since, until)
    end = until + timedelta(days=1)
    facilities = who.facility_filter()
    pool = runtime.http_pool
    cases = await denial_reports.list_cases(pool, since=since, until=end, facilities=facilities)
    adjudicated = None
    if by in _OF_CLAIMS:
        adjudicated = await denial_reports.count_adjudicated(
            pool, by=by, since=since, until=end, facilities=facilities
        )
    found = await asyncio.to_thread(report, cases, by, adjudicated)
    lines = tuple(LineOut.model_validate(asdict(line)) for line in found)
    return ReportOut(by=by, since=since, until=until, lines=lines)


@router.get("/denials/report/rows")
async def list_rows(
    who: Analyst,
    runtime: Running,
    by: By,
    value: Annotated[str, Query(max_length=200)],
    since: Since,
    until: Until,
    after: UUID | None = None,
    limit: Limit = 100,
) -> CaseList:
    """List the rows behind one line of the report."""
    _check(since, until)
    cases = await denial_reports.list_cases_of(
        runtime.http_pool,
        by=by,
        value=value,
        since=since,
        until=until + timedelta(days=1),
        facilities=who.facility_filter(),
        after=after,
        limit=limit + 1,
    )
    shown = cases[:limit]
    return CaseList(
        cases=tuple(CaseOut.model_validate(asdict(case)) for case in shown),
        next=shown[-1].denial_id if len(cases) > limit else None,
    )
