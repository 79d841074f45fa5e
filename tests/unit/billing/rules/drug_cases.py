"""Cases of RX."""

from decimal import Decimal

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.document import Drug
from unit.billing.rules.claims import clean, hit, office, unknown
from unit.billing.rules.services import billed, knowing, sold

LISTED = knowing(
    drugs=[
        rows.DrugRule(code="J1100", single_dose=True),
        rows.DrugRule(code="Q5101", payer="DHP01"),
        rows.DrugRule(code="J3301", payer="DMC01"),
        rows.DrugRule(code="J7050", needs_ndc=False),
    ]
)
GIVEN = Drug(ndc="00000000011", quantity=Decimal("1.5"), unit="ML")

CASES = (
    hit("RX-01", "no NDC", billed(sold("J1100", "JZ")), "line-1", **LISTED),
    hit("RX-01", "the payer's own list", billed(sold("Q5101")), "line-1", **LISTED),
    hit("RX-01", "ten digits", billed(sold("J1100", drug=Drug(ndc="0000000001"))), "line-1", **LISTED),
    hit(
        "RX-01",
        "no quantity",
        billed(sold("J1100", drug=Drug(ndc="00000000011", unit="ML"))),
        "line-1",
        **LISTED,
    ),
    hit(
        "RX-01",
        "unit",
        billed(sold("J1100", drug=Drug(ndc="00000000011", quantity=Decimal(1), unit="MG"))),
        "line-1",
        **LISTED,
    ),
    clean("RX-01", "complete", billed(sold("J1100", "JZ", drug=GIVEN)), **LISTED),
    clean("RX-01", "another payer's list", billed(sold("J3301")), **LISTED),
    clean("RX-01", "none wanted", billed(sold("J7050")), **LISTED),
    clean("RX-01", "no drug", office),
    unknown("RX-01", "no list", billed(sold("J1100"))),
    hit("RX-02", "neither", billed(sold("J1100")), "line-1", **LISTED),
    hit(
        "RX-02",
        "nothing and something left",
        billed(sold("J1100", "JZ"), sold("J1100", "JW")),
        "line-1",
        **LISTED,
    ),
    hit("RX-02", "discarded without given", billed(sold("J1100", "JW")), "line-1", **LISTED),
    clean("RX-02", "JZ", billed(sold("J1100", "JZ")), **LISTED),
    clean("RX-02", "given and discarded", billed(sold("J1100"), sold("J1100", "JW")), **LISTED),
    clean("RX-02", "not single-dose", billed(sold("J7050")), **LISTED),
    unknown("RX-02", "no list", billed(sold("J1100"))),
)
