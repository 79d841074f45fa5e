"""The encounter aggregate: the record as intake holds it, and the states that it may pass through."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from rcm_shared.contracts.intake import CapturedCharge, ClaimForm, CoverageRef, DocumentRef, Setting
from rcm_shared.contracts.records import (
    ClaimFacts,
    CoverageRecord,
    EncounterRecord,
    PatientPhi,
    ProviderRecord,
    StayRecord,
)

from rcm_intake.domain.errors import MessageRefused


class EncounterState(StrEnum):
    """Where the encounter stands between registration and coding."""

    REGISTERED = "registered"
    IN_PROGRESS = "in_progress"
    DISCHARGED = "discharged"
    DOCUMENTATION_PENDING = "documentation_pending"
    DOCUMENTATION_COMPLETE = "documentation_complete"
    RELEASED_TO_CODING = "released_to_coding"
    REOPENED = "reopened"  # a document came late or changed after completion
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered_in_error"
    MERGED = "merged"


_S = EncounterState
ENDED = frozenset({_S.CANCELLED, _S.ENTERED_IN_ERROR, _S.MERGED})

#: Every step that is allowed; a step outside this table is refused, never coerced.
TRANSITIONS: dict[EncounterState, frozenset[EncounterState]] = {
    _S.REGISTERED: frozenset({_S.IN_PROGRESS}) | ENDED,
    _S.IN_PROGRESS: frozenset({_S.DISCHARGED}) | ENDED,
    _S.DISCHARGED: frozenset({_S.DOCUMENTATION_PENDING, _S.DOCUMENTATION_COMPLETE, _S.IN_PROGRESS}) | ENDED,
    _S.DOCUMENTATION_PENDING: frozenset({_S.DOCUMENTATION_COMPLETE, _S.IN_PROGRESS}) | ENDED,
    _S.DOCUMENTATION_COMPLETE: frozenset({_S.RELEASED_TO_CODING, _S.REOPENED, _S.IN_PROGRESS}) | ENDED,
    _S.RELEASED_TO_CODING: frozenset({_S.REOPENED, _S.IN_PROGRESS}) | ENDED,
    _S.REOPENED: frozenset({_S.RELEASED_TO_CODING, _S.IN_PROGRESS}) | ENDED,
    _S.CANCELLED: frozenset({_S.ENTERED_IN_ERROR}),
    _S.ENTERED_IN_ERROR: frozenset(),
    _S.MERGED: frozenset(),
}


def step(state: EncounterState, to: EncounterState) -> EncounterState:
    """Return the next state.

    Raises: MessageRefused("transition-refused") when the table has no such step.
    """
    if to not in TRANSITIONS[state]:
        raise MessageRefused("transition-refused")
    return to


class FiledDocument(BaseModel):
    """The current version of one document, text apart. Cancelled ones keep their place."""

    model_config = ConfigDict(frozen=True)

    ref: DocumentRef
    parent_id: UUID | None = None  # the document that an addendum belongs to
    cancelled: bool = False


class Encounter(BaseModel):
    """One encounter's whole current record. Holds patient data: never logged, never published as it is."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    encounter_id: UUID
    facility_id: str
    source: str
    external_id: str
    source_format: str
    record_version: int = 0
    state: EncounterState = EncounterState.REGISTERED
    setting: Setting
    claim_form: ClaimForm
    service_from: date
    service_through: date
    patient: PatientPhi
    precoded: bool = False
    completed: bool = False  # documentation-completed was published; from then on changes are amendments
    coverages: tuple[CoverageRecord, ...] = ()
    providers: tuple[ProviderRecord, ...] = ()
    stay: StayRecord | None = None
    charges: tuple[CapturedCharge, ...] = ()
    diagnoses: tuple[str, ...] = ()
    documents: tuple[FiledDocument, ...] = ()
    expected_documents: tuple[str, ...] = ()  # kinds that the source announced
    accident: str = ""
    accident_state: str = ""
    accident_date: date | None = None
    claim: ClaimFacts = ClaimFacts()
    merged_into: UUID | None = None

    def current_documents(self) -> tuple[DocumentRef, ...]:
        """Return the signed, not cancelled documents in the order in which they came."""
        return tuple(filed.ref for filed in self.documents if filed.ref.signed and not filed.cancelled)

    def coverage_refs(self) -> tuple[CoverageRef, ...]:
        """Return the coverages in order of responsibility, without member ids."""
        return tuple(
            CoverageRef(
                coverage_id=coverage.coverage_id,
                payer_id=coverage.payer_id,
                order=coverage.order,
                filing_indicator=coverage.filing_indicator,
                relationship=coverage.relationship,
                active_from=coverage.active_from,
                active_to=coverage.active_to,
            )
            for coverage in self.coverages
        )

    def total_cents(self) -> int:
        """Return the sum of all charge lines in cents."""
        return sum(charge.charge_cents for charge in self.charges)


def record_of(encounter: Encounter, shown_state: str) -> EncounterRecord:
    """Return the record in the words of the contract, under the state that people are shown."""
    return EncounterRecord(
        encounter_id=encounter.encounter_id,
        facility_id=encounter.facility_id,
        source=encounter.source,
        external_id=encounter.external_id,
        record_version=encounter.record_version,
        state=shown_state,
        setting=encounter.setting,
        claim_form=encounter.claim_form,
        service_from=encounter.service_from,
        service_through=encounter.service_through,
        patient=encounter.patient,
        coverages=encounter.coverages,
        providers=encounter.providers,
        stay=encounter.stay,
        charges=encounter.charges,
        diagnoses=encounter.diagnoses,
        documents=encounter.current_documents(),
        accident=encounter.accident,
        accident_state=encounter.accident_state,
        accident_date=encounter.accident_date,
        claim=encounter.claim,
    )
