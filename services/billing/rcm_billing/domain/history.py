"""What the same patient had before, from other claims: for the rules on global periods, new patients and limits."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

YEARS = 3  # a patient whom nobody of the specialty saw for so long is new (CPT)


@dataclass(frozen=True, slots=True)
class PriorService:
    """One line of another claim. `npi` gave it, `specialty` is their taxonomy code."""

    code: str
    modifiers: tuple[str, ...]
    service_date: date
    units: int
    charge_cents: int = 0
    npi: str = ""
    specialty: str = ""


@dataclass(frozen=True, slots=True)
class PriorClaim:
    """Another claim of the patient that stands: not replaced, not voided."""

    claim_id: UUID
    encounter_id: UUID
    facility_id: str
    order: str
    form: str
    setting: str
    service_from: date
    service_through: date
    billing_npi: str
    diagnoses: tuple[str, ...]
    services: tuple[PriorService, ...]
    billed: bool = True  # it went to its payer and was not refused
