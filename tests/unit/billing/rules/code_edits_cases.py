"""Cases of PX-01 to PX-04 and PX-06."""

from datetime import date, timedelta

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.reference import Reference
from unit.billing.rules.claims import clean, hit, inpatient, office, unknown
from unit.billing.rules.services import (
    DAY,
    billed,
    earlier,
    facility,
    fee,
    knowing,
    medicare,
    sold,
    this_quarter,
)

LISTED = knowing(
    hcpcs=[rows.Hcpcs(code="J3490"), rows.Hcpcs(code="G0008", effective_to=date(2026, 6, 30))],
    procedures=[rows.Code(code="17110"), rows.Code(code="99213", effective_from=date(2026, 10, 1))],
)
NEVER = rows.Pair(column1="20610", column2="99213", modifier="0")
SOMETIMES = rows.Pair(column1="17110", column2="99213", modifier="1")
ENDED = rows.Pair(column1="17110", column2="99214", modifier="0", effective_to=date(2026, 8, 31))
OFF = rows.Pair(column1="17110", column2="71260", modifier="9")
PTP = this_quarter("pairs", NEVER, SOMETIMES, ENDED, OFF, edition="ncci-ptp:2026Q3")
HOSPITAL = this_quarter(
    "pairs_hospital",
    rows.Pair(column1="47562", column2="49591", modifier="0"),
    edition="ncci-ptp-hospital:2026Q3",
)
PAIRS = {"reference": Reference(pairs=PTP, pairs_hospital=HOSPITAL)}
LIMITS = knowing(
    unit_limits=[
        rows.UnitLimit(code="17110", units=1, mai="2"),
        rows.UnitLimit(code="20610", units=2, mai="1"),
        rows.UnitLimit(code="71260", units=1, mai="3"),
    ]
)
HOSPITAL_LIMITS = knowing(unit_limits_hospital=[rows.UnitLimit(code="71260", units=1, mai="3")])
ADD_ONS = knowing(
    add_ons=[
        rows.AddOn(add_on="99292", primary="99291"),
        rows.AddOn(add_on="G0316", type="2"),
    ]
)

CASES = (
    hit("PX-01", "ended", billed(sold("G0008")), "line-1", **LISTED),
    hit("PX-01", "not yet begun", billed(sold("17110"), sold("99213")), "line-2", **LISTED),
    hit("PX-01", "malformed", billed(sold("1711")), "line-1", **LISTED),
    hit(
        "PX-01",
        "release before the operator's own list",
        billed(sold("17110")),
        "line-1",
        **knowing(
            cpt=[rows.Code(code="17110", effective_to=DAY - timedelta(days=1))],
            procedures=[rows.Code(code="17110")],
        ),
    ),
    clean("PX-01", "released", office, **knowing(cpt=[rows.Code(code="17110")])),
    clean("PX-01", "both levels", billed(sold("17110"), sold("J3490")), **LISTED),
    clean("PX-01", "proved by the fee schedule", office, **knowing(fees=[fee("17110")])),
    unknown("PX-01", "no list", office),
    unknown("PX-01", "not in the fee schedule", office, **knowing(fees=[fee("99213")])),
    hit(
        "PX-02",
        "never together",
        billed(sold("20610"), sold("99213", "25")),
        "line-2-beside-line-1",
        **PAIRS,
    ),
    hit("PX-02", "no modifier", billed(sold("99213"), sold("17110")), "line-1-beside-line-2", **PAIRS),
    hit(
        "PX-02",
        "same side both",
        billed(sold("17110", "RT"), sold("99213", "RT")),
        "line-2-beside-line-1",
        **PAIRS,
    ),
    hit("PX-02", "hospital", facility(sold("49591", "59"), sold("47562")), "line-1-beside-line-2", **PAIRS),
    hit(
        "PX-02",
        "first column on another claim",
        billed(sold("99213")),
        "line-1-beside-another-claim",
        history=earlier("17110", 0),
        **PAIRS,
    ),
    clean(
        "PX-02",
        "modifier beside another claim",
        billed(sold("99213", "25")),
        history=earlier("17110", 0),
        **PAIRS,
    ),
    clean("PX-02", "another claim's day", billed(sold("99213")), history=earlier("17110", 1), **PAIRS),
    clean(
        "PX-02",
        "another claim's provider",
        billed(sold("99213")),
        history=earlier("17110", 0, npi="x"),
        **PAIRS,
    ),
    clean("PX-02", "modifier", billed(sold("17110"), sold("99213", "25")), **PAIRS),
    clean("PX-02", "sides differ", billed(sold("17110", "RT"), sold("99213", "LT")), **PAIRS),
    clean("PX-02", "pair ended before", billed(sold("17110"), sold("99214")), **PAIRS),
    clean("PX-02", "indicator 9", billed(sold("17110"), sold("71260")), **PAIRS),
    clean(
        "PX-02",
        "another day",
        billed(sold("17110"), sold("99213", service_date=DAY + timedelta(days=1))),
        **PAIRS,
    ),
    clean("PX-02", "practitioner pair on a hospital claim", facility(sold("20610"), sold("99213")), **PAIRS),
    unknown("PX-02", "no edition", billed(sold("17110"), sold("99213"))),
    unknown(
        "PX-02",
        "edition of another quarter",
        billed(sold("17110", service_date=date(2026, 10, 1)), sold("99213", service_date=date(2026, 10, 1))),
        **PAIRS,
    ),
    hit("PX-03", "day is absolute", billed(sold("17110"), sold("17110", "59")), "line-1", "line-2", **LIMITS),
    hit("PX-03", "one line", billed(sold("20610", units=3)), "line-1", **LIMITS),
    hit(
        "PX-03",
        "day on another claim",
        billed(sold("71260")),
        "line-1",
        history=earlier("71260", 0),
        **LIMITS,
    ),
    hit("PX-03", "hospital", facility(sold("71260", units=2)), "line-1", **HOSPITAL_LIMITS),
    clean("PX-03", "each line within", billed(sold("20610", units=2), sold("20610", units=2)), **LIMITS),
    clean("PX-03", "another day", billed(sold("71260")), history=earlier("71260", 1), **LIMITS),
    clean("PX-03", "no limit", billed(sold("99213", units=9)), **LIMITS),
    unknown("PX-03", "no edition", office),
    unknown("PX-03", "only the practitioners' edition", facility(sold("71260")), **LIMITS),
    hit("PX-04", "alone", billed(sold("99292")), "line-1", **ADD_ONS),
    hit("PX-04", "wrong primary", billed(sold("99292"), sold("99213")), "line-1", **ADD_ONS),
    hit("PX-04", "only another add-on", billed(sold("G0316"), sold("99292")), "line-1", "line-2", **ADD_ONS),
    clean("PX-04", "primary", billed(sold("99291"), sold("99292")), **ADD_ONS),
    clean("PX-04", "contractor's primary", billed(sold("G0316"), sold("99223")), **ADD_ONS),
    clean("PX-04", "primary on another claim", billed(sold("99292")), history=earlier("99291", 0), **ADD_ONS),
    clean("PX-04", "stay has no procedure codes", inpatient),
    unknown("PX-04", "no edition", office),
    hit("PX-06", "unpaired", billed(sold("71260", "59")), "line-1", **PAIRS),
    hit("PX-06", "pair never allows it", facility(sold("47562"), sold("49591", "59")), "line-2", **PAIRS),
    hit("PX-06", "visit", billed(sold("17110"), sold("99213", "59")), "line-2", **PAIRS),
    hit("PX-06", "59 beside X", billed(sold("17110", "59 XS"), sold("99213")), "line-1", **PAIRS),
    hit(
        "PX-06", "no evidence", billed(sold("17110", "59", supported=False), sold("99213")), "line-1", **PAIRS
    ),
    hit(
        "PX-06",
        "Medicare prefers X",
        medicare(billed(sold("17110", "59"), sold("99213"))),
        "warn:line-1",
        **PAIRS,
    ),
    clean("PX-06", "X for Medicare", medicare(billed(sold("17110", "XU"), sold("99213"))), **PAIRS),
    clean("PX-06", "on its pair", billed(sold("17110", "59"), sold("99213")), **PAIRS),
    clean("PX-06", "the same procedure twice", billed(sold("20610"), sold("20610", "XS")), **PAIRS),
    clean("PX-06", "not used", office),
    unknown("PX-06", "no edition", billed(sold("17110", "59"), sold("99213"))),
)
