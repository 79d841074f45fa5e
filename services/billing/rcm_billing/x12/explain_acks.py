"""Explain what says whether a file arrived: TA1 for an interchange, 999 (and the older 997) for its transaction
sets. Neither says anything about the merits of a claim.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from rcm_billing.x12.exchange import TransactionSegments
from rcm_billing.x12.labels import SYNTAX
from rcm_billing.x12.problems import Problems
from rcm_billing.x12.scan import Placed
from rcm_billing.x12.views import ClaimView, Explained


def explain_ta1(placed: Placed, problems: Problems) -> dict[str, Any]:
    """Explain one TA1: which interchange, accepted or not, and the note code (000 is none)."""
    status, note = placed.get(4), placed.get(5)
    if status not in ("A", "E", "R"):
        problems.error("ack-code", placed, "TA104 must be A, E or R", 4)
    if not re.fullmatch(r"\d{9}", placed.get(1).strip()):
        problems.error("interchange-control", placed, "TA101 must be nine digits", 1)
    if not re.fullmatch(r"\d{3}", note):
        problems.error("note-code", placed, "TA105 must be three digits", 5)
    elif (status == "A") != (note == "000"):
        problems.error("note-code", placed, "TA105 is 000 exactly when the interchange was accepted", 5)
    return {
        "interchange": placed.get(1).strip(),
        "status": SYNTAX.get(status, "unknown"),
        "note": "" if note == "000" else note,
    }


@dataclass(slots=True)
class _Set:
    """One AK2 .. IK5."""

    kind: str
    control: str
    status: str = "unknown"
    codes: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "type": self.kind,
            "control_number": self.control,
            "status": self.status,
            "codes": self.codes,
            "errors": self.errors,
        }


def explain_syntax_ack(transaction: TransactionSegments, problems: Problems) -> Explained:
    """Explain one 999 or 997: the verdict per transaction set and where its errors lie."""
    sets: list[_Set] = []
    group: dict[str, Any] = {}
    for placed in transaction.segments:
        current = sets[-1] if sets else None
        match placed.tag:
            case "AK1":
                group = {"functional_group": placed.get(1), "group_control": placed.get(2)}
            case "AK2":
                if current is not None and not current.closed:
                    problems.error("no-verdict", placed, "the set before has no IK5")
                sets.append(_Set(placed.get(1), placed.get(2)))
            case "IK3" | "AK3" | "IK4" | "AK4" | "CTX" if current is not None:
                _place(placed, current, problems)
            case "IK5" | "AK5" if current is not None:
                current.status, current.closed = _verdict(placed, problems), True
                current.codes = [code for code in placed.elements[2:7] if code]
            case "AK9":
                group["group_status"] = _verdict(placed, problems)
                group["codes"] = [code for code in placed.elements[5:10] if code]
                group |= _counts(placed, sets, problems)
    if sets and not sets[-1].closed:
        problems.error("no-verdict", transaction.segments[-1], "the last set has no IK5")
    summary = {"acknowledges": {**group, "sets": [one.as_json() for one in sets]}}
    return Explained(_claims(sets), summary)


def _verdict(placed: Placed, problems: Problems) -> str:
    status = SYNTAX.get(placed.get(1), "unknown")
    if status == "unknown":
        problems.error("ack-code", placed, f"{placed.name}01 is no verdict", 1)
    return status


def _place(placed: Placed, current: _Set, problems: Problems) -> None:
    if placed.tag in ("IK3", "AK3"):
        error = {
            "segment": placed.get(1),
            "position": placed.get(2),
            "loop": placed.get(3),
            "code": placed.get(4),
            "claim": "",
            "elements": [],
        }
        current.errors.append(error)
    elif placed.tag == "CTX":
        label, value, *_ = [*placed.parts(1), ""]
        if label == "CLM01" and current.errors:
            current.errors[-1]["claim"] = value
    elif not current.errors:
        problems.error("misplaced-segment", placed, f"{placed.tag} without the segment that it belongs to")
    else:
        element, component, *_ = [*placed.parts(1), ""]
        # IK404 repeats the bad value of the element; it may be a name and is left out
        found = {"element": element, "component": component, "code": placed.get(3)}
        current.errors[-1]["elements"].append(found)


def _counts(placed: Placed, sets: list[_Set], problems: Problems) -> dict[str, Any]:
    numbers: list[int | None] = []
    for index in (2, 3, 4):
        text = placed.get(index)
        holds = bool(re.fullmatch(r"\d{1,6}", text))
        numbers.append(int(text) if holds else None)
        if not holds:
            problems.error("count", placed, "not a count of transaction sets", index)
    included, received, accepted = numbers
    good = sum(one.status in ("accepted", "accepted-with-errors") for one in sets)
    if accepted is not None and received is not None and accepted > received:
        problems.error("count", placed, "more transaction sets accepted than received", 4)
    if sets and received == len(sets) and accepted is not None and accepted != good:
        problems.warning("count", placed, f"AK904 says {accepted} sets accepted, the verdicts say {good}", 4)
    if received is not None and len(sets) > received:
        problems.warning("count", placed, f"AK903 says {received} sets received, {len(sets)} are judged", 3)
    return {"included": included, "received": received, "accepted": accepted}


def _claims(sets: list[_Set]) -> list[ClaimView]:
    """Claims that an error names by CTX; the set's verdict is the claim's, for a rejected set lost them all."""
    found: dict[str, ClaimView] = {}
    for one in sets:
        for error in one.errors:
            control = str(error["claim"])
            if control and control not in found:
                more = {"segment": error["segment"], "code": error["code"]}
                found[control] = ClaimView(control, status=one.status, more=more)
    return list(found.values())
