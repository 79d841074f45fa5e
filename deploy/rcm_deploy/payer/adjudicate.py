"""Decides what a claim is paid: claim and rules in, a balanced remittance claim out. Pure, no randomness."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from rcm_deploy.payer.claims import Adjustment, Claim, PriorPayment, ServiceLine
from rcm_deploy.payer.edits import Denial, allowed_cents, deny_claim, deny_line, lower_level
from rcm_deploy.payer.rules import VISIT_CODE, Plan

PRIMARY, SECONDARY, TERTIARY, DENIED, REVERSAL = "1", "2", "3", "4", "22"
CROSSED_OVER = "19"
_STATUS = {"S": SECONDARY, "T": TERTIARY}

#: A recoded visit is allowed this much of what the submitted level is allowed.
RECODED_PERCENT = 80


@dataclass(frozen=True, slots=True)
class RemitLine:
    """One SVC: charge - sum of adjustments = paid. `submitted` is set when the payer paid another code."""

    qualifier: str
    code: str
    modifiers: tuple[str, ...]
    revenue: str
    units: str
    date_from: str
    date_to: str
    control: str
    charge_cents: int
    paid_cents: int
    allowed_cents: int
    adjustments: tuple[Adjustment, ...]
    remark: str = ""
    submitted: str = ""
    submitted_units: str = ""


@dataclass(frozen=True, slots=True)
class RemitClaim:
    """One CLP: charge - claim adjustments - line adjustments = paid. Without lines it was paid as a whole."""

    control: str
    status: str
    charge_cents: int
    paid_cents: int
    patient_cents: int
    filing_indicator: str
    payer_control: str
    facility_type: str
    frequency: str
    drg: str
    patient_last: str
    patient_first: str
    member_id: str
    subscriber_last: str
    subscriber_first: str
    date_from: str
    date_to: str
    adjustments: tuple[Adjustment, ...]
    lines: tuple[RemitLine, ...]
    deductible_cents: int = 0
    out_of_pocket_cents: int = 0
    remarks: tuple[str, ...] = ()
    covered_days: int = 0  # of an inpatient stay, else 0
    allowed_cents: int = 0
    crosses_to: str = ""
    interest_cents: int = 0
    replaces: str = ""  # payer control number of the decision it takes the place of


@dataclass(frozen=True, slots=True)
class Met:
    """What a member has met this year."""

    deductible_cents: int = 0
    out_of_pocket_cents: int = 0


@dataclass(frozen=True, slots=True)
class _Decision:
    paid_cents: int
    allowed_cents: int
    adjustments: tuple[Adjustment, ...]
    remark: str = ""
    claim_remark: str = ""
    code: str = ""


def adjudicate(
    claim: Claim,
    plan: Plan,
    *,
    payer_control: str,
    received: date,
    met: Met,
    duplicate: bool,
) -> RemitClaim:
    """Decide an accepted claim.

    `duplicate` says that the same CLM01 was adjudicated before as an original; `met` is what the member has
    met this year. The result names the deductible and share it used, so that the caller can add them up.
    """
    denial = deny_claim(claim, plan, received=received, duplicate=duplicate)
    whole = claim.inpatient or (denial is None and _has_only_claim_level_cob(claim))
    units = [_whole_claim(claim)] if whole else claim.lines
    denials = [denial or deny_line(claim, line, plan) for line in units]
    decisions = _decide(claim, units, denials, plan, met)
    adjustments = [adjustment for decision in decisions for adjustment in decision.adjustments]
    patient = sum(adjustment.cents for adjustment in adjustments if adjustment.group == "PR")
    shares = sum(one.cents for one in adjustments if one.group == "PR" and one.carc in ("1", "2", "3"))
    lines = [] if whole else list(map(_remit_line, units, decisions))
    date_from, date_to = claim.service_dates()
    remarks = {decision.claim_remark for decision in decisions} | (
        {decision.remark for decision in decisions} if whole else set()
    )
    paid = sum(decision.paid_cents for decision in decisions)
    return RemitClaim(
        control=claim.control,
        status=_status(claim, plan, denials, paid),
        charge_cents=claim.charge_cents,
        paid_cents=paid,
        patient_cents=patient,
        filing_indicator=claim.filing_indicator,
        payer_control=payer_control,
        facility_type=claim.facility_type,
        frequency=claim.frequency,
        drg=claim.drg,
        patient_last=claim.patient.last,
        patient_first=claim.patient.first,
        member_id=claim.subscriber.identifier,
        subscriber_last=claim.subscriber.last,
        subscriber_first=claim.subscriber.first,
        date_from=date_from,
        date_to=date_to,
        adjustments=tuple(adjustments) if whole else (),
        lines=tuple(_split(lines) if plan.splits else lines),
        deductible_cents=sum(item.cents for item in adjustments if (item.group, item.carc) == ("PR", "1")),
        out_of_pocket_cents=shares if claim.order == "P" else 0,
        remarks=tuple(sorted(remarks - {""})),
        covered_days=_days(date_from, date_to) if claim.inpatient else 0,
        allowed_cents=sum(decision.allowed_cents for decision in decisions),
        crosses_to=plan.crosses_to if _crosses(claim, plan, paid) else "",
        interest_cents=plan.interest_cents if paid else 0,
    )


def reverse(original: RemitClaim) -> RemitClaim:
    """Undo a decision: status 22, the original groups, every amount negated."""
    return replace(
        original,
        status=REVERSAL,
        charge_cents=-original.charge_cents,
        paid_cents=-original.paid_cents,
        patient_cents=0,
        adjustments=_negated(original.adjustments),
        lines=tuple(
            replace(
                line,
                charge_cents=-line.charge_cents,
                paid_cents=-line.paid_cents,
                allowed_cents=-line.allowed_cents,
                adjustments=_negated(line.adjustments),
                units="",
                submitted_units="",
                remark="",
            )
            for line in original.lines
        ),
        deductible_cents=-original.deductible_cents,
        out_of_pocket_cents=-original.out_of_pocket_cents,
        remarks=(),
        covered_days=0,
        crosses_to="",
        interest_cents=0,
    )


def for_next_payer(claim: Claim, remit: RemitClaim) -> Claim:
    """Return the claim as a crossover hands it to the next payer: what was paid and adjusted with it."""
    if not remit.lines:
        prior = PriorPayment(remit.paid_cents, list(remit.adjustments))
        return replace(claim, order="S", prior=prior)
    lines = [
        replace(line, prior=PriorPayment(paid.paid_cents, list(paid.adjustments)))
        for line, paid in zip(claim.lines, remit.lines, strict=True)
    ]
    return replace(claim, order="S", prior=PriorPayment(remit.paid_cents), lines=lines)


def _decide(
    claim: Claim, units: Sequence[ServiceLine], denials: Sequence[Denial | None], plan: Plan, met: Met
) -> list[_Decision]:
    open_lines = [line for line, denial in zip(units, denials, strict=True) if denial is None]
    if claim.order in ("S", "T"):
        paid = iter([_pay_after_other(line, plan) for line in open_lines])
    else:
        paid = iter(_pay(open_lines, plan, met))
    return [
        _deny(line, denial) if denial is not None else next(paid)
        for line, denial in zip(units, denials, strict=True)
    ]


def _status(claim: Claim, plan: Plan, denials: Sequence[Denial | None], paid_cents: int) -> str:
    if all(denials):
        return plan.denied_status
    if _crosses(claim, plan, paid_cents):
        return CROSSED_OVER
    return _STATUS.get(claim.order, PRIMARY)


def _crosses(claim: Claim, plan: Plan, paid_cents: int) -> bool:
    return bool(plan.crosses_to) and claim.order == "P" and paid_cents > 0


def _has_only_claim_level_cob(claim: Claim) -> bool:
    return claim.order in ("S", "T") and not all(line.prior for line in claim.lines)


def _whole_claim(claim: Claim) -> ServiceLine:
    prior = claim.prior
    lines_with_prior = [line.prior for line in claim.lines if line.prior]
    if prior is not None and not prior.adjustments and lines_with_prior:
        every = [adjustment for line in lines_with_prior for adjustment in line.adjustments]
        prior = PriorPayment(prior.paid_cents, every)
    return ServiceLine(0, charge_cents=claim.charge_cents, prior=prior)


def _deny(line: ServiceLine, denial: Denial) -> _Decision:
    adjustments = _nonzero(Adjustment(denial.group, denial.carc, line.charge_cents))
    return _Decision(0, 0, adjustments, denial.remark, denial.claim_remark)


def _pay(lines: Sequence[ServiceLine], plan: Plan, met: Met) -> list[_Decision]:
    copay_open = plan.visit_copay_cents if any(VISIT_CODE.fullmatch(line.code) for line in lines) else 0
    takes_copay = copay_open > 0
    deductible_open = max(plan.yearly_deductible_cents - met.deductible_cents, 0)
    limit = plan.yearly_out_of_pocket_cents
    share_open = max(limit - met.out_of_pocket_cents, 0) if limit else None
    decisions = []
    for line in lines:
        allowed = full = allowed_cents(line, plan)
        code = lower_level(line.code) if plan.recodes else line.code
        if code != line.code:
            allowed = _percent(full, RECODED_PERCENT)
        room = allowed if share_open is None else min(allowed, share_open)
        deductible = min(deductible_open, room)
        deductible_open -= deductible
        copay = coinsurance = 0
        if takes_copay:
            if VISIT_CODE.fullmatch(line.code):
                copay = min(copay_open, room - deductible)
                copay_open -= copay
        else:
            coinsurance = min(_percent(allowed - deductible, plan.coinsurance_percent), room - deductible)
        share = deductible + copay + coinsurance
        if share_open is not None:
            share_open -= share
        withheld = _percent(allowed - share, plan.withheld_percent)
        adjustments = _nonzero(
            Adjustment("CO", "45", line.charge_cents - full),
            Adjustment("CO", "150", full - allowed),
            Adjustment("PI", "104", withheld),
            Adjustment("PR", "1", deductible),
            Adjustment("PR", "2", coinsurance),
            Adjustment("PR", "3", copay),
        )
        decisions.append(_Decision(allowed - share - withheld, allowed, adjustments, code=code))
    return decisions


def _pay_after_other(line: ServiceLine, plan: Plan) -> _Decision:
    prior = line.prior or PriorPayment()
    allowed = allowed_cents(line, plan)
    open_cents = min(max(prior.patient_cents(), 0), line.charge_cents)
    paid = min(max(allowed - prior.paid_cents, 0), open_cents)
    adjustments = _nonzero(
        Adjustment("OA", "23", line.charge_cents - open_cents), Adjustment("PR", "2", open_cents - paid)
    )
    return _Decision(paid, allowed, adjustments)


def _remit_line(line: ServiceLine, decision: _Decision) -> RemitLine:
    recoded = bool(decision.code) and decision.code != line.code
    return RemitLine(
        qualifier=line.qualifier,
        code=decision.code if recoded else line.code,
        modifiers=line.modifiers,
        revenue=line.revenue,
        units=line.units,
        date_from=line.date_from,
        date_to=line.date_to,
        control=line.control,
        charge_cents=line.charge_cents,
        paid_cents=decision.paid_cents,
        allowed_cents=decision.allowed_cents,
        adjustments=decision.adjustments,
        remark=decision.remark,
        submitted=line.code if recoded else "",
        submitted_units=line.units if recoded else "",
    )


def _split(lines: Sequence[RemitLine]) -> list[RemitLine]:
    """Report the first line that divides as two, both with its line control number and its units as submitted."""
    for at, line in enumerate(lines):
        halves = _halves(line)
        if halves and all(half.paid_cents >= 0 for half in halves):
            return [*lines[:at], *halves, *lines[at + 1 :]]
    return list(lines)


def _halves(line: RemitLine) -> list[RemitLine]:
    units = int(line.units) if line.units.isdigit() else 0
    first_units = units // 2 or 1
    halves = [
        replace(
            line,
            charge_cents=line.charge_cents // 2,
            allowed_cents=line.allowed_cents // 2,
            adjustments=tuple(replace(one, cents=one.cents // 2) for one in line.adjustments),
            units=str(first_units),
            submitted_units=line.units,
        )
    ]
    halves.append(
        replace(
            line,
            charge_cents=line.charge_cents - halves[0].charge_cents,
            allowed_cents=line.allowed_cents - halves[0].allowed_cents,
            adjustments=tuple(
                replace(one, cents=one.cents - half.cents)
                for one, half in zip(line.adjustments, halves[0].adjustments, strict=True)
            ),
            units=str(max(units - first_units, 1)),
            submitted_units=line.units,
        )
    )
    if not line.charge_cents:
        return []
    return [
        replace(
            half,
            adjustments=_nonzero(*half.adjustments),
            paid_cents=half.charge_cents - sum(one.cents for one in half.adjustments),
        )
        for half in halves
    ]


def _days(first: str, last: str) -> int:
    if not (first and last):
        return 1
    days = (
        datetime.strptime(last, "%Y%m%d") - datetime.strptime(first, "%Y%m%d")  # noqa: DTZ007
    ).days
    return max(days, 1)


def _percent(cents: int, percent: int) -> int:
    return (cents * percent + 50) // 100


def _nonzero(*adjustments: Adjustment) -> tuple[Adjustment, ...]:
    return tuple(adjustment for adjustment in adjustments if adjustment.cents)


def _negated(adjustments: tuple[Adjustment, ...]) -> tuple[Adjustment, ...]:
    return tuple(replace(adjustment, cents=-adjustment.cents) for adjustment in adjustments)
