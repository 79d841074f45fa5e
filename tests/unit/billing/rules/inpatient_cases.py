"""Cases of IP."""

from datetime import UTC, date, datetime

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.document import ClaimDocument, Diagnosis, Procedure
from rcm_billing.domain.reference import Reference, table_of
from rcm_billing.domain.scrubbing import Grouped
from rcm_shared.contracts.intake import Setting
from rcm_shared.contracts.records import ClaimFacts, ValueRecord
from unit.billing.rules.claims import clean, hit, inpatient, line, office, unknown

EXEMPT = Reference(poa_exempt=table_of("poa_exempt", [rows.Code(code="Z720")]))


def marked(code: str, poa: str | None) -> ClaimDocument:
    """Return the inpatient claim with one diagnosis."""
    return inpatient(diagnoses=(Diagnosis(code=code, role="principal", poa=poa),))


def during(**changes: object) -> ClaimDocument:
    """Return the inpatient claim with a changed stay."""
    claim = inpatient()
    assert claim.stay is not None
    return claim.model_copy(update={"stay": claim.stay.model_copy(update=changes)})


def treated_on(day: date) -> ClaimDocument:
    """Return the inpatient claim with one procedure on a day."""
    return inpatient(procedures=(Procedure(code="5A09357", service_date=day),))


def reporting(**days: int) -> ClaimDocument:
    """Return the inpatient claim with days in value codes."""
    values = tuple(ValueRecord(code=code[1:], hundredths=count * 100) for code, count in days.items())
    return inpatient(facts=ClaimFacts(values=values))


def boarded(units: int) -> ClaimDocument:
    """Return the inpatient claim with so many days of room and board."""
    claim = inpatient()
    lines = tuple(
        line.model_copy(update={"units": units}) if line.basis == "DA" else line for line in claim.lines
    )
    return claim.model_copy(update={"lines": lines})


def medicare_stay() -> ClaimDocument:
    """Return the inpatient claim billed to Medicare, with no value code."""
    claim = inpatient()
    return claim.model_copy(update={"coverage": claim.coverage.model_copy(update={"filing_indicator": "MA"})})


def grouper(drg: str) -> dict[str, object]:
    """Return a context whose grouper always finds this DRG."""
    return {"regroup": lambda claim: Grouped(drg, "v43.1")}


CASES = (
    hit("IP-01", "no indicator", lambda: marked("J189", None), "diagnosis-1"),
    hit("IP-01", "not exempt", lambda: marked("J189", "1"), "diagnosis-1", reference=EXEMPT),
    clean("IP-01", "exempt", lambda: marked("Z720", "1"), reference=EXEMPT),
    clean("IP-01", "all present", inpatient),
    clean(
        "IP-01", "no stay", lambda: inpatient(setting=Setting.ED, diagnoses=marked("J189", None).diagnoses)
    ),
    unknown("IP-01", "no list of exempt codes", lambda: marked("Z720", "1")),
    hit("IP-02", "newborn from home", lambda: inpatient(admission_type="4", admission_source="1"), "CL1-2"),
    hit("IP-02", "type in no list", lambda: inpatient(admission_type="7"), "CL1-1"),
    hit("IP-02", "nothing", lambda: inpatient(admission_type="", admission_source=""), "CL1-1", "CL1-2"),
    clean("IP-02", "newborn", lambda: inpatient(admission_type="4", admission_source="5")),
    clean("IP-02", "emergency", inpatient),
    hit("IP-03", "still patient", lambda: inpatient(discharge_status="30"), "CL1-3"),
    hit("IP-03", "home on an interim bill", lambda: inpatient(frequency="2"), "CL1-3"),
    hit("IP-03", "in no list", lambda: inpatient(discharge_status="08"), "CL1-3"),
    clean("IP-03", "interim", lambda: inpatient(discharge_status="30", frequency="2")),
    clean("IP-03", "home", inpatient),
    hit("IP-04", "interim with hour", lambda: inpatient(frequency="2"), "DTP*096"),
    hit("IP-04", "final without hour", lambda: during(discharged_at=None), "DTP*096"),
    hit(
        "IP-04",
        "out before in",
        lambda: during(discharged_at=datetime(2026, 8, 9, 8, 0, tzinfo=UTC)),
        "DTP*435",
    ),
    clean("IP-04", "final", inpatient),
    clean(
        "IP-04",
        "interim",
        lambda: during(discharged_at=None).model_copy(update={"frequency": "2", "discharge_status": "30"}),
    ),
    hit("IP-05", "PCS on an outpatient bill", lambda: inpatient(setting=Setting.SURGERY), "procedure-1"),
    hit("IP-05", "PCS on a line", lambda: line(code="0HBTXZZ"), "line-1"),
    hit(
        "IP-05",
        "CPT in the list",
        lambda: inpatient(procedures=(Procedure(code="47562", service_date=date(2026, 8, 11)),)),
        "procedure-1",
    ),
    clean("IP-05", "PCS on the stay", inpatient),
    clean("IP-05", "CPT in the office", office),
    hit("IP-06", "four days before", lambda: treated_on(date(2026, 8, 6)), "procedure-1"),
    hit("IP-06", "after discharge", lambda: treated_on(date(2026, 8, 15)), "procedure-1"),
    clean("IP-06", "three days before", lambda: treated_on(date(2026, 8, 7))),
    clean("IP-06", "during the stay", inpatient),
    hit("IP-07", "five of four", lambda: reporting(v80=5), "HI*BE"),
    hit("IP-07", "board", lambda: boarded(3), "SV205"),
    hit("IP-07", "medicare without days", medicare_stay, "HI*BE"),
    clean("IP-07", "four", lambda: reporting(v80=4)),
    clean("IP-07", "three and one", lambda: reporting(v80=3, v81=1)),
    clean("IP-07", "not reported", inpatient),
    hit("IP-08", "other", inpatient, "HI*DR", **grouper("194")),
    clean("IP-08", "same", inpatient, **grouper("193")),
    clean("IP-08", "no stay", lambda: inpatient(setting=Setting.ED)),
    unknown("IP-08", "no grouper", inpatient),
    unknown("IP-08", "nothing stored", lambda: inpatient(drg=None), **grouper("193")),
)
