"""PX-01 to PX-06: which codes exist on the day, which exclude each other, how many units, which need another."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.history import PriorClaim, PriorService
from rcm_billing.domain.reference import NotEvaluatedError, Table
from rcm_billing.domain.reference_rows import AddOn, Pair
from rcm_billing.domain.rules.lines import (
    ANATOMIC,
    DISTINCT,
    SEPARATE,
    is_medicare,
    is_professional,
    is_visit,
    procedures,
    provider_of,
)
from rcm_billing.domain.rules.row import H, R, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext

_CODE = re.compile(r"[0-9A-Z]\d{3}[0-9A-Z]")
_MAY_NEVER, _MAY_WITH_MODIFIER = "0", "1"
_EACH_LINE = "1"


def px_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every CPT and HCPCS code is valid on its line's date of service."""
    places: Places = []
    unknown = ""
    reference = context.reference
    for line in procedures(claim):
        code, day = line.code, line.service_date
        if not _CODE.fullmatch(code):
            places.append(f"line-{line.number}")
            continue
        level_two = code[0].isalpha() and code[0] != "D"  # D codes are the dentists' own set
        table = (
            reference.hcpcs.on(day) if level_two else reference.cpt.on(day) or reference.procedures.on(day)
        )
        if table is None:
            fees = reference.fees.on(day)
            if fees is None or not fees.has(
                code, day
            ):  # the fee schedule proves a code, it does not disprove one
                unknown = "hcpcs" if level_two else "cpt"
        elif not table.has(code, day):
            places.append(f"line-{line.number}@{table.name}")
    if unknown:
        raise NotEvaluatedError(unknown, places)
    return places


def _days(lines: list[ServiceLine]) -> dict[date, list[ServiceLine]]:
    days: dict[date, list[ServiceLine]] = defaultdict(list)
    for line in lines:
        days[line.service_date].append(line)
    return days


def _are_distinct(first: ServiceLine | PriorService, second: ServiceLine) -> bool:
    """Tell whether a modifier says that two services were distinct, or their sites differ."""
    mine, other = set(first.modifiers), set(second.modifiers)
    return bool(DISTINCT & (mine | other)) or (mine & ANATOMIC) != (other & ANATOMIC)


def px_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """No line is the second column of an NCCI pair beside its first, unless the pair allows a modifier and has one."""
    places: Places = []
    source = context.reference.pairs if is_professional(claim) else context.reference.pairs_hospital
    for day, same in _days(procedures(claim)).items():
        before = _before(claim, same, context.history, day)
        if len(same) + len(before) < 2:
            continue
        table = source.need(day, places)
        if not table.rows:
            continue
        coded: dict[str, list[ServiceLine]] = defaultdict(list)
        for line in same:
            coded[line.code].append(line)
        for column1 in coded:
            for column2 in coded:
                pair = table.one(f"{column1} {column2}", day)
                if pair is not None and pair.modifier in (_MAY_NEVER, _MAY_WITH_MODIFIER):
                    places += _beside(coded[column1], coded[column2], pair, table.name)
        for service in before:
            for line in same:
                pair = table.one(f"{service.code} {line.code}", day)
                if pair is None or pair.modifier not in (_MAY_NEVER, _MAY_WITH_MODIFIER):
                    continue
                if pair.modifier == _MAY_NEVER or not _are_distinct(service, line):
                    places.append(f"line-{line.number}-beside-another-claim@{table.name}")
    return places


def _before(
    claim: ClaimDocument, lines: list[ServiceLine], history: tuple[PriorClaim, ...] | None, day: date
) -> list[PriorService]:
    """Return what the same provider billed for the patient and day on other claims."""
    if not history:
        return []
    npis = {provider_of(claim, line)[0] for line in lines}
    return [
        service
        for prior in history
        if prior.form == claim.form.value
        for service in prior.services
        if service.service_date == day and service.npi in npis
    ]


def _beside(firsts: list[ServiceLine], seconds: list[ServiceLine], pair: Pair, edition: str) -> Iterator[str]:
    for second in seconds:
        for first in firsts:
            if pair.modifier == _MAY_NEVER or not _are_distinct(first, second):
                yield f"line-{second.number}-beside-line-{first.number}@{edition}"
                break  # one first column is enough against a line


def _units_elsewhere(history: tuple[PriorClaim, ...] | None, claim: ClaimDocument, line: ServiceLine) -> int:
    """Return the units of a code that the same provider billed for the same day on other claims."""
    npi, _ = provider_of(claim, line)
    return sum(
        service.units
        for prior in history or ()
        if prior.form == claim.form.value
        for service in prior.services
        if service.code == line.code and service.service_date == line.service_date and service.npi == npi
    )


def px_03(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Units stay within the NCCI limit: of each line (MAI 1), of the day (MAI 2, 3)."""
    places: Places = []
    reference = context.reference
    source = reference.unit_limits if is_professional(claim) else reference.unit_limits_hospital
    for day, same in _days([line for line in procedures(claim) if line.basis == "UN"]).items():
        table = source.need(day, places)
        totals: dict[str, int] = defaultdict(int)
        for line in same:
            totals[line.code] += line.units
        for line in same:
            limit = table.one(line.code, day)
            if limit is None:
                continue
            units = line.units
            if limit.mai != _EACH_LINE:
                units = totals[line.code] + _units_elsewhere(context.history, claim, line)
            if units > limit.units:
                places.append(f"line-{line.number}@{table.name}")
    return places


def _primary_stands(rows: tuple[AddOn, ...], others: set[str], table: Table[AddOn], day: date) -> bool:
    listed = {row.primary for row in rows if row.primary}
    if listed & others:
        return True
    if all(row.type == "1" for row in rows):
        return False
    return any(
        not table.has(code, day) for code in others
    )  # the contractor decides which; some primary it needs


def px_04(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every add-on code stands beside a primary procedure of the same day and provider."""
    places: Places = []
    for day, same in _days(procedures(claim)).items():
        table = context.reference.add_ons.need(day, places)
        for line in same:
            rows = table.of(line.code, day)
            if not rows:
                continue
            others = {other.code for other in same if other.code != line.code}
            npi, _ = provider_of(claim, line)
            others.update(
                service.code
                for prior in context.history or ()
                for service in prior.services
                if service.service_date == day and service.npi == npi and service.code != line.code
            )
            if not _primary_stands(rows, others, table, day):
                places.append(f"line-{line.number}@{table.name}")
    return places


def px_06(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Modifiers 59, XE, XS, XP and XU stand with evidence on a line of a pair that allows one, never on a visit."""
    places: Places = []
    lines = procedures(claim)
    for line in lines:
        marks = SEPARATE & set(line.modifiers)
        if not marks:
            continue
        if len(marks) > 1 or is_visit(line.code) or line.supported is False:
            places.append(f"line-{line.number}")
            continue
        day = line.service_date
        source = context.reference.pairs if is_professional(claim) else context.reference.pairs_hospital
        table = source.need(day, places)
        partners = {other.code for other in lines if other is not line and other.service_date == day}
        if not any(_allows(table, line.code, code, day) for code in partners):
            places.append(f"line-{line.number}@{table.name}")
        elif "59" in marks and is_medicare(claim):
            places.append(f"warn:line-{line.number}")  # CMS prefers the X modifiers, but takes 59
    return places


def _allows(table: Table[Pair], code: str, other: str, day: date) -> bool:
    if code == other:
        return True  # the same procedure at another site or encounter
    for key in (f"{other} {code}", f"{code} {other}"):
        pair = table.one(key, day)
        if pair is not None and pair.modifier == _MAY_WITH_MODIFIER:
            return True
    return False


RULES = (
    rule(
        "PX-01",
        R,
        Owner.CODER,
        "AMA CPT and CMS HCPCS releases",
        "Choose a procedure code that is valid on the date of service.",
        px_01,
        needs=("hcpcs", "cpt", "procedures"),
    ),
    rule(
        "PX-02",
        H,
        Owner.CODER,
        "CMS NCCI procedure-to-procedure edits",
        "Drop the second procedure, or say with a modifier that it was distinct where the pair allows one.",
        px_02,
        needs=("ncci-ptp", "ncci-ptp-hospital"),
    ),
    rule(
        "PX-03",
        H,
        Owner.CODER,
        "CMS NCCI medically unlikely edits",
        "Correct the units, or hold the documentation ready that supports them.",
        px_03,
        needs=("ncci-mue", "ncci-mue-hospital"),
    ),
    rule(
        "PX-04",
        R,
        Owner.CODER,
        "CMS NCCI add-on code edits",
        "Add the primary procedure, or drop the add-on.",
        px_04,
        needs=("ncci-aoc",),
    ),
    rule(
        "PX-06",
        H,
        Owner.CODER,
        "CMS NCCI policy manual, chapter I",
        "Move the modifier to a line of a pair that allows it, or drop it; Medicare prefers X to 59.",
        px_06,
        needs=("ncci-ptp", "ncci-ptp-hospital"),
    ),
)
