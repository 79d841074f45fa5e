"""What watches claims on their way: filing windows that run out, and questions about claims nobody decides."""

import asyncio
from uuid import UUID

from rcm_shared.auth import Principal
from rcm_shared.contracts.billing import TimelyFilingWarned
from rcm_shared.errors import NotFound, Refused
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.telemetry import log

from rcm_billing import repository
from rcm_billing.domain.claim import IN_FLIGHT, ClaimState
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.errors import WireRefused
from rcm_billing.domain.submission import SYSTEM
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.submitting import FORM_276, Begin
from rcm_billing.repository import tracking
from rcm_billing.x12.envelope import ControlNumbers
from rcm_billing.x12.inquiry_276 import Question, write_inquiries

EVERY_S = 60.0
INQUIRIES = 500  # claims in one 276
ALERTS = 500


async def watch(deps: Deps, begin: Begin) -> None:
    """Warn of filing windows and ask payers about undecided claims, again and again."""
    while True:
        warned = asked = sent = 0
        async with begin() as uow:
            warned = await warn_of_filing(uow)
        async with begin() as uow:
            asked = await ask_about_undecided(deps, uow)
        async with begin() as uow:
            sent = await freeze_inquiries(deps, uow)
        if not (warned or asked or sent):
            await asyncio.sleep(EVERY_S)


async def warn_of_filing(uow: UnitOfWork) -> int:
    """Tell of claims that no payer has accepted and whose window is four fifths used, or over; return how many."""
    rows = await tracking.take_filing_alerts(uow.conn, uow.now.date(), ALERTS)
    await uow.follow({row["encounter_id"] for row in rows})
    for row in rows:
        uow.emit(
            row["encounter_id"],
            TimelyFilingWarned(
                actor=SYSTEM,
                facility_id=row["facility_id"],
                claim_id=row["claim_id"],
                payer_id=row["payer_id"],
                last_day=row["filing_last_day"],
                expired=row["expired"],
            ),
        )
    for alert, expired in (("warned", False), ("expired", True)):
        ids = [row["claim_id"] for row in rows if row["expired"] is expired]
        if ids:
            await tracking.mark_filing_alerts(uow.conn, ids, alert)
    return len(rows)


async def ask_about_undecided(deps: Deps, uow: UnitOfWork) -> int:
    """Note a question for every claim that its payer has had for too long; return how many."""
    asked = 0
    for payer_id, payer in deps.master.payers.items():
        if payer.inquire_after_days is None:
            continue
        rows = await tracking.list_due_inquiries(uow.conn, payer_id, payer.inquire_after_days, INQUIRIES)
        inquiries = [
            tracking.Inquiry(
                trace_of(), row["claim_id"], row["encounter_id"], row["facility_id"], payer_id, SYSTEM
            )
            for row in rows
        ]
        if inquiries:
            await tracking.insert_inquiries(uow.conn, inquiries)
        asked += len(inquiries)
    return asked


def trace_of() -> str:
    """Return TRN02 of a new question: 32 characters without a meaning."""
    return uuid7().hex.upper()


async def ask_now(uow: UnitOfWork, deps: Deps, claim_id: UUID, who: Principal) -> tracking.Inquiry:
    """Note a person's question about one claim.

    Raises: NotFound; Refused when the claim is with no payer or the payer answers no inquiries.
    """
    row = await repository.find_claim(uow.conn, claim_id)
    if row is None or not who.sees(row["facility_id"]):
        raise NotFound("claim")
    if ClaimState(row["state"]) not in IN_FLIGHT:
        raise Refused("claim-not-with-payer", "only a claim that is with its payer can be asked about")
    payer = deps.master.payers.get(row["payer_id"])
    if payer is None or payer.inquire_after_days is None:
        raise Refused("payer-answers-no-inquiry", "this payer answers no claim status inquiries")
    inquiry = tracking.Inquiry(
        trace_of(), row["claim_id"], row["encounter_id"], row["facility_id"], row["payer_id"], who.subject
    )
    await tracking.insert_inquiries(uow.conn, [inquiry])
    return inquiry


async def freeze_inquiries(deps: Deps, uow: UnitOfWork) -> int:
    """Freeze the waiting questions of one facility and payer as one 276; return how many."""
    rows = await tracking.take_waiting_inquiries(uow.conn, INQUIRIES)
    if not rows:
        return 0
    facility_id, payer_id = rows[0]["facility_id"], rows[0]["payer_id"]
    payer = deps.master.payers.get(payer_id)
    facility = deps.master.facilities.get(facility_id)
    if payer is None or facility is None:
        for row in rows:
            await tracking.refuse_inquiry(uow.conn, row["trace"], "not-in-master-data")
        return len(rows)
    number = await repository.next_control_number(uow.conn)
    numbers = ControlNumbers(number, number, number)
    questions = [
        Question(row["trace"], ClaimDocument.model_validate_json(row["document"]), row["payer_control"])
        for row in rows
    ]
    try:
        body = write_inquiries(
            questions,
            billing=facility.billing,
            submitter=deps.master.submitter,
            payer=payer,
            payer_id=payer_id,
            usage=deps.master.usage,
            numbers=numbers,
            at=uow.now,
        )
    except WireRefused as error:
        log().error("claim status inquiry refused", code=error.code)
        for row in rows:
            await tracking.refuse_inquiry(uow.conn, row["trace"], error.code)
        return len(rows)
    interchange_id = uuid7()
    await repository.insert_interchange(
        uow.conn,
        interchange_id=interchange_id,
        numbers=(numbers.isa13, numbers.gs06, numbers.st02, numbers.bht03),
        group=(facility_id, payer_id, FORM_276),
        body=body,
        attempts=(),
    )
    await tracking.mark_inquiries_sent(uow.conn, [row["trace"] for row in rows], interchange_id)
    return len(rows)
