"""OP: the facility's outpatient bill."""

from datetime import timedelta

from rcm_shared.contracts.intake import ClaimForm, Setting

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.reference_rows import among
from rcm_billing.domain.rules.inpatient import PAYMENT_WINDOW_DAYS
from rcm_billing.domain.rules.row import INSTITUTIONAL, H, R, rule
from rcm_billing.domain.scrubbing import NotEvaluatedError, Owner, Places, ScrubContext

#: First two digits of the types of bill that say "inpatient": hospital, swing bed, SNF, religious, intermediate care.
_STAY_BILLS = frozenset({"11", "18", "21", "28", "41", "51", "65", "66", "86"})
_ROOM_AND_BOARD = tuple(f"0{group}" for group in range(10, 22))
_CLINIC = "051"
_VISIT_BILLS = frozenset({"13", "85"})
_EMERGENCY_REVENUE = ("045", "0516", "0526", "0762")
_UNSCHEDULED = frozenset({"1", "2", "5"})
_STOPPED = frozenset({"52", "73"})  # the device was never used
_REASON = "reason-for-visit"  # role of a diagnosis
_MEDICARE = frozenset({"MA", "MB"})
_UNRELATED = "51"  # condition code


def _is_stay(claim: ClaimDocument) -> bool:
    return claim.setting is Setting.INPATIENT


def op_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Type of bill, setting and revenue codes belong together."""
    places: Places = []
    if (claim.facility_code in _STAY_BILLS) != _is_stay(claim):
        places.append("CLM05-1")
    wrong = (_CLINIC,) if _is_stay(claim) else _ROOM_AND_BOARD
    places += [f"line-{line.number}" for line in claim.lines if line.revenue_code.startswith(wrong)]
    table = context.reference.revenue_codes.need(claim.service_through, places)
    for line in claim.lines:
        place = f"line-{line.number}"
        row = table.one(line.revenue_code, line.service_date)
        if place not in places and (
            row is None or (row.bill_types and claim.facility_code not in row.bill_types)
        ):
            places.append(place)
    return places


def op_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A revenue code that needs a procedure has one."""
    if _is_stay(claim):
        return []
    table = context.reference.revenue_codes.need(claim.service_through)
    return [
        f"line-{line.number}"
        for line in claim.lines
        if not line.code
        and (row := table.one(line.revenue_code, line.service_date)) is not None
        and row.needs_procedure
    ]


def op_03(claim: ClaimDocument, context: ScrubContext) -> Places:
    """No procedure that is paid for inpatients only stands on an outpatient bill."""
    if _is_stay(claim):
        return []
    table = context.reference.inpatient_only.need(claim.service_through)
    return [f"line-{line.number}" for line in claim.lines if table.has(line.code, line.service_date)]


def op_04(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A procedure that implants a device has the device's code beside it, unless it was stopped."""
    if _is_stay(claim):
        return []
    table = context.reference.device_intensive.need(claim.service_through)
    codes = [line.code for line in claim.lines if line.code]
    return [
        f"line-{line.number}"
        for line in claim.lines
        if line.code
        and not _STOPPED.intersection(line.modifiers)
        and (row := table.one(line.code, line.service_date)) is not None
        and not any(among(code, row.needs) for code in codes)
    ]


def op_05(claim: ClaimDocument, context: ScrubContext) -> Places:
    """An unscheduled outpatient visit says why the patient came."""
    if claim.facility_code not in _VISIT_BILLS or claim.admission_type not in _UNSCHEDULED:
        return []
    if not any(line.revenue_code.startswith(_EMERGENCY_REVENUE) for line in claim.lines):
        return []
    coded = any(diagnosis.role == _REASON for diagnosis in claim.diagnoses)
    return [] if claim.facts.reasons_for_visit or coded else ["HI*APR"]


def op_06(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Outpatient services of the three days before a Medicare patient's admission are on the stay's claim."""
    if claim.coverage.filing_indicator not in _MEDICARE or _UNRELATED in claim.facts.condition_codes:
        return []
    if context.history is None:
        raise NotEvaluatedError("history")
    window = timedelta(days=PAYMENT_WINDOW_DAYS)
    for prior in context.history:
        if prior.form != ClaimForm.INSTITUTIONAL or prior.billing_npi != claim.billing.npi:
            continue
        if _is_stay(claim) == (prior.setting == Setting.INPATIENT):
            continue
        outpatient, admission = prior.service_through, claim.service_from
        if not _is_stay(claim):
            outpatient, admission = claim.service_through, prior.service_from
        if timedelta(0) <= admission - outpatient <= window:
            return ["claim"]
    return []


RULES = (
    rule(
        "OP-01",
        R,
        Owner.BILLER,
        "NUBC, type of bill and revenue codes",
        "Correct the type of bill in the master data or the revenue code of the line.",
        op_01,
        form=INSTITUTIONAL,
        needs=("revenue_codes",),
    ),
    rule(
        "OP-02",
        R,
        Owner.CODER,
        "CMS IOCE 48; Claims Processing Manual ch. 4",
        "Add the procedure code that the revenue code stands for.",
        op_02,
        form=INSTITUTIONAL,
        needs=("revenue_codes",),
    ),
    rule(
        "OP-03",
        H,
        Owner.CODER,
        "CMS IOCE 18; 42 CFR 419.22(n)",
        "Check the procedure; if it is right, the patient's status has to be inpatient.",
        op_03,
        form=INSTITUTIONAL,
        needs=("inpatient_only",),
    ),
    rule(
        "OP-04",
        H,
        Owner.CODER,
        "CMS IOCE 92",
        "Add the device that was implanted, or the modifier of a procedure that was stopped.",
        op_04,
        form=INSTITUTIONAL,
        needs=("device_intensive",),
    ),
    rule(
        "OP-05",
        R,
        Owner.REGISTRATION,
        "NUBC FL 70; 837I TR3 HI*APR",
        "Enter the patient's reason for the visit.",
        op_05,
        form=INSTITUTIONAL,
    ),
    rule(
        "OP-06",
        H,
        Owner.BILLER,
        "42 CFR 412.2(c)(5), three-day payment window",
        "Move the services to the stay's claim, or report condition code 51 when they are not related.",
        op_06,
        form=INSTITUTIONAL,
        needs=("history",),
    ),
)
