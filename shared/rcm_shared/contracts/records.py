"""What services fetch from each other over HTTP, by id and with a purpose. These models hold patient data.

They are answers to questions, not events: none of them may travel on a topic, and none may be logged.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from rcm_shared.contracts.intake import CapturedCharge, ClaimForm, DocumentRef, Setting

MAX_FETCH = 200  # ids in one request


class Purpose(StrEnum):
    """Why patient data is read (45 CFR 164.506: treatment, payment, operations); written to the access log."""

    CODING = "coding"
    QUERY = "query"
    CLAIM = "claim"
    AUDIT = "audit"
    TREATMENT = "treatment"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Address(_Record):
    line: str
    city: str
    state: str
    postal_code: str


class PatientPhi(_Record):
    """Who the patient is."""

    last_name: str
    first_name: str
    middle_name: str = ""
    birth_date: date
    sex: Annotated[str, Field(pattern="^[MFU]$")]
    address: Address | None = None
    medical_record_number: str = ""
    death_date: date | None = None


class CoverageRecord(_Record):
    """One coverage with its member id. `subscriber` is None when the patient is the subscriber (relationship 18)."""

    coverage_id: UUID
    payer_id: str
    payer_name: str
    order: str = "P"
    filing_indicator: str = "CI"
    relationship: str = "18"
    member_id: str
    group_number: str = ""
    subscriber: PatientPhi | None = None
    active_from: date | None = None
    active_to: date | None = None
    authorization: str = ""


class ProviderRecord(_Record):
    """A practitioner in one role of the encounter: attending, rendering, operating, referring, ordering."""

    provider_id: str  # opaque, safe in events
    role: str
    npi: str
    last_name: str
    first_name: str
    taxonomy: str = ""


class ServiceFacilityRecord(_Record):
    """Where the service was given, when that is not the billing address (loop 2310C, 837I 2310E)."""

    name: str
    npi: str = ""
    address: Address


class AttachmentRecord(_Record):
    """A document that goes to the payer beside the claim (PWK)."""

    report_type: str  # PWK01
    transmission: str  # PWK02: EL, FX, BM, AA, …
    control: str = ""  # PWK06


class DatedCode(_Record):
    """A UB-04 occurrence code with its date; a span has both."""

    code: str
    on: date
    through: date | None = None


class ValueRecord(_Record):
    """A UB-04 value code. Days and amounts are both written in hundredths."""

    code: str
    hundredths: int


class ClaimFacts(_Record):
    """What only a claim asks for; empty where the source said nothing."""

    referral: str = ""
    clia: str = ""
    note: str = ""
    delay_reason: str = ""  # CLM20
    onset_on: date | None = None
    last_menstrual_period_on: date | None = None
    initial_treatment_on: date | None = None
    attachments: tuple[AttachmentRecord, ...] = ()
    service_facility: ServiceFacilityRecord | None = None
    condition_codes: tuple[str, ...] = ()
    occurrences: tuple[DatedCode, ...] = ()
    values: tuple[ValueRecord, ...] = ()
    reasons_for_visit: tuple[str, ...] = ()


class StayRecord(_Record):
    """Facts of an institutional stay (UB-04 words)."""

    admitted_at: datetime | None = None
    discharged_at: datetime | None = None
    admission_type: str = ""  # 1 emergency, 2 urgent, 3 elective, 4 newborn, 5 trauma, 9 not available
    admission_source: str = ""  # point of origin
    discharge_status: str = ""  # 01 home, 20 expired, 30 still patient, …


class EncounterRecord(_Record):
    """The encounter's whole current record, documents by reference."""

    encounter_id: UUID
    facility_id: str
    source: str
    external_id: str
    record_version: int
    state: str
    setting: Setting
    claim_form: ClaimForm
    service_from: date
    service_through: date
    patient: PatientPhi
    coverages: tuple[CoverageRecord, ...] = ()
    providers: tuple[ProviderRecord, ...] = ()
    stay: StayRecord | None = None
    charges: tuple[CapturedCharge, ...] = ()
    diagnoses: tuple[str, ...] = ()
    documents: tuple[DocumentRef, ...] = ()
    accident: str = ""  # "", "auto", "work", "other"
    accident_state: str = ""
    accident_date: date | None = None
    claim: ClaimFacts = ClaimFacts()


class FetchEncounters(_Record):
    """Body of POST /v1/encounters/fetch."""

    encounter_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MAX_FETCH)]
    purpose: Purpose


class Encounters(_Record):
    encounters: tuple[EncounterRecord, ...]


class DocumentKey(_Record):
    document_id: UUID
    version: int


class FetchDocuments(_Record):
    """Body of POST /v1/documents/fetch."""

    documents: Annotated[tuple[DocumentKey, ...], Field(min_length=1, max_length=MAX_FETCH)]
    purpose: Purpose


class DocumentText(_Record):
    """One version of a document with its text."""

    encounter_id: UUID
    document_id: UUID
    version: int
    kind: str
    title: str = ""
    sha256: str
    media_type: str
    signed: bool
    author_id: str | None = None
    written_at: datetime | None = None
    text: str


class Documents(_Record):
    documents: tuple[DocumentText, ...]


class FetchAnswers(_Record):
    """Body of POST /v1/answers/fetch on query."""

    answer_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MAX_FETCH)]
    purpose: Purpose


class AnswerText(_Record):
    """A provider's answer: an authenticated statement that intake files as an addendum."""

    answer_id: UUID
    query_id: UUID
    encounter_id: UUID
    provider_id: str
    answered_at: datetime
    sha256: str
    text: str


class Answers(_Record):
    answers: tuple[AnswerText, ...]
