"""What a message asks to change in an encounter's record, and what follows from it.

Every reader (HL7 v2, FHIR, JSON) produces the same `EncounterMessage`; `apply` turns it into a new record
and facts.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from rcm_shared.contracts.event import Event
from rcm_shared.contracts.intake import (
    CapturedCharge,
    ChargesCaptured,
    ClaimForm,
    CoverageVerified,
    DocumentationAmended,
    DocumentationCompleted,
    DocumentRef,
    EncounterCancelled,
    EncounterRegistered,
    EncountersMerged,
    Setting,
)
from rcm_shared.contracts.records import (
    ClaimFacts,
    CoverageRecord,
    PatientPhi,
    ProviderRecord,
    StayRecord,
)
from rcm_shared.ids import derived_uuid
from rcm_shared.money import Cents

from rcm_intake.domain.completeness import missing_documents
from rcm_intake.domain.encounter import ENDED, Encounter, EncounterState, FiledDocument, step
from rcm_intake.domain.errors import MessageRefused

MAX_DOCUMENTS = 300  # of one encounter; with MAX_CHARGES it keeps the facts below the platform's size limit
MAX_CHARGES = 600
PERFORMING = "performing"  # who gave a line's service, when that is not the encounter's rendering provider

FORM_BY_SETTING = {
    Setting.OFFICE: ClaimForm.PROFESSIONAL,
    Setting.IMAGING: ClaimForm.PROFESSIONAL,
    Setting.LAB: ClaimForm.PROFESSIONAL,
    Setting.ED: ClaimForm.INSTITUTIONAL,
    Setting.SURGERY: ClaimForm.INSTITUTIONAL,
    Setting.INPATIENT: ClaimForm.INSTITUTIONAL,
}


class Action(StrEnum):
    """What the message is about as a whole."""

    UPDATE = "update"
    CANCEL = "cancel"
    ENTERED_IN_ERROR = "entered-in-error"
    CANCEL_DISCHARGE = "cancel-discharge"
    MERGE = "merge"


class Progress(StrEnum):
    """How far the visit itself has come."""

    PLANNED = "planned"
    UNDER_WAY = "under-way"
    FINISHED = "finished"


class DocumentAction(StrEnum):
    """What happens to the document."""

    FILE = "file"
    ADDENDUM = "addendum"
    REPLACE = "replace"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One document of a message. `replaces` is the source's id of the document replaced or added to."""

    external_id: str
    kind: str = ""
    text: str = ""
    action: DocumentAction = DocumentAction.FILE
    replaces: str = ""
    title: str = ""
    media_type: str = "text/plain"
    signed: bool = True
    author_id: str | None = None
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChargeChange:
    """One charge line of a message; a credit takes an earlier line back. `cents` is the line total."""

    external_id: str
    code: str
    cents: int
    service_date: date
    units: int = 1
    modifiers: tuple[str, ...] = ()
    revenue_code: str | None = None
    diagnoses: tuple[str, ...] = ()
    credit: bool = False
    ndc: str = ""
    ndc_quantity: Decimal | None = None
    ndc_unit: str = ""
    minutes: int | None = None
    rendering_npi: str = ""


@dataclass(frozen=True, slots=True)
class CoverageChange:
    """One coverage of a message with the member id. `order` is P, S or T."""

    order: str
    payer_id: str
    payer_name: str
    member_id: str
    filing_indicator: str = "CI"
    relationship: str = "18"
    group_number: str = ""
    subscriber: PatientPhi | None = None
    active_from: date | None = None
    active_to: date | None = None
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class EncounterMessage:
    """What one message says about one encounter; None and empty mean "nothing said"."""

    facility_id: str
    source: str
    external_id: str
    source_format: str
    action: Action = Action.UPDATE
    progress: Progress | None = None
    setting: Setting | None = None
    claim_form: ClaimForm | None = None
    service_from: date | None = None
    service_through: date | None = None
    patient: PatientPhi | None = None
    stay: StayRecord | None = None
    coverages: tuple[CoverageChange, ...] | None = None
    providers: tuple[ProviderRecord, ...] = ()
    documents: tuple[DocumentChange, ...] = ()
    charges: tuple[ChargeChange, ...] = ()
    charges_complete: bool = False  # the lines are the whole set, not an addition
    precoded: bool = False
    diagnoses: tuple[str, ...] = ()
    expected_documents: tuple[str, ...] = ()
    accident: str | None = None
    accident_state: str = ""
    accident_date: date | None = None
    claim: ClaimFacts | None = None
    claim_complete: bool = False  # the facts are the whole, not an addition
    merged_external_id: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the encounter in the hospital's words."""
        return self.facility_id, self.source, self.external_id


@dataclass(frozen=True, slots=True)
class StoredText:
    """One version of a document's text to keep."""

    encounter_id: UUID
    document_id: UUID
    version: int
    kind: str
    title: str
    sha256: str
    media_type: str
    signed: bool
    author_id: str | None
    written_at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What follows from a message: the record (the same when nothing changed), facts, texts to keep."""

    encounter: Encounter
    events: tuple[Event, ...] = ()
    texts: tuple[StoredText, ...] = ()


def apply(
    encounter: Encounter | None, message: EncounterMessage, *, encounter_id: UUID, actor: str, now: datetime
) -> Change:
    """Apply one message to the record (None: not seen before, `encounter_id` becomes its id).

    Facts come in the order registered, coverage, charges, documentation, so that a reader of the one topic
    knows payer and charges before coding may begin. Raises: MessageRefused.
    """
    if message.action in (Action.CANCEL, Action.ENTERED_IN_ERROR):
        return _cancel(encounter, message, actor)
    if encounter is None:
        before = None
        record = _register(message, encounter_id)
    else:
        if encounter.state in ENDED:
            raise MessageRefused(f"encounter-{encounter.state.value.replace('_', '-')}")
        before = record = encounter
    record = _update_facts(record, message)
    record, texts, reason = _file_documents(record, message.documents, now)
    record = _capture_charges(record, message)
    record = _verify_coverage(record, message.coverages)
    record = _progress(record, message)

    if before is not None and record == before:
        return Change(before)
    record = record.model_copy(update={"record_version": record.record_version + 1})
    events: list[Event] = []
    if before is None:
        events.append(
            EncounterRegistered(
                actor=actor,
                facility_id=record.facility_id,
                setting=record.setting,
                claim_form=record.claim_form,
                service_from=record.service_from,
                service_through=record.service_through,
                source=record.source,
                source_format=record.source_format,
                precoded=record.precoded,
            )
        )
    if record.coverages != (before.coverages if before else ()):
        events.append(_coverage_verified(record, actor))
    if record.charges != (before.charges if before else ()):
        events.append(_charges_captured(record, actor))
    record, documentation = _judge_documentation(before, record, reason, actor)
    return Change(record, (*events, *documentation), texts)


def file_answer(
    encounter: Encounter,
    *,
    answer_id: UUID,
    query_id: UUID,
    provider_id: str,
    text: str,
    answered_at: datetime,
    actor: str,
) -> Change:
    """File a provider's answer to a query as a signed addendum; filing it again changes nothing."""
    document = DocumentChange(
        external_id=f"query-answer:{answer_id}",
        kind="addendum",
        text=text,
        action=DocumentAction.ADDENDUM,
        title="Answer to a documentation query",
        author_id=provider_id,
        written_at=answered_at,
    )
    record, texts, _ = _file_documents(encounter, (document,), answered_at)
    if record == encounter:
        return Change(encounter)
    record = record.model_copy(update={"record_version": record.record_version + 1})
    if not record.completed:
        return Change(record, (), texts)
    if EncounterState.REOPENED is not record.state and record.state not in ENDED:
        record = _reopen(record)
    return Change(record, (_amended(record, "query-answer", actor, query_id),), texts)


def correct_coverage(encounter: Encounter, correction: CoverageChange, *, actor: str) -> Change:
    """Replace or add the coverage of one order, as a registrar or biller corrects it."""
    if encounter.state in ENDED:
        raise MessageRefused(f"encounter-{encounter.state.value.replace('_', '-')}")
    kept = [coverage for coverage in encounter.coverages if coverage.order != correction.order]
    corrected = _coverage(encounter.encounter_id, correction)
    ordered = tuple(sorted([*kept, corrected], key=lambda coverage: "PST".index(coverage.order)))
    if ordered == encounter.coverages:
        return Change(encounter)
    record = encounter.model_copy(
        update={"coverages": ordered, "record_version": encounter.record_version + 1},
    )
    return Change(record, (_coverage_verified(record, actor),))


def merge(survivor: Encounter, merged: Encounter, *, actor: str) -> tuple[Change, Change]:
    """Fold one encounter into another; documents and charges go over with their ids.

    Returns the survivor's and the merged one's change; the merge is a fact about both.
    """
    if survivor.encounter_id == merged.encounter_id:
        raise MessageRefused("merge-into-itself")
    if merged.state is EncounterState.MERGED:
        if merged.merged_into == survivor.encounter_id:
            return Change(survivor), Change(merged)
        raise MessageRefused("encounter-merged")
    if survivor.state in ENDED:
        raise MessageRefused("merge-target-ended")
    fact = EncountersMerged(
        actor=actor,
        facility_id=survivor.facility_id,
        survivor_id=survivor.encounter_id,
        merged_id=merged.encounter_id,
    )
    record = survivor.model_copy(
        update={
            "documents": survivor.documents + merged.documents,
            "charges": survivor.charges + merged.charges,
            "coverages": survivor.coverages or merged.coverages,
            "claim": _add_facts(merged.claim, survivor.claim),
            "service_from": min(survivor.service_from, merged.service_from),
            "service_through": max(survivor.service_through, merged.service_through),
            "record_version": survivor.record_version + 1,
        }
    )
    events: list[Event] = [fact]
    if record.coverages != survivor.coverages:
        events.append(_coverage_verified(record, actor))
    if merged.charges:
        events.append(_charges_captured(record, actor))
    record, documentation = _judge_documentation(survivor, record, "late-document", actor)
    gone = merged.model_copy(
        update={
            "state": step(merged.state, EncounterState.MERGED),
            "merged_into": survivor.encounter_id,
            "record_version": merged.record_version + 1,
            "documents": (),
            "charges": (),
        }
    )
    return Change(record, (*events, *documentation)), Change(gone, (fact,))


def _cancel(encounter: Encounter | None, message: EncounterMessage, actor: str) -> Change:
    if encounter is None:
        raise MessageRefused("encounter-unknown")
    state = EncounterState.CANCELLED if message.action is Action.CANCEL else EncounterState.ENTERED_IN_ERROR
    if encounter.state is state:
        return Change(encounter)
    record = encounter.model_copy(
        update={"state": step(encounter.state, state), "record_version": encounter.record_version + 1}
    )
    reason = state.value.replace("_", "-")
    return Change(record, (EncounterCancelled(actor=actor, facility_id=record.facility_id, reason=reason),))


def _register(message: EncounterMessage, encounter_id: UUID) -> Encounter:
    if message.action is Action.CANCEL_DISCHARGE:
        raise MessageRefused("encounter-unknown")
    if message.patient is None:
        raise MessageRefused("missing-patient")
    if message.service_from is None:
        raise MessageRefused("missing-service-date")
    setting = message.setting or Setting.OFFICE
    return Encounter(
        encounter_id=encounter_id,
        facility_id=message.facility_id,
        source=message.source,
        external_id=message.external_id,
        source_format=message.source_format,
        setting=setting,
        claim_form=message.claim_form or FORM_BY_SETTING[setting],
        service_from=message.service_from,
        service_through=message.service_through or message.service_from,
        patient=message.patient,
    )


def _update_facts(record: Encounter, message: EncounterMessage) -> Encounter:
    updates: dict[str, object] = {}
    if message.patient is not None:
        updates["patient"] = message.patient
    if message.setting is not None and message.setting is not record.setting:
        updates["setting"] = message.setting
        updates["claim_form"] = message.claim_form or FORM_BY_SETTING[message.setting]
    elif message.claim_form is not None:
        updates["claim_form"] = message.claim_form
    start = message.service_from or record.service_from
    through = message.service_through or record.service_through
    updates["service_from"], updates["service_through"] = start, max(start, through)
    if message.stay is not None:
        updates["stay"] = _merge_stay(record.stay, message.stay)
    if message.providers:
        updates["providers"] = _merge_providers(record.providers, message.providers)
    if message.precoded:
        updates["precoded"] = True
    if message.diagnoses:
        updates["diagnoses"] = message.diagnoses
    if message.expected_documents:
        updates["expected_documents"] = tuple(
            dict.fromkeys(record.expected_documents + message.expected_documents)
        )
    if message.accident is not None:
        updates["accident"] = message.accident
        updates["accident_state"] = message.accident_state
        updates["accident_date"] = message.accident_date
    if message.claim is not None:
        updates["claim"] = (
            message.claim if message.claim_complete else _add_facts(record.claim, message.claim)
        )
    return record.model_copy(update=updates)


def _merge_stay(old: StayRecord | None, new: StayRecord) -> StayRecord:
    if old is None:
        return new
    said = {name: value for name, value in new if value not in (None, "")}
    return old.model_copy(update=said)


def _add_facts(old: ClaimFacts, new: ClaimFacts) -> ClaimFacts:
    return old.model_copy(update={name: value for name, value in new if value not in (None, "", ())})


def _merge_providers(
    old: Sequence[ProviderRecord], new: Sequence[ProviderRecord]
) -> tuple[ProviderRecord, ...]:
    """One provider in each role, the newer one; but any number who performed single lines."""

    def place(provider: ProviderRecord) -> tuple[str, str]:
        return provider.role, provider.provider_id if provider.role == PERFORMING else ""

    by_role = {place(provider): provider for provider in (*old, *new)}
    return tuple(by_role.values())


def _file_documents(
    record: Encounter, changes: Sequence[DocumentChange], now: datetime
) -> tuple[Encounter, tuple[StoredText, ...], str]:
    """Return the record with the documents filed, the texts to keep, and why (for an amendment)."""
    if not changes:
        return record, (), ""
    filed = {document.ref.document_id: document for document in record.documents}
    texts: list[StoredText] = []
    reasons: list[str] = []
    for number, change in enumerate(changes, start=1):
        position = f"document {number}"
        target = (
            change.replaces
            if change.action is DocumentAction.REPLACE and change.replaces
            else change.external_id
        )
        document_id = derived_uuid(record.encounter_id, f"document:{target}")
        known = filed.get(document_id)
        if change.action is DocumentAction.CANCEL:
            if known is None:
                raise MessageRefused("document-unknown", position)
            if not known.cancelled:
                filed[document_id] = known.model_copy(update={"cancelled": True})
                reasons.append("replacement")
            continue
        sha256 = hashlib.sha256(change.text.encode()).hexdigest()
        same = known is not None and known.ref.sha256 == sha256 and not known.cancelled
        if known is not None and same and known.ref.signed == change.signed:
            continue
        version = 1 if known is None else known.ref.version + (0 if same else 1)
        kind = change.kind or (known.ref.kind if known is not None else "other")
        ref = DocumentRef(
            document_id=document_id,
            version=version,
            kind=kind,
            sha256=sha256,
            media_type=change.media_type,
            signed=change.signed,
            author_id=change.author_id,
        )
        parent_id = None
        if change.action is DocumentAction.ADDENDUM and change.replaces:
            parent_id = derived_uuid(record.encounter_id, f"document:{change.replaces}")
        filed[document_id] = FiledDocument(ref=ref, parent_id=parent_id)
        texts.append(
            StoredText(
                encounter_id=record.encounter_id,
                document_id=document_id,
                version=version,
                kind=kind,
                title=change.title,
                sha256=sha256,
                media_type=change.media_type,
                signed=change.signed,
                author_id=change.author_id,
                written_at=change.written_at or now,
                text=change.text,
            )
        )
        if change.signed:
            reasons.append(_reason(change, known))
    if len(filed) > MAX_DOCUMENTS:
        raise MessageRefused("too-many-documents")
    reason = next((name for name in ("replacement", "addendum", "late-document") if name in reasons), "")
    return record.model_copy(update={"documents": tuple(filed.values())}), tuple(texts), reason


def _reason(change: DocumentChange, known: FiledDocument | None) -> str:
    if change.action is DocumentAction.ADDENDUM:
        return "addendum"
    if known is not None and known.ref.signed:
        return "replacement"
    return "late-document"


def _capture_charges(record: Encounter, message: EncounterMessage) -> Encounter:
    if not message.charges and not message.charges_complete:
        return record
    lines = {} if message.charges_complete else {line.charge_id: line for line in record.charges}
    for number, change in enumerate(message.charges, start=1):
        charge_id = derived_uuid(record.encounter_id, f"charge:{change.external_id}")
        line = CapturedCharge(
            charge_id=charge_id,
            code=change.code,
            charge_cents=Cents(change.cents),
            service_date=change.service_date,
            units=change.units,
            modifiers=change.modifiers,
            revenue_code=change.revenue_code,
            diagnoses=change.diagnoses,
            ndc=change.ndc,
            ndc_quantity=change.ndc_quantity,
            ndc_unit=change.ndc_unit,
            minutes=change.minutes,
            rendering_npi=change.rendering_npi,
        )
        if change.credit:
            del lines[_credited(lines, line, f"charge {number}")]
        else:
            lines[charge_id] = line
    if len(lines) > MAX_CHARGES:
        raise MessageRefused("too-many-charges")
    return record.model_copy(update={"charges": tuple(lines.values())})


def _credited(lines: dict[UUID, CapturedCharge], credit: CapturedCharge, position: str) -> UUID:
    """Find the line that a credit takes back: by its id, else the last one of the same service."""
    if credit.charge_id in lines:
        return credit.charge_id

    def service(line: CapturedCharge) -> tuple[object, ...]:
        return line.code, line.revenue_code, line.service_date, line.modifiers, abs(line.charge_cents)

    same = [line.charge_id for line in lines.values() if service(line) == service(credit)]
    if not same:
        raise MessageRefused("credit-without-charge", position)
    return same[-1]


def _coverage(encounter_id: UUID, change: CoverageChange) -> CoverageRecord:
    return CoverageRecord(
        coverage_id=derived_uuid(encounter_id, f"coverage:{change.order}"),
        payer_id=change.payer_id,
        payer_name=change.payer_name,
        order=change.order,
        filing_indicator=change.filing_indicator,
        relationship=change.relationship,
        member_id=change.member_id,
        group_number=change.group_number,
        subscriber=change.subscriber,
        active_from=change.active_from,
        active_to=change.active_to,
        authorization=change.authorization,
    )


def _verify_coverage(record: Encounter, changes: tuple[CoverageChange, ...] | None) -> Encounter:
    if changes is None:
        return record
    if len({change.order for change in changes}) != len(changes):
        raise MessageRefused("coverage-order-repeated")
    coverages = tuple(_coverage(record.encounter_id, change) for change in changes)
    return record.model_copy(update={"coverages": coverages})


def _progress(record: Encounter, message: EncounterMessage) -> Encounter:
    state = record.state
    if message.action is Action.CANCEL_DISCHARGE:
        if state in (EncounterState.REGISTERED, EncounterState.IN_PROGRESS):
            raise MessageRefused("transition-refused")
        stay = (
            record.stay.model_copy(update={"discharged_at": None, "discharge_status": ""})
            if record.stay
            else None
        )
        return record.model_copy(update={"state": step(state, EncounterState.IN_PROGRESS), "stay": stay})
    if state is EncounterState.REGISTERED and message.progress in (Progress.UNDER_WAY, Progress.FINISHED):
        state = step(state, EncounterState.IN_PROGRESS)
    if state is EncounterState.IN_PROGRESS and message.progress is Progress.FINISHED:
        state = step(state, EncounterState.DISCHARGED)
    return record if state is record.state else record.model_copy(update={"state": state})


def _judge_documentation(
    before: Encounter | None, record: Encounter, reason: str, actor: str
) -> tuple[Encounter, tuple[Event, ...]]:
    """Decide whether the documentation is complete now, still pending, or amended after completion."""
    missing = missing_documents(record)
    if (
        record.state is EncounterState.IN_PROGRESS
        and record.setting is not Setting.INPATIENT
        and not missing
        and record.documents
        and (before is None or not before.completed)
    ):
        # An outpatient visit is over when its signed note lies here; few feeds send a discharge for it.
        record = record.model_copy(update={"state": step(record.state, EncounterState.DISCHARGED)})
    if record.state in (EncounterState.DISCHARGED, EncounterState.DOCUMENTATION_PENDING):
        if missing:
            return record.model_copy(update={"state": EncounterState.DOCUMENTATION_PENDING}), ()
        state = step(record.state, EncounterState.DOCUMENTATION_COMPLETE)
        if record.completed:  # a cancelled discharge was repeated: coding already has the chart
            record = record.model_copy(update={"state": state})
            return record, (_amended(record, "late-document", actor),)
        record = record.model_copy(update={"state": state, "completed": True})
        return record, (_completed(record, actor),)
    documents_before = before.current_documents() if before else ()
    if record.completed and record.current_documents() != documents_before:
        if record.state is not EncounterState.IN_PROGRESS and record.state is not EncounterState.REOPENED:
            record = _reopen(record)
        return record, (_amended(record, reason or "late-document", actor),)
    return record, ()


def _reopen(record: Encounter) -> Encounter:
    return record.model_copy(update={"state": step(record.state, EncounterState.REOPENED)})


def _completed(record: Encounter, actor: str) -> DocumentationCompleted:
    return DocumentationCompleted(
        actor=actor,
        facility_id=record.facility_id,
        setting=record.setting,
        claim_form=record.claim_form,
        service_from=record.service_from,
        service_through=record.service_through,
        record_version=record.record_version,
        documents=record.current_documents(),
        precoded=record.precoded,
        diagnoses=record.diagnoses if record.precoded else (),
    )


def _amended(
    record: Encounter, reason: str, actor: str, query_id: UUID | None = None
) -> DocumentationAmended:
    return DocumentationAmended(
        actor=actor,
        facility_id=record.facility_id,
        record_version=record.record_version,
        reason=reason,
        documents=record.current_documents(),
        query_id=query_id,
    )


def _charges_captured(record: Encounter, actor: str) -> ChargesCaptured:
    return ChargesCaptured(
        actor=actor,
        facility_id=record.facility_id,
        record_version=record.record_version,
        charges=record.charges,
        total_cents=Cents(record.total_cents()),
    )


def _coverage_verified(record: Encounter, actor: str) -> CoverageVerified:
    return CoverageVerified(
        actor=actor,
        facility_id=record.facility_id,
        record_version=record.record_version,
        coverages=record.coverage_refs(),
    )
