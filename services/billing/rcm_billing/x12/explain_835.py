"""Explain 835: each payment with its claims, lines, adjustments and provider adjustments; what does not balance.

Rules: SVC02 - CAS(2110) = SVC03; CLP03 - all CAS = CLP04; BPR02 = sum CLP04 - sum PLB. A patient share (CLP05) that
differs from the PR adjustments is outside the balance (X12 RFI 2548).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rcm_billing.x12.exchange import TransactionSegments
from rcm_billing.x12.explain_837 import cas
from rcm_billing.x12.labels import PAYMENT_STATUS
from rcm_billing.x12.problems import Problems
from rcm_billing.x12.scan import Placed
from rcm_billing.x12.values import check_day, day, money, shown
from rcm_billing.x12.views import ClaimView, Explained, LineView, person

_REVERSAL = "22"


@dataclass(slots=True)
class _Claim:
    segment: Placed
    view: ClaimView
    lines: list[tuple[Placed, LineView]] = field(default_factory=list)


@dataclass(slots=True)
class _Reading:
    problems: Problems
    claims: list[_Claim] = field(default_factory=list)
    claim: _Claim | None = None
    line: LineView | None = None
    payment: Placed | None = None
    trace: Placed | None = None
    names: dict[str, str] = field(default_factory=dict)
    provider: list[dict[str, Any]] = field(default_factory=list)

    def take(self, placed: Placed) -> None:
        match placed.tag:
            case "BPR":
                self.payment = placed
            case "TRN":
                self.trace = placed
            case "N1":
                self.names[placed.get(1)] = placed.get(2)
            case "CLP":
                self.close_claim()
                self.open_claim(placed)
            case "SVC" if self.claim is not None:
                self.open_line(placed, self.claim)
            case "LX":
                self.close_claim()
            case "PLB":
                self.close_claim()
                self.take_provider(placed)
            case _ if self.claim is not None:
                self.take_claim(placed, self.claim)
            case "SVC" | "CAS":
                self.problems.error("misplaced-segment", placed, f"{placed.tag} stands outside every claim")

    def open_claim(self, placed: Placed) -> None:
        self.problems.claim = placed.get(1)
        status = PAYMENT_STATUS.get(placed.get(2), "unknown")
        view = ClaimView(
            placed.get(1),
            placed.get(7),
            status,
            charged_cents=money(placed, 3, self.problems) or 0,
            paid_cents=money(placed, 4, self.problems) or 0,
            patient_cents=money(placed, 5, self.problems) or 0,
        )
        view.more = {"status_code": placed.get(2), "filing": placed.get(6), "remarks": []}
        if status == "unknown":
            self.problems.error("claim-status", placed, "CLP02 is no claim status of an 835", 2)
        for index in (1, 3, 4):
            if not placed.get(index):
                self.problems.error("missing-element", placed, f"CLP{index:02d} is missing", index)
        self.claim, self.line = _Claim(placed, view), None
        self.claims.append(self.claim)

    def open_line(self, placed: Placed, claim: _Claim) -> None:
        qualifier, code, *modifiers = [*placed.parts(1), ""]
        view = LineView(len(claim.lines) + 1)
        view.revenue_code = code if qualifier == "NU" else placed.get(4)
        view.code = "" if qualifier == "NU" else code
        view.modifiers = [modifier for modifier in modifiers[:4] if modifier]
        view.units = placed.get(5)
        view.charged_cents = money(placed, 2, self.problems) or 0
        view.paid_cents = money(placed, 3, self.problems) or 0
        if placed.get(6):
            view.more["submitted_code"] = [*placed.parts(6), ""][1]
        if placed.foreign_separator(1):
            text = f'components are separated by ">", ISA16 declares "{placed.component}"'
            self.problems.error("component-separator", placed, text, 1)
        self.line = view
        claim.lines.append((placed, view))
        claim.view.lines.append(view)

    def take_claim(self, placed: Placed, claim: _Claim) -> None:
        line = self.line
        match placed.tag, placed.get(1):
            case "CAS", _:
                target = line.adjustments if line is not None else claim.view.adjustments
                target += cas(placed, self.problems)
            case "NM1", "QC":
                claim.view.patient = person(placed.get(3), placed.get(4))
            case "NM1", "TT":
                claim.view.more["forwarded_to"] = placed.get(3)
            case "DTM", "472" | "150" | "151" if line is not None:
                found = day(placed.get(2))
                text = found.isoformat() if found else ""
                if placed.get(1) != "151":
                    line.service_from = text
                line.service_to = text
            case "REF", "6R" if line is not None:
                line.control_number = placed.get(2)
            case "LQ", "HE" if line is not None:
                line.remarks.append(placed.get(2))
            case "MOA", _:
                claim.view.more["remarks"] += [code for code in placed.elements[3:8] if code]
            case "MIA", _:
                places = (5, 20, 21, 22, 23)
                claim.view.more["remarks"] += [code for code in map(placed.get, places) if code]

    def take_provider(self, placed: Placed) -> None:
        check_day(placed, 2, self.problems)
        for start in range(3, min(len(placed.elements), 15), 2):
            if placed.get(start):
                reason, reference, *_ = [*placed.parts(start), ""]
                cents = money(placed, start + 1, self.problems) or 0
                self.provider.append({"reason": reason, "reference": reference, "cents": cents})

    def close_claim(self) -> None:
        if self.claim is not None:
            _judge(self.claim, self.problems)
        self.claim, self.line = None, None
        self.problems.claim = ""


def explain_835(transaction: TransactionSegments, problems: Problems) -> Explained:
    """Explain one transaction set of payments."""
    reading = _Reading(problems)
    for placed in transaction.segments:
        reading.take(placed)
    reading.close_claim()
    claims = [claim.view for claim in reading.claims]
    bpr, trn = reading.payment, reading.trace
    summary: dict[str, Any] = {
        "payer": reading.names.get("PR", ""),
        "payee": reading.names.get("PE", ""),
        "trace": trn.get(2) if trn is not None else "",
        "claims": len(claims),
        "claims_paid_cents": sum(claim.paid_cents or 0 for claim in claims),
        "provider_adjustments": reading.provider,
        "balances": False,
    }
    if bpr is not None:
        paid = money(bpr, 2, problems)
        if paid is None and not bpr.get(2):
            problems.error("amount", bpr, "the payment amount is missing", 2)
        if bpr.get(3) == "D" and paid is not None:
            paid = -paid
        found = day(bpr.get(16))
        summary["payment_cents"] = paid
        summary["method"] = bpr.get(4)
        summary["paid_on"] = found.isoformat() if found else ""
        summary["balances"] = _check_payment(bpr, paid, summary, problems)
    for role, what in (("PR", "payer"), ("PE", "payee")):
        if role not in reading.names:
            problems.error("missing-segment", transaction.segments[0], f"N1*{role} (the {what}) is missing")
    return Explained(claims, summary)


def _check_payment(bpr: Placed, paid: int | None, summary: dict[str, Any], problems: Problems) -> bool:
    held = sum(one["cents"] for one in summary["provider_adjustments"])
    expected = summary["claims_paid_cents"] - held
    if paid is None:
        return False
    if paid != expected:
        text = (
            f"the payment is {shown(paid)}, the claims come to {shown(summary['claims_paid_cents'])} "
            f"less provider adjustments of {shown(held)}: {shown(expected)}"
        )
        problems.error("payment-balance", bpr, text, 2)
        return False
    if paid < 0:
        problems.error("negative-payment", bpr, "a payment is never less than nothing", 2)
        return False
    if bpr.get(4) == "NON" and paid:
        problems.error("payment-method", bpr, "NON announces no payment, the amount is not zero", 4)
    return True


def _judge(claim: _Claim, problems: Problems) -> None:
    view = claim.view
    adjusted = shares = 0
    for adjustment in view.adjustments:
        adjusted += adjustment.cents
        shares += adjustment.cents if adjustment.group == "PR" else 0
    for placed, line in claim.lines:
        on_line = sum(adjustment.cents for adjustment in line.adjustments)
        shares += sum(adjustment.cents for adjustment in line.adjustments if adjustment.group == "PR")
        adjusted += on_line
        expected = (line.charged_cents or 0) - on_line
        if expected != line.paid_cents:
            text = f"the line charges {shown(line.charged_cents)} less adjustments of {shown(on_line)}: "
            text += f"{shown(expected)}, not the {shown(line.paid_cents)} paid"
            problems.error("line-balance", placed, text, 3)
            line.balances = view.balances = False
    expected = (view.charged_cents or 0) - adjusted
    if expected != view.paid_cents:
        text = f"the claim charges {shown(view.charged_cents)} less adjustments of {shown(adjusted)}: "
        text += f"{shown(expected)}, not the {shown(view.paid_cents)} paid"
        problems.error("claim-balance", claim.segment, text, 4)
        view.balances = False
    lines = sum(line.charged_cents or 0 for _, line in claim.lines)
    if claim.lines and lines != view.charged_cents:
        text = f"the claim charges {shown(view.charged_cents)}, its lines add up to {shown(lines)}"
        problems.error("claim-total", claim.segment, text, 3)
        view.balances = False
    reversal = view.more["status_code"] == _REVERSAL
    if not reversal and shares != view.patient_cents:
        text = f"CLP05 says the patient owes {shown(view.patient_cents)}, the PR adjustments come to {shown(shares)}"
        problems.warning("patient-share", claim.segment, text, 5)
    if reversal and (view.charged_cents or 0) > 0:
        problems.warning("reversal-sign", claim.segment, "a reversal carries every amount negated", 3)
    if not reversal and (view.charged_cents or 0) < 0:
        problems.warning(
            "negative-charge", claim.segment, "a negative charge on a claim that is no reversal", 3
        )
