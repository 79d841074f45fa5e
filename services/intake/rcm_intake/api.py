"""HTTP: hospitals submit, services fetch records and texts by id with a purpose, people correct coverage."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from rcm_shared.auth import Principal, allow
from rcm_shared.contracts.records import (
    Documents,
    EncounterRecord,
    Encounters,
    FetchDocuments,
    FetchEncounters,
    Purpose,
)
from rcm_shared.errors import NotFound, Refused
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.idempotency import idempotency_key

from rcm_intake import handlers, repository
from rcm_intake.domain.account import billing_status, shown_state
from rcm_intake.domain.encounter import EncounterState, record_of
from rcm_intake.gateways.json_values import Id, MemberId, Name
from rcm_intake.gateways.readers import read_message
from rcm_intake.gateways.reading import Reading
from rcm_intake.handlers import GroupCommit, Outcome, Submission

router = APIRouter()

Running = Annotated[Runtime, Depends(runtime_of)]
Integration = Annotated[Principal, Depends(allow("integration"))]
Reader = Annotated[
    Principal, Depends(allow("coder", "auditor", "biller", "registration", "operations", "service"))
]
RecordReader = Annotated[
    Principal, Depends(allow("coder", "auditor", "biller", "registration", "privacy", "service"))
]
Registrar = Annotated[Principal, Depends(allow("registration", "biller"))]
Service = Annotated[Principal, Depends(allow("service"))]
TextReader = Annotated[Principal, Depends(allow("service", "coder"))]
LookUp = Annotated[Principal, Depends(allow("integration", "registration", "biller", "service"))]
FeedReader = Annotated[Principal, Depends(allow("operations", "integration", "auditor", "service"))]


class Accepted(BaseModel):
    """What became of a message. `encounter_id` is the first of `encounter_ids`."""

    outcome: str
    reason: str
    encounter_id: UUID | None
    encounter_ids: tuple[UUID, ...]


class LookUpEncounter(BaseModel):
    """An encounter in its source's words."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    facility_id: Id
    source: Id
    external_id: Id


class FoundEncounter(BaseModel):
    """The id under which all services know it."""

    encounter_id: UUID


class CoverageCorrection(BaseModel):
    """What a registrar or biller corrects; what is absent stays."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    member_id: MemberId
    payer_id: Id | None = None
    payer_name: Name | None = None
    group_number: Name | None = None
    filing_indicator: Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")] | None = None


class CoverageAnswer(BaseModel):
    """The record's version after the correction."""

    encounter_id: UUID
    record_version: int


class EncounterLine(BaseModel):
    """One encounter of a list: no patient data. `missing` names document kinds that are still to come."""

    encounter_id: UUID
    facility_id: str
    source: str
    state: str
    billing_status: str
    setting: str
    service_from: str
    service_through: str
    record_version: int
    missing: tuple[str, ...]


class EncounterLines(BaseModel):
    """A page of encounters; `next` is the cursor of the next page."""

    encounters: tuple[EncounterLine, ...]
    next: UUID | None


class Feed(BaseModel):
    """Counts of one feed since the beginning."""

    facility_id: str
    source: str
    transport: str
    received: int
    accepted: int
    refused: int
    ignored: int
    duplicate: int
    last_at: str


class Feeds(BaseModel):
    """All feeds that the caller may see."""

    feeds: tuple[Feed, ...]


@router.post("/v1/encounters", status_code=202, response_model=Accepted)
async def submit_encounter(request: Request, runtime: Running, who: Integration) -> Response:
    """Take one encounter in our JSON form."""
    _require_media(request, "application/json")
    return await _submit(request, runtime, who, "json", "http-json")


@router.post("/fhir", status_code=202, response_model=Accepted)
async def submit_bundle(request: Request, runtime: Running, who: Integration) -> Response:
    """Take one FHIR R4 Bundle."""
    _require_media(request, "application/fhir+json", "application/json")
    return await _submit(request, runtime, who, "fhir", "http-fhir")


@router.post("/v1/messages", status_code=202, response_model=Accepted)
async def submit_message(request: Request, runtime: Running, who: Integration) -> Response:
    """Take one HL7 v2 message."""
    _require_media(request, "text/plain", "application/hl7-v2", "x-application/hl7-v2+er7")
    return await _submit(request, runtime, who, "hl7v2", "http-hl7v2")


def _require_media(request: Request, *media: str) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in media:
        raise Refused("media-type", f"send {' or '.join(media)}", status=415)


async def _submit(
    request: Request, runtime: Runtime, who: Principal, source_format: str, transport: str
) -> Response:
    key = idempotency_key(request)
    raw = await request.body()
    facility = next(iter(who.facilities)) if len(who.facilities) == 1 and "*" not in who.facilities else ""
    judged = read_message(raw, source_format, source=who.subject, facility=facility)
    if isinstance(judged, Reading):
        places = {judged.facility_id, *(message.facility_id for message in judged.messages)} - {""}
        if not all(who.sees(place) for place in places):
            raise NotFound("facility")
    desk: GroupCommit = runtime.state["desk"]
    (outcome,) = await desk.submit(
        Submission(raw, judged, transport, actor=who.subject, key=(who.subject, key))
    )
    return _answer(outcome)


def _answer(outcome: Outcome) -> Response:
    if outcome.outcome == "refused":
        reused = outcome.reason in ("idempotency-key-reused", "message-id-reused")
        too_large = outcome.reason == "message-too-large"
        raise Refused(
            outcome.reason,
            "this key or message id was used for other content" if reused else "the message was refused",
            status=413 if too_large else 409 if outcome.reason == "message-id-reused" else 422,
            pointer=outcome.position or None,
        )
    body = Accepted(
        outcome=outcome.outcome,
        reason=outcome.reason,
        encounter_id=next(iter(outcome.encounter_ids), None),
        encounter_ids=outcome.encounter_ids,
    )
    headers = {"Idempotency-Replayed": "true"} if outcome.replayed else None
    return Response(body.model_dump_json(), status_code=202, media_type="application/json", headers=headers)


@router.get("/v1/encounters")
async def list_encounters(
    runtime: Running,
    who: Reader,
    state: EncounterState | None = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> EncounterLines:
    """List encounters without patient data, in the order in which they were first seen."""
    rows = await repository.list_encounters(
        runtime.http_pool, facilities=who.facility_filter(), state=state, after=after, limit=limit
    )
    lines = [_line(row) for row in rows]
    shown = tuple(line for line in lines if state is None or line.state == state)
    return EncounterLines(encounters=shown, next=lines[-1].encounter_id if len(lines) == limit else None)


def _line(row: dict[str, Any]) -> EncounterLine:
    return EncounterLine(
        encounter_id=row["encounter_id"],
        facility_id=row["facility_id"],
        source=row["source"],
        state=shown_state(EncounterState(row["state"]), row["account"]).value,
        billing_status=billing_status(row["account"]),
        setting=row["setting"],
        service_from=row["service_from"].isoformat(),
        service_through=row["service_through"].isoformat(),
        record_version=row["record_version"],
        missing=tuple(row["missing"]),
    )


@router.post("/v1/encounters/lookup")
async def look_up_encounter(runtime: Running, who: LookUp, body: LookUpEncounter) -> FoundEncounter:
    """Return the id of the encounter that a source knows under its visit number (kept out of URLs)."""
    found = await repository.find_encounter_id(
        runtime.http_pool,
        facilities=who.facility_filter(),
        key=(body.facility_id, body.source, body.external_id),
    )
    if found is None:
        raise NotFound("encounter")
    return FoundEncounter(encounter_id=found)


@router.get("/v1/encounters/{encounter_id}")
async def show_encounter(
    runtime: Running, who: RecordReader, encounter_id: UUID, purpose: Purpose
) -> EncounterRecord:
    """Return one encounter's record; the reading is written down."""
    async with runtime.transaction(who.subject) as uow:
        found = await repository.find_encounters(uow.conn, [encounter_id], who.facility_filter())
        if not found:
            raise NotFound("encounter")
        encounter, account = found[0]
        uow.record_access(
            encounter_id=encounter_id, subject=who.subject, purpose=purpose.value, what="encounter"
        )
    return record_of(encounter, shown_state(encounter.state, account).value)


@router.post("/v1/encounters/fetch")
async def fetch_encounters(runtime: Running, who: Service, body: FetchEncounters) -> Encounters:
    """Return the records of many encounters to another service; ids that do not exist are left out."""
    async with runtime.transaction(who.subject) as uow:
        found = await repository.find_encounters(uow.conn, body.encounter_ids, who.facility_filter())
        for encounter, _ in found:
            uow.record_access(
                encounter_id=encounter.encounter_id,
                subject=who.subject,
                purpose=body.purpose.value,
                what="encounter",
            )
    return Encounters(
        encounters=tuple(record_of(e, shown_state(e.state, account).value) for e, account in found)
    )


@router.post("/v1/documents/fetch")
async def fetch_documents(runtime: Running, who: TextReader, body: FetchDocuments) -> Documents:
    """Return document versions with their text; versions that do not exist are left out."""
    async with runtime.transaction(who.subject) as uow:
        found = await repository.find_documents(uow.conn, body.documents, who.facility_filter())
        for encounter_id in dict.fromkeys(document.encounter_id for document in found):
            uow.record_access(
                encounter_id=encounter_id,
                subject=who.subject,
                purpose=body.purpose.value,
                what="documents",
            )
    return Documents(documents=tuple(found))


@router.put("/v1/encounters/{encounter_id}/coverages/{order}")
async def correct_coverage(
    runtime: Running, who: Registrar, encounter_id: UUID, order: str, body: CoverageCorrection
) -> CoverageAnswer:
    """Correct the coverage that is first (P), second (S) or third (T) in line."""
    if order not in ("P", "S", "T"):
        raise NotFound("coverage")
    given = {
        name: value for name, value in body.model_dump(exclude={"member_id"}).items() if value is not None
    }
    async with runtime.transaction(who.subject) as uow:
        encounter = await handlers.correct_coverage(
            uow,
            encounter_id,
            facilities=who.facility_filter(),
            order=order,
            member_id=body.member_id,
            given=given,
            actor=who.subject,
        )
        uow.record_access(
            encounter_id=encounter_id, subject=who.subject, purpose=Purpose.CLAIM.value, what="coverage"
        )
    return CoverageAnswer(encounter_id=encounter_id, record_version=encounter.record_version)


@router.get("/v1/feeds")
async def list_feeds(runtime: Running, who: FeedReader) -> Feeds:
    """Return what every feed has sent and what became of it."""
    rows = await repository.list_feeds(runtime.http_pool, who.facility_filter())
    return Feeds(feeds=tuple(Feed(**{**row, "last_at": row["last_at"].isoformat()}) for row in rows))
