"""Explain 837P, 837I and 837D: each claim with its lines and what other payers already did; does it add up.

Rules: CLM02 = sum of lines; per other payer and line SVD02 + CAS(2430) = charge; AMT*D = sum SVD02 - CAS(2320).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rcm_billing.x12.exchange import TransactionSegments
from rcm_billing.x12.labels import FREQUENCY, RESPONSIBILITY
from rcm_billing.x12.problems import Problems
from rcm_billing.x12.scan import Placed
from rcm_billing.x12.values import money, period, shown
from rcm_billing.x12.views import AdjustmentView, ClaimView, Explained, LineView, person

_DIAGNOSES = frozenset({"ABK", "ABF", "BK", "BF"})
_MAX_CONTROL = 20  # CLM01 by the guides
_LINE_LIMIT = {"837P": 50, "837I": 999, "837D": 50}


@dataclass(slots=True)
class _Payer:
    """An other payer of the claim (loop 2320)."""

    segment: Placed
    id: str = ""
    name: str = ""
    paid: int | None = None
    remaining: int | None = None
    adjustments: list[AdjustmentView] = field(default_factory=list)


@dataclass(slots=True)
class _Decided:
    """What one other payer decided on one line (SVD with its CAS)."""

    segment: Placed
    payer: str
    paid: int
    adjusted: int = 0


@dataclass(slots=True)
class _Line:
    segment: Placed
    view: LineView
    pointers: list[str] = field(default_factory=list)
    decided: list[_Decided] = field(default_factory=list)


@dataclass(slots=True)
class _Claim:
    segment: Placed
    view: ClaimView
    kind: str
    payers: list[_Payer] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=list)
    diagnoses: list[str] = field(default_factory=list)


def explain_837(transaction: TransactionSegments, kind: str, problems: Problems) -> Explained:
    """Explain one transaction set of claims; `kind` is 837P, 837I or 837D."""
    reading = _Reading(kind, problems)
    for placed in transaction.segments:
        reading.take(placed)
    reading.close_claim()
    claims = [claim.view for claim in reading.claims]
    seen: set[str] = set()
    for claim in reading.claims:
        control = claim.view.control_number
        if control and control in seen:
            problems.warning(
                "claim-repeated", claim.segment, "CLM01 was used before in this transaction set", 1
            )
        seen.add(control)
    charged = sum(claim.charged_cents or 0 for claim in claims)
    summary = {"batch": reading.batch, "claims": len(claims), "charged_cents": charged}
    return Explained(claims, summary)


class _Reading:
    def __init__(self, kind: str, problems: Problems) -> None:
        self.kind = kind
        self.problems = problems
        self.batch = ""
        self.claims: list[_Claim] = []
        self.claim: _Claim | None = None
        self.line: _Line | None = None
        self.payer: _Payer | None = None
        self.billing = self.order = self.subscriber = self.patient = ""
        self.payer_name = self.payer_id = ""

    def take(self, placed: Placed) -> None:
        if placed.tag == "HL":
            self.close_claim()
            self.open_level(placed)
        elif placed.tag == "CLM":
            self.close_claim()
            self.open_claim(placed)
        elif self.claim is None:
            self.take_level(placed)
        elif placed.tag == "LX":
            self.payer = None
            number = int(placed.get(1)) if re.fullmatch(r"[0-9]{1,6}", placed.get(1)) else 0
            self.line = _Line(placed, LineView(number))
            self.claim.lines.append(self.line)
            if number != len(self.claim.lines):
                text = f"LX01 must be {len(self.claim.lines)}, lines count from 1 in every claim"
                self.problems.error("line-number", placed, text, 1)
        elif self.line is not None:
            self.take_line(placed, self.line)
        else:
            self.take_claim(placed, self.claim)

    def open_level(self, placed: Placed) -> None:
        match placed.get(3):
            case "20":
                self.billing = ""
            case "22":
                self.subscriber = self.patient = self.order = self.payer_name = self.payer_id = ""
            case "23":
                self.patient = ""

    def take_level(self, placed: Placed) -> None:
        match placed.tag, placed.get(1):
            case "BHT", _:
                self.batch = placed.get(3)
            case "NM1", "85":
                self.billing = placed.get(9)
            case "NM1", "IL":
                self.subscriber = person(placed.get(3), placed.get(4))
            case "NM1", "QC":
                self.patient = person(placed.get(3), placed.get(4))
            case "NM1", "PR":
                self.payer_name, self.payer_id = placed.get(3), placed.get(9)
            case "SBR", order:
                self.order = order

    def open_claim(self, placed: Placed) -> None:
        control = placed.get(1)
        self.problems.claim = control
        view = ClaimView(
            control, charged_cents=money(placed, 2, self.problems), paid_cents=0, patient_cents=0
        )
        view.patient = self.patient or self.subscriber
        place, _, frequency, *_ = [*placed.parts(5), "", "", ""]
        view.status = FREQUENCY.get(frequency, "unknown-frequency")
        view.more = {
            "form": self.kind,
            "frequency": frequency,
            "place_or_bill_type": place,
            "responsibility": RESPONSIBILITY.get(self.order, self.order),
            "payer": {"id": self.payer_id, "name": self.payer_name},
            "billing_npi": self.billing,
        }
        if not control:
            self.problems.error("claim-control", placed, "CLM01 is missing", 1)
        elif len(control) > _MAX_CONTROL:
            self.problems.warning("claim-control", placed, "CLM01 is longer than 20 characters", 1)
        if view.charged_cents is None and not placed.get(2):
            self.problems.error("amount", placed, "the total charge is missing", 2)
        elif (view.charged_cents or 0) < 0:
            self.problems.error("negative-charge", placed, "a claim cannot charge less than nothing", 2)
        self.claim = _Claim(placed, view, self.kind)
        self.claims.append(self.claim)

    def take_claim(self, placed: Placed, claim: _Claim) -> None:
        view, payer = claim.view, self.payer
        match placed.tag, placed.get(1):
            case "SBR", _:
                self.payer = _Payer(placed)
                claim.payers.append(self.payer)
            case "CAS", _ if payer is not None:
                payer.adjustments += cas(placed, self.problems)
            case "AMT", "D" if payer is not None:
                payer.paid = money(placed, 2, self.problems)
            case "AMT", "EAF" if payer is not None:
                payer.remaining = money(placed, 2, self.problems)
            case "AMT", "F3" | "F5":
                view.patient_cents = money(placed, 2, self.problems)
            case "NM1", "PR" if payer is not None:
                payer.id, payer.name = placed.get(9), placed.get(3)
            case "REF", "F8" if payer is None:
                view.payer_control_number = placed.get(2)
            case "REF", "G1":
                view.more["authorisation"] = placed.get(2)
            case "REF", "9F":
                view.more["referral"] = placed.get(2)
            case "DTP", "434" | "435":
                first, last = period(placed, 2, 3)
                key = "statement" if placed.get(1) == "434" else "admission"
                view.more[key] = [first, last] if key == "statement" else first
            case "HI", _:
                self.take_codes(placed, claim)

    def take_codes(self, placed: Placed, claim: _Claim) -> None:
        for index in range(1, len(placed.elements)):
            qualifier, code, *_ = [*placed.parts(index), ""]
            if qualifier in _DIAGNOSES and code:
                claim.diagnoses.append(code)
            elif qualifier and not code:
                self.problems.error("code-missing", placed, "a qualifier without a code", index)
        if claim.kind == "837P" and len(claim.diagnoses) > 12:
            self.problems.error("diagnoses", placed, "more than 12 diagnoses")

    def take_line(self, placed: Placed, line: _Line) -> None:
        match placed.tag:
            case "SV1" | "SV2" | "SV3":
                self.service(placed, line)
            case "DTP" if placed.get(1) == "472":
                line.view.service_from, line.view.service_to = period(placed, 2, 3)
            case "REF" if placed.get(1) == "6R":
                line.view.control_number = placed.get(2)
            case "SVD":
                paid = money(placed, 2, self.problems) or 0
                line.decided.append(_Decided(placed, placed.get(1), paid))
            case "CAS" if line.decided:
                decided = line.decided[-1]
                for one in cas(placed, self.problems):
                    decided.adjusted += one.cents
                    line.view.adjustments.append(
                        AdjustmentView(one.group, one.code, one.cents, decided.payer)
                    )
            case "LIN" if placed.get(2) == "N4":
                line.view.more["ndc"] = placed.get(3)

    def service(self, placed: Placed, line: _Line) -> None:
        view = line.view
        line.segment = placed
        code_at, charge_at, units_at = (2, 3, 5) if placed.tag == "SV2" else (1, 2, 4)
        if placed.tag == "SV3":
            units_at = 6
        if placed.tag == "SV2":
            view.revenue_code = placed.get(1)
        if placed.get(code_at):
            _, code, *modifiers = [*placed.parts(code_at), ""]
            view.code, view.modifiers = code, [modifier for modifier in modifiers[:4] if modifier]
            if placed.foreign_separator(code_at):
                text = f'components are separated by ">", ISA16 declares "{placed.component}"'
                self.problems.error("component-separator", placed, text, code_at)
        view.units = placed.get(units_at)
        view.charged_cents = money(placed, charge_at, self.problems)
        if view.charged_cents is None and not placed.get(charge_at):
            self.problems.error("amount", placed, "the charge of the line is missing", charge_at)
        elif (view.charged_cents or 0) < 0:
            self.problems.error(
                "negative-charge", placed, "a line cannot charge less than nothing", charge_at
            )
        if placed.tag == "SV1":
            line.pointers = [part for part in placed.parts(7) if part]
            view.more["pointers"] = line.pointers

    def close_claim(self) -> None:
        if self.claim is not None:
            judge(self.claim, self.problems)
        self.claim, self.line, self.payer = None, None, None
        self.problems.claim = ""


def cas(placed: Placed, problems: Problems) -> list[AdjustmentView]:
    """Read a CAS: up to six triples of reason, amount, quantity; a broken one is reported."""
    group = placed.get(1)
    if group not in ("CO", "PR", "OA", "PI"):
        problems.error("adjustment-group", placed, "the adjustment group is none of CO, PR, OA, PI", 1)
    found = []
    for start in range(2, min(len(placed.elements), 20), 3):
        code, value = placed.get(start), placed.get(start + 1)
        if not code and not value:
            continue
        if not code or not value:
            problems.error("adjustment", placed, "an adjustment needs its reason and its amount", start)
        cents = money(placed, start + 1, problems)
        found.append(AdjustmentView(group, code, cents or 0))
    if not found:
        problems.error("adjustment", placed, "the segment carries no adjustment", 2)
    return found


def judge(claim: _Claim, problems: Problems) -> None:
    """Check sums, pointers and replacement rules of one claim and fill what follows from them."""
    view = claim.view
    view.lines = [line.view for line in claim.lines]
    view.more["diagnoses"] = claim.diagnoses
    if not claim.lines:
        problems.error("no-lines", claim.segment, "the claim has no service line")
        view.balances = False
    if len(claim.lines) > _LINE_LIMIT.get(claim.kind, 999):
        problems.error("line-count", claim.segment, f"more than {_LINE_LIMIT[claim.kind]} lines")
    total = sum(line.view.charged_cents or 0 for line in claim.lines)
    if claim.lines and view.charged_cents != total:
        text = f"the claim charges {shown(view.charged_cents)}, its lines add up to {shown(total)}"
        problems.error("claim-total", claim.segment, text, 2)
        view.balances = False
    if view.more["frequency"] in ("7", "8") and not view.payer_control_number:
        problems.error(
            "no-payer-control", claim.segment, "a replacement or void needs the payer's number in REF*F8"
        )
    for line in claim.lines:
        _judge_line(claim, line, problems)
    others = []
    for payer in claim.payers:
        others.append(_judge_payer(claim, payer, problems))
        view.adjustments += [
            AdjustmentView(one.group, one.code, one.cents, payer.id) for one in payer.adjustments
        ]
    view.paid_cents = sum(payer.paid or 0 for payer in claim.payers)
    if others:
        view.more["other_payers"] = others


def _judge_line(claim: _Claim, line: _Line, problems: Problems) -> None:
    view = line.view
    if view.charged_cents is None and not view.code and not view.revenue_code:
        problems.error("no-service", line.segment, "the line has no SV1, SV2 or SV3")
    if claim.kind == "837P" and not line.pointers and view.code:
        problems.error("pointer", line.segment, "the line points to no diagnosis", 7)
    for pointer in line.pointers:
        if not re.fullmatch(r"[0-9]{1,2}", pointer) or not 1 <= int(pointer) <= len(claim.diagnoses):
            text = f"a pointer outside of 1 to {len(claim.diagnoses)}, the diagnoses of the claim"
            problems.error("pointer", line.segment, text, 7)
            break
    if len(line.pointers) > 4:
        problems.error("pointer", line.segment, "more than 4 pointers", 7)
    by_payer: dict[str, list[_Decided]] = {}
    for decided in line.decided:
        by_payer.setdefault(decided.payer, []).append(decided)
        if decided.payer not in {payer.id for payer in claim.payers}:
            problems.error("cob-payer", decided.segment, "SVD01 names no other payer of the claim", 1)
    for decisions in by_payer.values():
        total = sum(decided.paid + decided.adjusted for decided in decisions)
        if view.charged_cents is not None and total != view.charged_cents:
            text = (
                f"the other payer's payment and adjustments come to {shown(total)}, "
                f"the line charges {shown(view.charged_cents)}"
            )
            problems.error("cob-line", decisions[0].segment, text)
            view.balances = claim.view.balances = False
    view.paid_cents = sum(decided.paid for decided in line.decided)


def _judge_payer(claim: _Claim, payer: _Payer, problems: Problems) -> dict[str, object]:
    adjusted = sum(adjustment.cents for adjustment in payer.adjustments)
    decided = [one for line in claim.lines for one in line.decided if one.payer == payer.id and payer.id]
    holds = True
    if payer.paid is not None:
        by_lines = sum(one.paid for one in decided) - adjusted
        on_lines = sum(one.adjusted for one in decided)
        by_charge = (claim.view.charged_cents or 0) - adjusted - on_lines
        holds = payer.paid == by_charge or (bool(decided) and payer.paid == by_lines)
        # a payer whose adjustments are not told at all cannot be checked: only a warning then
        told = bool(decided or payer.adjustments)
        if not holds:
            expected = by_lines if decided else by_charge
            text = f"the other payer paid {shown(payer.paid)}, its decisions come to {shown(expected)}"
            (problems.error if told else problems.warning)("cob-claim", payer.segment, text)
        holds = holds or not told
    if not holds:
        claim.view.balances = False
    return {
        "id": payer.id,
        "name": payer.name,
        "responsibility": RESPONSIBILITY.get(payer.segment.get(1), payer.segment.get(1)),
        "paid_cents": payer.paid,
        "remaining_cents": payer.remaining,
        "adjustments": [adjustment.as_json() for adjustment in payer.adjustments],
        "balances": holds,
    }
