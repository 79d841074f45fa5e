"""Our own JSON form of an encounter, for HTTP and the inbound Kafka topic. Unknown fields are refused."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, ValidationError, model_validator
from rcm_shared.contracts.intake import ClaimForm, Setting
from rcm_shared.contracts.records import Address, PatientPhi, ProviderRecord, StayRecord

from rcm_intake.domain.changes import (
    Action,
    ChargeChange,
    CoverageChange,
    DocumentAction,
    DocumentChange,
    EncounterMessage,
    Progress,
)
from rcm_intake.domain.errors import MessageRefused
from rcm_intake.gateways.claim_json import ClaimIn, Minutes, Ndc, NdcQuantity, NdcUnit
from rcm_intake.gateways.json_values import (
    AddressIn,
    Hcpcs,
    Icd10Cm,
    Id,
    MemberId,
    Modifier,
    Name,
    Npi,
    Strict,
    Text,
)
from rcm_intake.gateways.reading import (
    Reading,
    clean_text,
    content_id,
    practitioner_id,
    refuse_invalid,
)
from rcm_intake.gateways.strict_json import load_strict

MAX_BYTES = 4_000_000
MAX_DEPTH = 32
MAX_CENTS = 10**11  # one line: a thousand million dollars


class PatientIn(Strict):
    last_name: Annotated[Name, Field(min_length=1)]
    first_name: Name = ""
    middle_name: Name = ""
    birth_date: date
    sex: Literal["M", "F", "U"] = "U"
    address: AddressIn | None = None
    medical_record_number: Name = ""
    death_date: date | None = None

    def to_record(self) -> PatientPhi:
        """Return the patient in the contract's words."""
        address = self.address
        return PatientPhi(
            last_name=self.last_name,
            first_name=self.first_name,
            middle_name=self.middle_name,
            birth_date=self.birth_date,
            sex=self.sex,
            address=Address(**address.model_dump()) if address else None,
            medical_record_number=self.medical_record_number,
            death_date=self.death_date,
        )


class CoverageIn(Strict):
    order: Literal["P", "S", "T"] = "P"
    payer_id: Id
    payer_name: Name
    member_id: MemberId
    filing_indicator: Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")] = "CI"
    relationship: Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")] = "18"
    group_number: Name = ""
    subscriber: PatientIn | None = None
    active_from: date | None = None
    active_to: date | None = None
    authorization: Name = ""


class ProviderIn(Strict):
    role: Literal[
        "attending",
        "rendering",
        "operating",
        "other-operating",
        "performing",
        "referring",
        "ordering",
        "supervising",
        "admitting",
        "author",
    ]
    id: Id | None = None
    npi: Npi
    last_name: Name
    first_name: Name = ""
    taxonomy: Annotated[str, Field(pattern=r"^([0-9A-Z]{10})?$")] = ""


class StayIn(Strict):
    admitted_at: AwareDatetime | None = None
    discharged_at: AwareDatetime | None = None
    admission_type: Annotated[str, Field(pattern=r"^[1-59]?$")] = ""
    admission_source: Annotated[str, Field(pattern=r"^[0-9A-Z]{0,2}$")] = ""
    discharge_status: Annotated[str, Field(pattern=r"^(\d{2})?$")] = ""


class DocumentIn(Strict):
    id: Id
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")] = "other"
    action: DocumentAction = DocumentAction.FILE
    replaces: Id | None = None
    title: Name = ""
    author_id: Id | None = None
    written_at: AwareDatetime | None = None
    signed: bool = True
    text: Text | None = None

    @model_validator(mode="after")
    def _has_text_unless_cancelled(self) -> "DocumentIn":
        if self.action is not DocumentAction.CANCEL and not (self.text and self.text.strip()):
            raise ValueError("text is missing")
        return self


class ChargeIn(Strict):
    id: Id
    code: Hcpcs | None = None
    amount_cents: Annotated[int, Field(strict=True, ge=0, le=MAX_CENTS)]
    service_date: date
    units: Annotated[int, Field(strict=True, ge=1, le=99_999)] = 1
    modifiers: Annotated[tuple[Modifier, ...], Field(max_length=4)] = ()
    revenue_code: Annotated[str, Field(pattern=r"^\d{4}$")] | None = None
    diagnoses: Annotated[tuple[Icd10Cm, ...], Field(max_length=12)] = ()
    credit: Annotated[bool, Field(strict=True)] = False
    ndc: Ndc | None = None
    ndc_quantity: NdcQuantity | None = None
    ndc_unit: NdcUnit | None = None
    minutes: Minutes | None = None
    rendering_npi: Npi | None = None

    @model_validator(mode="after")
    def _names_a_service(self) -> "ChargeIn":
        if self.code is None and self.revenue_code is None:
            raise ValueError("neither procedure nor revenue code")
        return self


class VisitIn(Strict):
    external_id: Id
    status: Literal["planned", "in-progress", "finished", "cancelled", "entered-in-error"] = "finished"
    setting: Setting
    claim_form: ClaimForm | None = None
    service_from: date
    service_through: date
    precoded: Annotated[bool, Field(strict=True)] = False
    expected_documents: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    stay: StayIn | None = None
    accident: Literal["", "auto", "work", "other"] | None = None
    accident_state: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    accident_date: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "VisitIn":
        if self.service_through < self.service_from:
            raise ValueError("service_through before service_from")
        return self


class EncounterIn(Strict):
    """One encounter as a source sends it: the whole record or an update (absent parts stay as they are)."""

    message_id: Id | None = None
    source: Id | None = None
    facility_id: Id | None = None
    sent_at: AwareDatetime | None = None
    encounter: VisitIn
    patient: PatientIn
    coverages: Annotated[tuple[CoverageIn, ...] | None, Field(max_length=3)] = None
    providers: Annotated[tuple[ProviderIn, ...], Field(max_length=20)] = ()
    documents: Annotated[tuple[DocumentIn, ...], Field(max_length=100)] = ()
    charges: Annotated[tuple[ChargeIn, ...] | None, Field(max_length=500)] = None
    diagnoses: Annotated[tuple[Icd10Cm, ...], Field(max_length=25)] = ()
    claim: ClaimIn | None = None


_STATUS: dict[str, tuple[Action, Progress | None]] = {
    "planned": (Action.UPDATE, Progress.PLANNED),
    "in-progress": (Action.UPDATE, Progress.UNDER_WAY),
    "finished": (Action.UPDATE, Progress.FINISHED),
    "cancelled": (Action.CANCEL, None),
    "entered-in-error": (Action.ENTERED_IN_ERROR, None),
}


def read_canonical_json(raw: bytes, *, source: str = "", facility: str = "") -> Reading:
    """Read one encounter in our JSON form.

    Raises: MessageRefused with a JSON pointer as its position.
    """
    loaded = load_strict(raw, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    if not isinstance(loaded, dict):
        raise MessageRefused("json-malformed", "/")
    try:
        said = EncounterIn.model_validate(loaded)
    except ValidationError as error:
        refuse_invalid(error)
    sender, place = said.source or source, said.facility_id or facility
    if not sender:
        raise MessageRefused("missing-field", "/source")
    if not place:
        raise MessageRefused("missing-field", "/facility_id")
    message_id = said.message_id or content_id(raw)
    message = _to_message(said, sender, place)
    return Reading(place, sender, message_id, "json", (message,))


def _to_message(said: EncounterIn, source: str, facility: str) -> EncounterMessage:
    visit = said.encounter
    action, progress = _STATUS[visit.status]
    if visit.precoded and not said.diagnoses:
        raise MessageRefused("missing-field", "/diagnoses")
    if visit.precoded and not said.charges:
        raise MessageRefused("missing-field", "/charges")
    opaque = {p.id: practitioner_id(p.npi, source, "") for p in said.providers if p.id}
    return EncounterMessage(
        facility_id=facility,
        source=source,
        external_id=visit.external_id,
        source_format="json",
        action=action,
        progress=progress,
        setting=visit.setting,
        claim_form=visit.claim_form,
        service_from=visit.service_from,
        service_through=visit.service_through,
        patient=said.patient.to_record(),
        stay=StayRecord(**visit.stay.model_dump()) if visit.stay else None,
        coverages=None if said.coverages is None else tuple(_coverage(c) for c in said.coverages),
        providers=tuple(
            ProviderRecord(
                provider_id=practitioner_id(p.npi, source, ""),
                role=p.role,
                npi=p.npi,
                last_name=p.last_name,
                first_name=p.first_name,
                taxonomy=p.taxonomy,
            )
            for p in said.providers
            if p.role != "author"
        ),
        documents=tuple(_document(d, n, opaque, source) for n, d in enumerate(said.documents)),
        charges=tuple(_charge(c) for c in said.charges or ()),
        charges_complete=said.charges is not None and not any(c.credit for c in said.charges),
        precoded=visit.precoded,
        diagnoses=tuple(code.replace(".", "") for code in said.diagnoses),
        expected_documents=visit.expected_documents,
        accident=visit.accident,
        accident_state=visit.accident_state,
        accident_date=visit.accident_date,
        claim=said.claim.to_facts() if said.claim else None,
        claim_complete=said.claim is not None,
    )


def _coverage(said: CoverageIn) -> CoverageChange:
    values: dict[str, Any] = {name: getattr(said, name) for name in type(said).model_fields}
    values["subscriber"] = said.subscriber.to_record() if said.subscriber else None
    return CoverageChange(**values)


def _document(said: DocumentIn, number: int, opaque: dict[str, str], source: str) -> DocumentChange:
    author = None
    if said.author_id:
        author = opaque.get(said.author_id) or practitioner_id("", source, said.author_id)
    return DocumentChange(
        external_id=said.id,
        kind=said.kind,
        text=clean_text(said.text or "", f"/documents/{number}/text"),
        action=said.action,
        replaces=said.replaces or "",
        title=said.title,
        signed=said.signed,
        author_id=author,
        written_at=said.written_at,
    )


def _charge(said: ChargeIn) -> ChargeChange:
    return ChargeChange(
        external_id=said.id,
        code=said.code or "",
        cents=said.amount_cents,
        service_date=said.service_date,
        units=said.units,
        modifiers=said.modifiers,
        revenue_code=said.revenue_code,
        diagnoses=tuple(code.replace(".", "") for code in said.diagnoses),
        credit=said.credit,
        ndc=said.ndc or "",
        ndc_quantity=said.ndc_quantity,
        ndc_unit=said.ndc_unit or "",
        minutes=said.minutes,
        rendering_npi=said.rendering_npi or "",
    )


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the inbound form, for documentation."""
    return EncounterIn.model_json_schema()
