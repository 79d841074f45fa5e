"""Any sequence of decisions, reversals, corrections, payments, refunds, write-offs and undoing keeps the books."""

from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from rcm_billing.domain import settling
from rcm_billing.domain.account import Account
from rcm_billing.domain.claim import CLAIM_STEPS, ClaimState
from rcm_billing.domain.contract import find_variances, held_by_line
from rcm_billing.domain.contract_terms import Contract, Method
from rcm_billing.domain.document import Adjustment
from rcm_billing.domain.errors import IllegalTransition
from rcm_billing.domain.ledger import LedgerAccount, Totals, Transaction
from rcm_billing.domain.posting import (
    Posted,
    order_of,
    post_patient_payment,
    post_payment,
    post_reversal,
)
from rcm_billing.domain.remittance import REVERSAL, PaidClaim, PaidLine
from rcm_billing.domain.settling import WriteOff
from rcm_billing.domain.submission import Step
from rcm_shared.contracts.billing import AccountClosed, PaymentPosted
from rcm_shared.errors import Refused
from rcm_shared.money import Cents
from unit.billing import cases
from unit.billing.test_posting import CHARGE, a_payment, a_sent_claim, an_account, reversal_of

ADJUSTMENT = st.tuples(
    st.sampled_from(["CO", "OA", "PI", "PR"]),
    st.sampled_from(["45", "1", "2", "3", "23", "50", "97", "16", "253", "999"]),
    st.integers(-3000, 9000),
)
ADJUSTMENTS = st.lists(ADJUSTMENT, max_size=4)
RECEIVABLE = st.sampled_from(["patient", "P", "S", "T"])
CONTRACT = Contract(contract_id="K1", effective_from=cases.TODAY, method=Method.PERCENT, percent_bp=7000)
SHOWN = {
    "paid",
    "partially_paid",
    "paid_zero",
    "denied",
    "appealed",
    "crossed_over",
    "reversed",
    "secondary_pending",
    "patient_responsibility",
    "closed",
    "accepted",
}


class Books(RuleBasedStateMachine):
    """One encounter's account in the hands of payers, the patient and billers."""

    account: Account

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.standing: list[Posted] = []
        self.undone: set[UUID] = set()
        self.told = Totals()
        self.told_patient = 0

    def next_id(self) -> UUID:
        self.number += 1
        return cases.encounter_id(1000 + self.number)

    @initialize(secondary=st.booleans())
    def open(self, secondary: bool) -> None:
        self.account = an_account(secondary=secondary)
        self.secondary = secondary

    def apply(self, step: Step) -> bool:
        before = {claim.claim_id: claim.state for claim in self.account.claims}
        for claim in step.account.claims:
            was = before.get(claim.claim_id, claim.state)
            assert claim.state is was or claim.state in CLAIM_STEPS[was]
        if step.problem:
            assert step.account == self.account
            assert step.events == ()
            return False
        for event in step.events:
            if isinstance(event, PaymentPosted):
                self.hear(event)
            if isinstance(event, AccountClosed):
                assert event.charged_cents == event.paid_cents + event.adjusted_cents
        self.account = step.account
        return True

    def hear(self, event: PaymentPosted) -> None:
        """Follow the published facts as another service does."""
        adjusted = sum(a.cents for a in event.adjustments if a.group != "PR")
        self.told = Totals(
            paid=Cents(self.told.paid + event.paid_cents), adjusted=Cents(self.told.adjusted + adjusted)
        )
        by_patient = event.paid_cents if event.source in ("patient", "refund") else 0
        self.told_patient += event.to_patient_cents - by_patient

    @rule(adjustments=ADJUSTMENTS, status=st.sampled_from(["1", "2", "4", "19"]), priced=st.booleans())
    def decide(self, adjustments: list[tuple[str, str, int]], status: str, priced: bool) -> None:
        self.post("P", a_payment(*adjustments, status=status, ordinal=self.number), priced)

    @precondition(lambda self: self.secondary and self.account.totals.insurance_s > 0)
    @rule(adjustments=ADJUSTMENTS)
    def decide_secondary(self, adjustments: list[tuple[str, str, int]]) -> None:
        if self.account.latest("S") is None:
            self.account = self.account.but(build=None).with_claim(a_sent_claim("S", "SUP01"))
        prior = CHARGE - self.account.totals.insurance_s
        self.post("S", a_payment(("OA", "23", prior), *adjustments, status="2", ordinal=self.number), False)

    def post(self, order: str, paid: PaidClaim, priced: bool) -> None:
        claim = self.account.latest(order)
        assert claim is not None
        held = {}
        if priced:
            from rcm_billing.domain.contract import Services

            held = held_by_line(find_variances(CONTRACT, paid, Services(cases.TODAY, "837P")))
        transaction_id = self.next_id()
        decided = order_of(self.account, claim, paid.status)
        try:
            step = post_payment(
                self.account,
                claim,
                paid,
                transaction_id=transaction_id,
                now=cases.NOW,
                appeal_days=120,
                payer_id=claim.payer_id,
                held=held,
            )
        except IllegalTransition:
            return
        if self.apply(step):
            self.standing.append(Posted(decided, paid, self.transaction(transaction_id), transaction_id))

    def transaction(self, transaction_id: UUID) -> Transaction | None:
        return next((t for t in self.account.unposted if t.transaction_id == transaction_id), None)

    @precondition(lambda self: self.standing)
    @rule(data=st.data(), correct=st.booleans(), adjustments=ADJUSTMENTS)
    def reverse(self, data: st.DataObject, correct: bool, adjustments: list[tuple[str, str, int]]) -> None:
        original = data.draw(st.sampled_from(self.standing))
        order = "S" if original.paid.status == "2" and self.account.latest("S") else "P"
        claim = self.account.latest(order)
        assert claim is not None
        step = post_reversal(
            self.account,
            claim,
            reversal_of(original.paid),
            original=original,
            transaction_id=self.next_id(),
            now=cases.NOW,
        )
        if self.apply(step):
            self.standing.remove(original)
            if original.transaction is not None:
                self.undone.add(original.transaction.transaction_id)
            if correct:
                self.post(order, a_payment(*adjustments, ordinal=self.number), False)

    @precondition(lambda self: self.account.totals.patient > 0)
    @rule(part=st.integers(1, 100))
    def patient_pays(self, part: int) -> None:
        cents = max(1, self.account.totals.patient * part // 100)
        self.apply(post_patient_payment(self.account, Cents(cents), transaction_id=self.next_id(), actor="b"))

    @precondition(lambda self: self.account.totals.patient < 0)
    @rule(part=st.integers(1, 120))
    def refund(self, part: int) -> None:
        cents = Cents(max(1, -self.account.totals.patient * part // 100))
        try:
            settling.check_refund(self.account, "patient", cents)
        except Refused:
            assert cents > -self.account.totals.patient
            return
        self.apply(
            settling.refund(
                self.account, "patient", cents, transaction_id=self.next_id(), actor="b", reason="overpaid"
            )
        )

    @rule(receivable=RECEIVABLE, category=st.sampled_from(list(WriteOff)), cents=st.integers(1, 9000))
    def write_off(self, receivable: str, category: WriteOff, cents: int) -> None:
        try:
            settling.check_write_off(self.account, receivable, category, cents, settling.Limits())
        except Refused:
            return
        self.apply(
            settling.write_off(
                self.account,
                receivable,
                category,
                Cents(cents),
                transaction_id=self.next_id(),
                actor="b",
                reason="r",
            )
        )

    @precondition(lambda self: len(self.account.unposted) > 1)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        original = data.draw(st.sampled_from(self.account.unposted))
        if original.transaction_id in self.undone:
            return
        decision = next((p for p in self.standing if p.remitted_id == original.transaction_id), None)
        try:
            step = settling.undo(
                self.account,
                original,
                decision,
                transaction_id=self.next_id(),
                actor="b",
                reason="posted-wrongly",
                now=cases.NOW,
            )
        except Refused:
            return
        if self.apply(step):
            self.undone.add(original.transaction_id)
            if decision is not None:
                self.standing.remove(decision)

    @invariant()
    def every_sum_is_zero_and_the_identity_holds(self) -> None:
        if not hasattr(self, "account"):
            return
        totals = self.account.totals
        entries = [entry for transaction in self.account.unposted for entry in transaction.entries]
        assert sum(entry.cents for entry in entries) == 0
        assert Totals().plus(tuple(entries)) == totals
        assert totals.charged == totals.paid + totals.adjusted + totals.patient + totals.insurance == CHARGE

    @invariant()
    def claims_and_account_are_in_a_legal_state(self) -> None:
        if not hasattr(self, "account"):
            return
        account = self.account
        assert account.claim_state in SHOWN
        assert all(claim.state in ClaimState for claim in account.claims)
        assert (account.waiting_for is None) == (account.claim_state == "closed")
        if account.closed:
            assert account.totals.insurance == account.totals.patient == 0

    @invariant()
    def what_was_told_is_what_the_books_say(self) -> None:
        if not hasattr(self, "account"):
            return
        totals = self.account.totals
        assert (self.told.paid, self.told.adjusted) == (totals.paid, totals.adjusted)
        assert self.told_patient == totals.patient

    @invariant()
    def no_denial_was_written_off_by_itself(self) -> None:
        if not hasattr(self, "account"):
            return
        for transaction in self.account.unposted:
            if transaction.kind == "remittance":
                assert all(e.account is not LedgerAccount.WRITE_OFF for e in transaction.entries)


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)


def test_reversal_of_every_standing_decision_leaves_the_charge_open() -> None:
    account = an_account()
    claim = account.latest("P")
    assert claim is not None
    lines = (
        PaidLine(
            "99213",
            Cents(CHARGE),
            Cents(CHARGE),
            adjustments=(Adjustment(group="CO", code="45", cents=Cents(0)),),
        ),
    )
    paid = PaidClaim(1, "C1", "1", Cents(CHARGE), Cents(CHARGE), Cents(0), lines=lines)
    key = cases.encounter_id(77)
    posted = post_payment(
        account, claim, paid, transaction_id=key, now=cases.NOW, appeal_days=1, payer_id="DHP01"
    ).account
    original = Posted("P", paid, next(t for t in posted.unposted if t.transaction_id == key), key)
    back = post_reversal(
        posted,
        posted.claims[0],
        reversal_of(paid),
        original=original,
        transaction_id=cases.encounter_id(78),
        now=cases.NOW,
    )
    assert back.account.totals == account.totals
    assert reversal_of(paid).status == REVERSAL
