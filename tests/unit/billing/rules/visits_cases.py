"""Cases of PX-10 and PX-13 to PX-16."""

from datetime import date

from rcm_billing.domain import reference_rows as rows
from rcm_shared.contracts.records import ClaimFacts
from unit.billing.rules.claims import clean, hit, office, unknown
from unit.billing.rules.services import billed, earlier, facility, fee, knowing, of_patient, sold

FEES = knowing(
    fees=[
        fee("17110", global_days="010"),
        fee("20610", global_days="000"),
        fee("47562", global_days="090"),
        fee("96372", global_days="XXX"),
        fee("99213", global_days="XXX"),
    ]
)
AGES = knowing(
    procedure_limits=[
        rows.PatientLimit(code="99391", age_to=0),
        rows.PatientLimit(code="G0105", age_from=45),
        rows.PatientLimit(code="55700", sex="M"),
    ]
)
VIDEO = knowing(telehealth=[rows.Telehealth(place="10", modifiers=frozenset({"95", "93"}))])
OWN_VIDEO = knowing(
    telehealth=[
        rows.Telehealth(place="10", modifiers=frozenset({"95"})),
        rows.Telehealth(payer="DHP01", place="10", modifiers=frozenset({"GT"})),
    ]
)
ONLY_HOSPITAL = knowing(place_rules=[rows.PlaceRule(procedure="475", places=frozenset({"21", "22"}))])
VISIT = billed(sold("99213"))
OTHER = {"npi": "1912301953", "specialty": "208600000X"}

CASES = (
    hit("PX-10", "day 20 of 90", VISIT, "line-1", history=earlier("47562", 20), **FEES),
    hit("PX-10", "day 90", VISIT, "line-1", history=earlier("47562", 90), **FEES),
    hit(
        "PX-10",
        "a colleague of the specialty",
        VISIT,
        "line-1",
        history=earlier("47562", 20, npi="x"),
        **FEES,
    ),
    hit(
        "PX-10",
        "operation in the period",
        billed(sold("20610")),
        "line-1",
        history=earlier("17110", 3),
        **FEES,
    ),
    clean("PX-10", "day 91", VISIT, history=earlier("47562", 91), **FEES),
    clean("PX-10", "day 11 of 10", VISIT, history=earlier("17110", 11), **FEES),
    clean("PX-10", "24", billed(sold("99213", "24")), history=earlier("47562", 20), **FEES),
    clean("PX-10", "78", billed(sold("20610", "78")), history=earlier("47562", 20), **FEES),
    clean("PX-10", "surgical care only", VISIT, history=earlier("47562", 20, "54"), **FEES),
    clean("PX-10", "another specialty", VISIT, history=earlier("47562", 20, **OTHER), **FEES),
    clean("PX-10", "no operation", billed(sold("96372")), history=earlier("47562", 20), **FEES),
    clean("PX-10", "the facility's claim", VISIT, history=earlier("47562", 20, form="837I"), **FEES),
    unknown("PX-10", "no history", VISIT, **FEES),
    unknown("PX-10", "no fee schedule", VISIT, history=earlier("47562", 20)),
    hit("PX-13", "too old", billed(sold("99391")), "line-1", **AGES),
    hit(
        "PX-13", "too young", of_patient(billed(sold("G0105")), birth_date=date(1990, 9, 3)), "line-1", **AGES
    ),
    hit("PX-13", "sex", billed(sold("99213"), sold("55700")), "line-2", **AGES),
    clean("PX-13", "old enough", billed(sold("G0105")), **AGES),
    clean("PX-13", "sex is not known", of_patient(billed(sold("55700")), sex="U"), **AGES),
    clean(
        "PX-13",
        "condition code 45",
        billed(sold("55700"), facts=ClaimFacts(condition_codes=("45",))),
        **AGES,
    ),
    unknown("PX-13", "no list", office),
    hit("PX-14", "admission in an office", billed(sold("99221")), "line-1"),
    hit("PX-14", "no such place", billed(sold("17110"), facility_code="98"), "line-1"),
    hit("PX-14", "not listed", office, "line-1", **knowing(places=[rows.Code(code="21")])),
    hit("PX-14", "operator's rule", billed(sold("47562")), "line-1", **ONLY_HOSPITAL),
    hit("PX-14", "video without 95", billed(sold("99213", place_of_service="10")), "line-1", **VIDEO),
    hit("PX-14", "the payer's own", billed(sold("99213", "95"), facility_code="10"), "line-1", **OWN_VIDEO),
    clean("PX-14", "office", office),
    clean("PX-14", "admission in a hospital", billed(sold("99221", place_of_service="21"))),
    clean("PX-14", "video with 95", billed(sold("99213", "95"), facility_code="10"), **VIDEO),
    clean("PX-14", "operator's place", billed(sold("47562", place_of_service="22")), **ONLY_HOSPITAL),
    unknown("PX-14", "no telehealth list", billed(sold("99213", "95"), facility_code="10")),
    hit("PX-15", "seen last year", billed(sold("99203")), "line-1", history=earlier("99213", 300)),
    hit(
        "PX-15", "seen by a colleague", billed(sold("99203")), "line-1", history=earlier("17110", 9, npi="x")
    ),
    clean("PX-15", "four years ago", billed(sold("99203")), history=earlier("99213", 4 * 365)),
    clean("PX-15", "another specialty", billed(sold("99203")), history=earlier("99213", 300, **OTHER)),
    clean("PX-15", "only an image read", billed(sold("99203")), history=earlier("71260", 300, "26")),
    clean("PX-15", "established", VISIT),
    unknown("PX-15", "no history", billed(sold("99203"))),
    hit("PX-16", "two", billed(sold("99213"), sold("99213")), "line-2", history=()),
    hit("PX-16", "one on another claim", VISIT, "line-1", history=earlier("99214", 0)),
    clean("PX-16", "25", billed(sold("99213"), sold("99213", "25")), history=()),
    clean("PX-16", "yesterday", VISIT, history=earlier("99214", 1)),
    clean("PX-16", "another specialty", VISIT, history=earlier("99214", 0, **OTHER)),
    clean("PX-16", "facility", facility(sold("99283"), sold("17110"))),
    unknown("PX-16", "no history", VISIT),
)
