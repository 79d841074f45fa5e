"""Payers ask for records or audit a claim: by file, by letter that a person enters, or by a status (277 R).

A request that names no claim of ours waits for a person; what was sent in answer is kept byte for byte.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rcm_shared.auth import Principal
from rcm_shared.contracts.billing import PayerRequestReceived
from rcm_shared.errors import NotFound, Refused
from rcm_shared.ids import uuid7
from rcm_shared.messaging.decide import FiredTimer, take_timers
from rcm_shared.messaging.uow import SetTimer, UnitOfWork
from rcm_shared.telemetry import log

from rcm_billing import repository
from rcm_billing.domain.denial_cases import SYSTEM
from rcm_billing.domain.payer_request import (
    DEFAULT_DAYS,
    DUE,
    OPEN_REQUESTS,
    REQUEST_STEPS,
    Alert,
    Evidence,
    RequestState,
    alert_at,
    first_checklist,
    missing,
    next_alert,
    with_evidence,
)
from rcm_billing.handlers.contents import word
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.submitting import Begin, channel_of
from rcm_billing.repository import Unmatched, payer_requests
from rcm_billing.repository.payer_requests import PayerRequest, Step

PAYER_REQUESTS = ".request.json"
UNMATCHED_KIND = "payer-request"


class RequestFile(BaseModel):
    """A payer's request as its file says it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    request_id: Annotated[str, Field(min_length=1, max_length=80)]
    claim_control: Annotated[str, Field(max_length=38)] = ""
    payer_control: Annotated[str, Field(max_length=50)] = ""
    kind: Literal["medical-records", "audit"]
    due_on: date | None = None
    reason_code: Annotated[str, Field(max_length=20)] = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a payer asks, however it came."""

    reference: str
    kind: str
    reason_code: str
    due_on: date | None
    source: str


async def take_request(_deps: Deps, begin: Begin, data: bytes) -> None:
    """Apply a payer's request file; one that cannot be read or names no claim of ours waits for a person."""
    digest = repository.digest_of(data)
    try:
        asked = RequestFile.model_validate_json(data)
    except ValidationError:
        async with begin() as uow:
            await _put_aside(uow, digest, "request-unreadable", "")
            await repository.mark_inbound(uow.conn, digest, "unreadable")
        return
    async with begin() as uow:
        ours, theirs = await repository.find_claims(
            uow.conn, [asked.claim_control], [asked.payer_control] if asked.payer_control else []
        )
        candidates = theirs.get(asked.payer_control, [])
        claim = ours.get(asked.claim_control) or (candidates[0] if len(candidates) == 1 else None)
        if claim is None:
            await _put_aside(uow, digest, "unknown-claim", asked.request_id)
        else:
            await uow.follow([claim[1]])
            wanted = Asked(word(asked.request_id), asked.kind, word(asked.reason_code), asked.due_on, "file")
            await open_request(uow, claim[0], wanted, SYSTEM)
        await repository.mark_inbound(uow.conn, digest, "applied")


async def _put_aside(uow: UnitOfWork, digest: bytes, reason: str, reference: str) -> None:
    await repository.insert_unmatched(
        uow.conn, [Unmatched(uuid7(), digest, UNMATCHED_KIND, 1, reason, word(reference))]
    )


async def open_request(uow: UnitOfWork, claim_id: UUID, asked: Asked, actor: str) -> PayerRequest | None:
    """Open a case for a claim, publish it and set its due day; None when it is known already.

    A request that first came as a mere status (277) takes the payer's own reference and day when they come.
    """
    row = await repository.find_claim(uow.conn, claim_id)
    if row is None:
        return None
    due_on = asked.due_on or (uow.now + timedelta(days=DEFAULT_DAYS)).date()
    told = await payer_requests.find_open_status(uow.conn, claim_id)
    if told is not None:
        if asked.source == "277":
            return None
        known = replace(
            told,
            reference=asked.reference,
            due_on=due_on,
            kind=asked.kind,
            reason_code=asked.reason_code,
            source=asked.source,
            alert=Alert.NONE,
        )
        await payer_requests.save_request(uow.conn, known)
        await _set_timer(uow, known.encounter_id)
        return known
    if asked.source == "277" and await payer_requests.count_open(uow.conn, claim_id):
        return None
    own = await payer_requests.list_own_evidence(uow.conn, claim_id)
    request = PayerRequest(
        uuid7(),
        asked.reference,
        row["encounter_id"],
        row["facility_id"],
        claim_id,
        row["payer_id"],
        asked.kind,
        asked.reason_code,
        asked.source,
        due_on,
        RequestState.RECEIVED,
        first_checklist(asked.kind, own),
        uow.now,
    )
    if not await payer_requests.insert_request(uow.conn, request, actor, asked.source):
        return None
    uow.emit(
        request.encounter_id,
        PayerRequestReceived(
            actor=actor,
            facility_id=request.facility_id,
            claim_id=claim_id,
            request_id=request.request_id,
            kind=request.kind,
            due_on=due_on,
        ),
    )
    await _set_timer(uow, request.encounter_id)
    return request


async def open_from_status(uow: UnitOfWork, claims: Sequence[tuple[UUID, str]]) -> None:
    """Open cases for claims whose payer asked for more by a status: (claim, status code)."""
    for claim_id, code in claims:
        asked = Asked(f"277-{claim_id}-{word(code)}", "medical-records", word(code), None, "277")
        await open_request(uow, claim_id, asked, SYSTEM)


async def _set_timer(uow: UnitOfWork, encounter_id: UUID) -> None:
    times = [
        at
        for request in await payer_requests.list_of_encounters(uow.conn, [encounter_id])
        if (at := next_alert(request.due_on, request.alert)) is not None
    ]
    if times:
        uow.set_timer(encounter_id, SetTimer(DUE, min(times)))
    else:
        uow.cancel_timer(encounter_id, DUE)


async def tell_due(uow: UnitOfWork, fired: Sequence[FiredTimer]) -> None:
    """Warn of requests that are due soon or overdue; each is told once."""
    keys = sorted({timer.key for timer in fired})
    requests = await payer_requests.list_of_encounters(uow.conn, keys)
    await take_timers(uow.conn, fired)
    for request in requests:
        alert = alert_at(request.due_on, uow.now)
        if alert in (Alert.NONE, request.alert):
            continue
        await payer_requests.save_request(uow.conn, replace(request, alert=alert))
        state = request.state.value
        await payer_requests.insert_step(
            uow.conn, request.request_id, Step(state, state, uow.now, SYSTEM, f"due-{alert}")
        )
        log().warning("payer request due", request_id=str(request.request_id), state=alert.value)
    for key in keys:
        await _set_timer(uow, key)


# --- what people do --------------------------------------------------------------------------------------


async def enter(uow: UnitOfWork, claim_id: UUID, asked: Asked, who: Principal) -> PayerRequest:
    """Open a case for a request that came by letter.

    Raises: NotFound for a claim that the caller may not know of; Refused when the payer's reference is known.
    """
    row = await repository.find_claim(uow.conn, claim_id)
    if row is None or not who.sees(row["facility_id"]):
        raise NotFound("claim")
    request = await open_request(uow, claim_id, asked, who.subject)
    if request is None:
        raise Refused("request-known", "this request of the payer is known already")
    return request


async def _request_of(uow: UnitOfWork, request_id: UUID, who: Principal) -> PayerRequest:
    request = await payer_requests.find_request(uow.conn, request_id)
    if request is None or not who.sees(request.facility_id):
        raise NotFound("request")
    return request


async def _moved(
    uow: UnitOfWork, request: PayerRequest, to: RequestState, who: Principal, reason: str, **changes: Any
) -> PayerRequest:
    if to not in REQUEST_STEPS[request.state]:
        raise Refused("request-step-illegal", f"a request that is {request.state} does not become {to}")
    after = replace(request, state=to, **changes)
    await payer_requests.save_request(uow.conn, after)
    await payer_requests.insert_step(
        uow.conn, request.request_id, Step(request.state.value, to.value, uow.now, who.subject, reason)
    )
    await _set_timer(uow, request.encounter_id)
    return after


async def take(uow: UnitOfWork, request_id: UUID, who: Principal, reason: str) -> PayerRequest:
    """Start the work on a request, or take it up again."""
    request = await _request_of(uow, request_id, who)
    return await _moved(uow, request, RequestState.IN_WORK, who, reason, assignee=who.subject)


async def add_evidence(uow: UnitOfWork, request_id: UUID, who: Principal, found: Evidence) -> PayerRequest:
    """Settle an entry of the checklist, or add one."""
    request = await _request_of(uow, request_id, who)
    if request.state not in OPEN_REQUESTS:
        raise Refused("request-step-illegal", f"a request that is {request.state} takes no evidence")
    after = replace(request, checklist=with_evidence(request.checklist, found))
    await payer_requests.save_request(uow.conn, after)
    return after


async def answer(uow: UnitOfWork, request_id: UUID, who: Principal, reason: str) -> PayerRequest:
    """Answer the payer with what the checklist holds.

    Raises: Refused while something that must be there is missing.
    """
    request = await _request_of(uow, request_id, who)
    lacking = missing(request.checklist)
    if lacking:
        raise Refused("evidence-missing", f"still missing: {', '.join(lacking)}")
    row = await repository.find_claim(uow.conn, request.claim_id)
    if row is None:
        raise NotFound("claim")
    body = json.dumps(
        {
            "request_id": request.reference,
            "claim_control": row["claim_control"],
            "payer_control": row["payer_control"],
            "kind": request.kind,
            "answered_on": uow.now.date().isoformat(),
            "evidence": [
                {name: value for name, value in asdict(entry).items() if value and name != "required"}
                for entry in request.checklist
                if entry.settled
            ],
        },
        default=str,
        indent=1,
    ).encode()
    await payer_requests.insert_answer(
        uow.conn,
        answer_id=uuid7(),
        request=request,
        body=body,
        sha256=hashlib.sha256(body).digest(),
        answered_by=who.subject,
        answered_at=uow.now,
    )
    uow.record_access(
        encounter_id=request.encounter_id, subject=who.subject, purpose="payer-request", what=request.kind
    )
    return await _moved(uow, request, RequestState.ANSWERED, who, reason, answered_at=uow.now)


async def close(uow: UnitOfWork, request_id: UUID, who: Principal, reason: str, outcome: str) -> PayerRequest:
    """End a request with what came of it."""
    request = await _request_of(uow, request_id, who)
    return await _moved(uow, request, RequestState.CLOSED, who, reason, outcome=outcome, closed_at=uow.now)


async def send_answers(deps: Deps) -> int:
    """Hand over answers to requests; return how many."""
    rows = await payer_requests.list_waiting_answers(deps.pool)
    for row in rows:
        name = f"{row['answer_id']}.response.json"
        await deps.exchange.send(name, bytes(row["body"]), channel_of(deps, row["payer_id"]))
        await payer_requests.mark_answer_sent(deps.pool, row["answer_id"])
    return len(rows)
