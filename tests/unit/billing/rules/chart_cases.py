"""Cases of CDI and CHG."""

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.document import ClaimDocument, Diagnosis
from unit.billing import cases
from unit.billing.rules.claims import clean, hit, inpatient, office, unknown
from unit.billing.rules.services import billed, knowing, sold

ALLOWED = knowing(automatic_codes=[rows.Code(code="D225"), rows.Code(code="17110")])
TAKES = knowing(
    companions=[
        rows.Companion(code="47562", needs=frozenset({"C1713", "0278"})),
        rows.Companion(code="C1713", needs=frozenset({"4756*"})),
        rows.Companion(code="5A0", needs=frozenset({"0412"})),
    ]
)


def unsupported() -> ClaimDocument:
    """Return a claim whose diagnosis nothing in the record supports."""
    return office(automatic=False, diagnoses=(Diagnosis(code="D225", role="first-listed", supported=False),))


CASES = (
    hit("CDI-01", "query", office, "query", open_queries=1),
    hit("CDI-01", "chart is open again", office, "coding", recoding=True),
    clean("CDI-01", "answered", office),
    hit(
        "CDI-02",
        "no evidence",
        billed(sold("17110", supported=True), sold("99213", supported=False), automatic=False),
        "line-2",
    ),
    hit("CDI-02", "diagnosis without evidence", unsupported, "diagnosis-1"),
    hit("CDI-02", "automatic", billed(sold("99213"), automatic=True), "line-1", **ALLOWED),
    clean("CDI-02", "allowed", lambda: office(automatic=True), **ALLOWED),
    clean("CDI-02", "a person decided", lambda: office(automatic=False)),
    unknown("CDI-02", "coding does not say", office),
    unknown("CDI-02", "no allow-list", lambda: office(automatic=True)),
    hit("CHG-01", "unbilled", lambda: office(unbilled=(cases.charge_id(9),)), "charges", **TAKES),
    hit("CHG-01", "no implant", billed(sold("47562")), "line-1", **TAKES),
    hit("CHG-01", "implant without its operation", billed(sold("C1713")), "line-1", **TAKES),
    hit("CHG-01", "procedure of a stay", inpatient, "procedure-1", **TAKES),
    clean("CHG-01", "all billed", office, **TAKES),
    clean("CHG-01", "implant", billed(sold("47562"), sold("C1713")), **TAKES),
    clean("CHG-01", "by revenue code", billed(sold("47562"), sold("", revenue_code="0278")), **TAKES),
    unknown("CHG-01", "no list", office),
)
