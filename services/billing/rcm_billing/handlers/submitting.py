"""Batch ready claims, freeze their bytes with control numbers in one transaction, gate them and hand them
over.
"""

import asyncio
import json
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from rcm_shared.contracts.intake import ClaimForm
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.domain.account import Account
from rcm_billing.domain.claim import ClaimState
from rcm_billing.domain.submission import submitted, withdrawn
from rcm_billing.handlers.deps import Deps
from rcm_billing.x12 import gate
from rcm_billing.x12.claim_loops import ClaimWire
from rcm_billing.x12.envelope import ControlNumbers, write_interchange

FORM_276 = "276"  # the form of an interchange of status inquiries
MAX_WAITING = 3  # frozen interchanges that may wait for the gate; more claims meanwhile gather in one batch


class Begin(Protocol):
    """Opens a transaction of the running service."""

    def __call__(self) -> AbstractAsyncContextManager[UnitOfWork]: ...


async def freeze_batch(deps: Deps, uow: UnitOfWork) -> int:
    """Freeze the interchange of one facility, payer and form that has waited longest; return its number of
    claims.
    """
    group = await repository.next_ready_group(uow.conn)
    if group is None or group[1] not in deps.master.payers or group[0] not in deps.master.facilities:
        return 0
    facility_id, payer_id, form = group
    ready = await repository.list_ready(uow.conn, facility_id, payer_id, form, deps.batch_claims)
    accounts = await repository.load_accounts(uow.conn, sorted({row.encounter_id for row in ready}))
    chosen = []
    for row in ready:
        claim = accounts[row.encounter_id].claim(row.claim_id)
        if claim is not None and claim.state is ClaimState.READY:  # it may have been held since it was listed
            chosen.append((row, claim))
    if not chosen:
        return 0
    number = await repository.next_control_number(uow.conn)
    numbers = ControlNumbers(number, number, number)
    body = write_interchange(
        (ClaimWire(row.wire_subscriber, row.wire_dependent) for row, _ in chosen),
        form=ClaimForm(form),
        billing=deps.master.facilities[facility_id].billing,
        submitter=deps.master.submitter,
        payer=deps.master.payers[payer_id],
        usage=deps.master.usage,
        numbers=numbers,
        at=uow.now,
    )
    await uow.follow(accounts)
    attempts: list[tuple[UUID, UUID, UUID]] = []
    changed: dict[UUID, Account] = {}
    for row, claim in chosen:
        attempt_id = uuid7()
        step = submitted(accounts[row.encounter_id], claim, attempt_id, numbers.isa13)
        accounts[row.encounter_id] = changed[row.encounter_id] = step.account
        attempts.append((attempt_id, row.claim_id, row.encounter_id))
        for event in step.events:
            uow.emit(row.encounter_id, event)
    await repository.insert_interchange(
        uow.conn,
        interchange_id=uuid7(),
        numbers=(numbers.isa13, numbers.gs06, numbers.st02, numbers.bht03),
        group=group,
        body=body,
        attempts=attempts,
    )
    await repository.save_accounts(uow.conn, changed)
    return len(chosen)


async def send_built(deps: Deps, begin: Begin, pool: Executor) -> int:
    """Gate and hand over what is frozen, oldest first; return how many interchanges were dealt with.

    Killed between writing and marking, the next run writes the same bytes under the same name again.
    """
    rows = await repository.list_built(deps.pool, MAX_WAITING)
    for row in rows:
        body = bytes(row["body"])
        inquiry = row["form"] == FORM_276  # the validator has no grammar for it
        verdict = (
            gate.Verdict(True)
            if inquiry
            else await asyncio.get_running_loop().run_in_executor(pool, gate.check, body)
        )
        if verdict.passed:
            name = f"{row['isa13']}.{'276' if inquiry else '837'}"
            await deps.exchange.send(name, body, channel_of(deps, row["payer_id"]))
            await repository.mark_interchange(deps.pool, row["interchange_id"], "sent")
        else:
            async with begin() as uow:
                await _withdraw(uow, row["interchange_id"], body, verdict)
    return len(rows)


def channel_of(deps: Deps, payer_id: str) -> str:
    """Return the channel that leads to a payer; empty is the file drop."""
    payer = deps.master.payers.get(payer_id)
    return payer.channel if payer else ""


async def _withdraw(uow: UnitOfWork, interchange_id: UUID, body: bytes, verdict: gate.Verdict) -> None:
    """Hold the claims that the gate found at fault (all, when it cannot say which); batch the others
    again.
    """
    faults = json.dumps([[fault.position, fault.segment, fault.code] for fault in verdict.faults])
    if not await repository.mark_interchange(uow.conn, interchange_id, "withdrawn", faults):
        return
    attempts = await repository.list_attempts(uow.conn, interchange_ids=[interchange_id])
    faulty = gate.claims_at(body, verdict.faults)
    accounts = await repository.load_accounts(uow.conn, sorted({a.encounter_id for a in attempts}))
    await uow.follow(accounts)
    for attempt in attempts:
        account = accounts[attempt.encounter_id]
        claim = account.claim(attempt.claim_id)
        if claim is None or claim.state is not ClaimState.SUBMITTED:
            continue
        at_fault = faulty is None or attempt.claim_control in faulty
        step = withdrawn(account, claim, attempt.attempt_id, faulty=at_fault)
        accounts[attempt.encounter_id] = step.account
        for event in step.events:
            uow.emit(attempt.encounter_id, event)
    await repository.save_accounts(uow.conn, accounts)
