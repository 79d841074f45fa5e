"""PRV: who billed, gave and ordered the service, and whether they may."""

import re
from collections.abc import Iterator
from functools import lru_cache

from rcm_shared.contracts.intake import Setting
from rcm_shared.contracts.records import ProviderRecord

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.reference_rows import Taxonomy, among
from rcm_billing.domain.rules.row import INSTITUTIONAL, PROFESSIONAL, TR3, H, R, rule
from rcm_billing.domain.scrubbing import NotEvaluatedError, Owner, Places, ScrubContext

_TAX_ID = re.compile(r"\d{9}")
_TAXONOMY = re.compile(r"[0-9A-Z]{9}X")
_CLIA = re.compile(r"\d{2}D\d{7}")
_PCS_SURGERY = "0"  # ICD-10-PCS section Medical and Surgical
_PERSON, _ORGANISATION = "1", "2"  # NPPES entity types
_WAIVED = "QW"


@lru_cache(maxsize=4096)
def valid_npi(npi: str) -> bool:
    """Return whether ten digits pass the Luhn check with the prefix 80840 (CMS NPI check digit)."""
    if len(npi) != 10 or not npi.isascii() or not npi.isdigit():
        return False
    total = 24  # the prefix 80840 adds 24
    for index, digit in enumerate(int(character) for character in reversed(npi)):
        doubled = digit * 2 if index % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _persons(claim: ClaimDocument) -> Iterator[tuple[str, ProviderRecord]]:
    """Yield place and person of every provider, those of single lines included."""
    for provider in claim.providers:
        yield provider.role, provider
    for line in claim.lines:
        if line.rendering is not None:
            yield f"line-{line.number}", line.rendering


def _npis(claim: ClaimDocument) -> Iterator[tuple[str, str, str]]:
    """Yield place, NPI and the entity type it must have, of everybody on the claim."""
    yield "85", claim.billing.npi, _ORGANISATION
    for place, person in _persons(claim):
        yield place, person.npi, _PERSON
    facility = claim.facts.service_facility
    if facility is not None and facility.npi:
        yield "77", facility.npi, _ORGANISATION


def prv_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every NPI has ten digits and passes its check digit."""
    return [f"NM109*{place}" for place, npi, _ in _npis(claim) if not valid_npi(npi)]


def prv_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every NPI is of the right kind: an organisation bills and hosts, persons give and order."""
    table = context.reference.providers.need(claim.service_from)
    places: Places = []
    unlisted = False
    for place, npi, entity in _npis(claim):
        listed = table.one(npi, claim.service_from)
        if listed is None:
            unlisted = True
        elif listed.entity != entity:
            places.append(f"NM109*{place}")
    if unlisted:
        raise NotEvaluatedError("providers", places)
    return places


def prv_03(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every taxonomy code has ten characters, is listed and fits the service; the billing provider has one."""
    held = [("PRV03*BI", claim.billing.taxonomy)]
    held += [(f"PRV03*{place}", person.taxonomy) for place, person in _persons(claim) if person.taxonomy]
    places = [place for place, code in held if not _TAXONOMY.fullmatch(code)]
    day = claim.service_from
    table = context.reference.taxonomies.need(day, places)
    for place, code in held:
        if place in places:
            continue
        listed = table.one(code, day)
        if listed is None or not _may_bill(listed, claim):
            places.append(place)
    return places


def _may_bill(listed: Taxonomy, claim: ClaimDocument) -> bool:
    """Tell whether a taxonomy fits: its groups are settings or (beginnings of) procedure codes; none means any."""
    if not listed.groups or claim.setting.value in listed.groups:
        return True
    codes = [line.code for line in claim.lines if line.code]
    return bool(codes) and all(among(code, listed.groups) for code in codes)


def prv_04(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The billing tax id has nine digits and is the one that belongs to the billing NPI."""
    tax_id = claim.billing.tax_id.replace("-", "")
    if not _TAX_ID.fullmatch(tax_id):
        return ["REF*EI"]
    listed = context.reference.providers.need(claim.service_from).one(claim.billing.npi, claim.service_from)
    if listed is None or not listed.tax_id:
        raise NotEvaluatedError("providers")
    return [] if listed.tax_id.replace("-", "") == tax_id else ["REF*EI"]


def prv_05(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every line's rendering provider is named and enrolled with the payer on the date; a laboratory has none."""
    if claim.setting is Setting.LAB:
        return []
    rendering = claim.provider("rendering")
    if rendering is None and any(line.rendering is None for line in claim.lines):
        return ["NM1*82"]
    table = context.reference.enrolments.need(claim.service_from)
    payer = claim.coverage.payer_id
    checked = {("NM1*82", rendering.npi, claim.service_from)} if rendering else set()
    checked |= {
        (f"line-{line.number}", line.rendering.npi, line.service_date)
        for line in claim.lines
        if line.rendering is not None
    }
    return sorted(place for place, npi, day in checked if not table.has(f"{payer} {npi} provider", day))


def prv_06(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A service that only an order or a referral brings about names who ordered or referred, who may do so."""
    table = context.reference.ordered_procedures.need(claim.service_from)
    ordered = [
        f"line-{line.number}"
        for line in claim.lines
        if line.code and table.longest(line.code, line.service_date) is not None
    ]
    if not ordered:
        return []
    who = claim.provider("ordering", "referring")
    if who is None:
        return ordered
    providers = context.reference.providers.on(claim.service_from)
    listed = providers.one(who.npi, claim.service_from) if providers else None
    return [f"NM1*{who.role}"] if listed is not None and not listed.can_order else []


def prv_07(claim: ClaimDocument, context: ScrubContext) -> Places:
    """An institutional claim names its attending provider, and the operating one when there was surgery."""
    places = [] if claim.provider("attending") else ["NM1*71"]
    surgery = claim.setting is Setting.SURGERY or any(
        p.code.startswith(_PCS_SURGERY) for p in claim.procedures
    )
    if surgery and not claim.provider("operating", "surgeon"):
        places.append("NM1*72")
    return places


def prv_08(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Nobody on the claim is excluded from federal health care programmes."""
    table = context.reference.exclusions.need(claim.service_from)
    return [f"NM109*{place}" for place, npi, _ in _npis(claim) if table.has(npi, claim.service_from)]


def prv_09(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A laboratory test has a CLIA number that was in force, and QW where the test is a waived one."""
    table = context.reference.laboratory.need(claim.service_from)
    places: Places = []
    tests = 0
    for line in claim.lines:
        test = table.one(line.code, line.service_date) if line.code else None
        if test is None:
            continue
        tests += 1
        if test.waived and test.qw and _WAIVED not in line.modifiers:
            places.append(f"line-{line.number}")
    if not tests:
        return []
    number = claim.facts.clia.strip().upper()
    if not _CLIA.fullmatch(number):
        return ["REF*X4", *places]
    certificates = context.reference.clia_numbers.need(claim.service_from, places)
    return places if certificates.has(number, claim.service_from) else ["REF*X4", *places]


RULES = (
    rule(
        "PRV-01",
        R,
        Owner.BILLER,
        "CMS NPI check digit (45 CFR 162.406)",
        "Correct the NPI in the record.",
        prv_01,
    ),
    rule(
        "PRV-02",
        R,
        Owner.BILLER,
        "NPPES entity type; 837 TR3 NM102",
        "Use the organisation's NPI for billing and facility, a person's own NPI for everybody else.",
        prv_02,
        needs=("providers",),
    ),
    rule(
        "PRV-03",
        R,
        Owner.BILLER,
        "NUCC provider taxonomy; 837 TR3 PRV03",
        "Enter the provider's taxonomy code that covers this service.",
        prv_03,
        needs=("taxonomies",),
    ),
    rule(
        "PRV-04",
        R,
        Owner.BILLER,
        "837 TR3 REF*EI; NPPES",
        "Correct the tax id in the master data; it must be the billing provider's own.",
        prv_04,
        needs=("providers",),
    ),
    rule(
        "PRV-05",
        H,
        Owner.BILLER,
        "payer enrolment (CARC B7)",
        "Name the rendering provider, or hold the claim until the payer has enrolled this one.",
        prv_05,
        form=PROFESSIONAL,
        needs=("enrolments",),
    ),
    rule(
        "PRV-06",
        R,
        Owner.REGISTRATION,
        "42 CFR 424.507; CMS PECOS ordering and referring",
        "Name the provider who ordered or referred the service; they must be enrolled to do so.",
        prv_06,
        form=PROFESSIONAL,
        needs=("ordered_procedures", "providers"),
    ),
    rule(
        "PRV-07",
        R,
        Owner.REGISTRATION,
        TR3,
        "Name the attending provider, and for surgery the operating one.",
        prv_07,
        form=INSTITUTIONAL,
    ),
    rule(
        "PRV-08",
        H,
        Owner.BILLER,
        "42 CFR 1001.1901; OIG LEIE",
        "Do not bill; ask compliance. A reinstated provider needs the date in the exclusion list.",
        prv_08,
        needs=("exclusions",),
    ),
    rule(
        "PRV-09",
        R,
        Owner.BILLER,
        "42 CFR 493; CMS CLIA waived tests",
        "Enter the laboratory's CLIA number in force on the date; add QW to a waived test.",
        prv_09,
        form=PROFESSIONAL,
        needs=("laboratory", "clia_numbers"),
    ),
)
