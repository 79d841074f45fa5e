"""PX-17, PX-18: units, timed services and anaesthesia."""

from collections import defaultdict
from datetime import date

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.reference_rows import TimedService
from rcm_billing.domain.rules.lines import is_anaesthesia, procedures
from rcm_billing.domain.rules.row import PROFESSIONAL, R, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext

MINUTES = "MJ"
_WHO = frozenset({"AA", "AD", "QK", "QX", "QY", "QZ"})  # who gave or directed the anaesthesia: one of them
_MOST_MINUTES = 24 * 60
_LEAST = 8 / 15  # of a unit: eight minutes of fifteen


def timed_units(minutes: int, unit: int = 15) -> int:
    """Return the units that minutes of a timed service are worth: the last one needs eight of fifteen minutes.

    Rule: CMS claims processing manual, chapter 5, 20.2.
    """
    whole, rest = divmod(minutes, unit)
    return whole + (rest >= unit * _LEAST)


def px_17(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every line has units, and those of timed services are worth their minutes (8-minute rule)."""
    places = [f"line-{line.number}" for line in claim.lines if line.units < 1]
    timed: dict[tuple[date, int], list[ServiceLine]] = defaultdict(list)
    for line in procedures(claim):
        if line.minutes is None or line.basis == MINUTES or line.units < 1 or is_anaesthesia(line.code):
            continue
        table = context.reference.timed_services.need(line.service_date, places)
        row: TimedService | None = table.one(line.code, line.service_date)
        if row is not None:
            timed[line.service_date, row.minutes].append(line)
    for (_, unit), lines in timed.items():
        # minutes of the day's timed services count together (CMS); a unit more or less is a mismatch
        worth = timed_units(sum(line.minutes or 0 for line in lines), unit)
        if sum(line.units for line in lines) == worth:
            continue
        wrong = [line for line in lines if line.units != timed_units(line.minutes or 0, unit)]
        places += [f"line-{line.number}" for line in wrong or lines]
    return places


def px_18(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Anaesthesia is billed in minutes with one modifier of who gave it, and nothing else is billed in minutes."""
    places: Places = []
    for line in procedures(claim):
        if not is_anaesthesia(line.code):
            if line.basis == MINUTES:
                places.append(f"line-{line.number}")
            continue
        in_minutes = line.basis == MINUTES and 0 < line.units <= _MOST_MINUTES
        if not in_minutes or len(_WHO & set(line.modifiers)) != 1:
            places.append(f"line-{line.number}")
    return places


RULES = (
    rule(
        "PX-17",
        R,
        Owner.CODER,
        "CMS claims processing manual, chapter 5, 20.2",
        "Set the units of the line; for a timed service those that its minutes are worth.",
        px_17,
        needs=("timed_services",),
    ),
    rule(
        "PX-18",
        R,
        Owner.CODER,
        "CMS claims processing manual, chapter 12, 50",
        "Bill the minutes from start to end, with one of AA, AD, QK, QX, QY, QZ.",
        px_18,
        form=PROFESSIONAL,
    ),
)
