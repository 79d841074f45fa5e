"""What only a claim asks for, as it stands in our own JSON form. Unknown fields are refused."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from rcm_shared.contracts.records import (
    Address,
    AttachmentRecord,
    ClaimFacts,
    DatedCode,
    ServiceFacilityRecord,
    ValueRecord,
)

from rcm_intake.gateways.json_values import AddressIn, Icd10Cm, Name, Npi, Strict, no_controls

Number = Annotated[str, Field(max_length=50), AfterValidator(no_controls)]
Ub04Code = Annotated[str, Field(pattern=r"^[0-9A-Z]{2}$")]
Ndc = Annotated[str, Field(pattern=r"^\d{11}$")]
NdcUnit = Annotated[str, Field(pattern=r"^(F2|GR|ME|ML|UN)$")]
NdcQuantity = Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=6)]
Minutes = Annotated[int, Field(strict=True, ge=1, le=9_999)]
MAX_HUNDREDTHS = 10**11


class ServiceFacilityIn(Strict):
    """Where the service was given, when that is not the billing address."""

    name: Annotated[Name, Field(min_length=1)]
    npi: Npi | None = None
    address: AddressIn


class AttachmentIn(Strict):
    """A document that goes to the payer beside the claim."""

    report_type: Ub04Code
    transmission: Annotated[str, Field(pattern=r"^(AA|BM|EL|EM|FT|FX)$")]
    control: Number = ""

    @model_validator(mode="after")
    def _has_control_unless_on_request(self) -> "AttachmentIn":
        if self.transmission != "AA" and not self.control:
            raise ValueError("control is missing")
        return self


class OccurrenceIn(Strict):
    """A UB-04 occurrence code with its date, or with both dates of a span."""

    code: Ub04Code
    on: date
    through: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "OccurrenceIn":
        if self.through is not None and self.through < self.on:
            raise ValueError("through before on")
        return self


class ValueIn(Strict):
    """A UB-04 value code; amounts and days are both in hundredths."""

    code: Ub04Code
    hundredths: Annotated[int, Field(strict=True, ge=0, le=MAX_HUNDREDTHS)]


class ClaimIn(Strict):
    """What only a claim asks for. A message that has it says the whole: what it leaves out is no longer so."""

    referral: Number = ""
    clia: Annotated[str, Field(pattern=r"^([0-9A-Z]{10})?$")] = ""
    note: Name = ""
    delay_reason: Annotated[str, Field(pattern=r"^(\d{1,2})?$")] = ""
    onset_on: date | None = None
    last_menstrual_period_on: date | None = None
    initial_treatment_on: date | None = None
    attachments: Annotated[tuple[AttachmentIn, ...], Field(max_length=10)] = ()
    service_facility: ServiceFacilityIn | None = None
    condition_codes: Annotated[tuple[Ub04Code, ...], Field(max_length=24)] = ()
    occurrences: Annotated[tuple[OccurrenceIn, ...], Field(max_length=24)] = ()
    values: Annotated[tuple[ValueIn, ...], Field(max_length=24)] = ()
    reasons_for_visit: Annotated[tuple[Icd10Cm, ...], Field(max_length=3)] = ()

    def to_facts(self) -> ClaimFacts:
        """Return the facts in the contract's words."""
        site = self.service_facility
        return ClaimFacts(
            referral=self.referral,
            clia=self.clia,
            note=self.note,
            delay_reason=self.delay_reason,
            onset_on=self.onset_on,
            last_menstrual_period_on=self.last_menstrual_period_on,
            initial_treatment_on=self.initial_treatment_on,
            attachments=tuple(AttachmentRecord(**a.model_dump()) for a in self.attachments),
            service_facility=ServiceFacilityRecord(
                name=site.name, npi=site.npi or "", address=Address(**site.address.model_dump())
            )
            if site
            else None,
            condition_codes=self.condition_codes,
            occurrences=tuple(DatedCode(**o.model_dump()) for o in self.occurrences),
            values=tuple(ValueRecord(**v.model_dump()) for v in self.values),
            reasons_for_visit=tuple(code.replace(".", "") for code in self.reasons_for_visit),
        )
