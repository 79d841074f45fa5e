"""Turns one inbound file into its answers: TA1, 999, 277CA, 277, 835; inside the caller's ledger transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from rcm_deploy.payer.acknowledgement_277ca import GUIDE as GUIDE_277CA
from rcm_deploy.payer.acknowledgement_277ca import Screened, write_277ca
from rcm_deploy.payer.acknowledgement_999 import GUIDE as GUIDE_999
from rcm_deploy.payer.acknowledgement_999 import write_999
from rcm_deploy.payer.adjudicate import Met, RemitClaim, adjudicate, for_next_payer, reverse
from rcm_deploy.payer.agenda import AFTER, PAY, UNANSWERED, Waiting, days_after, dump_waiting
from rcm_deploy.payer.checks import GroupFindings, check_envelope, check_group
from rcm_deploy.payer.claims import Batch, Claim, Party, read_batch
from rcm_deploy.payer.faults import Manner
from rcm_deploy.payer.inquiries import GUIDE as GUIDE_277
from rcm_deploy.payer.inquiries import Inquiry, is_inquiry, read_inquiry, write_277
from rcm_deploy.payer.ledger import Answer, Decided, Due, Ledger
from rcm_deploy.payer.parser import Group, Interchange, Segment, element, parse_file
from rcm_deploy.payer.paying import Payable, pay
from rcm_deploy.payer.requests import MEDICAL_RECORDS, ask
from rcm_deploy.payer.rules import REQUEST_DAYS, TAKE_BACK_DAYS, Aftermath, Payer, Plan, Rules, Verdict
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

AS_ALWAYS = Manner()


@dataclass(slots=True)
class _Outgoing:
    """What the claims of one interchange cause: payables of each payer, and files beside the 835."""

    address: Address
    stem: str
    manner: Manner
    payables: dict[str, list[Payable]] = field(default_factory=dict)
    beside: list[Answer] = field(default_factory=list)


class Desk:
    """Answers inputs with one ledger and one set of rules; `today` fixes the date, else ISA09.

    With `daily` the remittances of a day are held and leave together once the virtual clock has passed it.
    """

    def __init__(
        self, ledger: Ledger, rules: Rules, today: date | None = None, *, daily: bool = False
    ) -> None:
        self.ledger = ledger
        self.rules = rules
        self.today = today
        self.daily = daily

    def answer(self, content: bytes, digest: str, manner: Manner = AS_ALWAYS) -> list[Answer]:
        """Answer every interchange of a file.

        Raises: UnreadableInterchangeError when there is no ISA to answer to.
        """
        answers: list[Answer] = []
        for interchange in parse_file(content):
            answers.extend(self._answer_interchange(interchange, digest, manner))
        return answers

    def remit(self, payables: Sequence[Payable], payer_id: str, address: Address, stem: str) -> list[Answer]:
        """Pay what is due from one payer: its 835 files, and a deposit record for each check with money."""
        return pay(self.ledger, self.rules, payables, payer_id, address, stem)

    def decide(self, claim: Claim, plan: Plan, address: Address, *, replaces: str = "") -> RemitClaim:
        """Adjudicate a claim under a new payer control number, keep the decision, and return it."""
        number = self._payer_control(address)
        return self.decide_as(claim, plan, address, number, replaces=replaces)

    def decide_as(
        self,
        claim: Claim,
        plan: Plan,
        address: Address,
        payer_control: str,
        *,
        duplicate: bool = False,
        replaces: str = "",
    ) -> RemitClaim:
        """Adjudicate a claim under a payer control number that it has already."""
        remit = adjudicate(
            claim,
            plan,
            payer_control=payer_control,
            received=datetime.strptime(address.date, "%Y%m%d").date(),  # noqa: DTZ007 (a calendar date)
            met=self._met(claim, plan),
            duplicate=duplicate,
        )
        remit = replace(remit, replaces=replaces)
        self._add_met(claim, Met(remit.deductible_cents, remit.out_of_pocket_cents))
        self.ledger.keep_decided(Decided(claim, remit, address))
        return remit

    def take_back(self, original: Decided, *, recoup: bool = False) -> Payable:
        """Reverse a standing decision and forget its effects; `recoup` takes the money later (PLB WO)."""
        remit = original.remit
        self.ledger.supersede(remit.payer_control)
        self._add_met(original.claim, Met(-remit.deductible_cents, -remit.out_of_pocket_cents))
        return Payable(original.claim.provider, reverse(remit), recoup=recoup)

    def _answer_interchange(self, interchange: Interchange, digest: str, manner: Manner) -> list[Answer]:
        if interchange.only_answers:
            return []
        header = interchange.header
        code = check_envelope(interchange, already_seen=False)
        if code == "000" and not self.ledger.note_interchange(*(element(header, at) for at in (6, 8, 13))):
            code = check_envelope(interchange, already_seen=True)
        address = address_of(interchange, self._date(interchange))
        self.ledger.advance_clock(address.date)
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
        checked = list(zip(interchange.groups, findings, strict=True))
        batches = [
            read_batch(segments, interchange.delimiters)
            for group, found in checked
            if not is_inquiry(group)
            for segments in _accepted_sets(group, found)
        ]
        if batches:
            answers.extend(self._answer_batches(batches, stem, address, manner))
        inquiries = [
            read_inquiry(segments)
            for group, found in checked
            if is_inquiry(group)
            for segments in _accepted_sets(group, found)
        ]
        if inquiries:
            answers.append(Answer(stem, "277", self._tell_status(inquiries, address)))
        return answers

    def _acknowledge(self, findings: list[GroupFindings], address: Address) -> bytes:
        sets = [
            transaction_set("999", f"{at:04d}", GUIDE_999, write_999(found))
            for at, found in enumerate(findings, start=1)
        ]
        return self._wrap("FA", GUIDE_999, address, sets)

    def _tell_status(self, inquiries: list[Inquiry], address: Address) -> bytes:
        sets = []
        for at, inquiry in enumerate(inquiries, start=1):
            reference = f"{self.ledger.next_number('reference'):09d}"
            body = write_277(inquiry, self.ledger, reference=reference, address=address)
            sets.append(transaction_set("277", f"{at:04d}", GUIDE_277, body))
        return self._wrap("HN", GUIDE_277, address, sets)

    def _answer_batches(
        self, batches: list[Batch], stem: str, address: Address, manner: Manner
    ) -> list[Answer]:
        outgoing = _Outgoing(address, stem, manner)
        screened = [(batch, [self._take_in(claim, outgoing) for claim in batch.claims]) for batch in batches]
        parts = [screened]
        if manner.split:
            parts = [[(batch, [one])] for batch, claims in screened for one in claims]
        answers = [Answer(stem, "277ca", self._tell_intake(part, address)) for part in parts]
        for payer_id, members in outgoing.payables.items():
            for some in [[one] for one in members] if manner.split else [members]:
                answers.extend(self.remit(some, payer_id, address, stem))
        answers.extend(outgoing.beside)
        return answers

    def _tell_intake(self, screened: list[tuple[Batch, list[Screened]]], address: Address) -> bytes:
        sets = []
        for at, (batch, claims) in enumerate(screened, start=1):
            reference = f"{self.ledger.next_number('reference'):09d}"
            body = write_277ca(batch, claims, reference=reference, address=address, rules=self.rules)
            sets.append(transaction_set("277", f"{at:04d}", GUIDE_277CA, body))
        return self._wrap("HN", GUIDE_277CA, address, sets)

    def _take_in(self, claim: Claim, outgoing: _Outgoing) -> Screened:
        payer_id = claim.payer.identifier
        original = None
        if claim.frequency in ("7", "8") and claim.payer_control:
            original = self.ledger.find_decided(payer_id, payer_control=claim.payer_control)
            if original is not None and original.claim.provider.npi != claim.provider.npi:
                original = None  # another provider's claim
        status = screen(claim, self.rules, original_known=original is not None)
        if not status.accepted:
            return Screened(claim, status)
        payer_control = self._payer_control(outgoing.address)
        plan = self.rules.plan_of(claim)
        if plan.verdict is Verdict.SILENCE:
            self.ledger.keep_undecided(claim, outgoing.address, payer_control)
            return Screened(claim, status, payer_control)
        if original is not None:
            self._send(self.take_back(original), payer_id, outgoing, plan.hold_days)
        if claim.frequency == "8":
            return Screened(claim, status, payer_control)
        if plan.verdict is Verdict.ASK_RECORDS:
            self.ledger.keep_undecided(claim, outgoing.address, payer_control)
            outgoing.beside.append(
                self.ask_for(claim, payer_control, MEDICAL_RECORDS, outgoing.address, outgoing.stem)
            )
        else:
            self._adjudicate(claim, plan, payer_control, outgoing, replaces=original is not None)
        return Screened(claim, status, payer_control)

    def _adjudicate(
        self, claim: Claim, plan: Plan, payer_control: str, outgoing: _Outgoing, *, replaces: bool
    ) -> None:
        payer_id, address = claim.payer.identifier, outgoing.address
        duplicate = not replaces and self.ledger.is_decided(payer_id, claim_control=claim.control)
        number = claim.payer_control if replaces else ""
        remit = self.decide_as(claim, plan, address, payer_control, duplicate=duplicate, replaces=number)
        alone = remit.interest_cents if plan.interest_alone else 0
        if alone:
            remit = replace(remit, interest_cents=0)
        self._send(
            Payable(claim.provider, remit, later_interest_cents=alone), payer_id, outgoing, plan.hold_days
        )
        next_payer = self.rules.payer(remit.crosses_to)
        if next_payer is not None:
            self._cross_over(claim, remit, next_payer, outgoing)
        if plan.aftermath is not Aftermath.NONE and remit.paid_cents > 0:
            due = days_after(address.date, TAKE_BACK_DAYS)
            self.ledger.plan_for_later(Due(due, AFTER[plan.aftermath], payer_id, payer_control))

    def _cross_over(self, claim: Claim, remit: RemitClaim, payer: Payer, outgoing: _Outgoing) -> None:
        forwarded = for_next_payer(claim, remit)
        forwarded = replace(forwarded, payer=Party("PR", payer.name, "", "PI", payer.payer_id))
        plan = self.rules.plan_of(forwarded)
        decided = self.decide(forwarded, plan, outgoing.address)
        self._send(Payable(claim.provider, decided), payer.payer_id, outgoing, plan.hold_days)

    def _send(self, payable: Payable, payer_id: str, outgoing: _Outgoing, hold_days: int) -> None:
        """Put a payable into today's 835, or on the agenda when it is held."""
        control = payable.remit.control
        days = max(hold_days, outgoing.manner.hold_days(control), int(self.daily))
        if not days:
            outgoing.payables.setdefault(payer_id, []).append(payable)
            return
        address = outgoing.address
        payload = dump_waiting(Waiting(address, payable=payable))
        due = days_after(address.date, days)
        self.ledger.plan_for_later(Due(due, PAY, payer_id, payable.remit.payer_control, payload))

    def ask_for(self, claim: Claim, payer_control: str, kind: str, address: Address, stem: str) -> Answer:
        """Ask the provider for records or audit a claim; the agenda remembers when nobody answers."""
        request_id = f"RQ{address.date[2:]}{self.ledger.next_number('request'):06d}"
        due = days_after(address.date, REQUEST_DAYS)
        self.ledger.keep_request(request_id, payer_control, kind)
        payer_id = claim.payer.identifier
        self.ledger.plan_for_later(Due(due, UNANSWERED, payer_id, payer_control, request_id))
        return ask(claim, payer_control, kind=kind, request_id=request_id, due_on=due, stem=stem)

    def _met(self, claim: Claim, plan: Plan) -> Met:
        if plan.yearly_deductible_cents or plan.yearly_out_of_pocket_cents:
            return self.ledger.met(*_accumulator(claim))
        return Met()

    def _add_met(self, claim: Claim, more: Met) -> None:
        if more != Met():
            self.ledger.add_met(*_accumulator(claim), more)

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


def _accepted_sets(group: Group, found: GroupFindings) -> list[list[Segment]]:
    if found.verdict == "R":
        return []
    return [
        one.segments for one, verdict in zip(group.sets, found.sets, strict=True) if verdict.verdict != "R"
    ]


def _accumulator(claim: Claim) -> tuple[str, str, str]:
    first, _last = claim.service_dates()
    return claim.payer.identifier, claim.subscriber.identifier, first[:4]


def _stem(interchange: Interchange, digest: str) -> str:
    sender = "".join(filter(str.isalnum, clean(element(interchange.header, 6)))) or "unknown"
    control = "".join(filter(str.isalnum, element(interchange.header, 13))) or "0"
    return f"{sender}-{control}-{digest[:8]}"
