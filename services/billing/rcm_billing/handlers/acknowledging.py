"""Apply acknowledgements to the attempts that they name, in any order, late or repeated."""

from uuid import UUID

from rcm_shared.messaging.uow import UnitOfWork, Work

from rcm_billing import repository
from rcm_billing.domain.account import Account
from rcm_billing.domain.submission import Step, acknowledged
from rcm_billing.handlers.contents import Contents, word
from rcm_billing.handlers.facts import BUILD_CLAIM


async def apply_acks(uow: UnitOfWork, contents: Contents) -> None:
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
            contents.put_aside("acknowledgement", "unknown-control", word(ack.names[1]))
        for target in targets:
            step = acknowledged(accounts[target.encounter_id], target.claim_id, target.attempt_id, ack.ack)
            if step.problem:
                contents.put_aside("acknowledgement", step.problem, target.claim_control)
            if step.account is not accounts[target.encounter_id]:
                emit(uow, target.encounter_id, accounts[target.encounter_id], step)
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


def emit(uow: UnitOfWork, key: UUID, before: Account, step: Step) -> None:
    for event in step.events:
        uow.emit(key, event)
    if step.account.build is not None and step.account.build != before.build:
        uow.add_work(key, Work(BUILD_CLAIM))
