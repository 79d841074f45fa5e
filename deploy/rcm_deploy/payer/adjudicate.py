"""Decides what a claim is paid: claim and rules in, a balanced remittance claim out. Pure, no randomness."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from rcm_deploy.payer.claims import Adjustment, Claim, PriorPayment, ServiceLine
from rcm_deploy.payer.rules import TIMELY_FILING_DAYS, VISIT_CODE, Plan, Verdict

PRIMARY, SECONDARY, TERTIARY, DENIED, REVERSAL = "1", "2", "3", "4", "22"


@dataclass(frozen=True, slots=True)
class RemitLine:
    """One SVC: charge - sum of adjustments = paid."""

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


@dataclass(frozen=True, slots=True)
class _Decision:
    paid_cents: int
    allowed_cents: int
    adjustments: tuple[Adjustment, ...]
    remark: str = ""


def adjudicate(
    claim: Claim,
    plan: Plan,
    *,
    payer_control: str,
    received: date,
    deductible_met_cents: int,
    duplicate: bool,
) -> RemitClaim:
    """Decide an accepted claim.

    `duplicate` says that the same CLM01 was adjudicated before as an original; `deductible_met_cents` is what
    the member has met this year. The result names the deductible it used, so that the caller can add it up.
    """
    denial = _denial(claim, plan, received=received, duplicate=duplicate)
    whole = claim.inpatient or (denial is None and _has_only_claim_level_cob(claim))
    units = [_whole_claim(claim)] if whole else claim.lines
    if denial is not None:
        status, decisions = DENIED, [_deny(line, *denial) for line in units]
    elif claim.order in ("S", "T"):
        status = SECONDARY if claim.order == "S" else TERTIARY
        decisions = [_pay_after_other(line, plan) for line in units]
    else:
        status, decisions = PRIMARY, _pay(units, plan, deductible_met_cents)
    adjustments = [adjustment for decision in decisions for adjustment in decision.adjustments]
    date_from, date_to = claim.service_dates()
    return RemitClaim(
        control=claim.control,
        status=status,
        charge_cents=claim.charge_cents,
        paid_cents=sum(decision.paid_cents for decision in decisions),
        patient_cents=sum(adjustment.cents for adjustment in adjustments if adjustment.group == "PR"),
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
        lines=() if whole else tuple(map(_remit_line, units, decisions)),
        deductible_cents=sum(item.cents for item in adjustments if (item.group, item.carc) == ("PR", "1")),
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
                remark="",
            )
            for line in original.lines
        ),
        deductible_cents=-original.deductible_cents,
    )


def _denial(claim: Claim, plan: Plan, *, received: date, duplicate: bool) -> tuple[str, str, str] | None:
    if duplicate:
        return "OA", "18", ""
    if plan.verdict is Verdict.DENY:
        return plan.denial_group, plan.denial_carc, plan.denial_remark
    _first, last = claim.service_dates()
    if last and (received - _as_date(last)).days > TIMELY_FILING_DAYS:
        return "CO", "29", ""
    if claim.order in ("S", "T") and claim.prior is None:
        return "CO", "22", ""
    return None


def _has_only_claim_level_cob(claim: Claim) -> bool:
    return claim.order in ("S", "T") and not all(line.prior for line in claim.lines)


def _whole_claim(claim: Claim) -> ServiceLine:
    prior = claim.prior
    lines_with_prior = [line.prior for line in claim.lines if line.prior]
    if prior is not None and not prior.adjustments and lines_with_prior:
        every = [adjustment for line in lines_with_prior for adjustment in line.adjustments]
        prior = PriorPayment(prior.paid_cents, every)
    return ServiceLine(0, charge_cents=claim.charge_cents, prior=prior)


def _deny(line: ServiceLine, group: str, carc: str, remark: str) -> _Decision:
    return _Decision(0, 0, _nonzero(Adjustment(group, carc, line.charge_cents)), remark)


def _pay(lines: list[ServiceLine], plan: Plan, deductible_met_cents: int) -> list[_Decision]:
    copay_open = plan.visit_copay_cents if any(VISIT_CODE.fullmatch(line.code) for line in lines) else 0
    takes_copay = copay_open > 0
    deductible_open = max(plan.yearly_deductible_cents - deductible_met_cents, 0)
    decisions = []
    for line in lines:
        allowed = _percent(line.charge_cents, plan.allowed_percent)
        deductible = min(deductible_open, allowed)
        deductible_open -= deductible
        copay = coinsurance = 0
        if takes_copay:
            if VISIT_CODE.fullmatch(line.code):
                copay = min(copay_open, allowed - deductible)
                copay_open -= copay
        else:
            coinsurance = _percent(allowed - deductible, plan.coinsurance_percent)
        adjustments = _nonzero(
            Adjustment("CO", "45", line.charge_cents - allowed),
            Adjustment("PR", "1", deductible),
            Adjustment("PR", "2", coinsurance),
            Adjustment("PR", "3", copay),
        )
        decisions.append(_Decision(allowed - deductible - copay - coinsurance, allowed, adjustments))
    return decisions


def _pay_after_other(line: ServiceLine, plan: Plan) -> _Decision:
    prior = line.prior or PriorPayment()
    allowed = _percent(line.charge_cents, plan.allowed_percent)
    open_cents = min(max(prior.patient_cents(), 0), line.charge_cents)
    paid = min(max(allowed - prior.paid_cents, 0), open_cents)
    adjustments = _nonzero(
        Adjustment("OA", "23", line.charge_cents - open_cents), Adjustment("PR", "2", open_cents - paid)
    )
    return _Decision(paid, allowed, adjustments)


def _remit_line(line: ServiceLine, decision: _Decision) -> RemitLine:
    return RemitLine(
        qualifier=line.qualifier,
        code=line.code,
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
    )


def _percent(cents: int, percent: int) -> int:
    return (cents * percent + 50) // 100


def _nonzero(*adjustments: Adjustment) -> tuple[Adjustment, ...]:
    return tuple(adjustment for adjustment in adjustments if adjustment.cents)


def _negated(adjustments: tuple[Adjustment, ...]) -> tuple[Adjustment, ...]:
    return tuple(replace(adjustment, cents=-adjustment.cents) for adjustment in adjustments)


def _as_date(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 (a calendar date, no instant)
