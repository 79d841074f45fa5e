"""Apply payments (835): match each claim payment, post it once, put aside what may not be posted."""

from collections.abc import Iterable
from uuid import UUID

from rcm_shared.ids import derived_uuid, uuid7
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.domain import ledger
from rcm_billing.domain.account import Account, Claim
from rcm_billing.domain.errors import BillingError
from rcm_billing.domain.posting import Posted, order_of, post_payment, post_reversal
from rcm_billing.domain.remittance import REVERSAL, PaidClaim, Remittance, negates
from rcm_billing.domain.submission import Step
from rcm_billing.handlers.acknowledging import emit
from rcm_billing.handlers.contents import word
from rcm_billing.handlers.deps import Deps
from rcm_billing.repository import RemittedClaim, Unmatched

CHUNK = 200
_DEFAULT_APPEAL_DAYS = 120


async def apply_payments(
    deps: Deps, uow: UnitOfWork, digest: bytes, remittance: Remittance, start: int
) -> None:
    """Apply one chunk of a payment's claims in the order in which they stand."""
    key = remittance.key
    fresh = await repository.insert_remittance(
        uow.conn,
        key=key,
        digest=digest,
        trace=remittance.trace,
        payment_cents=remittance.payment_cents,
        paid_on=remittance.paid_on,
        claims=len(remittance.claims),
    )
    if fresh and remittance.provider_adjustments:
        adjustments = tuple((one.reason, one.cents) for one in remittance.provider_adjustments)
        transaction = ledger.provider_level(uuid7(), adjustments)
        await repository.insert_transactions(uow.conn, [(None, "", transaction)])
    known = set() if fresh else await repository.list_applied(uow.conn, key)
    claims = [
        paid
        for paid in remittance.claims[start : start + CHUNK]
        if (paid.claim_control, paid.payer_control, paid.status, paid.ordinal) not in known
    ]
    if not claims:
        return
    ours, theirs = await repository.find_claims(
        uow.conn, [c.claim_control for c in claims], [c.payer_control for c in claims if c.payer_control]
    )
    matched = [(paid, _match(paid, ours, theirs)) for paid in claims]
    accounts = await repository.load_accounts(uow.conn, sorted({found[1] for _, found in matched if found}))
    await uow.follow(accounts)
    posted = await _posted(uow, [found[0] for paid, found in matched if found and paid.status == REVERSAL])
    chunk = _Chunk(deps, uow, remittance, digest, accounts, posted)
    for paid, found in matched:
        chunk.take(paid, found)
    await chunk.save()


def _match(
    paid: PaidClaim,
    ours: dict[str, tuple[UUID, UUID]],
    theirs: dict[str, list[tuple[UUID, UUID]]],
) -> tuple[UUID, UUID] | None:
    """Match by our control number exactly, else by the payer's own when it names one claim only."""
    if paid.claim_control in ours:
        return ours[paid.claim_control]
    candidates = theirs.get(paid.payer_control, []) if paid.payer_control else []
    return candidates[0] if len(candidates) == 1 else None


async def _posted(uow: UnitOfWork, claim_ids: Iterable[UUID]) -> dict[UUID, list[Posted]]:
    """Return the standing decisions of claims that are about to be reversed."""
    ids = list(claim_ids)
    if not ids:
        return {}
    decisions = await repository.list_decisions(uow.conn, ids)
    transactions = await repository.get_transactions(
        uow.conn, [d.transaction_id for d in decisions if d.transaction_id]
    )
    found: dict[UUID, list[Posted]] = {}
    for d in decisions:
        transaction = transactions.get(d.transaction_id) if d.transaction_id else None
        found.setdefault(d.claim_id, []).append(Posted(d.payer_order, d.paid, transaction, d.remitted_id))
    return found


class _Chunk:
    """Collects the effects of up to CHUNK claim payments before they are written."""

    def __init__(
        self,
        deps: Deps,
        uow: UnitOfWork,
        remittance: Remittance,
        digest: bytes,
        accounts: dict[UUID, Account],
        posted: dict[UUID, list[Posted]],
    ) -> None:
        self._deps, self._uow, self._remittance, self._digest = deps, uow, remittance, digest
        self._accounts, self._posted = accounts, posted
        self._changed: dict[UUID, Account] = {}
        self._remitted: list[RemittedClaim] = []
        self._reversed: list[tuple[UUID, UUID]] = []
        self._aside: list[Unmatched] = []

    def take(self, paid: PaidClaim, found: tuple[UUID, UUID] | None) -> None:
        """Apply one claim payment, or put it aside with the reason."""
        if found is None:
            self._put_aside(paid, "unknown-claim")
            return
        claim_id, encounter_id = found
        account = self._accounts[encounter_id]
        claim = account.claim(claim_id)
        if claim is None:
            self._put_aside(paid, "unknown-claim")
            return
        remitted_id = derived_uuid(claim_id, f"{self._remittance.key}|{paid.ordinal}|{paid.status}")
        original: Posted | None = None
        try:
            if paid.status == REVERSAL:
                original = self._original(claim_id, paid)
                step = post_reversal(account, claim, paid, original=original, transaction_id=remitted_id)
            else:
                step = self._post(account, claim, paid, remitted_id)
        except BillingError as error:
            self._put_aside(paid, error.code)
            return
        if step.problem:
            self._put_aside(paid, step.problem)
            return
        order = original.order if original else order_of(account, claim, paid.status)
        self._record(step, claim, paid, remitted_id, order)
        if original is not None:
            self._posted[claim_id].remove(original)
            self._reversed.append((original.remitted_id, remitted_id))

    def _post(self, account: Account, claim: Claim, paid: PaidClaim, transaction_id: UUID) -> Step:
        order = order_of(account, claim, paid.status)
        coverage = account.coverage_of(order)
        payer_id = coverage.payer_id if coverage and order != claim.order else claim.payer_id
        payer = self._deps.master.payers.get(payer_id)
        return post_payment(
            account,
            claim,
            paid,
            transaction_id=transaction_id,
            now=self._uow.now,
            appeal_days=payer.appeal_days if payer else _DEFAULT_APPEAL_DAYS,
            payer_id=payer_id,
        )

    def _original(self, claim_id: UUID, paid: PaidClaim) -> Posted | None:
        """Return the decision that a reversal undoes: the newest that it negates, else the newest."""
        standing = self._posted.get(claim_id, [])
        exact = [posted for posted in standing if negates(paid, posted.paid)]
        candidates = exact or standing
        return candidates[-1] if candidates else None

    def _record(self, step: Step, claim: Claim, paid: PaidClaim, remitted_id: UUID, order: str) -> None:
        account = step.account
        key = account.encounter_id
        before = self._accounts[key]
        moved = any(transaction.transaction_id == remitted_id for transaction in account.unposted)
        self._remitted.append(
            RemittedClaim(
                remitted_id,
                self._remittance.key,
                paid.claim_control,
                paid.payer_control,
                paid.status,
                paid.ordinal,
                claim.claim_id,
                key,
                order,
                remitted_id if moved else None,
                self._remittance.paid_on,
                paid,
            )
        )
        if paid.status != REVERSAL:
            transaction = next((t for t in account.unposted if t.transaction_id == remitted_id), None)
            self._posted.setdefault(claim.claim_id, []).append(Posted(order, paid, transaction, remitted_id))
        emit(self._uow, key, before, step)
        self._accounts[key] = self._changed[key] = account

    def _put_aside(self, paid: PaidClaim, reason: str) -> None:
        body = repository.PAID_CLAIM.dump_json(paid).decode()
        # the ordinal keeps apart the claims of several payments in one file
        place = derived_uuid(UUID(int=0), f"{self._remittance.key}|{paid.ordinal}").int & 0x3FFFFFFF
        self._aside.append(
            Unmatched(
                uuid7(), self._digest, "835", place, reason, word(paid.claim_control), paid.paid_cents, body
            )
        )

    async def save(self) -> None:
        """Write everything that was collected."""
        conn = self._uow.conn
        if self._changed:
            await repository.save_accounts(conn, self._changed)
        if self._remitted:
            await repository.insert_remitted(conn, self._remitted)
        if self._reversed:
            await repository.mark_reversed(conn, self._reversed)
        if self._aside:
            await repository.insert_unmatched(conn, self._aside)
