"""Apply what payers answer: TA1, 999, 277CA and 835, in any order, late or repeated. Nothing is dropped.

A file is stored byte for byte first; its effects follow in transactions of at most CHUNK claims, each
claim payment known by (payment, CLP01, CLP07, CLP02, ordinal).
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from rcm_shared.ids import derived_uuid, uuid7
from rcm_shared.messaging.uow import UnitOfWork, Work

from rcm_billing import repository
from rcm_billing.domain import ledger
from rcm_billing.domain.account import Account, Claim
from rcm_billing.domain.acknowledgement import Acknowledgement, Effect
from rcm_billing.domain.errors import BillingError, OutOfBalance, Unreadable
from rcm_billing.domain.posting import Posted, order_of, post_payment, post_reversal
from rcm_billing.domain.remittance import REVERSAL, PaidClaim, Remittance, check_balance, negates
from rcm_billing.domain.submission import Step, acknowledged
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.facts import BUILD_CLAIM
from rcm_billing.handlers.submitting import Begin
from rcm_billing.repository import RemittedClaim, Unmatched
from rcm_billing.x12.ack_277ca import read_277ca
from rcm_billing.x12.ack_999 import read_999
from rcm_billing.x12.ack_ta1 import DUPLICATE_INTERCHANGE, read_ta1
from rcm_billing.x12.reader import Interchange, TransactionSet, read_interchanges
from rcm_billing.x12.remittance_835 import read_835

CHUNK = 200
GUIDE_277CA = "005010X214"
_DEFAULT_APPEAL_DAYS = 120


@dataclass(frozen=True, slots=True)
class Addressed:
    """An acknowledgement with the numbers of what it speaks about; exactly one of them is set."""

    ack: Acknowledgement
    isa13: str = ""
    gs06: str = ""
    st02: str = ""
    bht03: str = ""
    claim_control: str = ""

    @property
    def names(self) -> tuple[str, str]:
        """What kind of number it names, and the number."""
        if self.claim_control:
            return "claim", self.claim_control
        if self.isa13:
            return "isa", self.isa13
        return ("gs", self.gs06) if self.gs06 else ("bht", self.bht03)


@dataclass(slots=True)
class Contents:
    """What one file says."""

    digest: bytes
    acks: list[Addressed] = field(default_factory=list)
    remittances: list[Remittance] = field(default_factory=list)
    aside: list[Unmatched] = field(default_factory=list)

    def put_aside(
        self, kind: str, reason: str, reference: str = "", cents: int | None = None, body: str = ""
    ) -> None:
        """Note something for a person."""
        ordinal = len(self.aside) + 1
        self.aside.append(Unmatched(uuid7(), self.digest, kind, ordinal, reason, reference, cents, body))


def read_contents(data: bytes) -> Contents:
    """Read a payer's file; what cannot be read or does not balance is put aside with its reason."""
    contents = Contents(hashlib.sha256(data).digest())
    try:
        interchanges = read_interchanges(data)
    except Unreadable as error:
        contents.put_aside("file", error.code)
        return contents
    for interchange in interchanges:
        _read_interchange(interchange, contents)
    return contents


def _read_interchange(interchange: Interchange, contents: Contents) -> None:
    if not interchange.ta1 and not interchange.sets:
        contents.put_aside("interchange", "empty", interchange.control)
    for segment in interchange.ta1:
        answer = read_ta1(segment)
        if answer.acknowledgement.effect is Effect.REJECTED and (
            DUPLICATE_INTERCHANGE in answer.acknowledgement.status_codes
        ):
            # we sent the same bytes again after a crash; the first copy stands
            contents.put_aside("TA1", "duplicate-interchange", answer.interchange_control)
        else:
            contents.acks.append(Addressed(answer.acknowledgement, isa13=answer.interchange_control))
    for transaction in interchange.sets:
        if not transaction.count_holds:
            contents.put_aside(_word(transaction.kind), "incomplete-set", _word(transaction.control))
            continue
        _read_set(transaction, contents)


def _read_set(transaction: TransactionSet, contents: Contents) -> None:
    match transaction.kind:
        case "999":
            for verdict in read_999(transaction):
                contents.acks.append(
                    Addressed(verdict.acknowledgement, gs06=verdict.group_control, st02=verdict.set_control)
                )
        case "277" if transaction.guide.startswith(GUIDE_277CA):
            found = read_277ca(transaction)
            for decision in found:
                contents.acks.append(
                    Addressed(
                        decision.acknowledgement, bht03=decision.batch, claim_control=decision.claim_control
                    )
                )
            if not found:
                contents.put_aside("277CA", "no-claim-status", _word(transaction.control))
        case "835":
            try:
                remittance = read_835(transaction)
            except Unreadable as error:
                contents.put_aside("835", error.code, _word(transaction.control))
                return
            try:
                check_balance(remittance)
            except OutOfBalance as error:
                contents.put_aside(
                    "835", f"out-of-balance:{error.code}", remittance.trace, remittance.payment_cents
                )
                return
            contents.remittances.append(remittance)
        case kind:
            contents.put_aside(_word(kind), "unsupported-transaction", _word(transaction.control))


def _word(value: str) -> str:
    """A foreign control number as it may stand in a worklist."""
    return re.sub(r"[^A-Za-z0-9.-]", "", value)[:50]


async def apply_file(deps: Deps, begin: Begin, data: bytes) -> None:
    """Apply a stored file. Repeating it, in whole or after a crash in the middle, changes nothing twice."""
    contents = read_contents(data)
    steps: list[Callable[[UnitOfWork], Awaitable[None]]] = []
    if contents.acks or contents.aside or not contents.remittances:

        async def apply_acks(uow: UnitOfWork) -> None:
            await _apply_acks(uow, contents)

        steps.append(apply_acks)
    for remittance in contents.remittances:
        for start in range(0, max(1, len(remittance.claims)), CHUNK):

            async def apply_chunk(
                uow: UnitOfWork, remittance: Remittance = remittance, start: int = start
            ) -> None:
                await _apply_payments(deps, uow, contents.digest, remittance, start)

            steps.append(apply_chunk)
    unreadable = not contents.acks and not contents.remittances
    for number, step in enumerate(steps, 1):
        async with begin() as uow:
            await step(uow)
            if number == len(steps):
                state = "unreadable" if unreadable else "applied"
                await repository.mark_inbound(uow.conn, contents.digest, state)


async def _apply_acks(uow: UnitOfWork, contents: Contents) -> None:
    acks = contents.acks
    attempts = await repository.list_attempts(
        uow.conn,
        isa13=[a.isa13 for a in acks if a.isa13],
        gs06=[a.gs06 for a in acks if a.gs06],
        bht03=[a.bht03 for a in acks if a.bht03],
        controls=[a.claim_control for a in acks if a.claim_control],
    )
    accounts = await repository.load_accounts(uow.conn, sorted({a.encounter_id for a in attempts}))
    await uow.follow(accounts)
    changed: dict[UUID, Account] = {}
    index = _index(attempts)
    for ack in acks:
        targets = index.get(ack.names, [])
        if ack.claim_control:
            targets = targets[-1:]  # the newest attempt of that claim
        if not targets:
            contents.put_aside("acknowledgement", "unknown-control", _word(ack.names[1]))
        for target in targets:
            step = acknowledged(accounts[target.encounter_id], target.claim_id, target.attempt_id, ack.ack)
            if step.problem:
                contents.put_aside("acknowledgement", step.problem, target.claim_control)
            if step.account is not accounts[target.encounter_id]:
                _emit(uow, target.encounter_id, accounts[target.encounter_id], step)
                accounts[target.encounter_id] = changed[target.encounter_id] = step.account
    if changed:
        await repository.save_accounts(uow.conn, changed)
    if contents.aside:
        await repository.insert_unmatched(uow.conn, contents.aside)


def _index(attempts: list[repository.AttemptRow]) -> dict[tuple[str, str], list[repository.AttemptRow]]:
    """Map every number that an acknowledgement may name to the attempts it speaks of."""
    index: dict[tuple[str, str], list[repository.AttemptRow]] = {}
    for a in attempts:
        for name in (("claim", a.claim_control), ("isa", a.isa13), ("gs", a.gs06), ("bht", a.bht03)):
            index.setdefault(name, []).append(a)
    return index


def _emit(uow: UnitOfWork, key: UUID, before: Account, step: Step) -> None:
    for event in step.events:
        uow.emit(key, event)
    if step.account.build is not None and step.account.build != before.build:
        uow.add_work(key, Work(BUILD_CLAIM))


async def _apply_payments(
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
        _emit(self._uow, key, before, step)
        self._accounts[key] = self._changed[key] = account

    def _put_aside(self, paid: PaidClaim, reason: str) -> None:
        body = repository.PAID_CLAIM.dump_json(paid).decode()
        # the ordinal keeps apart the claims of several payments in one file
        place = derived_uuid(UUID(int=0), f"{self._remittance.key}|{paid.ordinal}").int & 0x3FFFFFFF
        self._aside.append(
            Unmatched(
                uuid7(), self._digest, "835", place, reason, _word(paid.claim_control), paid.paid_cents, body
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
