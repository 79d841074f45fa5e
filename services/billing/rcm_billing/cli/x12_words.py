"""Put an explained X12 file into sentences for a biller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rcm_shared.money import dollars

from rcm_billing.x12.explain import UNKNOWN, FileExplained, Part
from rcm_billing.x12.labels import GROUPS
from rcm_billing.x12.problems import Severity
from rcm_billing.x12.views import AdjustmentView, ClaimView, LineView

_WHAT = {
    "837P": "professional claims",
    "837I": "institutional claims",
    "837D": "dental claims",
    "835": "payments",
    "999": "answer to a file's syntax",
    "997": "answer to a file's syntax (older form)",
    "TA1": "answer to an interchange",
    "277CA": "claims accepted or rejected before adjudication",
    "276": "question about the status of claims",
    "277": "status of claims",
    "278": "authorisation of services",
    UNKNOWN: "nothing that can be read",
}


def in_words(file: str, explained: FileExplained, *, names: bool, details: bool) -> Iterator[str]:
    """Yield the lines to print; `details` adds the claims, without it only verdict and findings."""
    yield file
    for part in explained.parts:
        yield ""
        version = f", {part.version}" if part.version else ""
        control = f" (interchange {part.control})" if part.control else ""
        yield f"{part.kind}{version}: {_WHAT.get(part.kind, 'not explained')}{control}"
        if details:
            for transaction in part.transactions:
                yield from _transaction(part, transaction)
            for claim in part.claims:
                yield from _claim(part.kind, claim, names)
        yield from _problems(part)
    yield ""
    warnings = sum(
        problem.severity is Severity.WARNING for part in explained.parts for problem in part.problems.found
    )
    verdict = "does not hold" if explained.errors else "holds"
    yield f"{verdict}: {_count(explained.errors, 'error')}, {_count(warnings, 'warning')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _problems(part: Part) -> Iterator[str]:
    for problem in part.problems.listed():
        yield f"  {problem.severity.value} {problem.code}, {problem.where}: {problem.message}"


def _money(cents: int | None) -> str:
    return "unknown" if cents is None else dollars(cents)


def _transaction(part: Part, transaction: dict[str, Any]) -> Iterator[str]:
    match part.kind:
        case "837P" | "837I" | "837D":
            yield (
                f"  batch {transaction['batch'] or '-'}: {_count(transaction['claims'], 'claim')}, "
                f"charged {_money(transaction['charged_cents'])}"
            )
        case "835":
            yield from _payment(transaction)
        case "TA1":
            note = f", note {transaction['note']}" if transaction["note"] else ""
            yield f"  interchange {transaction['interchange']}: {transaction['status']}{note}"
        case "999" | "997":
            yield from _syntax(transaction["acknowledges"])
        case "276" | "277" | "277CA":
            for level in transaction["levels"]:
                yield from _level(level)
        case "278":
            yield f"  {transaction['purpose']}"
            for refusal in transaction.get("refusals", ()):
                yield f"  refused at level {refusal['level']}: code {refusal['code']}"
        case _:
            yield f"  transaction set {transaction['control_number']}"


def _payment(payment: dict[str, Any]) -> Iterator[str]:
    paid_on = f" on {payment['paid_on']}" if payment.get("paid_on") else ""
    yield (
        f"  payment {payment['trace'] or '-'} from {payment['payer'] or '-'} to {payment['payee'] or '-'}: "
        f"{_money(payment.get('payment_cents'))}{paid_on} by {payment.get('method') or '-'}"
    )
    yield f"    {_count(payment['claims'], 'claim')} paid {_money(payment['claims_paid_cents'])}"
    for one in payment["provider_adjustments"]:
        way = "taken off the payment" if one["cents"] > 0 else "added to the payment"
        reference = f" ({one['reference']})" if one["reference"] else ""
        yield f"    provider adjustment {one['reason']}{reference}: {dollars(abs(one['cents']))} {way}"
    yield "    the payment balances" if payment["balances"] else "    THE PAYMENT DOES NOT BALANCE"


def _syntax(acknowledged: dict[str, Any]) -> Iterator[str]:
    counts = ", ".join(
        f"{acknowledged[name]} {name}"
        for name in ("included", "received", "accepted")
        if acknowledged.get(name) is not None
    )
    control = acknowledged.get("group_control", "-")
    yield f"  group {control} is {acknowledged.get('group_status', 'not judged')}: {counts}"
    for one in acknowledged["sets"]:
        codes = f" (codes {', '.join(one['codes'])})" if one["codes"] else ""
        yield f"  transaction set {one['control_number']} ({one['type']}) is {one['status']}{codes}"
        if one["status"] == "rejected":
            yield "    none of its claims was received: correct and send them as new"
        for error in one["errors"]:
            claim = f", claim {error['claim']}" if error["claim"] else ""
            yield f"    segment {error['position']}, {error['segment']}{claim}: code {error['code'] or '-'}"
            for element in error["elements"]:
                component = f"-{element['component']}" if element["component"] else ""
                yield f"      element {element['element']}{component}: code {element['code']}"


def _level(level: dict[str, Any]) -> Iterator[str]:
    status = f": {level['status']} ({', '.join(level['status_codes'])})" if level["status"] else ""
    reason = f", {level['reason']}" if level["reason"] else ""
    if level["status"] or level["counts"] or level["amounts"]:
        # a provider may be a person, but it is never the patient
        yield f"  {level['level']} {level['name'] or '-'}{status}{reason}"
    for word, count in level["counts"].items():
        amount = level["amounts"].get(f"{word}_cents")
        yield f"    {_count(count, 'claim')} {word}" + (f", {dollars(amount)}" if amount is not None else "")


def _claim(kind: str, claim: ClaimView, names: bool) -> Iterator[str]:
    name = f", {claim.patient}" if names and claim.patient else ""
    what = "event" if kind == "278" else "claim"
    payer = f" (payer's number {claim.payer_control_number})" if claim.payer_control_number else ""
    yield f"  {what} {claim.control_number or '-'}{payer}{name}: {claim.status}{_reasons(claim)}"
    if claim.charged_cents is not None:
        money = f"    charged {_money(claim.charged_cents)}"
        if claim.paid_cents is not None and (kind in ("835", "277") or claim.paid_cents):
            money += f", paid {_money(claim.paid_cents)}"
        if claim.patient_cents:
            money += f", patient {_money(claim.patient_cents)}"
        yield money if claim.balances else f"{money}: DOES NOT BALANCE"
    for other in claim.more.get("other_payers", ()):
        holds = "" if other["balances"] else ": DOES NOT BALANCE"
        yield f"    {other['responsibility']} payer {other['id'] or '-'} paid {_money(other['paid_cents'])}{holds}"
    yield from _adjustments("    ", claim.adjustments)
    if claim.more.get("diagnoses"):
        yield f"    diagnoses {', '.join(claim.more['diagnoses'])}"
    for line in claim.lines:
        yield from _line(line)


def _reasons(claim: ClaimView) -> str:
    parts = [claim.more.get("reason", ""), *claim.more.get("status_codes", ())]
    told = ", ".join(part for part in parts if part)
    return f" ({told})" if told else ""


def _line(line: LineView) -> Iterator[str]:
    code = "-".join(part for part in (line.code, *line.modifiers) if part)
    text = f"    line {line.number} {' '.join(part for part in (line.revenue_code, code) if part) or '-'}"
    if line.service_from:
        text += f" on {line.service_from}"
    if line.status:
        text += f": {line.status}"
    if line.charged_cents is not None:
        text += f", charged {_money(line.charged_cents)}"
    if line.paid_cents:
        text += f", paid {_money(line.paid_cents)}"
    yield text if line.balances else f"{text}: DOES NOT BALANCE"
    yield from _adjustments("      ", line.adjustments)
    if line.remarks:
        yield f"      remarks {', '.join(line.remarks)}"


def _adjustments(indent: str, adjustments: list[AdjustmentView]) -> Iterator[str]:
    for one in adjustments:
        by = f", by {one.payer}" if one.payer else ""
        yield f"{indent}{one.group} {one.code} ({GROUPS.get(one.group, 'unknown group')}{by}): {dollars(one.cents)}"
