"""Posts claim payments on their claims: collects what a chunk does to accounts, ledger and queue, then writes it."""

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg
from rcm_shared.contracts.billing import UnderpaymentFound
from rcm_shared.ids import derived_uuid
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.domain import ledger
from rcm_billing.domain.account import Account, Claim
from rcm_billing.domain.contract import Services, Variance, contract_of, find_variances, held_by_line
from rcm_billing.domain.errors import BillingError
from rcm_billing.domain.ledger import LedgerAccount, Transaction
from rcm_billing.domain.matching import Match, day_of
from rcm_billing.domain.posting import NO_ORIGINAL, Posted, order_of, post_payment, post_reversal
from rcm_billing.domain.remittance import REVERSAL, PaidClaim, Payment, negates
from rcm_billing.domain.submission import SYSTEM, Step
from rcm_billing.handlers.acknowledging import emit
from rcm_billing.handlers.contents import word
from rcm_billing.handlers.denial_triage import follow as follow_denials
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.matching import Found
from rcm_billing.handlers.statements import follow_balance
from rcm_billing.repository import RemittedClaim, Unmatched, payer_files, variances
from rcm_billing.repository.variances import VarianceRow

_DEFAULT_APPEAL_DAYS = 120
_NOBODY = UUID(int=0)
_RULES = {
    "unknown-claim": "CLP01, CLP07, REF*6R or code, date, charge and member name one claim",
    "weak-match": "a number that a payer repeats needs another fact that agrees",
    "charge-mismatch": "CLP03 is the charge of the claim, or of some of its lines",
    "more-than-open": "a payer settles at most what is open with it",
    NO_ORIGINAL: "a reversal undoes a posted decision",
    "reversal-differs": "a reversal repeats its decision with every amount negated",
    "status-not-postable": "CLP02 is 1, 2, 3, 4, 19, 20, 21 or 22",
    "claim-not-sent": "a payer decides a claim that was sent",
    "superseded-claim": "a payer decides the version in force",
}


async def list_posted(conn: asyncpg.Connection, claim_ids: Iterable[UUID]) -> dict[UUID, list[Posted]]:
    """Return the standing decisions of claims, with what was posted for them."""
    ids = list(claim_ids)
    if not ids:
        return {}
    decisions = await repository.list_decisions(conn, ids)
    later = await variances.list_accepted(conn, [d.remitted_id for d in decisions])
    wanted = [d.transaction_id for d in decisions if d.transaction_id]
    transactions = await repository.get_transactions(
        conn, [*wanted, *(one for several in later.values() for one in several)]
    )
    found: dict[UUID, list[Posted]] = {}
    for d in decisions:
        posted = Posted(
            d.payer_order,
            d.paid,
            transactions.get(d.transaction_id) if d.transaction_id else None,
            d.remitted_id,
            tuple(transactions[one] for one in later.get(d.remitted_id, ()) if one in transactions),
        )
        found.setdefault(d.claim_id, []).append(posted)
    return found


class Poster:
    """Collects the effects of up to CHUNK claim payments before they are written."""

    def __init__(
        self,
        deps: Deps,
        uow: UnitOfWork,
        digest: bytes,
        accounts: dict[UUID, Account],
        posted: dict[UUID, list[Posted]],
        parked: dict[UUID, list[tuple[UUID, Payment, PaidClaim]]],
    ) -> None:
        self._deps, self._uow, self._digest = deps, uow, digest
        self._accounts, self._posted, self._parked = accounts, posted, parked
        self._changed: dict[UUID, Account] = {}
        self._remitted: list[RemittedClaim] = []
        self._reversed: list[tuple[UUID, UUID]] = []
        self._aside: list[Unmatched] = []
        self._unapplied: list[Transaction] = []
        self._ended: list[UUID] = []
        self._variances: list[VarianceRow] = []

    @classmethod
    async def over(cls, deps: Deps, uow: UnitOfWork, digest: bytes, found: Sequence[Found]) -> "Poster":
        """Lock the accounts that the payments touch, and read what reversals among them may undo."""
        conn = uow.conn
        matches = [(one.paid, one.match.candidate) for one in found if one.match is not None]
        accounts = await repository.load_accounts(conn, sorted({c.encounter_id for _, c in matches}))
        await uow.follow(accounts)
        posted = await list_posted(conn, {c.claim_id for paid, c in matches if paid.status == REVERSAL})
        parked: dict[UUID, list[tuple[UUID, Payment, PaidClaim]]] = {}
        for row in await payer_files.list_parked(conn, [c.claim_id for _, c in matches]):
            payment = await repository.find_payment(conn, row["remit_key"])
            if payment is not None:
                reversal = repository.PAID_CLAIM.validate_json(row["body"])
                parked.setdefault(row["claim_id"], []).append((row["unmatched_id"], payment, reversal))
        return cls(deps, uow, digest, accounts, posted, parked)

    def take(self, payment: Payment, found: Found) -> None:
        """Apply one claim payment, or put it aside with the reason."""
        paid, match = found.paid, found.match
        if match is None:
            self._put_aside(payment, found, "weak-match" if found.candidates else "unknown-claim")
            return
        problem = self.post(payment, paid, match)
        if problem:
            self._put_aside(payment, found, problem)
        elif paid.status != REVERSAL:
            self._apply_parked(match)

    def post(
        self,
        payment: Payment,
        paid: PaidClaim,
        match: Match,
        *,
        money: LedgerAccount = LedgerAccount.DEPOSIT,
        again: str = "",
    ) -> str:
        """Post one claim payment on its claim; return why it may not be posted ("" when it was).

        `again` tells a second posting of the same claim payment from the first, after a person undid that.
        """
        claim_id, key = match.candidate.claim_id, match.candidate.encounter_id
        account = self._accounts.get(key)
        claim = account.claim(claim_id) if account is not None else None
        if account is None or claim is None:
            return "unknown-claim"
        remitted_id = derived_uuid(claim_id, f"{payment.key}|{paid.ordinal}|{paid.status}{again}")
        original: Posted | None = None
        found: tuple[Variance, ...] = ()
        try:
            if paid.status == REVERSAL:
                original = self._original(claim_id, paid)
                step = post_reversal(
                    account,
                    claim,
                    paid,
                    original=original,
                    transaction_id=remitted_id,
                    now=self._uow.now,
                    money=money,
                    payer_id=_payer_of(account, claim, original.order) if original else claim.payer_id,
                )
            else:
                found = self._variances_of(account, claim, paid)
                step = self._post(account, claim, paid, remitted_id, money, found)
        except BillingError as error:
            return error.code
        if step.problem:
            return step.problem
        order = original.order if original else order_of(account, claim, paid.status)
        self._record(step, claim, payment, paid, remitted_id, order, match)
        self._note_variances(step.account, claim, order, remitted_id, found)
        if original is not None:
            self._posted[claim_id].remove(original)
            self._reversed.append((original.remitted_id, remitted_id))
        return ""

    def _post(
        self,
        account: Account,
        claim: Claim,
        paid: PaidClaim,
        transaction_id: UUID,
        money: LedgerAccount,
        found: tuple[Variance, ...],
    ) -> Step:
        payer_id = _payer_of(account, claim, order_of(account, claim, paid.status))
        payer = self._deps.master.payers.get(payer_id)
        return post_payment(
            account,
            claim,
            paid,
            transaction_id=transaction_id,
            now=self._uow.now,
            appeal_days=payer.appeal_days if payer else _DEFAULT_APPEAL_DAYS,
            payer_id=payer_id,
            money=money,
            held=held_by_line(found),
        )

    def _variances_of(self, account: Account, claim: Claim, paid: PaidClaim) -> tuple[Variance, ...]:
        """Compare a first payer's decision with its contract; later payers pay what is left over."""
        payer = self._deps.master.payers.get(claim.payer_id)
        if payer is None or not payer.contracts or order_of(account, claim, paid.status) != "P":
            return ()
        coding = account.coding
        first = coding.service_from if coding else day_of(paid)
        if first is None:
            return ()
        days = (coding.service_through - coding.service_from).days if coding else 0
        services = Services(first, claim.form.value, max(days, 1), (coding.drg or "") if coding else "")
        contract = contract_of(payer.contracts, services)
        return find_variances(contract, paid, services) if contract is not None else ()

    def _note_variances(
        self, account: Account, claim: Claim, order: str, remitted_id: UUID, found: tuple[Variance, ...]
    ) -> None:
        for one in found:
            variance_id = derived_uuid(remitted_id, f"variance-{one.line}")
            self._variances.append(
                VarianceRow(
                    variance_id,
                    account.encounter_id,
                    account.facility_id,
                    claim.claim_id,
                    remitted_id,
                    claim.payer_id,
                    order,
                    self._uow.now,
                    one,
                )
            )
            if one.underpaid:
                event = UnderpaymentFound(
                    actor=SYSTEM,
                    facility_id=account.facility_id,
                    claim_id=claim.claim_id,
                    variance_id=variance_id,
                    payer_id=claim.payer_id,
                    expected_cents=one.expected_cents,
                    allowed_cents=one.allowed_cents,
                )
                self._uow.emit(account.encounter_id, event)

    def _original(self, claim_id: UUID, paid: PaidClaim) -> Posted | None:
        """Return the decision that a reversal undoes: the newest that it negates, else the newest."""
        standing = self._posted.get(claim_id, [])
        exact = [posted for posted in standing if negates(paid, posted.paid)]
        candidates = exact or standing
        return candidates[-1] if candidates else None

    def _apply_parked(self, match: Match) -> None:
        """Apply reversals that came before the decision that they undo."""
        waiting = self._parked.get(match.candidate.claim_id, [])
        for entry in list(waiting):
            unmatched_id, payment, reversal = entry
            original = self._original(match.candidate.claim_id, reversal)
            if original is None or not negates(reversal, original.paid):
                continue
            if not self.post(payment, reversal, match, money=LedgerAccount.UNAPPLIED):
                waiting.remove(entry)
                self._ended.append(unmatched_id)

    def _record(
        self,
        step: Step,
        claim: Claim,
        payment: Payment,
        paid: PaidClaim,
        remitted_id: UUID,
        order: str,
        match: Match,
    ) -> None:
        account = step.account
        key = account.encounter_id
        before = self._accounts[key]
        transaction = next((t for t in account.unposted if t.transaction_id == remitted_id), None)
        self._remitted.append(
            RemittedClaim(
                remitted_id,
                payment.key,
                paid.claim_control,
                paid.payer_control,
                paid.status,
                paid.ordinal,
                claim.claim_id,
                key,
                order,
                transaction.transaction_id if transaction is not None else None,
                payment.paid_on,
                paid,
                match.tier.value,
                match.score,
            )
        )
        if paid.status != REVERSAL:
            self._posted.setdefault(claim.claim_id, []).append(Posted(order, paid, transaction, remitted_id))
        emit(self._uow, key, before, step)
        follow_balance(self._deps.policy.statements, self._uow, before, account)
        account = follow_denials(self._deps.master.payers, self._uow, account)
        self._accounts[key] = self._changed[key] = account

    def _put_aside(self, payment: Payment, found: Found, reason: str) -> None:
        paid = found.paid
        parked = reason == NO_ORIGINAL and found.match is not None
        unmatched_id = derived_uuid(_NOBODY, f"aside|{payment.key}|{paid.ordinal}")
        self._aside.append(
            Unmatched(
                unmatched_id,
                self._digest,
                "835",
                paid.ordinal,
                reason,
                word(paid.claim_control),
                paid.paid_cents,
                repository.PAID_CLAIM.dump_json(paid).decode(),
                segment=f"CLP {paid.ordinal}",
                rule=_RULES.get(reason, ""),
                candidates=json.dumps(
                    [
                        {"claim_id": str(m.candidate.claim_id), "tier": m.tier.value, "score": m.score}
                        for m in found.candidates
                    ]
                ),
                remit_key=payment.key,
                claim_id=found.match.candidate.claim_id if found.match is not None else None,
                state="parked" if parked else "open",
            )
        )
        if paid.paid_cents:
            transaction_id = derived_uuid(unmatched_id, "unapplied")
            self._unapplied.append(ledger.unapplied(transaction_id, paid.paid_cents, word(payment.trace)))

    async def save(self) -> None:
        """Write everything that was collected."""
        conn = self._uow.conn
        if self._changed:
            await repository.save_accounts(conn, self._changed)
        if self._remitted:
            await repository.insert_remitted(conn, self._remitted)
        if self._reversed:
            await repository.mark_reversed(conn, self._reversed)
            await variances.withdraw_variances(conn, [one for one, _ in self._reversed])
        if self._variances:
            await variances.insert_variances(conn, self._variances)
        if self._aside:
            await repository.insert_unmatched(conn, self._aside)
        if self._unapplied:
            await repository.insert_transactions(conn, [(None, "", one) for one in self._unapplied])
        if self._ended:
            await payer_files.decide_unmatched(
                conn, self._ended, state="matched", decided_by=SYSTEM, decision="its original came"
            )


def _payer_of(account: Account, claim: Claim, order: str) -> str:
    coverage = account.coverage_of(order)
    return coverage.payer_id if coverage and order != claim.order else claim.payer_id
