"""Our own subset of FHIR R4: what intake uses, with unknown elements allowed and not judged."""

from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rcm_intake.gateways.reading import refuse_invalid

MAX_ENTRIES = 20_000


class R4(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, populate_by_name=True)


class Coding(R4):
    system: str = ""
    code: str = ""
    display: str = ""


class CodeableConcept(R4):
    coding: tuple[Coding, ...] = ()
    text: str = ""

    def codes(self, system: str | None = None) -> tuple[str, ...]:
        """Return the codes, optionally of one system only."""
        return tuple(c.code for c in self.coding if c.code and (system is None or c.system == system))


class Identifier(R4):
    system: str = ""
    value: str = ""
    type: CodeableConcept = CodeableConcept()


class Reference(R4):
    reference: str = ""
    identifier: Identifier | None = None
    display: str = ""


class Period(R4):
    start: str = ""
    end: str = ""


class HumanName(R4):
    use: str = ""
    family: str = ""
    given: tuple[str, ...] = ()


class AddressR4(R4):
    use: str = ""
    line: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = Field(default="", alias="postalCode")


class Patient(R4):
    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    name: tuple[HumanName, ...] = Field(min_length=1)
    gender: str = ""
    birth_date: date = Field(alias="birthDate")
    deceased: str = Field(default="", alias="deceasedDateTime")
    address: tuple[AddressR4, ...] = ()


class Qualification(R4):
    code: CodeableConcept = CodeableConcept()


class Practitioner(R4):
    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    name: tuple[HumanName, ...] = ()
    qualification: tuple[Qualification, ...] = ()


class Organization(R4):
    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    name: str = ""


class Participant(R4):
    type: tuple[CodeableConcept, ...] = ()
    individual: Reference = Reference()


class Hospitalization(R4):
    discharge_disposition: CodeableConcept = Field(default=CodeableConcept(), alias="dischargeDisposition")
    admit_source: CodeableConcept = Field(default=CodeableConcept(), alias="admitSource")


class EncounterR4(R4):
    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    status: str
    class_: Coding = Field(alias="class")
    subject: Reference = Reference()
    participant: tuple[Participant, ...] = ()
    period: Period = Period()
    hospitalization: Hospitalization = Hospitalization()
    reason_code: tuple[CodeableConcept, ...] = Field(default=(), alias="reasonCode")
    service_provider: Reference = Field(default=Reference(), alias="serviceProvider")


class CoverageR4(R4):
    id: str = ""
    status: str = "active"
    type: CodeableConcept = CodeableConcept()
    subscriber_id: str = Field(default="", alias="subscriberId")
    identifier: tuple[Identifier, ...] = ()
    beneficiary: Reference = Reference()
    relationship: CodeableConcept = CodeableConcept()
    period: Period = Period()
    payor: tuple[Reference, ...] = ()
    order: int = 1


class Attachment(R4):
    content_type: str = Field(default="text/plain", alias="contentType")
    data: str = ""
    title: str = ""


class Content(R4):
    attachment: Attachment


class RelatesTo(R4):
    code: str
    target: Reference


class DocumentContext(R4):
    encounter: tuple[Reference, ...] = ()


class DocumentReference(R4):
    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    master_identifier: Identifier | None = Field(default=None, alias="masterIdentifier")
    status: str = "current"
    doc_status: str = Field(default="", alias="docStatus")
    type: CodeableConcept = CodeableConcept()
    date: str = ""
    author: tuple[Reference, ...] = ()
    relates_to: tuple[RelatesTo, ...] = Field(default=(), alias="relatesTo")
    content: tuple[Content, ...] = ()
    context: DocumentContext = DocumentContext()


class Quantity(R4):
    value: Decimal | int = 1
    unit: str = ""
    code: str = ""


class Money(R4):
    value: Decimal | int
    currency: str = "USD"


class Extension(R4):
    url: str
    value_code: str = Field(default="", alias="valueCode")
    value_integer: int | None = Field(default=None, alias="valuePositiveInt")
    value_quantity: Quantity | None = Field(default=None, alias="valueQuantity")


class Performer(R4):
    actor: Reference = Reference()


class ChargeItem(R4):
    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    status: str = "billable"
    code: CodeableConcept
    context: Reference = Reference()
    occurrence_date_time: str = Field(default="", alias="occurrenceDateTime")
    quantity: Quantity = Quantity()
    price_override: Money | None = Field(default=None, alias="priceOverride")
    performer: tuple[Performer, ...] = ()
    product: CodeableConcept = Field(default=CodeableConcept(), alias="productCodeableConcept")
    extension: tuple[Extension, ...] = ()


class ServiceRequest(R4):
    """An order. Only who placed it matters to a claim."""

    id: str = ""
    status: str = "active"
    encounter: Reference = Reference()
    requester: Reference = Reference()


class Observation(R4):
    id: str = ""
    status: str = "final"
    code: CodeableConcept = CodeableConcept()
    encounter: Reference = Reference()
    value_date_time: str = Field(default="", alias="valueDateTime")


class Location(R4):
    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    name: str = ""
    address: AddressR4 | None = None


class Accident(R4):
    date: str = ""
    type: CodeableConcept = CodeableConcept()
    location: AddressR4 = Field(default=AddressR4(), alias="locationAddress")


class Insurance(R4):
    coverage: Reference = Reference()
    authorizations: tuple[str, ...] = Field(default=(), alias="preAuthRef")


class SupportingInfo(R4):
    category: CodeableConcept = CodeableConcept()
    timing_date: str = Field(default="", alias="timingDate")


class ClaimItem(R4):
    encounter: tuple[Reference, ...] = ()


class Claim(R4):
    """What the sender would have claimed; intake takes the facts that stand nowhere else."""

    id: str = ""
    status: str = "active"
    facility: Reference = Reference()
    referral: Reference = Reference()
    accident: Accident | None = None
    insurance: tuple[Insurance, ...] = ()
    supporting: tuple[SupportingInfo, ...] = Field(default=(), alias="supportingInfo")
    item: tuple[ClaimItem, ...] = ()


class Entry(R4):
    full_url: str = Field(default="", alias="fullUrl")
    resource: dict[str, Any]


class Meta(R4):
    source: str = ""


class Bundle(R4):
    resource_type: str = Field(alias="resourceType")
    type: str
    identifier: Identifier | None = None
    meta: Meta = Meta()
    timestamp: str = ""
    entry: tuple[Entry, ...] = Field(default=(), max_length=MAX_ENTRIES)


MODELS: dict[str, type[R4]] = {
    "Patient": Patient,
    "Practitioner": Practitioner,
    "Organization": Organization,
    "Encounter": EncounterR4,
    "Coverage": CoverageR4,
    "DocumentReference": DocumentReference,
    "ChargeItem": ChargeItem,
    "ServiceRequest": ServiceRequest,
    "Observation": Observation,
    "Location": Location,
    "Claim": Claim,
}

R = TypeVar("R", bound=R4)


class Resources:
    """The resources of one bundle, found by any reference that points at them."""

    def __init__(self, bundle: Bundle) -> None:
        self.by_type: dict[str, list[tuple[Any, tuple[str, ...]]]] = {}
        self._by_reference: dict[str, Any] = {}
        for number, entry in enumerate(bundle.entry):
            kind = entry.resource.get("resourceType")
            model = MODELS.get(kind) if isinstance(kind, str) else None
            if model is None or not isinstance(kind, str):
                continue
            try:
                resource = model.model_validate(entry.resource)
            except ValidationError as error:
                refuse_invalid(error, f"/entry/{number}/resource ({kind})")
            identity = getattr(resource, "id", "")
            names = tuple(name for name in (entry.full_url, f"{kind}/{identity}" if identity else "") if name)
            for name in names:
                self._by_reference[name] = resource
            self.by_type.setdefault(kind, []).append((resource, names))

    def all(self, kind: type[R], name: str) -> list[tuple[R, tuple[str, ...]]]:
        """Return the resources of one type with the names under which they are referred to."""
        return self.by_type.get(name, [])

    def get(self, reference: Reference, kind: type[R]) -> R | None:
        """Return what a reference points at inside the bundle."""
        found = self._by_reference.get(reference.reference)
        return found if isinstance(found, kind) else None
