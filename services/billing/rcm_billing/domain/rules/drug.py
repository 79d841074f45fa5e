"""RX: drugs with their NDC, and what was left in single-dose containers."""

from collections import defaultdict

from rcm_billing.domain.document import ClaimDocument, Drug, ServiceLine
from rcm_billing.domain.reference_rows import DrugRule
from rcm_billing.domain.rules.lines import procedures
from rcm_billing.domain.rules.row import R, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext

_UNITS = frozenset({"F2", "GR", "ME", "ML", "UN"})
_DISCARDED, _NOTHING_LEFT = "JW", "JZ"


def _is_drug(line: ServiceLine) -> bool:
    """Tell whether a line may be a drug: HCPCS J, or the source named one. Other codes stand in the operator's list."""
    return line.code.startswith("J") or line.drug is not None


def _complete(drug: Drug) -> bool:
    return (
        len(drug.ndc) == 11
        and drug.ndc.isascii()
        and drug.ndc.isdigit()
        and drug.unit in _UNITS
        and drug.quantity is not None
        and drug.quantity > 0
    )


def _rows(claim: ClaimDocument, line: ServiceLine, context: ScrubContext, places: Places) -> list[DrugRule]:
    """Return what the payer wants of a drug code.

    Raises: NotEvaluatedError when the line may be a drug and no list says.
    """
    day = line.service_date
    table = context.reference.drugs.need(day, places) if _is_drug(line) else context.reference.drugs.on(day)
    if table is None:
        return []
    return [row for row in table.of(line.code, day) if row.payer in ("", claim.coverage.payer_id)]


def rx_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A drug that the payer wants an NDC for has its 11 digits, a quantity and a unit F2, GR, ME, ML or UN."""
    places: Places = []
    lines = procedures(claim)
    for line in lines:
        if line.drug is not None and not _complete(line.drug):
            places.append(f"line-{line.number}")
    for line in lines:
        if line.drug is None and any(row.needs_ndc for row in _rows(claim, line, context, places)):
            places.append(f"line-{line.number}")
    return places


def rx_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A single-dose drug says what was left: JZ nothing, or a second line with JW for what was discarded."""
    places: Places = []
    groups: dict[tuple[object, str], list[ServiceLine]] = defaultdict(list)
    for line in procedures(claim):
        if any(row.single_dose for row in _rows(claim, line, context, places)):
            groups[line.service_date, line.code].append(line)
    for lines in groups.values():
        discarded = [line for line in lines if _DISCARDED in line.modifiers]
        given = [line for line in lines if _DISCARDED not in line.modifiers]
        if discarded:
            # what was given is billed beside it, and then something was left
            wrong = discarded if not given else [line for line in given if _NOTHING_LEFT in line.modifiers]
        else:
            wrong = [line for line in given if _NOTHING_LEFT not in line.modifiers]
        places += [f"line-{line.number}" for line in wrong]
    return places


RULES = (
    rule(
        "RX-01",
        R,
        Owner.BILLER,
        "the payer; 837 TR3, loop 2410",
        "Add the drug's NDC with quantity and unit.",
        rx_01,
        needs=("drugs",),
    ),
    rule(
        "RX-02",
        R,
        Owner.CODER,
        "CMS claims processing manual, chapter 17, 40",
        "Add JZ when nothing was discarded, else a line with JW for what was.",
        rx_02,
        needs=("drugs",),
    ),
)
