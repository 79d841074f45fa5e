"""Cases of MN."""

from datetime import date

from rcm_billing.domain import reference_rows as rows
from unit.billing.rules.claims import clean, hit, office, unknown
from unit.billing.rules.services import billed, diagnosed_as, earlier, knowing, medicare, sold

ARTICLE = rows.Article(
    code="17110",
    article="54602",
    covered=frozenset({"D225"}),
    lists_covered=True,
    effective_from=date(2026, 1, 1),
)
DENIES = rows.Article(code="71260", article="1", denied=frozenset({"J029"}))
LOCAL = rows.Article(code="99213", article="2", lists_covered=True, contractors=frozenset({"05101"}))
ARTICLES = knowing(articles=[ARTICLE, DENIES])
ELSEWHERE = knowing(
    articles=[LOCAL], contractors=[rows.Contractor(facility="DEMO-GENERAL", contractor="06101")]
)
HERE = knowing(articles=[LOCAL], contractors=[rows.Contractor(facility="DEMO-GENERAL", contractor="05101")])
POLICIES = knowing(
    policies=[
        rows.Policy(payer="DHP01", code="17110", diagnoses=frozenset({"B07*"})),
        rows.Policy(payer="SUP01", code="99213", diagnoses=frozenset({"I10"})),
        rows.Policy(code="71260", kind="denied", diagnoses=frozenset({"D22*"})),
    ]
)
OFTEN = knowing(
    frequency_limits=[
        rows.FrequencyLimit(code="G0105", months=24),
        rows.FrequencyLimit(code="71260", payer="SUP01"),
        rows.FrequencyLimit(code="G0121", months=120),
    ]
)
MEDICARE = medicare(office)

CASES = (
    hit("MN-01", "not covered", diagnosed_as(MEDICARE, "Z0000"), "line-1", **ARTICLES),
    hit("MN-01", "denied", medicare(diagnosed_as(billed(sold("71260")), "J029")), "line-1", **ARTICLES),
    hit("MN-01", "contractor of the facility", medicare(billed(sold("99213"))), "line-1", **HERE),
    hit("MN-01", "the payer's policy", office, "line-1", **POLICIES),
    hit("MN-01", "everybody's denied list", billed(sold("71260")), "line-1", **POLICIES),
    clean("MN-01", "covered", MEDICARE, **ARTICLES),
    clean(
        "MN-01",
        "one of two denied",
        medicare(diagnosed_as(billed(sold("71260", pointers=(1, 2))), "J029", "I10")),
        **ARTICLES,
    ),
    clean("MN-01", "another contractor", medicare(billed(sold("99213"))), **ELSEWHERE),
    clean("MN-01", "said so", diagnosed_as(medicare(billed(sold("17110", "GA"))), "Z0000"), **ARTICLES),
    clean("MN-01", "covered by a beginning", diagnosed_as(office, "B079"), **POLICIES),
    clean("MN-01", "another payer's policy", billed(sold("99213")), **POLICIES),
    unknown("MN-01", "no articles", MEDICARE, **POLICIES),
    unknown("MN-01", "no contractor", medicare(billed(sold("99213"))), **knowing(articles=[LOCAL])),
    unknown("MN-01", "no policies", office, **ARTICLES),
    hit(
        "MN-02",
        "second in the interval",
        billed(sold("G0105")),
        "line-1",
        history=earlier("G0105", 700),
        **OFTEN,
    ),
    hit("MN-02", "two at once", billed(sold("G0105", units=2)), "line-1", history=(), **OFTEN),
    clean("MN-02", "interval is over", billed(sold("G0105")), history=earlier("G0105", 731), **OFTEN),
    clean("MN-02", "another payer's limit", billed(sold("71260", units=2)), **OFTEN),
    hit(
        "MN-02",
        "ten years, seen last year",
        billed(sold("G0121")),
        "line-1",
        history=earlier("G0121", 365),
        **OFTEN,
    ),
    unknown("MN-02", "ten years, not seen in three", billed(sold("G0121")), history=(), **OFTEN),
    unknown("MN-02", "no list", office, history=()),
    unknown("MN-02", "no history", billed(sold("G0105")), **OFTEN),
    hit("MN-03", "patient was not told", diagnosed_as(MEDICARE, "Z0000"), "line-1", **ARTICLES),
    hit("MN-03", "contradiction", medicare(billed(sold("17110", "GA GZ"))), "line-1", **ARTICLES),
    clean("MN-03", "GA", diagnosed_as(medicare(billed(sold("17110", "GA"))), "Z0000"), **ARTICLES),
    clean("MN-03", "covered", MEDICARE, **ARTICLES),
    clean("MN-03", "not Medicare", diagnosed_as(office, "Z0000")),
    unknown("MN-03", "no articles", MEDICARE),
)
