"""Facts that coding publishes on `rcm.coding.chart`, keyed by encounter id (a code-set release by its own id)."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic.dataclasses import dataclass

from rcm_shared.contracts.event import Event, Linked, Plain
from rcm_shared.contracts.intake import ClaimForm, Setting
from rcm_shared.money import Cents


@dataclass(frozen=True, slots=True)
class FinalDiagnosis:
    """One final ICD-10-CM code without the dot, in claim order."""

    code: Linked[str]
    role: Plain[
        str
    ]  # "principal", "first-listed", "secondary", "admitting", "reason-for-visit", "external-cause"
    poa: Linked[str | None] = None  # Y, N, U, W, 1 (exempt); inpatient only
    uncertain: Plain[bool | None] = None  # the record only suspects it; None: nobody read the record for that
    supported: Plain[bool | None] = None  # words of the record or a stated reason stand behind it


@dataclass(frozen=True, slots=True)
class FinalProcedure:
    """One final procedure. `pointers` are 1-based positions in the list of diagnoses."""

    system: Plain[str]  # "CPT", "HCPCS", "ICD-10-PCS"
    code: Linked[str]
    service_date: Linked[date]
    units: Linked[int] = 1
    modifiers: Linked[tuple[str, ...]] = ()
    pointers: Linked[tuple[int, ...]] = ()
    charge_cents: Linked[Cents | None] = (
        None  # None: billing prices it from the captured charge or the chargemaster
    )
    revenue_code: Linked[str | None] = None
    supported: Plain[bool | None] = None  # words of the record or a stated reason stand behind it


@dataclass(frozen=True, slots=True)
class Indicator:
    """Where in the record the words stand that made a query necessary (offsets in characters)."""

    document_id: Plain[UUID]
    version: Plain[int]
    start: Plain[int]
    end: Plain[int]


class CodingStarted(Event):
    """A coder (or, for precoded encounters, the system) took the chart up."""

    TYPE: ClassVar[str] = "rcm.coding.coding-started.v1"
    facility_id: Plain[str]
    case_version: Plain[int]


class SuggestionsProposed(Event):
    """The suggestion pass read the record. Counts only; the suggestions stay with coding."""

    TYPE: ClassVar[str] = "rcm.coding.suggestions-proposed.v1"
    facility_id: Plain[str]
    case_version: Plain[int]
    release: Plain[str]  # code-set release, such as "ICD-10-CM:2026-04-01"
    engine: Plain[str]  # engine and rule-pack version
    suggested: Plain[int]
    suppressed: Plain[int]
    gaps: Plain[int]


class QueryRequested(Event):
    """The record cannot support a code; ask the provider."""

    TYPE: ClassVar[str] = "rcm.coding.query-requested.v1"
    facility_id: Plain[str]
    query_id: Plain[UUID]  # made by coding; the query service keeps it
    rule: Plain[str]  # which documentation gap, such as "pneumonia-organism"
    indicators: Plain[tuple[Indicator, ...]]
    provider_id: Plain[str | None]  # opaque practitioner id to ask
    blocks_coding: Plain[bool] = True


class CodingFinalised(Event):
    """The person's final decision. Billing builds the claim from exactly this."""

    TYPE: ClassVar[str] = "rcm.coding.coding-finalised.v1"
    facility_id: Plain[str]
    case_version: Plain[int]
    setting: Plain[Setting]
    claim_form: Plain[ClaimForm]
    service_from: Linked[date]
    service_through: Linked[date]
    release: Plain[str]
    diagnoses: Linked[tuple[FinalDiagnosis, ...]]
    procedures: Linked[tuple[FinalProcedure, ...]]
    drg: Linked[str | None] = None
    edits_not_evaluated: Plain[
        tuple[str, ...]
    ] = ()  # edit sets that were not loaded: "not evaluated", never "clean"
    automatic: Plain[bool | None] = None  # a rule accepted the codes and no person looked at them


class CodingReopened(Event):
    """The chart goes back to coding; an open claim must be held."""

    TYPE: ClassVar[str] = "rcm.coding.coding-reopened.v1"
    facility_id: Plain[str]
    case_version: Plain[int]
    reason: Plain[str]  # "documentation-amended", "recode-requested", "coder"


class CodesetReleaseActivated(Event):
    """A code-set release is in force from now on; keyed by the release's own id."""

    TYPE: ClassVar[str] = "rcm.coding.codeset-release-activated.v1"
    system: Plain[str]
    edition: Plain[str]
    effective_from: Plain[date]
    effective_to: Plain[date | None]
    sha256: Plain[str]
