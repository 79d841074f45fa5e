"""The immutable claim document: what one claim version says, before any X12. Holds patient data, stays in
billing.
"""

from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from rcm_shared.contracts.intake import ClaimForm, Setting
from rcm_shared.contracts.records import ClaimFacts, CoverageRecord, PatientPhi, ProviderRecord, StayRecord
from rcm_shared.money import Cents

from rcm_billing.domain.master import BillingProvider


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Diagnosis(_Part):
    """One ICD-10-CM code without the dot."""

    code: str
    role: str
    poa: str | None = None
    uncertain: bool | None = None  # the record says "probable" or "rule out"; None: coding did not say
    supported: bool | None = None  # words of the record or a reason stand behind it; None: coding did not say


class Procedure(_Part):
    """One ICD-10-PCS code of an inpatient claim; the first is the principal procedure."""

    code: str
    service_date: date


class Drug(_Part):
    """What was given (loop 2410): the 11 digits of its NDC, how much, in F2, GR, ML, UN or ME."""

    ndc: str
    quantity: Decimal | None = None
    unit: str = ""


class ServiceLine(_Part):
    """One line of loop 2400. `control` is REF*6R, the key that joins the payer's line to ours.

    `basis` MJ: `units` are minutes of anaesthesia.
    """

    number: int
    control: str
    code: str = ""
    modifiers: tuple[str, ...] = ()
    revenue_code: str = ""
    charge_cents: Cents
    units: int = 1
    basis: str = "UN"
    service_date: date
    pointers: tuple[int, ...] = ()
    place_of_service: str = ""  # when another than the claim's
    rendering: ProviderRecord | None = None  # when another than the claim's
    drug: Drug | None = None
    minutes: int | None = None  # of a timed service
    supported: bool | None = None  # as of a diagnosis


class Adjustment(_Part):
    """One CAS reason: group CO, PR, OA or PI, the CARC and its amount, sign as on the wire."""

    group: str
    code: str
    cents: Cents


class PriorLine(_Part):
    """What a prior payer decided on one of our lines (loop 2430)."""

    line_number: int
    paid_cents: Cents
    code: str = ""
    revenue_code: str = ""
    modifiers: tuple[str, ...] = ()
    units: int = 1
    adjustments: tuple[Adjustment, ...] = ()


class PriorPayer(_Part):
    """A payer that decided before this one (loops 2320, 2330), taken from its own 835."""

    coverage: CoverageRecord
    paid_cents: Cents
    remaining_cents: Cents
    adjudicated_on: date
    payer_control: str = ""
    adjustments: tuple[Adjustment, ...] = ()
    lines: tuple[PriorLine, ...] = ()


class ClaimDocument(_Part):
    """One claim version. Money in integer cents; `charge_cents` is the sum that CLM02 will carry."""

    claim_id: UUID
    encounter_id: UUID
    facility_id: str
    claim_control: str
    version: int
    frequency: str
    original_reference: str = ""  # the payer's control number that frequency 7 and 8 refer to
    trace: str = ""  # REF*D9, for a clearinghouse that asks for it
    form: ClaimForm
    setting: Setting
    service_from: date
    service_through: date
    facility_code: str  # place of service (837P) or the first two digits of the type of bill (837I)
    patient: PatientPhi
    coverage: CoverageRecord
    prior_payers: tuple[PriorPayer, ...] = ()
    billing: BillingProvider
    providers: tuple[ProviderRecord, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    admitting: str = ""
    procedures: tuple[Procedure, ...] = ()
    lines: tuple[ServiceLine, ...] = ()
    stay: StayRecord | None = None
    admission_type: str = ""
    admission_source: str = ""
    discharge_status: str = ""
    drg: str | None = None
    accident: str = ""
    accident_state: str = ""
    accident_date: date | None = None
    charge_cents: Cents
    release: str = ""
    gaps: tuple[str, ...] = ()  # what the record lacked while building, such as "price:line-2"
    facts: ClaimFacts = ClaimFacts()
    automatic: bool | None = None  # no person looked at the codes; None: coding did not say
    unbilled: tuple[UUID, ...] = ()  # captured charges that no final code supports

    def provider(self, *roles: str) -> ProviderRecord | None:
        """Return the first provider in one of the roles, in the order of the roles."""
        for role in roles:
            for provider in self.providers:
                if provider.role == role:
                    return provider
        return None
