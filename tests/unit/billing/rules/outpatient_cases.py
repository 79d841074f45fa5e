"""Cases of OP."""

from datetime import date, timedelta

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.document import ClaimDocument, Diagnosis
from rcm_billing.domain.history import PriorClaim
from rcm_billing.domain.reference import Reference, table_of
from rcm_shared.contracts.intake import Setting
from rcm_shared.contracts.records import ClaimFacts
from unit.billing import cases
from unit.billing.rules.claims import clean, hit, inpatient, unknown

REVENUE = Reference(
    revenue_codes=table_of(
        "revenue_codes",
        [
            rows.RevenueCode(code="0120", bill_types=frozenset({"11"})),
            rows.RevenueCode(code="0250"),
            rows.RevenueCode(code="0324"),
            rows.RevenueCode(code="0360", needs_procedure=True),
            rows.RevenueCode(code="0450", needs_procedure=True),
        ],
    )
)
STAY_ONLY = Reference(inpatient_only=table_of("inpatient_only", [rows.Code(code="33533")]))
DEVICES = Reference(
    device_intensive=table_of(
        "device_intensive", [rows.Companion(code="33208", needs=frozenset({"C1785", "C20*"}))]
    )
)
REASON = Diagnosis(code="M25532", role="reason-for-visit")
INJURY = Diagnosis(code="S52532A", role="first-listed")
FALL = Diagnosis(code="W010XXA", role="external-cause")


def visit(*lines: tuple[str, str] | tuple[str, str, str], **changes: object) -> ClaimDocument:
    """Return an unscheduled outpatient bill with lines of revenue code, code and modifier."""
    first = inpatient().lines[0].model_copy(update={"basis": "UN", "units": 1})
    billed = tuple(
        first.model_copy(update={"number": n, "revenue_code": row[0], "code": row[1], "modifiers": row[2:]})
        for n, row in enumerate(lines or (("0450", "99283"),), 1)
    )
    values = {"setting": Setting.ED, "facility_code": "13", "lines": billed, "diagnoses": (INJURY, FALL)}
    return inpatient(**(values | changes))


def stay(*revenue_codes: str) -> ClaimDocument:
    """Return the inpatient claim with lines of these revenue codes."""
    first = inpatient().lines[0]
    return inpatient(
        lines=tuple(
            first.model_copy(update={"number": n, "revenue_code": code})
            for n, code in enumerate(revenue_codes, 1)
        )
    )


def medicare(claim: ClaimDocument, **changes: object) -> ClaimDocument:
    """Return a claim billed to Medicare."""
    coverage = claim.coverage.model_copy(update={"filing_indicator": "MA"})
    return claim.model_copy(update={"coverage": coverage, **changes})


def before(setting: Setting, day: date, npi: str = "") -> dict[str, object]:
    """Return a context in which the patient had another institutional claim on a day."""
    claim = inpatient()
    prior = PriorClaim(
        claim_id=cases.encounter_id(77),
        encounter_id=cases.encounter_id(78),
        facility_id=claim.facility_id,
        order="P",
        form="837I",
        setting=setting.value,
        service_from=day,
        service_through=day,
        billing_npi=npi or claim.billing.npi,
        diagnoses=(),
        services=(),
    )
    return {"history": (prior,)}


ADMITTED = inpatient().service_from
UNRELATED = ClaimFacts(condition_codes=("51",))


CASES = (
    hit("OP-01", "stay on 13", lambda: inpatient(facility_code="13"), "CLM05-1", "line-1", reference=REVENUE),
    hit("OP-01", "clinic visit on 11", lambda: stay("0120", "0510"), "line-2"),
    hit("OP-01", "board on 13", lambda: visit(("0120", "")), "line-1"),
    hit("OP-01", "in no list", lambda: visit(("0999", "")), "line-1", reference=REVENUE),
    clean("OP-01", "stay", lambda: stay("0120", "0250"), reference=REVENUE),
    clean("OP-01", "visit", visit, reference=REVENUE),
    unknown("OP-01", "no list", visit),
    hit("OP-02", "alone", lambda: visit(("0360", "")), "line-1", reference=REVENUE),
    clean("OP-02", "with procedure", lambda: visit(("0360", "47562")), reference=REVENUE),
    clean("OP-02", "needs none", lambda: visit(("0250", "")), reference=REVENUE),
    clean("OP-02", "stay", lambda: stay("0360"), reference=REVENUE),
    unknown("OP-02", "no list", visit),
    hit("OP-03", "bypass", lambda: visit(("0360", "33533")), "line-1", reference=STAY_ONLY),
    clean("OP-03", "visit", visit, reference=STAY_ONLY),
    unknown("OP-03", "no list", visit),
    hit("OP-04", "no device", lambda: visit(("0361", "33208")), "line-1", reference=DEVICES),
    clean("OP-04", "device", lambda: visit(("0361", "33208"), ("0275", "C1785")), reference=DEVICES),
    clean(
        "OP-04", "device of a group", lambda: visit(("0361", "33208"), ("0275", "C2019")), reference=DEVICES
    ),
    clean("OP-04", "stopped", lambda: visit(("0361", "33208", "73")), reference=DEVICES),
    unknown("OP-04", "no list", visit),
    hit("OP-05", "nobody asked the patient", visit, "HI*APR"),
    clean("OP-05", "registered", lambda: visit(facts=ClaimFacts(reasons_for_visit=("M25532",)))),
    clean("OP-05", "coded", lambda: visit(diagnoses=(INJURY, REASON))),
    clean("OP-05", "elective", lambda: visit(admission_type="3")),
    clean("OP-05", "no emergency room", lambda: visit(("0324", "71046"))),
    hit(
        "OP-06",
        "visit three days before",
        lambda: medicare(inpatient()),
        "claim",
        **before(Setting.ED, ADMITTED - timedelta(days=3)),
    ),
    hit(
        "OP-06",
        "admission after the visit",
        lambda: medicare(visit()),
        "claim",
        **before(Setting.INPATIENT, visit().service_through + timedelta(days=1)),
    ),
    clean(
        "OP-06",
        "four days",
        lambda: medicare(inpatient()),
        **before(Setting.ED, ADMITTED - timedelta(days=4)),
    ),
    clean(
        "OP-06",
        "not related",
        lambda: medicare(inpatient(), facts=UNRELATED),
        **before(Setting.ED, ADMITTED - timedelta(days=3)),
    ),
    clean(
        "OP-06",
        "another hospital",
        lambda: medicare(inpatient()),
        **before(Setting.ED, ADMITTED - timedelta(days=3), "1234567893"),
    ),
    clean("OP-06", "other payer", inpatient),
    unknown("OP-06", "nobody looked", lambda: medicare(inpatient())),
)
