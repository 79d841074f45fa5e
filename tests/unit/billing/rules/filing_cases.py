"""Cases of DAT, TF and DUP."""

from datetime import date, timedelta

from rcm_shared.contracts.records import AttachmentRecord, ClaimFacts
from unit.billing import cases
from unit.billing.rules.claims import clean, facts, hit, inpatient, office, patient, unknown
from unit.billing.rules.services import DAY, billed, earlier, medicare, sold

TERMS = cases.MASTER.payers["DHP01"].model_copy(
    update={"timely_filing_days": 180, "timely_filing_calendar_year": False}
)
YEAR = TERMS.model_copy(update={"timely_filing_calendar_year": True})
LATE = DAY + timedelta(days=181)
PROOF = (AttachmentRecord(report_type="OZ", transmission="EL"),)
ON_29_FEBRUARY = billed(
    sold("17110", service_date=date(2024, 2, 29)),
    service_from=date(2024, 2, 29),
    service_through=date(2024, 2, 29),
)

CASES = (
    hit("DAT-01", "tomorrow", office, "service-through", today=cases.OFFICE_DAY - timedelta(days=1)),
    hit("DAT-01", "after death", lambda: patient(death_date=DAY - timedelta(days=1)), "death-date"),
    hit("DAT-01", "before birth", lambda: patient(birth_date=DAY + timedelta(days=1)), "DMG02"),
    hit(
        "DAT-01", "backwards", lambda: office(service_from=DAY + timedelta(days=1)), "service-from", "line-1"
    ),
    clean("DAT-01", "past", office),
    clean("DAT-01", "on the day of death", lambda: patient(death_date=DAY)),
    hit(
        "DAT-02", "auto accident without state", lambda: office(accident="auto", accident_date=DAY), "CLM11-4"
    ),
    hit("DAT-02", "accident without date", lambda: office(accident="work"), "DTP*439"),
    hit("DAT-02", "treatment without its beginning", medicare(billed(sold("98941"))), "DTP*454"),
    hit("DAT-02", "pregnancy", billed(sold("59400")), "DTP*484"),
    hit("DAT-02", "onset after the service", lambda: facts(onset_on=DAY + timedelta(days=1)), "DTP*431"),
    clean(
        "DAT-02",
        "auto accident",
        lambda: office(accident="auto", accident_state="IL", accident_date=DAY),
    ),
    clean("DAT-02", "not Medicare", billed(sold("98941"))),
    clean(
        "DAT-02",
        "treatment",
        medicare(billed(sold("98941"), facts=ClaimFacts(initial_treatment_on=DAY))),
    ),
    hit("TF-01", "day 181", office, "line-1", today=LATE, payer=TERMS),
    hit("TF-01", "four fifths", office, "warn:service-date", today=DAY + timedelta(days=145), payer=TERMS),
    hit("TF-01", "29 February", ON_29_FEBRUARY, "line-1", today=date(2025, 3, 1), payer=YEAR),
    hit(
        "TF-01",
        "a stay counts from its last day",
        inpatient,
        "service-date",
        today=date(2027, 8, 15),
        payer=YEAR,
    ),
    clean("TF-01", "day 144", office, today=DAY + timedelta(days=144), payer=TERMS),
    clean("TF-01", "late with a reason", lambda: facts(delay_reason="7"), today=LATE, payer=TERMS),
    unknown("TF-01", "no payer", office, payer=None),
    hit("TF-02", "neither reason nor proof", office, "CLM20", "PWK", today=LATE, payer=TERMS),
    hit("TF-02", "no proof", lambda: facts(delay_reason="7"), "PWK", today=LATE, payer=TERMS),
    hit("TF-02", "no such reason", lambda: facts(delay_reason="12"), "CLM20"),
    clean(
        "TF-02",
        "reason and proof",
        lambda: facts(delay_reason="7", attachments=PROOF),
        today=LATE,
        payer=TERMS,
    ),
    clean("TF-02", "in time", office),
    unknown("TF-02", "no payer", office, payer=None),
    hit("DUP-01", "other claim", office, "claim", duplicate=True),
    hit("DUP-01", "twice here", billed(sold("17110"), sold("17110")), "line-1", "line-2"),
    hit(
        "DUP-01",
        "line of another claim",
        billed(sold("99213"), sold("17110")),
        "line-2",
        history=earlier("17110", 0),
    ),
    clean("DUP-01", "alone", office),
    clean(
        "DUP-01", "repeated with a modifier", billed(sold("17110", "76")), history=earlier("17110", 0, "76")
    ),
    clean("DUP-01", "another provider", billed(sold("17110")), history=earlier("17110", 0, npi="x")),
    clean("DUP-01", "another day", billed(sold("17110")), history=earlier("17110", 1)),
    clean("DUP-01", "the other payer's claim", billed(sold("17110")), history=earlier("17110", 0, order="S")),
)
