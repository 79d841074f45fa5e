"""Cases of PRV."""

from datetime import date

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.reference import Reference, table_of
from rcm_shared.contracts.intake import Setting
from rcm_shared.contracts.records import ClaimFacts
from unit.billing import cases
from unit.billing.rules.claims import (
    ATTENDING,
    OPERATING,
    billing,
    clean,
    hit,
    inpatient,
    line,
    office,
    unknown,
)

BILLING, RENDERING, OTHER = "1912301953", "1245319599", "1234567893"
TAX_ID = cases.a_claim().billing.tax_id
DERMATOLOGY, HOSPITAL = "207N00000X", "282N00000X"
PEOPLE = table_of(
    "providers",
    [
        rows.Provider(npi=BILLING, entity="2", tax_id=TAX_ID),
        rows.Provider(npi=RENDERING),
        rows.Provider(npi=OTHER, can_order=False),
    ],
)
NPPES = Reference(providers=PEOPLE)
ANY_TAXONOMY = Reference(
    taxonomies=table_of("taxonomies", [rows.Taxonomy(code=DERMATOLOGY), rows.Taxonomy(code=HOSPITAL)])
)


def fitting(*groups: str) -> Reference:
    """Return taxonomies of which the rendering provider's fits only these services."""
    fits = rows.Taxonomy(code=DERMATOLOGY, groups=frozenset(groups))
    return Reference(taxonomies=table_of("taxonomies", [fits, rows.Taxonomy(code=HOSPITAL)]))


def enrolled(npi: str, until: date | None = None) -> Reference:
    """Return the enrolment of one person with the office claim's payer."""
    row = rows.Enrolment(payer="DHP01", npi=npi, transaction="provider", effective_to=until)
    return Reference(enrolments=table_of("enrolments", [row]))


ORDERED = table_of("ordered_procedures", [rows.Code(code="7"), rows.Code(code="17110")])
ORDERS = Reference(ordered_procedures=ORDERED)
ORDERERS = Reference(ordered_procedures=ORDERED, providers=PEOPLE)
OWN_ORDER = ATTENDING.model_copy(update={"role": "ordering"})
UNFIT = OWN_ORDER.model_copy(update={"npi": OTHER})


def ordered_by(*who: object) -> ClaimDocument:
    """Return the office claim with more providers."""
    return office(providers=(*office().providers, *who))


def excluded(npi: str, since: date, until: date | None = None) -> Reference:
    """Return an exclusion list with one provider."""
    row = rows.Excluded(npi=npi, effective_from=since, effective_to=until)
    return Reference(exclusions=table_of("exclusions", [row]))


TESTS = table_of("laboratory", [rows.Laboratory(code="87880", waived=True), rows.Laboratory(code="80053")])
CERTIFICATE = table_of(
    "clia_numbers", [rows.CliaNumber(number="14D0000001", effective_to=date(2026, 12, 31))]
)
LABORATORY = Reference(laboratory=TESTS, clia_numbers=CERTIFICATE)
NO_CERTIFICATES = Reference(laboratory=TESTS)


def laboratory(code: str, *modifiers: str, clia: str = "14D0000001") -> ClaimDocument:
    """Return an office claim for one laboratory test."""
    return line(code=code, modifiers=modifiers).model_copy(update={"facts": ClaimFacts(clia=clia)})


CASES = (
    hit("PRV-01", "check digit", lambda: billing(npi="1234567894"), "NM109*85"),
    clean("PRV-01", "valid", lambda: billing(npi="1234567893")),
    hit("PRV-02", "person bills", lambda: billing(npi=RENDERING), "NM109*85", reference=NPPES),
    hit(
        "PRV-02",
        "organisation gives",
        lambda: office(providers=(OPERATING.model_copy(update={"npi": BILLING}),)),
        "NM109*operating",
        reference=NPPES,
    ),
    clean("PRV-02", "right kinds", office, reference=NPPES),
    unknown("PRV-02", "unlisted", lambda: billing(npi="1999999992"), reference=NPPES),
    unknown("PRV-02", "no registry", office),
    hit("PRV-03", "none", lambda: billing(taxonomy=""), "PRV03*BI", reference=ANY_TAXONOMY),
    hit("PRV-03", "short, without the list", lambda: billing(taxonomy="282N"), "PRV03*BI"),
    hit("PRV-03", "unlisted", lambda: billing(taxonomy="282NC0000X"), "PRV03*BI", reference=ANY_TAXONOMY),
    hit("PRV-03", "other services", office, "PRV03*rendering", reference=fitting("inpatient", "7*")),
    clean("PRV-03", "any service", office, reference=ANY_TAXONOMY),
    clean("PRV-03", "its codes", office, reference=fitting("17*")),
    clean("PRV-03", "its setting", office, reference=fitting("office")),
    unknown("PRV-03", "no list", office),
    hit("PRV-04", "eight digits", lambda: billing(tax_id="12345678"), "REF*EI"),
    hit("PRV-04", "another's", lambda: billing(tax_id="98-7654321"), "REF*EI", reference=NPPES),
    clean("PRV-04", "hyphen", lambda: billing(tax_id=f"{TAX_ID[:2]}-{TAX_ID[2:]}"), reference=NPPES),
    unknown("PRV-04", "no registry", office),
    hit("PRV-05", "nobody", lambda: office(providers=()), "NM1*82"),
    hit("PRV-05", "other enrolled", office, "NM1*82", reference=enrolled(OTHER)),
    hit("PRV-05", "ended", office, "NM1*82", reference=enrolled(RENDERING, date(2026, 9, 1))),
    hit("PRV-05", "line", lambda: line(rendering=UNFIT), "line-1", reference=enrolled(RENDERING)),
    clean("PRV-05", "enrolled", office, reference=enrolled(RENDERING)),
    clean("PRV-05", "laboratory", lambda: office(setting=Setting.LAB, providers=())),
    unknown("PRV-05", "no list", office),
    hit("PRV-06", "nobody ordered", office, "line-1", reference=ORDERS),
    hit(
        "PRV-06",
        "nobody ordered a scan",
        lambda: line(code="71260"),
        "line-1",
        reference=ORDERS,
    ),
    hit(
        "PRV-06",
        "may not order",
        lambda: ordered_by(UNFIT),
        "NM1*ordering",
        reference=ORDERERS,
    ),
    clean(
        "PRV-06",
        "ordered",
        lambda: ordered_by(OWN_ORDER),
        reference=ORDERERS,
    ),
    clean("PRV-06", "visit", lambda: line(code="99213"), reference=ORDERS),
    unknown("PRV-06", "no list", office),
    hit(
        "PRV-07", "no operating", lambda: inpatient(setting=Setting.SURGERY, providers=(ATTENDING,)), "NM1*72"
    ),
    hit("PRV-07", "nobody", lambda: inpatient(providers=()), "NM1*71"),
    clean("PRV-07", "both", lambda: inpatient(setting=Setting.SURGERY, providers=(ATTENDING, OPERATING))),
    hit("PRV-08", "rendering", office, "NM109*rendering", reference=excluded(RENDERING, date(2025, 1, 1))),
    clean("PRV-08", "reinstated", office, reference=excluded(RENDERING, date(2020, 1, 1), date(2024, 1, 1))),
    clean("PRV-08", "others", office, reference=excluded(OTHER, date(2020, 1, 1))),
    unknown("PRV-08", "no list", office),
    hit("PRV-09", "no number", lambda: laboratory("87880", "QW", clia=""), "REF*X4", reference=LABORATORY),
    hit(
        "PRV-09",
        "other number",
        lambda: laboratory("80053", clia="14D0000009"),
        "REF*X4",
        reference=LABORATORY,
    ),
    hit("PRV-09", "waived without QW", lambda: laboratory("87880"), "line-1", reference=LABORATORY),
    hit(
        "PRV-09",
        "waived, number not checked",
        lambda: laboratory("87880"),
        "line-1",
        reference=Reference(laboratory=TESTS),
    ),
    clean("PRV-09", "waived", lambda: laboratory("87880", "QW"), reference=LABORATORY),
    clean("PRV-09", "not waived", lambda: laboratory("80053"), reference=LABORATORY),
    clean("PRV-09", "no test", office, reference=LABORATORY),
    unknown("PRV-09", "no list", office),
)
