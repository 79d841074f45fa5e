"""Apply acknowledgements and statuses to the attempts that they name, in any order, late or repeated."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from rcm_shared.messaging.uow import UnitOfWork, Work

from rcm_billing import repository
from rcm_billing.domain.account import Account
from rcm_billing.domain.status import Meaning, reported
from rcm_billing.domain.submission import Step, acknowledged
from rcm_billing.handlers.contents import Addressed, Contents, word
from rcm_billing.handlers.facts import BUILD_CLAIM
from rcm_billing.handlers.payer_requests import open_from_status
from rcm_billing.repository import AttemptRow, tracking
from rcm_billing.repository.tracking import AckRow
from rcm_billing.x12.status_277 import ClaimReport


async def apply_acks(uow: UnitOfWork, contents: Contents) -> None:
    """Apply what one file says of attempts and claims before their adjudication, and keep what it put aside."""
    acks, reports = contents.acks, contents.reports
    asked: dict[str, str] = {}
    ours: dict[str, tuple[UUID, UUID]] = {}
    theirs: dict[str, list[tuple[UUID, UUID]]] = {}
    if reports:
        asked = await tracking.find_traces(uow.conn, [r.trace for r in reports])
        ours, theirs = await repository.find_claims(
            uow.conn, [r.claim_control for r in reports], [r.report.payer_control for r in reports]
        )
    named = {_claim_of(report, asked, ours) for report in reports} - {""}
    by_payer = {pairs[0][0]: control for control, pairs in theirs.items() if len(pairs) == 1}
    attempts = await repository.list_attempts(
        uow.conn,
        isa13=[a.isa13 for a in acks if a.isa13],
        gs06=[a.gs06 for a in acks if a.gs06],
        bht03=[a.bht03 for a in acks if a.bht03],
        controls=[*(a.claim_control for a in acks if a.claim_control), *named],
        claim_ids=list(by_payer),
    )
    accounts = await repository.load_accounts(uow.conn, sorted({a.encounter_id for a in attempts}))
    await uow.follow(accounts)
    found = _Found(attempts, by_payer)
    applied = _Applied(uow, contents, accounts)
    for ack in acks:
        targets = found.of_ack(ack)
        if not targets:
            contents.put_aside("acknowledgement", "unknown-control", word(ack.names[1]))
        for target in targets:
            step = acknowledged(accounts[target.encounter_id], target.claim_id, target.attempt_id, ack.ack)
            applied.take(target, step, ack.ack.label, ack.ack.effect, ack.ack.status_codes, ack.names[1])
    for report in reports:
        control = _claim_of(report, asked, ours)
        told = report.report
        attempt = found.of_report(control, told.payer_control)
        if attempt is None:
            contents.put_aside("277", "unknown-claim", word(report.claim_control or report.trace))
            continue
        step = reported(accounts[attempt.encounter_id], attempt.claim_id, attempt.attempt_id, told)
        applied.take(attempt, step, told.label, told.meaning, told.status_codes, report.trace)
        if told.category.startswith("R"):
            applied.asked_for.append((attempt.claim_id, next(iter(told.status_codes), "")))
    await applied.save()
    await open_from_status(uow, applied.asked_for)
    if answers := [(r.trace, r.report.category) for r in reports if r.trace in asked]:
        await tracking.answer_inquiries(uow.conn, answers)


def _claim_of(report: ClaimReport, asked: dict[str, str], known: Mapping[str, object]) -> str:
    """Return which of our claims a report speaks of: by the control number it repeats, else by our question."""
    return report.claim_control if report.claim_control in known else asked.get(report.trace, "")


class _Found:
    """The attempts that a file speaks of, by every number that it may name."""

    def __init__(self, attempts: list[AttemptRow], by_payer: dict[UUID, str]) -> None:
        self._index: dict[tuple[str, str], list[AttemptRow]] = {}
        for attempt in attempts:
            for name in _names(attempt, by_payer.get(attempt.claim_id, "")):
                self._index.setdefault(name, []).append(attempt)

    def of_ack(self, ack: Addressed) -> list[AttemptRow]:
        """Return the attempts that an acknowledgement speaks of; of a claim the newest only."""
        targets = self._index.get(ack.names, [])
        if ack.claim_control:
            return targets[-1:]
        if ack.gs06 and ack.st02:
            return [target for target in targets if _same_number(target.st02, ack.st02)]
        return targets

    def of_report(self, control: str, payer_control: str) -> AttemptRow | None:
        """Return the newest attempt of the claim that a status speaks of."""
        targets = self._index.get(("claim", control)) or self._index.get(("payer", payer_control)) or []
        return targets[-1] if targets else None


def _names(attempt: AttemptRow, payer_control: str) -> Iterator[tuple[str, str]]:
    yield "claim", attempt.claim_control
    yield "isa", attempt.isa13
    yield "gs", attempt.gs06
    yield "bht", attempt.bht03
    if payer_control:
        yield "payer", payer_control


def _same_number(ours: str, theirs: str) -> bool:
    return ours.lstrip("0") == theirs.strip().lstrip("0")


class _Applied:
    """Collects what acknowledgements did before it is written."""

    def __init__(self, uow: UnitOfWork, contents: Contents, accounts: dict[UUID, Account]) -> None:
        self._uow, self._contents, self._accounts = uow, contents, accounts
        self._changed: dict[UUID, Account] = {}
        self._rows: list[AckRow] = []
        self.asked_for: list[tuple[UUID, str]] = []  # claims whose payer wants more, with the status code

    def take(
        self,
        target: AttemptRow,
        step: Step,
        label: str,
        effect: str,
        status_codes: tuple[str, ...],
        reference: str,
    ) -> None:
        """Note one step; a repeated answer is no step and leaves no row."""
        key = target.encounter_id
        if step.problem and effect != Meaning.INFORMATION:  # that one gets a case of its own (payer requests)
            self._contents.put_aside("acknowledgement", step.problem, target.claim_control)
        if step.account is self._accounts[key]:
            return
        emit(self._uow, key, self._accounts[key], step)
        self._accounts[key] = self._changed[key] = step.account
        self._rows.append(
            AckRow(
                target.attempt_id,
                target.claim_id,
                key,
                label,
                str(effect),
                status_codes,
                word(reference),
                self._contents.digest,
            )
        )

    async def save(self) -> None:
        """Write everything that was collected."""
        conn = self._uow.conn
        if self._changed:
            await repository.save_accounts(conn, self._changed)
        if self._rows:
            await tracking.insert_acknowledgements(conn, self._rows)
        if self._contents.aside:
            await repository.insert_unmatched(conn, self._contents.aside)


def emit(uow: UnitOfWork, key: UUID, before: Account, step: Step) -> None:
    """Publish the facts of a step, and ask for the claim that it wants built."""
    for event in step.events:
        uow.emit(key, event)
    if step.account.build is not None and step.account.build != before.build:
        uow.add_work(key, Work(BUILD_CLAIM))
