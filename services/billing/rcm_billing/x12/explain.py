"""Explain a whole file: one part per transaction type of each interchange, with everything that is wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rcm_billing.x12.exchange import Exchange, TransactionSegments, open_exchange
from rcm_billing.x12.explain_278 import explain_278
from rcm_billing.x12.explain_835 import explain_835
from rcm_billing.x12.explain_837 import explain_837
from rcm_billing.x12.explain_acks import explain_syntax_ack, explain_ta1
from rcm_billing.x12.explain_status import explain_status
from rcm_billing.x12.problems import Problem, Problems, Severity
from rcm_billing.x12.scan import Cut, Scan, scan
from rcm_billing.x12.structure import check_structure
from rcm_billing.x12.views import ClaimView, Explained

UNKNOWN = "unknown"
_CLAIM_GUIDES = {
    "X222": "837P",
    "X098": "837P",
    "X223": "837I",
    "X096": "837I",
    "X224": "837D",
    "X097": "837D",
}
_STATUS_GUIDES = {"X214": "277CA", "X213": "277RFI", "X070": "277U"}
#: Errata that came after the ids that HIPAA adopted; read as those.
_LATER_ERRATA = {"005010X222A2": "005010X222A1", "005010X223A3": "005010X223A2"}
_ADOPTED = {
    "837P": ("005010X222A1",),
    "837I": ("005010X223A2",),
    "837D": ("005010X224A2",),
    "835": ("005010X221A1",),
    "999": ("005010X231A1", "005010X231"),
    "277CA": ("005010X214",),
    "276": ("005010X212",),
    "277": ("005010X212",),
    "278": ("005010X217", "005010X215", "005010X216"),
}


@dataclass(slots=True)
class Part:
    """All transaction sets of one type in one interchange. `version` is the guide, else ISA12."""

    kind: str
    version: str
    control: str
    problems: Problems = field(default_factory=Problems)
    claims: list[ClaimView] = field(default_factory=list)
    transactions: list[dict[str, Any]] = field(default_factory=list)
    cut: Cut | None = None
    guides: set[str] = field(default_factory=set)
    spans: list[tuple[int, int]] = field(
        default_factory=list
    )  # first and last segment of each transaction set

    def covers(self, number: int) -> bool:
        """Return whether the segment belongs to one of the part's transaction sets."""
        return any(first <= number <= last for first, last in self.spans)

    def as_json(self, names: bool = False) -> dict[str, Any]:
        """Return the part as the command line prints it."""
        return {
            "type": self.kind,
            "version": self.version,
            "control_number": self.control,
            "problems": [problem.as_json() for problem in self.problems.listed()],
            "claims": [claim.as_json(names) for claim in self.claims],
            "transactions": self.transactions,
        }


@dataclass(slots=True)
class FileExplained:
    """A file's parts and the text that they were cut from."""

    parts: list[Part]
    scanned: Scan

    @property
    def errors(self) -> int:
        """How many errors the parts hold."""
        return sum(part.problems.errors for part in self.parts)

    @property
    def readable(self) -> bool:
        """Whether anything at all could be explained."""
        return any(part.kind != UNKNOWN for part in self.parts)


def explain(data: bytes) -> FileExplained:
    """Explain bytes of any origin; never raises for what is in them."""
    scanned = scan(data)
    parts = [part for cut in scanned.cuts for part in _parts(cut)]
    seen: set[str] = set()
    for cut in scanned.cuts:
        control = cut.segments[0].get(13).strip() if cut.segments else ""
        if control and control in seen:
            part = next(part for part in parts if part.cut is cut)
            text = "the interchange control number was used before in this file"
            part.problems.warning("interchange-repeated", cut.segments[0], text, 13)
        seen.add(control)
    return FileExplained(parts, scanned)


def _parts(cut: Cut) -> list[Part]:
    exchange = open_exchange(cut)
    found = list(_by_kind(exchange)) if exchange is not None else []
    if not found:
        version = exchange.version if exchange is not None else ""
        found = [Part(UNKNOWN, version, exchange.control if exchange is not None else "")]
    for part in found:
        part.cut = cut
    for flaw in cut.flaws:
        found[0].problems.add(Problem(Severity.ERROR, flaw.code, flaw.tag, flaw.number, 0, flaw.message))
    if exchange is not None:
        for problem in exchange.common.found:
            found[0].problems.add(problem)
    return found


def _by_kind(exchange: Exchange) -> Iterator[Part]:
    parts: dict[str, Part] = {}
    if exchange.ta1:
        part = parts["TA1"] = Part("TA1", exchange.version, exchange.control)
        part.transactions = [explain_ta1(placed, part.problems) for placed in exchange.ta1]
    for transaction in exchange.sets:
        kind = kind_of(transaction)
        if kind not in parts:
            parts[kind] = Part(kind, transaction.guide or exchange.version, exchange.control)
        part = parts[kind]
        part.guides.add(transaction.guide)
        part.spans.append((transaction.segments[0].number, transaction.segments[-1].number))
        check_structure(transaction, part.problems)
        explained = _explain(transaction, kind, part.problems)
        _check_guide(transaction, kind, part.problems)
        part.claims += explained.claims
        frame = {
            "control_number": transaction.control,
            "group": transaction.group,
            "guide": transaction.guide,
        }
        part.transactions.append({**frame, **explained.summary})
    yield from parts.values()


def kind_of(transaction: TransactionSegments) -> str:
    """Return the type as billers call it: 837P, 837I, 837D, 277CA, 277, else ST01."""
    kind, guide = transaction.kind, transaction.guide
    if kind == "837":
        found = next((name for mark, name in _CLAIM_GUIDES.items() if mark in guide), None)
        return found or _claim_kind(transaction)
    if kind == "277":
        found = next((name for mark, name in _STATUS_GUIDES.items() if mark in guide), None)
        purpose = next((s.get(1) for s in transaction.segments if s.tag == "BHT"), "")
        return found or ("277CA" if purpose == "0085" else "277")
    return kind if len(kind) == 3 and kind.isascii() and kind.isdigit() else UNKNOWN


def _claim_kind(transaction: TransactionSegments) -> str:
    tags = {placed.tag for placed in transaction.segments}
    return "837I" if "SV2" in tags or "CL1" in tags else "837D" if "SV3" in tags else "837P"


def _explain(transaction: TransactionSegments, kind: str, problems: Problems) -> Explained:
    match kind:
        case "837P" | "837I" | "837D":
            return explain_837(transaction, kind, problems)
        case "835":
            return explain_835(transaction, problems)
        case "999" | "997":
            return explain_syntax_ack(transaction, problems)
        case "276" | "277" | "277CA":
            return explain_status(transaction, kind, problems)
        case "278":
            return explain_278(transaction, problems)
        case _:
            text = f"only the envelope of a {kind} is checked; its content is not explained"
            problems.warning("not-explained", transaction.segments[0], text)
            return Explained()


def _check_guide(transaction: TransactionSegments, kind: str, problems: Problems) -> None:
    guide, start = transaction.guide, transaction.segments[0]
    adopted = _ADOPTED.get(kind)
    if adopted is None or guide in adopted:
        return
    if guide in _LATER_ERRATA:
        text = f"{guide} is read as {_LATER_ERRATA[guide]}, the one in use"
        problems.warning("guide", start, text, 3)
    elif not guide.startswith("004010"):
        problems.error("guide", start, f"no guide of a {kind} that is in use (such as {adopted[0]})", 3)
