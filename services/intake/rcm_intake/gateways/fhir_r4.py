"""FHIR R4 reader: a transaction or collection Bundle becomes one encounter message for each Encounter in it.

What only a claim asks for is read in fhir_claim.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from decimal import Decimal

from pydantic import ValidationError
from rcm_shared.contracts.intake import Setting
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
from rcm_intake.gateways import fhir_claim
from rcm_intake.gateways.fhir_models import (
    Bundle,
    ChargeItem,
    Claim,
    CoverageR4,
    DocumentReference,
    EncounterR4,
    Money,
    Organization,
    Patient,
    Practitioner,
    Resources,
)
from rcm_intake.gateways.fhir_values import belongs, day, instant, opaque, provider, short, whole_day
from rcm_intake.gateways.reading import Reading, clean_id, clean_text, content_id, refuse_invalid
from rcm_intake.gateways.strict_json import load_strict

MAX_BYTES = 8_000_000
MAX_DEPTH = 64
MAX_CENTS = 10**11

MODIFIER_EXTENSION = "urn:claimstream:modifier"


_STATUS: dict[str, tuple[Action, Progress | None]] = {
    "planned": (Action.UPDATE, Progress.PLANNED),
    "arrived": (Action.UPDATE, Progress.UNDER_WAY),
    "triaged": (Action.UPDATE, Progress.UNDER_WAY),
    "in-progress": (Action.UPDATE, Progress.UNDER_WAY),
    "onleave": (Action.UPDATE, Progress.UNDER_WAY),
    "unknown": (Action.UPDATE, None),
    "finished": (Action.UPDATE, Progress.FINISHED),
    "cancelled": (Action.CANCEL, None),
    "entered-in-error": (Action.ENTERED_IN_ERROR, None),
}
#: Encounter.class, v3-ActCode.
_SETTING_BY_CLASS = {
    "IMP": Setting.INPATIENT,
    "ACUTE": Setting.INPATIENT,
    "NONAC": Setting.INPATIENT,
    "EMER": Setting.ED,
    "SS": Setting.SURGERY,
}
#: DocumentReference.type, LOINC.
_KIND_BY_LOINC = {
    "11488-4": "consultation",
    "11502-2": "lab-report",
    "11504-8": "operative-note",
    "11506-3": "office-note",
    "11526-1": "pathology-report",
    "18748-4": "imaging-report",
    "18842-5": "discharge-summary",
    "28570-0": "procedure-note",
    "34109-9": "office-note",
    "34111-5": "ed-note",
    "34117-2": "history-and-physical",
    "34131-3": "office-note",
    "57133-1": "order",
    "57833-6": "order",
}
_ROLE = {
    "ATND": "attending",
    "PPRF": "rendering",
    "SPRF": "operating",
    "REF": "referring",
    "ADM": "admitting",
    "CON": "consulting",
}
_RELATIONSHIP = {"self": "18", "spouse": "01", "child": "19", "other": "G8", "parent": "G8", "common": "53"}
_SIGNED = frozenset({"", "final", "amended", "appended", "corrected"})
_CODE_SYSTEMS = ("http://www.ama-assn.org/go/cpt", "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets")
_REVENUE_SYSTEMS = ("https://www.nubc.org/CodeSystem/RevenueCodes", "urn:nubc:revenue-code")
_FILING = re.compile(r"[A-Z][A-Z0-9]|\d{2}")


def read_fhir_r4(raw: bytes, *, source: str = "", facility: str = "") -> Reading:
    """Read one Bundle.

    Raises: MessageRefused with the entry's number and type as its position.
    """
    loaded = load_strict(raw, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    if not isinstance(loaded, dict) or loaded.get("resourceType") != "Bundle":
        raise MessageRefused("not-a-bundle", "/resourceType")
    try:
        bundle = Bundle.model_validate(loaded)
    except ValidationError as error:
        refuse_invalid(error)
    if bundle.type not in ("transaction", "collection", "batch"):
        raise MessageRefused("bundle-type", "/type")
    resources = Resources(bundle)
    sender = re.sub(r"[^A-Za-z0-9._:-]", "-", bundle.meta.source.removeprefix("urn:source:"))[:60] or source
    if not sender:
        raise MessageRefused("missing-field", "/meta/source")
    message_id = content_id(raw)
    if bundle.identifier and bundle.identifier.value:
        message_id = clean_id(bundle.identifier.value, "/identifier")
    encounters = resources.all(EncounterR4, "Encounter")
    if not encounters:
        return Reading(facility, sender, message_id, "fhir", ignored="no-encounter")
    messages = tuple(
        _read_encounter(encounter, names, resources, sender, facility, number)
        for number, (encounter, names) in enumerate(encounters)
    )
    place = messages[0].facility_id
    return Reading(place, sender, message_id, "fhir", messages)


def _read_encounter(
    encounter: EncounterR4,
    names: tuple[str, ...],
    resources: Resources,
    source: str,
    facility: str,
    number: int,
) -> EncounterMessage:
    position = f"Encounter {number + 1}"
    if encounter.status not in _STATUS:
        raise MessageRefused("status-unknown", position)
    action, progress = _STATUS[encounter.status]
    organization = resources.get(encounter.service_provider, Organization)
    place = facility
    if organization and organization.identifier:
        place = organization.identifier[0].value or place
    elif encounter.service_provider.identifier:
        place = encounter.service_provider.identifier.value or place
    external = next((i.value for i in encounter.identifier if i.value), "") or encounter.id
    documents = tuple(_documents(names, resources, source))
    charges = tuple(_charges(names, resources, encounter, source))
    single = len(resources.all(EncounterR4, "Encounter")) == 1
    patient = resources.get(encounter.subject, Patient)
    start, end = day(encounter.period.start, position), day(encounter.period.end, position)
    setting = _SETTING_BY_CLASS.get(encounter.class_.code, Setting.OFFICE)
    if setting is Setting.OFFICE and any(document.kind == "imaging-report" for document in documents):
        setting = Setting.IMAGING
    if setting is Setting.OFFICE and any(document.kind == "operative-note" for document in documents):
        setting = Setting.SURGERY
    stay = None
    if setting in (Setting.INPATIENT, Setting.ED, Setting.SURGERY):
        stay = StayRecord(
            admitted_at=instant(encounter.period.start, position),
            discharged_at=instant(encounter.period.end, position),
        )
    named = tuple(_providers(encounter, resources, source))
    claim = fhir_claim.claim_of(names, resources)
    return EncounterMessage(
        facility_id=clean_id(place, f"{position} serviceProvider"),
        source=source,
        external_id=clean_id(external, f"{position} identifier"),
        source_format="fhir",
        action=action,
        progress=progress,
        setting=setting,
        service_from=start,
        service_through=end,
        patient=_patient(patient) if patient else None,
        stay=stay,
        coverages=_coverages(resources, claim) if single else None,
        providers=(*named, *fhir_claim.further_providers(named, names, resources, source)),
        documents=documents,
        charges=charges,
        claim=fhir_claim.facts(claim, encounter, names, resources, setting),
        **fhir_claim.accident(claim),
    )


def _patient(patient: Patient) -> PatientPhi:
    name = next((n for n in patient.name if n.use == "official"), patient.name[0])
    typed = [i.value for i in patient.identifier if "MR" in i.type.codes() and i.value]
    anything = [i.value for i in patient.identifier if i.value]
    if not name.family:
        raise MessageRefused("missing-field", "Patient.name.family")
    address = None
    if patient.address:
        first = patient.address[0]
        address = Address(
            line=short(" ".join(first.line), "Patient.address"),
            city=short(first.city, "Patient.address"),
            state=short(first.state, "Patient.address"),
            postal_code=short(first.postal_code, "Patient.address"),
        )
    return PatientPhi(
        last_name=short(name.family, "Patient.name"),
        first_name=short(name.given[0] if name.given else "", "Patient.name"),
        middle_name=short(name.given[1] if len(name.given) > 1 else "", "Patient.name"),
        birth_date=patient.birth_date,
        sex={"male": "M", "female": "F"}.get(patient.gender, "U"),
        address=address,
        medical_record_number=short(next(iter([*typed, *anything]), ""), "Patient.identifier"),
        death_date=whole_day(patient.deceased),
    )


def _providers(encounter: EncounterR4, resources: Resources, source: str) -> Iterable[ProviderRecord]:
    for participant in encounter.participant:
        practitioner = resources.get(participant.individual, Practitioner)
        if practitioner is None:
            continue
        codes = [code for concept in participant.type for code in concept.codes()]
        role = next((_ROLE[code] for code in codes if code in _ROLE), "rendering")
        if role == "rendering" and encounter.class_.code in _SETTING_BY_CLASS:
            role = "attending"
        yield provider(practitioner, role, source)


def _coverages(resources: Resources, claim: Claim | None) -> tuple[CoverageChange, ...] | None:
    """Return the active coverages in their order of responsibility, or None when the bundle has none."""
    found = [(c, names) for c, names in resources.all(CoverageR4, "Coverage") if c.status == "active"]
    if not found:
        return None
    changes = []
    for order, (coverage, names) in zip("PST", sorted(found, key=lambda c: c[0].order), strict=False):
        payer = resources.get(coverage.payor[0], Organization) if coverage.payor else None
        payer_id = next((i.value for i in payer.identifier if i.value), "") if payer else ""
        if not payer_id and coverage.payor and coverage.payor[0].identifier:
            payer_id = coverage.payor[0].identifier.value
        filing = next((code for code in coverage.type.codes() if _FILING.fullmatch(code)), "CI")
        member = coverage.subscriber_id or next((i.value for i in coverage.identifier if i.value), "")
        relation = next(iter(coverage.relationship.codes()), "self")
        changes.append(
            CoverageChange(
                order=order,
                payer_id=clean_id(payer_id, "Coverage.payor"),
                payer_name=short(payer.name if payer else coverage.payor[0].display, "Coverage.payor"),
                member_id=short(member, "Coverage.subscriberId"),
                filing_indicator=filing,
                relationship=_RELATIONSHIP.get(relation, "G8"),
                active_from=day(coverage.period.start, "Coverage.period"),
                active_to=day(coverage.period.end, "Coverage.period"),
                authorization=fhir_claim.authorization(claim, names),
            )
        )
    return tuple(changes)


def _documents(names: tuple[str, ...], resources: Resources, source: str) -> Iterable[DocumentChange]:
    for number, (document, own_names) in enumerate(resources.all(DocumentReference, "DocumentReference"), 1):
        if not belongs(document.context.encounter, names, resources):
            continue
        position = f"DocumentReference {number}"
        external = clean_id(_document_id(document, own_names), position)
        if document.status == "entered-in-error":
            yield DocumentChange(external_id=external, action=DocumentAction.CANCEL)
            continue
        if document.status == "superseded":
            continue
        action, replaces = DocumentAction.FILE, ""
        for relation in document.relates_to:
            target = resources.get(relation.target, DocumentReference)
            identity = (
                _document_id(target, (relation.target.reference,))
                if target
                else (relation.target.identifier.value if relation.target.identifier else "")
            )
            if identity and relation.code in ("replaces", "appends"):
                action = DocumentAction.REPLACE if relation.code == "replaces" else DocumentAction.ADDENDUM
                replaces = clean_id(identity, position)
        kind = next(
            (_KIND_BY_LOINC[code] for code in document.type.codes() if code in _KIND_BY_LOINC), "other"
        )
        author = next((a for ref in document.author if (a := resources.get(ref, Practitioner))), None)
        yield DocumentChange(
            external_id=external,
            kind="addendum" if action is DocumentAction.ADDENDUM else kind,
            text=_attachment_text(document, position),
            action=action,
            replaces=replaces,
            title=short(document.content[0].attachment.title, position),
            signed=document.doc_status in _SIGNED,
            author_id=opaque(author, source)[0] if author else None,
            written_at=instant(document.date, position),
        )


def _document_id(document: DocumentReference, names: tuple[str, ...]) -> str:
    master = document.master_identifier.value if document.master_identifier else ""
    own = next((i.value for i in document.identifier if i.value), "")
    return master or own or document.id or (names[0] if names else "")


def _attachment_text(document: DocumentReference, position: str) -> str:
    if not document.content or not document.content[0].attachment.data:
        raise MessageRefused("document-without-text", position)
    parts = []
    for content in document.content:
        media, _, parameters = content.attachment.content_type.partition(";")
        if media.strip().lower() not in ("text/plain", "text/markdown"):
            raise MessageRefused("document-media-type", position)
        charset = parameters.partition("charset=")[2].strip().lower() or "utf-8"
        if charset not in ("utf-8", "us-ascii", "iso-8859-1"):
            raise MessageRefused("charset-unsupported", position)
        try:
            parts.append(base64.b64decode(content.attachment.data, validate=True).decode(charset))
        except (binascii.Error, ValueError):
            raise MessageRefused("document-encoding", position) from None
    text = clean_text("\n".join(parts), position)
    if not text.strip():
        raise MessageRefused("document-without-text", position)
    return text


def _charges(
    names: tuple[str, ...], resources: Resources, encounter: EncounterR4, source: str
) -> Iterable[ChargeChange]:
    for number, (item, own_names) in enumerate(resources.all(ChargeItem, "ChargeItem"), 1):
        if not belongs((item.context,), names, resources):
            continue
        position = f"ChargeItem {number}"
        if item.status not in ("billable", "billed", "entered-in-error"):
            continue
        code = next((c for system in _CODE_SYSTEMS for c in item.code.codes(system)), "").upper()
        revenue = next((c for system in _REVENUE_SYSTEMS for c in item.code.codes(system)), "")
        if code and not re.fullmatch(r"[A-Z0-9]\d{3}[A-Z0-9]", code):
            raise MessageRefused("charge-code-unknown", position)
        if not code and not re.fullmatch(r"\d{3,4}", revenue):
            raise MessageRefused("charge-code-unknown", position)
        if item.price_override is None:
            raise MessageRefused("amount-missing", position)
        modifiers = tuple(
            e.value_code for e in item.extension if e.url == MODIFIER_EXTENSION and e.value_code
        )
        if len(modifiers) > 4 or any(not re.fullmatch(r"[A-Z0-9]{2}", modifier) for modifier in modifiers):
            raise MessageRefused("invalid-value", position)
        served = day(item.occurrence_date_time, position) or day(encounter.period.start, position)
        if served is None:
            raise MessageRefused("missing-service-date", position)
        identity = next((i.value for i in item.identifier if i.value), "") or item.id
        yield ChargeChange(
            external_id=clean_id(identity or (own_names[0] if own_names else ""), position),
            code=code,
            cents=_cents(item.price_override, position),
            service_date=served,
            units=_units(item.quantity.value, position),
            modifiers=modifiers,
            revenue_code=revenue.zfill(4) if revenue else None,
            credit=item.status == "entered-in-error",
            **fhir_claim.charge(item, resources, source),
        )


def _cents(money: Money, position: str) -> int:
    cents = Decimal(money.value) * 100
    if money.currency != "USD" or cents != cents.to_integral_value() or not 0 <= cents <= MAX_CENTS:
        raise MessageRefused("amount-invalid", position)
    return int(cents)


def _units(value: Decimal | int, position: str) -> int:
    if Decimal(value) != int(value) or not 1 <= value <= 99_999:
        raise MessageRefused("invalid-value", position)
    return int(value)
