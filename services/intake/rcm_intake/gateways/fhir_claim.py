"""What only a claim asks for, from FHIR R4: Claim, ServiceRequest, Observation and parts of the others.

Mapping: Claim.accident, .referral, .facility, .insurance.preAuthRef and onset; ServiceRequest.requester orders;
Observation LOINC 8665-2 last menstrual period; Encounter.reasonCode; ChargeItem performer, product (NDC) and minutes.
Lenient: what has another shape is left out.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from rcm_shared.contracts.intake import Setting
from rcm_shared.contracts.records import Address, ClaimFacts, ProviderRecord, ServiceFacilityRecord

from rcm_intake.domain.changes import PERFORMING
from rcm_intake.gateways.fhir_models import (
    ChargeItem,
    Claim,
    EncounterR4,
    Location,
    Observation,
    Practitioner,
    Resources,
    ServiceRequest,
)
from rcm_intake.gateways.fhir_values import NPI_SYSTEM, belongs, opaque, provider, short, whole_day

NDC_SYSTEM = "http://hl7.org/fhir/sid/ndc"
ICD10_SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
NDC_QUANTITY_EXTENSION = "urn:claimstream:ndc-quantity"
MINUTES_EXTENSION = "urn:claimstream:minutes"
LAST_MENSTRUAL_PERIOD = "8665-2"  # LOINC
MAX_REASONS = 3
MAX_MINUTES = 9_999
_ACCIDENT = {"MVA": "auto", "WPA": "work"}  # v3-ActCode; any other accident is "other"
_ICD10 = re.compile(r"[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?")
_NDC_UNITS = frozenset({"F2", "GR", "ME", "ML", "UN"})
_ACTIVE = frozenset({"active", "completed", "draft"})


def claim_of(names: tuple[str, ...], resources: Resources) -> Claim | None:
    """Return the claim about this encounter."""
    for claim, _ in resources.all(Claim, "Claim"):
        if claim.status in _ACTIVE and belongs(
            (r for i in claim.item for r in i.encounter), names, resources
        ):
            return claim
    return None


def accident(claim: Claim | None) -> dict[str, Any]:
    """Return accident, its state and date; nothing when no claim speaks of one."""
    if claim is None or claim.accident is None:
        return {}
    said = claim.accident
    kind = next((_ACCIDENT[code] for code in said.type.codes() if code in _ACCIDENT), "other")
    state = said.location.state.strip().upper()
    return {
        "accident": kind,
        "accident_state": state if re.fullmatch(r"[A-Z]{2}", state) else "",
        "accident_date": whole_day(said.date),
    }


def authorization(claim: Claim | None, coverage: tuple[str, ...]) -> str:
    """Return the authorisation number that a claim names with a coverage."""
    for insurance in claim.insurance if claim else ():
        if insurance.coverage.reference in coverage and insurance.authorizations:
            return short(insurance.authorizations[0], "Claim.insurance")[:50]
    return ""


def facts(
    claim: Claim | None,
    encounter: EncounterR4,
    names: tuple[str, ...],
    resources: Resources,
    setting: Setting,
) -> ClaimFacts | None:
    """Return what the bundle says for the claim, or None when it says nothing."""
    said: dict[str, Any] = {"last_menstrual_period_on": _last_menstrual_period(names, resources)}
    if setting is not Setting.INPATIENT:
        codes = (code for concept in encounter.reason_code for code in concept.codes(ICD10_SYSTEM))
        reasons = [code.replace(".", "") for code in codes if _ICD10.fullmatch(code)]
        said["reasons_for_visit"] = tuple(reasons[:MAX_REASONS])
    if claim is not None:
        referral = claim.referral.identifier
        said["referral"] = short(referral.value, "Claim.referral")[:50] if referral else ""
        said["service_facility"] = _facility(claim, resources)
        said["onset_on"] = next(
            (
                whole_day(info.timing_date)
                for info in claim.supporting
                if "onset" in info.category.codes() and info.timing_date
            ),
            None,
        )
    return ClaimFacts(**said) if any(said.values()) else None


def _last_menstrual_period(names: tuple[str, ...], resources: Resources) -> date | None:
    for observation, _ in resources.all(Observation, "Observation"):
        if (
            observation.status in ("final", "amended", "corrected")
            and LAST_MENSTRUAL_PERIOD in observation.code.codes()
            and belongs((observation.encounter,), names, resources)
        ):
            return whole_day(observation.value_date_time)
    return None


def _facility(claim: Claim, resources: Resources) -> ServiceFacilityRecord | None:
    place = resources.get(claim.facility, Location)
    if place is None or place.address is None or not place.name.strip():
        return None
    npi = next((i.value for i in place.identifier if i.system == NPI_SYSTEM), "")
    return ServiceFacilityRecord(
        name=short(place.name, "Location.name"),
        npi=npi if re.fullmatch(r"\d{10}", npi) else "",
        address=Address(
            line=short(" ".join(place.address.line), "Location.address"),
            city=short(place.address.city, "Location.address"),
            state=short(place.address.state, "Location.address"),
            postal_code=short(place.address.postal_code, "Location.address"),
        ),
    )


def further_providers(
    named: Sequence[ProviderRecord], names: tuple[str, ...], resources: Resources, source: str
) -> Iterable[ProviderRecord]:
    """Give who ordered a service, and who performed a charged one without another role in the encounter."""
    known = {who.npi for who in named}
    if not any(who.role == "ordering" for who in named):
        for request, _ in resources.all(ServiceRequest, "ServiceRequest"):
            requester = resources.get(request.requester, Practitioner)
            if (
                requester is not None
                and request.status in _ACTIVE
                and belongs((request.encounter,), names, resources)
            ):
                yield provider(requester, "ordering", source)
                break
    for item, _ in resources.all(ChargeItem, "ChargeItem"):
        performer = _performer(item, resources)
        if performer is None or not belongs((item.context,), names, resources):
            continue
        who = provider(performer, PERFORMING, source)
        if who.npi and who.last_name and who.npi not in known:
            known.add(who.npi)
            yield who


def _performer(item: ChargeItem, resources: Resources) -> Practitioner | None:
    return next((who for p in item.performer if (who := resources.get(p.actor, Practitioner))), None)


def charge(item: ChargeItem, resources: Resources, source: str) -> dict[str, Any]:
    """Return drug, minutes and performer of a charge, as fields of ChargeChange."""
    said: dict[str, Any] = {}
    ndc = next((code.replace("-", "") for code in item.product.codes(NDC_SYSTEM)), "")
    if re.fullmatch(r"\d{11}", ndc):
        said["ndc"] = ndc
    for extension in item.extension:
        amount = extension.value_quantity
        if extension.url == NDC_QUANTITY_EXTENSION and amount is not None and amount.value > 0:
            unit = (amount.code or amount.unit).upper()
            said["ndc_quantity"] = Decimal(amount.value)
            said["ndc_unit"] = unit if unit in _NDC_UNITS else ""
        elif extension.url == MINUTES_EXTENSION and 0 < (extension.value_integer or 0) <= MAX_MINUTES:
            said["minutes"] = extension.value_integer
    performer = _performer(item, resources)
    if performer is not None and performer.name and performer.name[0].family:
        said["rendering_npi"] = opaque(performer, source)[1]
    return said
