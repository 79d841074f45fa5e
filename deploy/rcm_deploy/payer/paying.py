"""Pays what is due from one payer to each payee: the 835 file, and the bank's deposit record of each check."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rcm_deploy.payer.adjudicate import RemitClaim
from rcm_deploy.payer.claims import Provider
from rcm_deploy.payer.ledger import Answer, Ledger
from rcm_deploy.payer.remittance_835 import GUIDE, Check, write_835
from rcm_deploy.payer.rules import Payer, Rules
from rcm_deploy.payer.segments import Address, functional_group, interchange_bytes, transaction_set
from rcm_deploy.payer.settlement import FORWARD_BALANCE, OVERPAYMENT, Debt, settle

DEPOSIT = "deposit"


@dataclass(frozen=True, slots=True)
class Payable:
    """A decided claim on its way into a check, with its payee."""

    payee: Provider
    remit: RemitClaim
    recoup: bool = False  # a reversal whose money is taken from a later check
    later_interest_cents: int = 0  # paid by an 835 of its own


def pay(
    ledger: Ledger, rules: Rules, payables: Sequence[Payable], payer_id: str, address: Address, stem: str
) -> list[Answer]:
    """Return one 835 file with a check for each payee, then their deposit records.

    Interest that is paid alone goes into a second 835 file that has provider-level adjustments and no claim.
    """
    checks = [_check(ledger, rules, payer_id, address, members) for members in _by_payee(payables)]
    answers = [_file(ledger, checks, address, stem)]
    alone = [
        _interest_check(ledger, rules, payer_id, address, members)
        for members in _by_payee([one for one in payables if one.later_interest_cents])
    ]
    if alone:
        answers.append(_file(ledger, alone, address, stem))
    answers.extend(_deposit(check, stem) for check in [*checks, *alone] if check.paid_cents)
    return answers


def _by_payee(payables: Sequence[Payable]) -> Iterator[list[Payable]]:
    payees: dict[str, list[Payable]] = {}
    for one in payables:
        payees.setdefault(one.payee.npi, []).append(one)
    yield from payees.values()


def _check(
    ledger: Ledger, rules: Rules, payer_id: str, address: Address, members: Sequence[Payable]
) -> Check:
    payer, payee = _known(rules, payer_id), members[0].payee
    trace = _trace(ledger, payer_id)
    remits = tuple(one.remit for one in members)
    entries = settle(
        remits,
        ledger.list_debts(payer_id, payee.npi),
        trace,
        interest=[(remit.payer_control, remit.interest_cents) for remit in remits],
        recouped=[one.remit for one in members if one.recoup],
    )
    for entry in entries:
        if entry.reason in (FORWARD_BALANCE, OVERPAYMENT):
            ledger.add_debt(payer_id, payee.npi, Debt(entry.reason, entry.reference, -entry.cents))
    ledger.note_issued((remit.payer_control for remit in remits), trace, address.date)
    crosses_to = next((remit.crosses_to for remit in remits if remit.crosses_to), "")
    return Check(payer, payee, trace, address.date, remits, entries, rules.payer(crosses_to))


def _interest_check(
    ledger: Ledger, rules: Rules, payer_id: str, address: Address, members: Sequence[Payable]
) -> Check:
    trace = _trace(ledger, payer_id)
    interest = [(one.remit.payer_control, one.later_interest_cents) for one in members]
    entries = settle((), (), trace, interest=interest)
    return Check(_known(rules, payer_id), members[0].payee, trace, address.date, (), entries)


def _known(rules: Rules, payer_id: str) -> Payer:
    """Return a payer; one that a former run knew and this one does not is named by its id."""
    return rules.payer(payer_id) or Payer(payer_id, payer_id)


def _trace(ledger: Ledger, payer_id: str) -> str:
    return f"{payer_id}{ledger.next_number('trace'):08d}"


def _file(ledger: Ledger, checks: Sequence[Check], address: Address, stem: str) -> Answer:
    sets = [
        transaction_set("835", f"{at:04d}", "", write_835(check)) for at, check in enumerate(checks, start=1)
    ]
    group = functional_group("HP", GUIDE, ledger.next_number("group"), address, sets)
    body = interchange_bytes(address, ledger.next_number("interchange"), group, 1)
    return Answer(stem, f"835-{checks[0].payer.payer_id}", body)


def _deposit(check: Check, stem: str) -> Answer:
    """Write what a bank reports of the payment: a CCD+ entry whose addenda record repeats TRN of the 835."""
    originator = f"1{check.payer.tax_id}"
    record = {
        "deposit_id": f"DEP-{check.trace}",
        "entry_class": "CCD+",
        "payer_id": check.payer.payer_id,
        "originator": originator,
        "trace": check.trace,
        "addenda": f"TRN*1*{check.trace}*{originator}~",
        "payee_npi": check.payee.npi,
        "amount_cents": check.paid_cents,
        "effective_on": f"{check.date[:4]}-{check.date[4:6]}-{check.date[6:]}",
    }
    body = json.dumps(record, indent=1).encode() + b"\n"
    return Answer(stem, f"{DEPOSIT}-{check.payer.payer_id}-{check.trace}", body)
