"""Explain 278: a request for authorisation of services and the payer's decision on each event and service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rcm_billing.x12.exchange import TransactionSegments
from rcm_billing.x12.labels import REVIEW
from rcm_billing.x12.problems import Problems
from rcm_billing.x12.scan import Placed
from rcm_billing.x12.values import money, period
from rcm_billing.x12.views import ClaimView, Explained, LineView, person

_PURPOSE = {"13": "request", "11": "response", "01": "cancellation", "36": "authority to deduct"}


@dataclass(slots=True)
class _Reading:
    problems: Problems
    response: bool = False
    purpose: str = ""
    kind: str = ""
    patient: str = ""
    trace: str = ""
    claims: list[ClaimView] = field(default_factory=list)
    event: ClaimView | None = None
    line: LineView | None = None
    refused: list[dict[str, str]] = field(default_factory=list)

    def take(self, placed: Placed) -> None:
        match placed.tag, placed.get(1):
            case "BHT", _:
                self.purpose = _PURPOSE.get(placed.get(2), placed.get(2))
                self.response = placed.get(2) == "11"
            case "HL", _:
                self.open_level(placed)
            case "NM1", "IL" | "QC":
                self.patient = person(placed.get(3), placed.get(4))
                if self.event is not None:
                    self.event.patient = self.patient
            case "AAA", _:
                self.take_refusal(placed)
            case "TRN", _:
                if self.event is not None and self.line is None and not self.event.control_number:
                    self.event.control_number = placed.get(2)
            case "HCR", _:
                self.take_decision(placed)
            case "UM", what if self.event is not None and self.line is None:
                self.event.more["request"] = what
                self.event.more["certification_type"] = placed.get(2)
                self.event.more["service_type"] = placed.get(3)
            case "HI", _ if self.event is not None:
                codes = [placed.parts(index) for index in range(1, len(placed.elements))]
                self.event.more["diagnoses"] += [parts[1] for parts in codes if len(parts) > 1 and parts[1]]
            case "DTP", "472" | "AAH" if self.event is not None:
                first, last = period(placed, 2, 3)
                if self.line is not None:
                    self.line.service_from, self.line.service_to = first, last
                else:
                    self.event.more["service_from"], self.event.more["service_to"] = first, last
            case "REF", "BB" if self.event is not None and self.line is None:
                self.event.payer_control_number = self.event.payer_control_number or placed.get(2)
            case (("SV1" | "SV2" | "SV3"), _) if self.line is not None:
                self.take_service(placed, self.line)

    def open_level(self, placed: Placed) -> None:
        self.kind = placed.get(3)
        if self.kind == "EV":
            self.event = ClaimView("", status="unknown" if self.response else "requested")
            self.event.patient = self.patient
            self.event.more = {"diagnoses": [], "refusals": []}
            self.claims.append(self.event)
            self.line = None
        elif self.kind == "SS" and self.event is not None:
            self.line = LineView(len(self.event.lines) + 1, status="" if self.response else "requested")
            self.event.lines.append(self.line)
        else:
            self.event = self.line = None

    def take_refusal(self, placed: Placed) -> None:
        refusal = {"code": placed.get(3), "follow_up": placed.get(4)}
        if self.event is None:
            self.refused.append({**refusal, "level": self.kind})
        else:
            self.event.more["refusals"].append(refusal)
            (self.line or self.event).status = "rejected"

    def take_decision(self, placed: Placed) -> None:
        status = REVIEW.get(placed.get(1), "unknown")
        if status == "unknown":
            self.problems.error("review-code", placed, "HCR01 is no decision", 1)
        if self.event is None:
            self.problems.error("misplaced-segment", placed, "a decision outside of every event")
        elif self.line is not None:
            self.line.status = status
            self.line.more["certification_number"] = placed.get(2)
        else:
            self.event.status = status
            self.event.payer_control_number = placed.get(2)

    def take_service(self, placed: Placed, line: LineView) -> None:
        code_at, charge_at, units_at = (2, 3, 5) if placed.tag == "SV2" else (1, 2, 4)
        if placed.tag == "SV2":
            line.revenue_code = placed.get(1)
        _, code, *modifiers = [*placed.parts(code_at), ""]
        line.code, line.modifiers = code, [modifier for modifier in modifiers[:4] if modifier]
        line.charged_cents = money(placed, charge_at, self.problems)
        line.units = placed.get(units_at if placed.tag != "SV3" else 6)


def explain_278(transaction: TransactionSegments, problems: Problems) -> Explained:
    """Explain one 278; every event (HL EV) is one entry, every service (HL SS) one line of it."""
    reading = _Reading(problems)
    for placed in transaction.segments:
        reading.take(placed)
    if not reading.claims and not reading.refused:
        problems.error(
            "no-event", transaction.segments[0], "the transaction set holds no event and no refusal"
        )
    for event in reading.claims:
        if event.status == "unknown":
            decided = {line.status for line in event.lines if line.status}
            event.status = (
                decided.pop() if len(decided) == 1 else "decided-by-service" if decided else "unknown"
            )
    summary: dict[str, Any] = {"purpose": reading.purpose}
    if reading.refused:
        summary["refusals"] = reading.refused
    return Explained(reading.claims, summary)
