"""Explain 276 (asking for a claim's status), 277 (the answer) and 277CA (accepted into adjudication or rejected, at
batch, provider or claim level).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from rcm_billing.x12.exchange import TransactionSegments
from rcm_billing.x12.labels import REJECTED_FOR, category_status
from rcm_billing.x12.problems import Problems
from rcm_billing.x12.scan import Placed
from rcm_billing.x12.values import money, period, shown
from rcm_billing.x12.views import ClaimView, Explained, LineView, person

_LEVELS = {"20": "payer", "21": "receiver", "19": "provider"}
_GRAVITY = ("rejected", "error", "denied", "not-found", "information-wanted")


@dataclass(slots=True)
class _Level:
    """One HL: a claim when it has its own TRN at patient level, else batch or provider."""

    segment: Placed
    kind: str
    name: str = ""
    trace: str = ""
    statuses: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    amounts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Reading:
    kind: str
    problems: Problems
    batch: str = ""
    levels: list[_Level] = field(default_factory=list)
    claims: list[ClaimView] = field(default_factory=list)
    claim: ClaimView | None = None
    line: LineView | None = None
    patient: str = ""

    def take(self, placed: Placed) -> None:
        match placed.tag, placed.get(1):
            case "BHT", _:
                self.batch = placed.get(3)
            case "HL", _:
                self.claim = self.line = None
                self.problems.claim = ""
                self.levels.append(_Level(placed, placed.get(3)))
            case "NM1", "IL" | "QC":
                self.patient = person(placed.get(3), placed.get(4))
            case "NM1", _ if self.levels and not self.levels[-1].name:
                self.levels[-1].name = placed.get(3)
            case "TRN", _ if self.levels:
                self.take_trace(placed, self.levels[-1])
            case "STC", _ if self.levels:
                self.take_status(placed, self.levels[-1])
            case "SVC", _ if self.claim is not None:
                self.open_line(placed, self.claim)
            case "REF", _ if self.claim is not None:
                self.take_reference(placed, self.claim)
            case "DTP", "472" if self.claim is not None:
                first, last = period(placed, 2, 3)
                if self.line is not None:
                    self.line.service_from, self.line.service_to = first, last
                else:
                    self.claim.more["service_from"], self.claim.more["service_to"] = first, last
            case "AMT", "T3" if self.claim is not None:
                self.claim.charged_cents = money(placed, 2, self.problems)
            case "AMT", what if self.levels and self.claim is None:
                self.levels[-1].amounts[what] = money(placed, 2, self.problems) or 0
            case "QTY", what if self.levels:
                if re.fullmatch(r"\d{1,9}", placed.get(2)):
                    self.levels[-1].counts[what] = int(placed.get(2))
                else:
                    self.problems.error("count", placed, "not a count", 2)

    def take_trace(self, placed: Placed, level: _Level) -> None:
        level.trace = placed.get(2)
        if level.kind in _LEVELS:
            return
        self.problems.claim = placed.get(2)
        status = "asked" if self.kind == "276" else ""
        self.claim = ClaimView(placed.get(2), status=status, patient=self.patient)
        self.claim.more = {"trace": placed.get(2), "status_codes": []}
        self.line = None
        self.claims.append(self.claim)

    def take_status(self, placed: Placed, level: _Level) -> None:
        statuses = [_status(placed, index, self.problems) for index in (1, 10, 11) if placed.get(index)]
        if not statuses:
            self.problems.error("status", placed, "STC01 is missing", 1)
            return
        action = placed.get(3)
        if self.kind == "277CA" and not any(one["category"].startswith("A") for one in statuses):
            self.problems.error(
                "status-category", placed, "only categories of the A family stand in a 277CA", 1
            )
        if self.kind == "277CA" and action in ("WQ", "U"):
            rejected = _gravest(statuses) == "rejected"
            if rejected != (action == "U"):
                self.problems.warning("status-action", placed, "STC03 contradicts the category in STC01", 3)
        if self.claim is None:
            level.statuses += statuses
            return
        if self.line is not None:
            self.line.status = _gravest(statuses)
            self.line.more.setdefault("status_codes", []).extend(one["code"] for one in statuses)
            return
        claim = self.claim
        level.statuses += statuses
        claim.status = _gravest(level.statuses)
        claim.more["status_codes"] += [one["code"] for one in statuses]
        reason = next((one["reason"] for one in statuses if one["reason"]), "")
        if reason:
            claim.more["reason"] = reason
        charged = money(placed, 4, self.problems)
        claim.charged_cents = charged if claim.charged_cents is None else claim.charged_cents
        paid = money(placed, 5, self.problems)
        claim.paid_cents = paid if claim.paid_cents is None else claim.paid_cents

    def take_reference(self, placed: Placed, claim: ClaimView) -> None:
        match placed.get(1):
            case "1K":
                claim.payer_control_number = placed.get(2)
            case "EJ" if self.kind != "277CA":
                claim.control_number = placed.get(2)
            case "FJ" if self.line is not None:
                self.line.control_number = placed.get(2)
            case "BLT":
                claim.more["bill_type"] = placed.get(2)
            case "D9":
                claim.more["clearinghouse_trace"] = placed.get(2)

    def open_line(self, placed: Placed, claim: ClaimView) -> None:
        qualifier, code, *modifiers = [*placed.parts(1), ""]
        revenue = code if qualifier == "NU" else placed.get(4)
        self.line = LineView(len(claim.lines) + 1, revenue_code=revenue)
        self.line.code = "" if qualifier == "NU" else code
        self.line.modifiers = [modifier for modifier in modifiers[:4] if modifier]
        self.line.charged_cents = money(placed, 2, self.problems)
        self.line.paid_cents = money(placed, 3, self.problems)
        self.line.units = placed.get(7)
        claim.lines.append(self.line)


def explain_status(transaction: TransactionSegments, kind: str, problems: Problems) -> Explained:
    """Explain one 276, 277 or 277CA transaction set."""
    reading = _Reading(kind, problems)
    for placed in transaction.segments:
        reading.take(placed)
    problems.claim = ""
    levels = [
        {
            "level": _LEVELS[level.kind],
            "name": level.name,
            "trace": level.trace,
            "status": _gravest(level.statuses) if level.statuses else "",
            "status_codes": [one["code"] for one in level.statuses],
            "reason": next((one["reason"] for one in level.statuses if one["reason"]), ""),
            "counts": _counted(level.counts),
            "amounts": {_AMOUNTS[what]: cents for what, cents in level.amounts.items() if what in _AMOUNTS},
        }
        for level in reading.levels
        if level.kind in _LEVELS
    ]
    if kind == "277CA":
        _reconcile(reading, problems)
    elif kind == "276" and not reading.claims:
        problems.error("no-claims", transaction.segments[0], "the request asks for no claim: no TRN")
    for claim in reading.claims:
        if kind != "276" and not claim.status:
            problems.error(
                "no-status", transaction.segments[0], f"no STC for the claim {claim.control_number}"
            )
            claim.status = "unknown"
    return Explained(reading.claims, {"batch": reading.batch, "levels": levels})


_COUNTS = {"90": "accepted", "QA": "accepted", "AA": "rejected", "QC": "rejected"}
_AMOUNTS = {"YU": "accepted_cents", "YY": "rejected_cents"}


def _counted(counts: dict[str, int]) -> dict[str, int]:
    return {_COUNTS[what]: count for what, count in counts.items() if what in _COUNTS}


def _status(placed: Placed, index: int, problems: Problems) -> dict[str, Any]:
    category, code, entity, *_ = [*placed.parts(index), "", "", ""]
    if not re.fullmatch(r"[A-Z][0-9]{1,2}", category):
        problems.error("status-category", placed, "the claim status category is unreadable", index)
    elif not code:
        problems.error("status", placed, "a category without its status code", index)
    whole = ":".join(part for part in (category, code, entity) if part)
    status = category_status(category)
    return {"category": category, "code": whole, "status": status, "reason": REJECTED_FOR.get(category, "")}


def _gravest(statuses: list[dict[str, Any]]) -> str:
    words = [str(one["status"]) for one in statuses]
    return next((grave for grave in _GRAVITY if grave in words), words[-1])


def _reconcile(reading: _Reading, problems: Problems) -> None:
    """Compare the counts and amounts of the receiver level with the claims below it."""
    tops = [level for level in reading.levels if level.kind == "21"]
    if len(tops) != 1 or not reading.claims:
        return
    top = tops[0]
    rejected = [claim for claim in reading.claims if claim.status == "rejected"]
    accepted = [claim for claim in reading.claims if claim.status != "rejected"]
    for word, claims, count_as, amount_as in (
        ("accepted", accepted, ("90", "QA"), "YU"),
        ("rejected", rejected, ("AA", "QC"), "YY"),
    ):
        count = next((top.counts[name] for name in count_as if name in top.counts), None)
        if count is not None and count != len(claims):
            text = f"the batch says {count} claims {word}, {len(claims)} are listed"
            problems.warning("batch-count", top.segment, text)
        charged = sum(claim.charged_cents or 0 for claim in claims)
        if amount_as in top.amounts and top.amounts[amount_as] != charged:
            text = (
                f"the batch says {shown(top.amounts[amount_as])} {word}, the claims come to {shown(charged)}"
            )
            problems.warning("batch-amount", top.segment, text)
