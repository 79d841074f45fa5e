"""Turns one inbound file into its answers: TA1, 999, 277CA, 835; inside the caller's ledger transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rcm_deploy.payer.acknowledgement_277ca import GUIDE as GUIDE_277CA
from rcm_deploy.payer.acknowledgement_277ca import Screened, write_277ca
from rcm_deploy.payer.acknowledgement_999 import GUIDE as GUIDE_999
from rcm_deploy.payer.acknowledgement_999 import write_999
from rcm_deploy.payer.adjudicate import RemitClaim, adjudicate, reverse
from rcm_deploy.payer.checks import GroupFindings, check_envelope, check_group
from rcm_deploy.payer.claims import Batch, Claim, Provider, read_batch
from rcm_deploy.payer.ledger import Answer, Decided, Ledger
from rcm_deploy.payer.parser import Group, Interchange, Segment, element, parse_file
from rcm_deploy.payer.remittance_835 import GUIDE as GUIDE_835
from rcm_deploy.payer.remittance_835 import Check, settle, write_835
from rcm_deploy.payer.rules import Plan, Rules, Verdict
from rcm_deploy.payer.screening import screen
from rcm_deploy.payer.segments import (
    Address,
    address_of,
    clean,
    functional_group,
    interchange_bytes,
    transaction_set,
)
from rcm_deploy.payer.ta1 import write_ta1


@dataclass(frozen=True, slots=True)
class Payable:
    """A decided claim on its way into a check, with its payee."""

    payee: Provider
    remit: RemitClaim


class Desk:
    """Answers inputs with one ledger and one set of rules; `today` fixes the date, else ISA09."""

    def __init__(self, ledger: Ledger, rules: Rules, today: date | None = None) -> None:
        self.ledger = ledger
        self.rules = rules
        self.today = today

    def answer(self, content: bytes, digest: str) -> list[Answer]:
        """Answer every interchange of a file.

        Raises: UnreadableInterchangeError when there is no ISA to answer to.
        """
        answers: list[Answer] = []
        for interchange in parse_file(content):
            answers.extend(self._answer_interchange(interchange, digest))
        return answers

    def remit(self, payables: Sequence[Payable], payer_id: str, address: Address) -> bytes:
        """Write one 835 file: one check for each payee of the payer."""
        payer = self.rules.payers[payer_id]
        by_payee: dict[str, list[Payable]] = {}
        for one in payables:
            by_payee.setdefault(one.payee.npi, []).append(one)
        sets = []
        for at, (npi, members) in enumerate(by_payee.items(), start=1):
            trace = f"{payer_id}{self.ledger.next_number('trace'):08d}"
            remits = tuple(one.remit for one in members)
            carried = self.ledger.carried_cents(payer_id, npi)
            adjustments = settle(remits, carried, trace)
            for adjustment in adjustments:
                self.ledger.add_carried(payer_id, npi, -adjustment.cents)
            check = Check(payer, members[0].payee, trace, address.date, remits, adjustments)
            sets.append(transaction_set("835", f"{at:04d}", "", write_835(check)))
        return self._wrap("HP", GUIDE_835, address, sets)

    def decide(self, claim: Claim, plan: Plan, address: Address, *, duplicate: bool) -> RemitClaim:
        """Adjudicate a claim under a new payer control number, keep the decision, and return it."""
        payer_control = self._payer_control(address)
        return self._decide(claim, plan, address, payer_control, duplicate=duplicate)

    def take_back(self, original: Decided) -> Payable:
        """Reverse a standing decision and forget its effects."""
        remit = original.remit
        self.ledger.supersede(remit.payer_control)
        self._add_deductible(original.claim, -remit.deductible_cents)
        return Payable(original.claim.provider, reverse(remit))

    def _answer_interchange(self, interchange: Interchange, digest: str) -> list[Answer]:
        header = interchange.header
        code = check_envelope(interchange, already_seen=False)
        if code == "000" and not self.ledger.note_interchange(*(element(header, at) for at in (6, 8, 13))):
            code = check_envelope(interchange, already_seen=True)
        address = address_of(interchange, self._date(interchange))
        stem = _stem(interchange, digest)
        answers = []
        if code != "000" or element(header, 14) == "1":
            number = self.ledger.next_number("interchange")
            answers.append(
                Answer(stem, "ta1", interchange_bytes(address, number, write_ta1(interchange, code), 0))
            )
        if code != "000":
            return answers
        findings = [check_group(group, interchange.delimiters) for group in interchange.groups]
        answers.append(Answer(stem, "999", self._acknowledge(findings, address)))
        batches = [
            batch
            for group, found in zip(interchange.groups, findings, strict=True)
            for batch in _accepted_batches(group, found, interchange)
        ]
        if batches:
            answers.extend(self._answer_batches(batches, stem, address))
        return answers

    def _acknowledge(self, findings: list[GroupFindings], address: Address) -> bytes:
        sets = [
            transaction_set("999", f"{at:04d}", GUIDE_999, write_999(found))
            for at, found in enumerate(findings, start=1)
        ]
        return self._wrap("FA", GUIDE_999, address, sets)

    def _answer_batches(self, batches: list[Batch], stem: str, address: Address) -> list[Answer]:
        statuses, payables = [], dict[str, list[Payable]]()
        for at, batch in enumerate(batches, start=1):
            screened = [self._take_in(claim, address, payables) for claim in batch.claims]
            reference = f"{self.ledger.next_number('reference'):09d}"
            body = write_277ca(batch, screened, reference=reference, address=address, rules=self.rules)
            statuses.append(transaction_set("277", f"{at:04d}", GUIDE_277CA, body))
        answers = [Answer(stem, "277ca", self._wrap("HN", GUIDE_277CA, address, statuses))]
        for payer_id, members in payables.items():
            answers.append(Answer(stem, f"835-{payer_id}", self.remit(members, payer_id, address)))
        return answers

    def _take_in(self, claim: Claim, address: Address, payables: dict[str, list[Payable]]) -> Screened:
        payer_id = claim.payer.identifier
        replaces = claim.frequency in ("7", "8")
        known = (
            replaces
            and bool(claim.payer_control)
            and self.ledger.is_decided(payer_id, payer_control=claim.payer_control)
        )
        status = screen(claim, self.rules, original_known=known)
        if not status.accepted:
            return Screened(claim, status)
        payer_control = self._payer_control(address)
        plan = self.rules.plan_for(claim.subscriber.identifier)
        if plan.verdict is not Verdict.SILENCE:
            due = payables.setdefault(payer_id, [])
            if replaces:
                original = self.ledger.find_decided(payer_id, payer_control=claim.payer_control)
                if original is not None:
                    due.append(self.take_back(original))
            if claim.frequency != "8":
                duplicate = not replaces and self.ledger.is_decided(payer_id, claim_control=claim.control)
                remit = self._decide(claim, plan, address, payer_control, duplicate=duplicate)
                due.append(Payable(claim.provider, remit))
        return Screened(claim, status, payer_control)

    def _decide(
        self, claim: Claim, plan: Plan, address: Address, payer_control: str, *, duplicate: bool
    ) -> RemitClaim:
        met = 0
        if plan.yearly_deductible_cents:
            met = self.ledger.deductible_met_cents(*_accumulator(claim))
        remit = adjudicate(
            claim,
            plan,
            payer_control=payer_control,
            received=datetime.strptime(address.date, "%Y%m%d").date(),  # noqa: DTZ007 (a calendar date)
            deductible_met_cents=met,
            duplicate=duplicate,
        )
        self._add_deductible(claim, remit.deductible_cents)
        self.ledger.keep_decided(Decided(claim, remit, address))
        return remit

    def _add_deductible(self, claim: Claim, cents: int) -> None:
        if cents:
            self.ledger.add_deductible(*_accumulator(claim), cents)

    def _payer_control(self, address: Address) -> str:
        return f"{address.date[2:]}{self.ledger.next_number('payer_control'):09d}"

    def _date(self, interchange: Interchange) -> str:
        if self.today is not None:
            return self.today.strftime("%Y%m%d")
        text = element(interchange.header, 9)
        return f"20{text}" if text.isdigit() and len(text) == 6 else "20000101"

    def _wrap(self, code: str, guide: str, address: Address, sets: list[list[Segment]]) -> bytes:
        group = functional_group(code, guide, self.ledger.next_number("group"), address, sets)
        return interchange_bytes(address, self.ledger.next_number("interchange"), group, 1)


def claim_keys(content: bytes) -> list[tuple[str, str]]:
    """Return (CLM01, member id) of every claim of a file, [] when it cannot be read; faults match on it."""
    try:
        interchanges = parse_file(content)
        return [
            (claim.control, claim.subscriber.identifier)
            for interchange in interchanges
            for group in interchange.groups
            for one in group.sets
            for claim in read_batch(one.segments, interchange.delimiters).claims
        ]
    except ValueError:
        return []


def _accepted_batches(group: Group, found: GroupFindings, interchange: Interchange) -> list[Batch]:
    if found.verdict == "R":
        return []
    return [
        read_batch(one.segments, interchange.delimiters)
        for one, verdict in zip(group.sets, found.sets, strict=True)
        if verdict.verdict != "R"
    ]


def _accumulator(claim: Claim) -> tuple[str, str, str]:
    first, _last = claim.service_dates()
    return claim.payer.identifier, claim.subscriber.identifier, first[:4]


def _stem(interchange: Interchange, digest: str) -> str:
    sender = "".join(filter(str.isalnum, clean(element(interchange.header, 6)))) or "unknown"
    control = "".join(filter(str.isalnum, element(interchange.header, 13))) or "0"
    return f"{sender}-{control}-{digest[:8]}"
