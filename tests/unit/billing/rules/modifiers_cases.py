"""Cases of PX-05, PX-07 to PX-09, PX-11 and PX-12."""

from datetime import date, timedelta

from rcm_billing.domain import reference_rows as rows
from rcm_shared.contracts.records import AttachmentRecord, ClaimFacts
from unit.billing.rules.claims import clean, hit, office, unknown
from unit.billing.rules.services import DAY, billed, diagnosed_as, facility, fee, knowing, sold

FEES = knowing(
    fees=[
        fee("17110", global_days="010", bilateral="0", pctc="0", assistant="1", cosurgeon="0", team="0"),
        fee("20610", global_days="000", bilateral="1", pctc="0", assistant="0", cosurgeon="1", team="0"),
        fee("47562", global_days="090", bilateral="0", assistant="2", cosurgeon="2", team="1"),
        fee("71260", global_days="XXX", bilateral="2", pctc="1"),
        fee("80053", global_days="XXX", pctc="6"),
        fee("99213", global_days="XXX", pctc="0"),
    ],
    diagnosis_sides=[
        rows.DiagnosisSide(code="M1711", side="R"),
        rows.DiagnosisSide(code="M1712", side="L"),
        rows.DiagnosisSide(code="M170", side="B"),
    ],
)
MODIFIERS = knowing(
    modifiers=[
        rows.Modifier(code="25", rank=1),
        rows.Modifier(code="26", rank=1, procedures=frozenset({"7*"})),
        rows.Modifier(code="LT"),
        rows.Modifier(code="CR", excludes=frozenset({"CS"})),
        rows.Modifier(code="CS"),
        rows.Modifier(code="GT", effective_to=date(2025, 12, 31)),
    ]
)
LEVEL_TWO = knowing(hcpcs=[rows.Hcpcs(code="LT", kind="modifier")])
DOCUMENTED = ClaimFacts(attachments=(AttachmentRecord(report_type="OZ", transmission="EL"),))
TOMORROW = DAY + timedelta(days=1)

CASES = (
    hit("PX-05", "minor without 25", billed(sold("99213"), sold("17110")), "line-1", **FEES),
    hit("PX-05", "major with 25 only", billed(sold("47562"), sold("99213", "25")), "line-2", **FEES),
    hit(
        "PX-05",
        "day before a major one",
        billed(sold("99213"), sold("47562", service_date=TOMORROW)),
        "line-1",
        **FEES,
    ),
    hit("PX-05", "facility without 25", facility(sold("99283"), sold("17110")), "line-1", **FEES),
    clean("PX-05", "25", billed(sold("99213", "25"), sold("17110")), **FEES),
    clean("PX-05", "57", billed(sold("99213", "57"), sold("47562")), **FEES),
    clean("PX-05", "facility with 25", facility(sold("99283", "25"), sold("47562")), **FEES),
    clean("PX-05", "no global period", billed(sold("99213"), sold("71260")), **FEES),
    clean("PX-05", "minor one tomorrow", billed(sold("99213"), sold("17110", service_date=TOMORROW)), **FEES),
    clean("PX-05", "visit alone", billed(sold("99213"))),
    unknown("PX-05", "no fee schedule", billed(sold("99213"), sold("17110"))),
    hit("PX-07", "visit has no parts", billed(sold("99213", "26")), "line-1", **FEES),
    hit("PX-07", "only 26 of a laboratory test", billed(sold("80053", "TC")), "line-1", **FEES),
    hit("PX-07", "both parts", billed(sold("71260", "26 TC")), "line-1"),
    hit("PX-07", "facility", facility(sold("71260", "26")), "line-1"),
    clean("PX-07", "test", billed(sold("71260", "26"), sold("80053", "26")), **FEES),
    clean("PX-07", "facility's technical part", facility(sold("71260", "TC")), **FEES),
    clean("PX-07", "not used", office),
    unknown("PX-07", "no fee schedule", billed(sold("71260", "26"))),
    hit("PX-08", "no such thing", billed(sold("17110", "50")), "line-1", **FEES),
    hit("PX-08", "two units", billed(sold("20610", "50", units=2)), "line-1"),
    hit("PX-08", "side beside 50", billed(sold("20610", "50 RT")), "line-1"),
    hit(
        "PX-08",
        "code means both",
        billed(sold("71260", "RT"), sold("71260", "LT")),
        "line-1",
        "line-2",
        **FEES,
    ),
    hit(
        "PX-08",
        "both sides documented",
        diagnosed_as(billed(sold("20610", "RT", pointers=(1, 2))), "M1711", "M1712"),
        "line-1",
        **FEES,
    ),
    hit(
        "PX-08", "both sides in one code", diagnosed_as(billed(sold("20610", "RT")), "M170"), "line-1", **FEES
    ),
    clean("PX-08", "50 with one unit", billed(sold("20610", "50")), **FEES),
    clean("PX-08", "one side", diagnosed_as(billed(sold("20610", "RT")), "M1711", "M1712"), **FEES),
    clean(
        "PX-08",
        "both sides billed",
        diagnosed_as(
            billed(sold("20610", "RT", pointers=(1, 2)), sold("20610", "LT", pointers=(1, 2))),
            "M1711",
            "M1712",
        ),
        **FEES,
    ),
    unknown("PX-08", "no fee schedule", billed(sold("20610", "50"))),
    hit("PX-09", "assistants twice", billed(sold("47562", "80 82")), "line-1", **MODIFIERS),
    hit("PX-09", "twice", billed(sold("20610", "LT LT")), "line-1", **MODIFIERS),
    hit("PX-09", "25 on a procedure", billed(sold("17110", "25")), "line-1", **MODIFIERS),
    hit("PX-09", "ended", billed(sold("20610", "GT")), "line-1", **MODIFIERS),
    hit("PX-09", "not for this code", billed(sold("20610", "26")), "line-1", **MODIFIERS),
    hit("PX-09", "order", billed(sold("71260", "LT 26")), "line-1", **MODIFIERS),
    hit("PX-09", "operator's own exclusion", billed(sold("71260", "CR CS")), "line-1", **MODIFIERS),
    hit("PX-09", "not in Level II", billed(sold("20610", "ZZ")), "line-1", **LEVEL_TWO),
    clean("PX-09", "payment first", billed(sold("71260", "26 LT"), sold("99213", "25")), **MODIFIERS),
    clean("PX-09", "Level II", billed(sold("20610", "LT")), **LEVEL_TWO),
    clean("PX-09", "none", office),
    unknown("PX-09", "no list", billed(sold("20610", "LT"))),
    unknown("PX-09", "CPT modifier without the operator's list", billed(sold("71260", "26")), **LEVEL_TWO),
    hit("PX-11", "not paid", billed(sold("17110", "80")), "line-1", **FEES),
    hit("PX-11", "documents missing", billed(sold("20610", "AS")), "line-1", **FEES),
    hit("PX-11", "no co-surgeon", billed(sold("17110", "62")), "line-1", **FEES),
    hit("PX-11", "team without documents", billed(sold("47562", "66")), "line-1", **FEES),
    clean("PX-11", "assistant allowed", billed(sold("47562", "80"), sold("47562", "62")), **FEES),
    clean(
        "PX-11",
        "documents attached",
        billed(sold("20610", "AS"), sold("47562", "66"), facts=DOCUMENTED),
        **FEES,
    ),
    clean("PX-11", "nobody", office),
    unknown("PX-11", "no fee schedule", billed(sold("47562", "80"))),
    hit("PX-12", "facility's on a professional claim", billed(sold("47562", "73")), "line-1"),
    hit("PX-12", "professional's on a facility claim", facility(sold("47562", "53")), "line-1"),
    clean("PX-12", "professional", billed(sold("47562", "53"))),
    clean("PX-12", "facility", facility(sold("47562", "74"))),
)
