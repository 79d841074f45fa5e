"""PX-05, PX-07 to PX-09, PX-11, PX-12: modifiers that are missing, not allowed or contradict each other."""

from datetime import date

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.reference import NotEvaluatedError, Table
from rcm_billing.domain.reference_rows import DiagnosisSide, among
from rcm_billing.domain.rules.lines import is_professional, is_visit, pointed, procedures
from rcm_billing.domain.rules.row import H, R, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext

_MINOR, _MAJOR = ("000", "010"), "090"
_VISIT_ONLY = frozenset({"24", "25", "27", "57"})
#: Modifiers that contradict each other on one line.
_CONTRADICTIONS = tuple(
    frozenset(pair.split())
    for pair in (
        "80 81,80 82,81 82,80 AS,81 AS,82 AS,62 66,62 80,62 82,62 AS,52 53,73 74,53 73,53 74,54 55,54 56,58 78,58 79,"
        "78 79,76 77,24 25,25 57,JW JZ,GA GZ,GA GY,GY GZ,GX GZ,93 95"
    ).split(",")
)
_ASSISTANT = frozenset({"80", "81", "82", "AS"})
_FACILITY_ONLY, _PROFESSIONAL_ONLY = frozenset({"73", "74"}), frozenset({"53"})
_SPLIT = frozenset({"26", "TC"})
_SIDES = frozenset({"RT", "LT"})


def px_05(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A visit on the day of a procedure carries modifier 25, on the day of or before a major one 57."""
    places: Places = []
    lines = procedures(claim)
    visits = [line for line in lines if is_visit(line.code)]
    others = [line for line in lines if not is_visit(line.code)]
    if not visits or not others:
        return places
    for visit in visits:
        marks = set(visit.modifiers)
        if "57" in marks or (not is_professional(claim) and marks & {"25", "27"}):
            continue
        day = visit.service_date
        for other in others:
            gap = (other.service_date - day).days
            if gap not in (0, 1):
                continue
            table = context.reference.fees.need(other.service_date, places)
            fee = table.one(other.code, other.service_date)
            if fee is None:
                continue
            major = fee.global_days == _MAJOR and (is_professional(claim) or gap == 0)
            minor = fee.global_days in _MINOR and gap == 0
            if major or (minor and "25" not in marks):
                places.append(f"line-{visit.number}@{table.name}")
                break
    return places


def px_07(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Modifiers 26 and TC stand on codes that have both parts, one of them a line; a facility bills no 26."""
    places: Places = []
    for line in procedures(claim):
        marks = _SPLIT & set(line.modifiers)
        if not marks:
            continue
        if len(marks) == 2 or ("26" in marks and not is_professional(claim)):
            places.append(f"line-{line.number}")
            continue
        table = context.reference.fees.need(line.service_date, places)
        fee = table.one(line.code, line.service_date)
        if fee is not None and fee.pctc != "1" and not (fee.pctc == "6" and "26" in marks):
            places.append(f"line-{line.number}@{table.name}")
    return places


def _both_sides(codes: list[str], table: Table[DiagnosisSide], day: date) -> bool:
    """Tell whether the diagnoses name the right and the left side."""
    rows = (table.longest(code, day) for code in codes)
    sides = {row.side for row in rows if row is not None}
    return "B" in sides or sides >= {"R", "L"}


def px_08(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A procedure on both sides is billed as the fee schedule says: modifier 50 with one unit, or RT and LT."""
    places: Places = []
    lines = procedures(claim)
    for line in lines:
        marks = set(line.modifiers)
        if "50" in marks and (line.units != 1 or marks & _SIDES):
            places.append(f"line-{line.number}")
            continue
        sides = marks & _SIDES
        if "50" not in marks and len(sides) != 1:
            continue
        table = context.reference.fees.need(line.service_date, places)
        fee = table.one(line.code, line.service_date)
        if fee is None or not fee.bilateral:
            continue
        pair = any(
            other.code == line.code
            and other.service_date == line.service_date
            and (_SIDES - sides) & set(other.modifiers)
            for other in lines
        )
        if "50" in marks:
            wrong = fee.bilateral not in ("1", "3")
        elif fee.bilateral == "2":
            wrong = pair  # the code means both sides already
        elif fee.bilateral != "1" or pair:
            wrong = False
        else:
            named = context.reference.diagnosis_sides.need(line.service_date, places)
            wrong = _both_sides(pointed(claim, line), named, line.service_date)
        if wrong:
            places.append(f"line-{line.number}@{table.name}")
    return places


def _fits(line: ServiceLine) -> bool:
    marks = set(line.modifiers)
    if len(marks) != len(line.modifiers) or any(len(mark) != 2 for mark in marks):
        return False
    if _VISIT_ONLY & marks and not (is_visit(line.code) or line.code[:2] in ("99", "92", "G0")):
        return False
    return len(marks) < 2 or not any(pair <= marks for pair in _CONTRADICTIONS)


def px_09(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every modifier is valid for date and code, agrees with the others, and payment modifiers come first."""
    places: Places = []
    unknown = False
    for line in procedures(claim):
        if not line.modifiers:
            continue
        if not _fits(line):
            places.append(f"line-{line.number}")
            continue
        day = line.service_date
        table = context.reference.modifiers.on(day)
        if table is None:
            levels = context.reference.hcpcs.on(day)
            if levels is None or any(mark.isdigit() for mark in line.modifiers):
                unknown = True
            if levels is not None and any(
                not mark.isdigit() and not levels.has(mark, day) for mark in line.modifiers
            ):
                places.append(f"line-{line.number}@{levels.name}")
            continue
        rows = [table.one(mark, day) for mark in line.modifiers]
        known = [row for row in rows if row is not None]
        ranks = [row.rank for row in known]
        if (
            len(known) < len(rows)
            or ranks != sorted(ranks)
            or any(row.excludes & set(line.modifiers) for row in known)
            or any(row.procedures and not among(line.code, row.procedures) for row in known)
        ):
            places.append(f"line-{line.number}")
    if unknown:
        raise NotEvaluatedError("modifiers", places)
    return places


def px_11(claim: ClaimDocument, context: ScrubContext) -> Places:
    """An assistant, a co-surgeon or a team is allowed for the procedure, with the documents where it needs them."""
    places: Places = []
    for line in procedures(claim):
        marks = set(line.modifiers)
        if not marks & _ASSISTANT and not marks & {"62", "66"}:
            continue
        table = context.reference.fees.need(line.service_date, places)
        fee = table.one(line.code, line.service_date)
        if fee is None:
            continue
        documented = bool(claim.facts.attachments)
        refused = False
        if marks & _ASSISTANT:
            refused = fee.assistant in ("1", "9") or (fee.assistant == "0" and not documented)
        for mark, indicator in (("62", fee.cosurgeon), ("66", fee.team)):
            if mark in marks:
                refused = refused or indicator in ("0", "9") or (indicator == "1" and not documented)
        if refused:
            places.append(f"line-{line.number}@{table.name}")
    return places


def px_12(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A discontinued procedure carries 53 on a professional claim, 73 or 74 on a facility's."""
    wrong = _FACILITY_ONLY if is_professional(claim) else _PROFESSIONAL_ONLY
    return [f"line-{line.number}" for line in procedures(claim) if wrong & set(line.modifiers)]


_MPFS = "CMS physician fee schedule"
RULES = (
    rule(
        "PX-05",
        H,
        Owner.CODER,
        "CMS NCCI policy manual; IOCE edit 21",
        "Add 25 (57 for a major procedure) when the visit was significant and separate, or drop the visit.",
        px_05,
        needs=("mpfs-rvu",),
    ),
    rule(
        "PX-07",
        R,
        Owner.CODER,
        f"{_MPFS}, PC/TC indicator",
        "Remove 26 or TC, or bill the code that has the part.",
        px_07,
        needs=("mpfs-rvu",),
    ),
    rule(
        "PX-08",
        H,
        Owner.CODER,
        f"{_MPFS}, bilateral indicator",
        "Bill both sides as the indicator says: 50 with one unit, or RT and LT.",
        px_08,
        needs=("mpfs-rvu", "diagnosis_sides"),
    ),
    rule(
        "PX-09",
        R,
        Owner.CODER,
        "AMA CPT and CMS HCPCS modifiers",
        "Use valid modifiers that do not contradict each other, those that change payment first.",
        px_09,
        needs=("modifiers", "hcpcs"),
    ),
    rule(
        "PX-11",
        H,
        Owner.CODER,
        f"{_MPFS}, assistant, co-surgeon and team indicators",
        "Remove the modifier, or attach the documents that the indicator asks for.",
        px_11,
        needs=("mpfs-rvu",),
    ),
    rule(
        "PX-12",
        H,
        Owner.CODER,
        "CMS claims processing manual, chapters 12 and 14",
        "Use 53 for the professional's and 73 or 74 for the facility's discontinued procedure.",
        px_12,
    ),
)
