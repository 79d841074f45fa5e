"""rcm remit: what an 835 would post to the ledger, by the same reading, balance check and posting rules as the
service, without any server.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rcm_billing.domain.remittance import PaidClaim
    from rcm_billing.x12.reader import TransactionSet

FAILED = 1
USAGE = 2

app = typer.Typer(no_args_is_help=True, help="Remittances (835) without any server.")


@app.callback()
def remittances() -> None:
    """Remittances (835) without any server."""


@app.command()
def post(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An 835, or - for standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be posted.")] = False,
    next_payer: Annotated[
        bool,
        typer.Option("--next-payer", help="The patient's share goes to a next payer, not to the patient."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON on stdout.")] = False,
) -> None:
    """Show the ledger entries and denials of every claim payment; a running system posts from its exchange folder.

    Exit 1 when a payment would be set aside: unreadable, incomplete or out of balance. Nothing is posted in part.
    """
    if not dry_run:
        print(
            "rcm: without a running system only --dry-run; a system posts what lies in its from_payer folder",
            file=sys.stderr,
        )
        raise typer.Exit(USAGE)
    show_plan(file, read_file(file), next_payer=next_payer, as_json=as_json)


def read_file(file: str) -> bytes:
    """Return the bytes of a file, or of standard input for "-"; ends the command when it cannot be read."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        print(f"rcm: {file} cannot be read: {error.strerror or 'unreadable'}", file=sys.stderr)
        raise typer.Exit(USAGE) from None


def show_plan(file: str, data: bytes, *, next_payer: bool, as_json: bool) -> None:
    """Print what an 835 would post; ends with 1 when a payment of it would be set aside."""
    payments, reason = plan(data, "S" if next_payer else None)
    if as_json:
        print(json.dumps({"file": file, "reason": reason, "payments": payments}), flush=True)
    else:
        _in_words(file, payments, reason)
    if reason or any(payment["reason"] for payment in payments):
        raise typer.Exit(FAILED)


def plan(data: bytes, next_order: str | None) -> tuple[list[dict[str, Any]], str]:
    """Return one plan per 835 transaction set, and why nothing at all could be read ("" when something was)."""
    from rcm_billing.domain.errors import Unreadable
    from rcm_billing.x12.reader import read_interchanges

    try:
        interchanges = read_interchanges(data)
    except Unreadable as error:
        return [], error.code
    sets = [one for interchange in interchanges for one in interchange.sets if one.kind == "835"]
    return [_payment(one, next_order) for one in sets], "" if sets else "no-835"


def _payment(transaction: TransactionSet, next_order: str | None) -> dict[str, Any]:
    from rcm_billing.domain.errors import BillingError
    from rcm_billing.domain.remittance import check_balance
    from rcm_billing.x12.remittance_835 import read_835

    shape: dict[str, Any] = {"control_number": transaction.control, "reason": "", "claims": []}
    if not transaction.count_holds:
        return {**shape, "reason": "incomplete: SE is missing or its count is wrong"}
    try:
        remittance = read_835(transaction)
        shape |= {"trace": remittance.trace, "payment_cents": remittance.payment_cents}
        check_balance(remittance)
    except BillingError as error:
        return {**shape, "reason": error.code}
    claims = [_claim(claim, next_order) for claim in remittance.claims]
    provider = [
        {"reason": one.reason, "reference": one.reference, "cents": one.cents}
        for one in remittance.provider_adjustments
    ]
    return {**shape, "claims": claims, "provider_adjustments": provider}


def _claim(claim: PaidClaim, next_order: str | None) -> dict[str, Any]:
    from uuid import UUID

    from rcm_billing.domain.remittance import ORDER_OF_STATUS, POSTABLE, REVERSAL, plan_posting

    shape: dict[str, Any] = {
        "control_number": claim.claim_control,
        "payer_control_number": claim.payer_control,
        "status": claim.status,
        "outcome": "posted",
        "entries": [],
        "denied": [],
    }
    if claim.status == REVERSAL:
        return {
            **shape,
            "outcome": "undoes the stored posting when it is its exact inverse, else to a person",
        }
    if claim.status not in POSTABLE:
        return {**shape, "outcome": "set aside for a person: the status posts nothing"}
    order = ORDER_OF_STATUS.get(claim.status, "P")
    nobody = UUID(int=0)
    onward = next_order if next_order and next_order > order else None
    planned = plan_posting(claim, transaction_id=nobody, claim_id=nobody, order=order, next_order=onward)
    entries = planned.transaction.entries if planned.transaction is not None else ()
    shape["entries"] = [
        {"account": entry.account.value, "group": entry.group, "code": entry.reason, "cents": entry.cents}
        for entry in entries
    ]
    shape["denied"] = [
        {"line": one.line, "group": one.group, "code": one.carc, "cents": one.cents, "category": one.category}
        for one in planned.denied
    ]
    return shape


def _in_words(file: str, payments: list[dict[str, Any]], reason: str) -> None:
    from rcm_shared.money import dollars

    print(file)
    if reason:
        print(f"  nothing can be posted: {reason}")
    for payment in payments:
        money = dollars(payment["payment_cents"]) if "payment_cents" in payment else "unknown amount"
        print(f"  payment {payment.get('trace') or payment['control_number']}: {money}")
        if payment["reason"]:
            print(f"    set aside, nothing of it is posted: {payment['reason']}")
        for claim in payment["claims"]:
            print(f"    claim {claim['control_number']} (status {claim['status']}): {claim['outcome']}")
            for entry in claim["entries"]:
                why = f" {entry['group']} {entry['code']}" if entry["group"] else ""
                print(f"      {entry['account']}{why}: {dollars(entry['cents'])}")
            for one in claim["denied"]:
                where = f"line {one['line']}" if one["line"] else "the claim"
                print(
                    f"      {where} denied {dollars(one['cents'])}: {one['group']} {one['code']}, {one['category']}"
                )
        for one in payment.get("provider_adjustments", ()):
            print(f"    provider account {one['reason']}: {dollars(one['cents'])}")
