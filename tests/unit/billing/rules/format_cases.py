"""Cases of FMT and FRQ."""

from rcm_shared.money import Cents
from unit.billing.rules.claims import D225, billing_address, clean, hit, inpatient, line, office

CASES = (
    hit("FMT-01", "no place", lambda: office(facility_code=""), "missing:CLM05-1"),
    clean("FMT-01", "complete", office),
    hit("FMT-02", "off by forty", lambda: office(charge_cents=Cents(25000)), "CLM02"),
    clean("FMT-02", "sum", office),
    hit("FMT-03", "negative line", lambda: line(charge_cents=Cents(-1)), "line-1"),
    hit("FMT-03", "zero claim", lambda: office(charge_cents=Cents(0)), "CLM02"),
    clean("FMT-03", "priced", office),
    hit("FMT-04", "five modifiers", lambda: line(modifiers=("25", "59", "LT", "76", "77")), "line-1"),
    hit("FMT-04", "thirteen diagnoses", lambda: office(diagnoses=(D225,) * 13), "HI"),
    clean("FMT-04", "twelve diagnoses", lambda: office(diagnoses=(D225,) * 12)),
    clean("FMT-04", "thirteen on 837I", lambda: inpatient(diagnoses=(D225,) * 13)),
    hit("FMT-05", "21 characters", lambda: office(claim_control="C" * 21), "CLM01"),
    clean("FMT-05", "17 characters", inpatient),
    hit("FMT-06", "points to 3", lambda: line(pointers=(1, 3)), "line-1"),
    clean("FMT-06", "points to 1", office),
    hit("FMT-07", "twice", lambda: office(diagnoses=(D225, D225)), "diagnosis-1", "diagnosis-2"),
    clean("FMT-07", "once", office),
    hit("FMT-08", "box", lambda: billing_address(line="PO Box 12"), "N3*85"),
    hit("FMT-08", "five digits", lambda: billing_address(postal_code="62702"), "N403*85"),
    clean("FMT-08", "street", office),
    hit("FRQ-01", "7 without number", lambda: office(frequency="7"), "REF*F8"),
    hit("FRQ-01", "1 with number", lambda: office(original_reference="ICN1"), "REF*F8"),
    hit("FRQ-01", "interim on 837P", lambda: office(frequency="2"), "CLM05-3"),
    clean("FRQ-01", "7 with number", lambda: office(frequency="7", original_reference="ICN1")),
)
