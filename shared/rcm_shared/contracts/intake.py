"""Facts that intake publishes on `rcm.intake.encounter`, keyed by encounter id."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic.dataclasses import dataclass

from rcm_shared.contracts.event import Event, Linked, Plain
from rcm_shared.money import Cents


class Setting(StrEnum):
    """Where and how the care was given; it selects the completeness rule, the claim form and the code systems."""

    OFFICE = "office"
    ED = "ed"
    SURGERY = "surgery"  # outpatient, same-day
    INPATIENT = "inpatient"
    IMAGING = "imaging"
    LAB = "lab"


class ClaimForm(StrEnum):
    """Which claim the encounter becomes."""

    PROFESSIONAL = "837P"
    INSTITUTIONAL = "837I"


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """A pointer to one version of a document; the text is fetched from intake by id with a purpose."""

    document_id: Plain[UUID]
    version: Plain[int]
    kind: Plain[str]  # "office-note", "ed-note", "operative-note", "discharge-summary", "imaging-report", …
    sha256: Plain[str]
    media_type: Plain[str] = "text/plain"
    signed: Plain[bool] = True
    author_id: Plain[str | None] = None  # opaque practitioner id (not a name, not an NPI)


@dataclass(frozen=True, slots=True)
class CapturedCharge:
    """One charge line. Amount is the line total in cents."""

    charge_id: Plain[UUID]
    code: Linked[str]  # CPT/HCPCS, or empty where only a revenue code is charged
    charge_cents: Linked[Cents]
    service_date: Linked[date]
    units: Linked[int] = 1
    modifiers: Linked[tuple[str, ...]] = ()
    revenue_code: Linked[str | None] = None
    diagnoses: Linked[
        tuple[str, ...]
    ] = ()  # ICD-10-CM that the source linked to the line (a superbill), in order
    ndc: Linked[str] = ""  # 11 digits, of the drug that the code stands for
    ndc_quantity: Linked[Decimal | None] = None
    ndc_unit: Linked[str] = ""  # F2, GR, ML, UN, ME
    minutes: Linked[int | None] = None  # of anaesthesia, or of a timed service
    rendering_npi: Linked[str] = ""  # when another than the encounter's rendering provider


@dataclass(frozen=True, slots=True)
class CoverageRef:
    """Which payer is responsible in which order. The member id stays with intake."""

    coverage_id: Plain[UUID]
    payer_id: Plain[str]
    order: Plain[str]  # "P", "S", "T" as SBR01
    filing_indicator: Plain[str] = "CI"  # SBR09
    relationship: Plain[str] = "18"  # SBR02; 18 is self
    active_from: Linked[date | None] = None
    active_to: Linked[date | None] = None


class EncounterRegistered(Event):
    """An encounter exists; nothing is said yet about its documentation."""

    TYPE: ClassVar[str] = "rcm.intake.encounter-registered.v1"
    facility_id: Plain[str]
    setting: Plain[Setting]
    claim_form: Plain[ClaimForm]
    service_from: Linked[date]
    service_through: Linked[date]
    source: Plain[str]  # sending system's id, such as "demo-ehr"
    source_format: Plain[str]  # "hl7v2", "fhir", "json", "kafka"
    precoded: Plain[bool] = (
        False  # a superbill: diagnoses and procedures came with it, no suggestion pass is needed
    )


class DocumentationCompleted(Event):
    """The minimum document set for the setting is there and signed: coding may begin.

    `precoded` encounters carry their diagnoses in order; others carry none.
    """

    TYPE: ClassVar[str] = "rcm.intake.documentation-completed.v1"
    facility_id: Plain[str]
    setting: Plain[Setting]
    claim_form: Plain[ClaimForm]
    service_from: Linked[date]
    service_through: Linked[date]
    record_version: Plain[int]  # rises with every change of the encounter's record
    documents: Plain[tuple[DocumentRef, ...]] = ()
    precoded: Plain[bool] = False
    diagnoses: Linked[tuple[str, ...]] = ()


class DocumentationAmended(Event):
    """A document came late, was replaced or got an addendum after completion; `reason` says which."""

    TYPE: ClassVar[str] = "rcm.intake.documentation-amended.v1"
    facility_id: Plain[str]
    record_version: Plain[int]
    reason: Plain[str]  # "late-document", "addendum", "replacement", "query-answer"
    documents: Plain[tuple[DocumentRef, ...]]  # the whole current set, not the difference
    query_id: Plain[UUID | None] = None  # set when the addendum is a provider's answer


class EncounterCancelled(Event):
    """The encounter did not take place or was entered in error; nothing of it may be billed."""

    TYPE: ClassVar[str] = "rcm.intake.encounter-cancelled.v1"
    facility_id: Plain[str]
    reason: Plain[str]  # "cancelled", "entered-in-error"


class EncountersMerged(Event):
    """Two records of one patient became one. Published under both encounters' keys."""

    TYPE: ClassVar[str] = "rcm.intake.encounters-merged.v1"
    facility_id: Plain[str]
    survivor_id: Plain[UUID]
    merged_id: Plain[UUID]


class ChargesCaptured(Event):
    """The encounter's whole current set of charge lines (a later one replaces an earlier one)."""

    TYPE: ClassVar[str] = "rcm.intake.charges-captured.v1"
    facility_id: Plain[str]
    record_version: Plain[int]
    charges: Linked[tuple[CapturedCharge, ...]]
    total_cents: Linked[Cents]


class CoverageVerified(Event):
    """The payers responsible for the encounter, in order."""

    TYPE: ClassVar[str] = "rcm.intake.coverage-verified.v1"
    facility_id: Plain[str]
    record_version: Plain[int]
    coverages: Linked[tuple[CoverageRef, ...]] = ()
