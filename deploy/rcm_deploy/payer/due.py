"""Does what the virtual clock has reached: held payments, take-backs, audits, requests that nobody answered."""

from dataclasses import replace

from rcm_deploy.payer.agenda import (
    AFTER,
    DECIDE_AGAIN,
    PAY,
    UNANSWERED,
    Waiting,
    days_after,
    dump_waiting,
    read_waiting,
)
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.ledger import Answer, Decided, Due
from rcm_deploy.payer.paying import Payable
from rcm_deploy.payer.requests import AUDIT, MEDICAL_RECORDS
from rcm_deploy.payer.rules import PLANS, TAKE_BACK_DAYS, Aftermath, Plan, Verdict
from rcm_deploy.payer.segments import Address

#: What a claim gets whose records never came, and how much less a corrected decision allows.
NO_RECORDS = Plan(verdict=Verdict.DENY, denial_carc="226", denial_remark="N29")
CORRECTION_PERCENT = 15


def answer_due(desk: Desk) -> list[Answer]:
    """Do the earliest due day's agenda: one 835 file for each payer and receiver, and what goes beside it."""
    items = desk.ledger.take_due()
    if not items:
        return []
    day = items[0].due_on
    number = desk.ledger.next_number("due")
    doing = _Doing(desk, day, number)
    for item in items:
        doing.do(item)
    return doing.answers()


class _Doing:
    """One day's agenda in the making."""

    def __init__(self, desk: Desk, day: str, number: int) -> None:
        self.desk = desk
        self.day = day
        self.number = number
        self.payables: dict[tuple[str, str], tuple[Address, list[Payable]]] = {}
        self.beside: list[Answer] = []

    def answers(self) -> list[Answer]:
        found = []
        for (payer_id, _receiver), (address, members) in self.payables.items():
            found.extend(self.desk.remit(members, payer_id, address, self.stem(address)))
        return [*found, *self.beside]

    def stem(self, address: Address) -> str:
        sender = "".join(filter(str.isalnum, address.their_id)) or "unknown"
        return f"{sender}-{self.day}-due{self.number:06d}"

    def dated(self, address: Address) -> Address:
        return replace(address, date=self.day)

    def send(self, payer_id: str, address: Address, *payables: Payable) -> None:
        key = (payer_id, address.their_id)
        self.payables.setdefault(key, (self.dated(address), []))[1].extend(payables)

    def do(self, item: Due) -> None:
        if item.kind == PAY:
            waiting = read_waiting(item.payload)
            if waiting.payable is not None:
                self.send(item.payer_id, waiting.address, waiting.payable)
        elif item.kind == DECIDE_AGAIN:
            waiting = read_waiting(item.payload)
            if waiting.claim is not None:
                address = self.dated(waiting.address)
                plan = _corrected(self.desk.rules.plan_of(waiting.claim))
                remit = self.desk.decide(waiting.claim, plan, address, replaces=item.payer_control)
                self.send(item.payer_id, address, Payable(waiting.claim.provider, remit))
        elif item.kind == UNANSWERED:
            self.nobody_answered(item)
        else:
            decided = self.desk.ledger.find_decided(item.payer_id, payer_control=item.payer_control)
            if decided is not None:  # else it was replaced or voided in the meantime
                self.after_payment(item, decided)

    def after_payment(self, item: Due, decided: Decided) -> None:
        address, claim = self.dated(decided.address), decided.claim
        if item.kind == AFTER[Aftermath.AUDIT]:
            stem = self.stem(address)
            self.beside.append(self.desk.ask_for(claim, item.payer_control, AUDIT, address, stem))
            return
        recoup = item.kind == AFTER[Aftermath.RECOUP]
        self.send(item.payer_id, address, self.desk.take_back(decided, recoup=recoup))
        if item.kind == AFTER[Aftermath.CORRECT]:
            plan = _corrected(self.desk.rules.plan_of(claim))
            remit = self.desk.decide(claim, plan, address, replaces=item.payer_control)
            self.send(item.payer_id, address, Payable(claim.provider, remit))
        elif item.kind == AFTER[Aftermath.REVERSE_THEN_CORRECT]:
            payload = dump_waiting(Waiting(address, claim=claim))
            due = days_after(self.day, TAKE_BACK_DAYS)
            later = Due(due, DECIDE_AGAIN, item.payer_id, item.payer_control, payload)
            self.desk.ledger.plan_for_later(later)

    def nobody_answered(self, item: Due) -> None:
        closed = self.desk.ledger.close_request(item.payload)
        if closed is None:
            return
        payer_control, kind = closed
        if kind == MEDICAL_RECORDS:
            self.decide_waiting(item.payer_id, payer_control, NO_RECORDS)
            return
        decided = self.desk.ledger.find_decided(item.payer_id, payer_control=payer_control)
        if decided is not None:
            payable = self.desk.take_back(decided, recoup=True)
            self.send(item.payer_id, decided.address, payable)

    def decide_waiting(self, payer_id: str, payer_control: str, plan: Plan) -> None:
        waiting = self.desk.ledger.find_undecided(payer_control)
        if waiting is None:
            return
        claim, address = waiting
        remit = self.desk.decide_as(claim, plan, self.dated(address), payer_control)
        self.send(payer_id, address, Payable(claim.provider, remit))


def answer_response(desk: Desk, request_id: str, day: str) -> list[Answer]:
    """Take the provider's answer to a request: records lead to payment, an answered audit to nothing more."""
    closed = desk.ledger.close_request(request_id)
    if closed is None:
        return []
    payer_control, kind = closed
    waiting = desk.ledger.find_undecided(payer_control)
    if kind != MEDICAL_RECORDS or waiting is None:
        return []
    claim, address = waiting
    doing = _Doing(desk, day or address.date, desk.ledger.next_number("due"))
    doing.decide_waiting(claim.payer.identifier, payer_control, PLANS["PF"])
    return doing.answers()


def _corrected(plan: Plan) -> Plan:
    less = max(plan.allowed_percent - CORRECTION_PERCENT, 0)
    return replace(plan, aftermath=Aftermath.NONE, allowed_percent=less)
