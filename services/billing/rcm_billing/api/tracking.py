"""HTTP in: a claim's way to its payer, questions about it, proof of filing; what is overdue or about to be."""

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from rcm_shared.clock import business_time
from rcm_shared.errors import NotFound
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing import repository
from rcm_billing.api.deps import Biller, Body, Limit, Reader, Running, deps_of
from rcm_billing.handlers import proving
from rcm_billing.handlers.tracking import ask_now
from rcm_billing.repository import tracking

router = APIRouter(prefix="/v1", tags=["billing"])


class SubmissionOut(Body):
    """One interchange that carried the claim."""

    attempt_id: UUID
    interchange_control: str
    group_control: str
    set_control: str
    batch: str
    sha256: str
    state: str
    built_at: datetime
    sent_at: datetime | None


class AnswerOut(Body):
    """One acknowledgement or status, with the file that it came in."""

    attempt_id: UUID
    label: str
    effect: str
    status_codes: tuple[str, ...]
    received_at: datetime
    file: str
    sha256: str


class InquiryOut(Body):
    """One question to the payer; `category` is what came back."""

    trace: str
    state: str
    asked_by: str
    asked_at: datetime
    answered_at: datetime | None
    category: str


class TrackingOut(Body):
    """The claim's way: every submission, answer and question in the order in which they happened."""

    claim_id: UUID
    claim_control: str
    payer_control: str
    state: str
    filing_last_day: date | None
    submissions: tuple[SubmissionOut, ...]
    answers: tuple[AnswerOut, ...]
    inquiries: tuple[InquiryOut, ...]


class FilingOut(Body):
    """One claim that no payer has accepted, with its filing window. `days_left` is negative when it is over."""

    claim_id: UUID
    encounter_id: UUID
    payer_id: str
    claim_control: str
    state: str
    owner_queue: str
    charge_cents: int
    last_day: date
    days_left: int
    alert: str


class FilingList(Body):
    claims: tuple[FilingOut, ...]


class UnansweredOut(Body):
    """One submission that nothing has answered."""

    claim_id: UUID
    encounter_id: UUID
    attempt_id: UUID
    payer_id: str
    claim_control: str
    interchange_control: str
    sent_at: datetime


class UnansweredList(Body):
    claims: tuple[UnansweredOut, ...]


class AskedOut(Body):
    """A noted question."""

    claim_id: UUID
    trace: str


@router.get("/claims/{claim_id}/tracking")
async def get_tracking(claim_id: UUID, who: Reader, runtime: Running) -> TrackingOut:
    """Show a claim's submissions, what answered them and what was asked."""
    pool = runtime.http_pool
    row = await repository.find_claim(pool, claim_id)
    if row is None or not who.sees(row["facility_id"]):
        raise NotFound("claim")
    return TrackingOut(
        claim_id=claim_id,
        claim_control=row["claim_control"],
        payer_control=row["payer_control"],
        state=row["state"],
        filing_last_day=row["filing_last_day"],
        submissions=tuple(
            SubmissionOut(
                attempt_id=one["attempt_id"],
                interchange_control=one["isa13"],
                group_control=one["gs06"],
                set_control=one["st02"],
                batch=one["bht03"],
                sha256=one["sha256"].hex(),
                state=one["state"],
                built_at=one["built_at"],
                sent_at=one["sent_at"],
            )
            for one in await tracking.list_submissions(pool, claim_id)
        ),
        answers=tuple(
            AnswerOut(
                attempt_id=one["attempt_id"],
                label=one["label"],
                effect=one["effect"],
                status_codes=tuple(one["status_codes"]),
                received_at=one["received_at"],
                file=one["name"],
                sha256=one["sha256"].hex(),
            )
            for one in await tracking.list_acknowledgements(pool, claim_id)
        ),
        inquiries=tuple(InquiryOut(**dict(one)) for one in await tracking.list_inquiries(pool, claim_id)),
    )


@router.post("/claims/{claim_id}/inquiries")
async def ask(claim_id: UUID, request: Request, who: Biller) -> Response:
    """Ask the payer for the claim's status (276); the answer appears in its tracking."""
    deps = deps_of(request)

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        inquiry = await ask_now(uow, deps, claim_id, who)
        return 202, AskedOut(claim_id=claim_id, trace=inquiry.trace)

    return await idempotent(request, who, run)


@router.get("/claims/{claim_id}/proof", response_class=Response)
async def get_proof(claim_id: UUID, who: Biller, runtime: Running) -> Response:
    """Give the proof of timely filing as a ZIP file: cover sheet, facts, and this claim's part of every file."""
    async with runtime.transaction() as uow:
        row = await repository.find_claim(uow.conn, claim_id)
        if row is None or not who.sees(row["facility_id"]):
            raise NotFound("claim")
        proof = await proving.prove(uow.conn, claim_id)
        uow.record_access(
            encounter_id=row["encounter_id"], subject=who.subject, purpose="claim", what="filing-proof"
        )
    if proof is None:
        raise NotFound("claim")
    name = f'attachment; filename="{proof.claim_control}.zip"'
    return Response(
        proving.zipped(proof), media_type="application/zip", headers={"Content-Disposition": name}
    )


@router.get("/timely-filing")
async def list_filing(
    who: Reader, runtime: Running, days: Annotated[int, Query(ge=0, le=400)] = 0, limit: Limit = 100
) -> FilingList:
    """List unaccepted claims whose warning day is reached within some days, the nearest last day first."""
    async with runtime.http_pool.acquire() as conn:
        today = business_time(await conn.fetchval("SELECT now()")).date()
        rows = await tracking.list_filing(
            conn, until=today + timedelta(days=days), facilities=who.facility_filter(), limit=limit
        )
    return FilingList(
        claims=tuple(
            FilingOut(
                claim_id=row["claim_id"],
                encounter_id=row["encounter_id"],
                payer_id=row["payer_id"],
                claim_control=row["claim_control"],
                state=row["state"],
                owner_queue=row["owner_queue"],
                charge_cents=row["charge_cents"],
                last_day=row["filing_last_day"],
                days_left=(row["filing_last_day"] - today).days,
                alert=row["filing_alert"],
            )
            for row in rows
        )
    )


@router.get("/unanswered")
async def list_unanswered(
    who: Reader, runtime: Running, hours: Annotated[int, Query(ge=1, le=8760)] = 24, limit: Limit = 100
) -> UnansweredList:
    """List submissions that left some hours ago and that no TA1, 999, 277CA or 835 has answered."""
    async with runtime.http_pool.acquire() as conn:
        before = await conn.fetchval("SELECT now() - make_interval(hours => $1)", hours)
        rows = await tracking.list_unanswered(
            conn, before=before, facilities=who.facility_filter(), limit=limit
        )
    return UnansweredList(
        claims=tuple(
            UnansweredOut(
                claim_id=row["claim_id"],
                encounter_id=row["encounter_id"],
                attempt_id=row["attempt_id"],
                payer_id=row["payer_id"],
                claim_control=row["claim_control"],
                interchange_control=row["isa13"],
                sent_at=row["sent_at"],
            )
            for row in rows
        )
    )
