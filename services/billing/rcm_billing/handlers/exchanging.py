"""The background loops of the payer exchange: freeze, gate and send, file appeals, take in answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from rcm_shared.ids import uuid7
from rcm_shared.postgres.pool import is_transient
from rcm_shared.telemetry import log

from rcm_billing import repository
from rcm_billing.handlers.answers import apply_file
from rcm_billing.handlers.appealing import APPEAL_ANSWERS, send_appeals, take_answer
from rcm_billing.handlers.deposits import DEPOSITS, take_deposit_file
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.payer_requests import PAYER_REQUESTS, send_answers, take_request
from rcm_billing.handlers.submitting import MAX_WAITING, Begin, freeze_batch, send_built
from rcm_billing.x12.gate import gate_pool, warm
from rcm_billing.x12.reader import MAX_BYTES

IDLE_S = 0.05
INCOMING_LIMIT = 50

Taker = Callable[[Deps, Begin, bytes], Awaitable[None]]
#: What a payer sends beside X12, by the end of the file's name. A taker marks its file as applied.
TAKERS: Mapping[str, Taker] = {
    APPEAL_ANSWERS: take_answer,
    DEPOSITS: take_deposit_file,
    PAYER_REQUESTS: take_request,
}


async def freeze_claims(deps: Deps, begin: Begin) -> None:
    """Freeze what is ready, again and again; while the gate is busy, claims gather for the next batch."""
    while True:
        frozen = 0
        waits = await repository.next_ready_group(deps.pool) is not None
        if waits and await repository.count_built(deps.pool) < MAX_WAITING:
            async with begin() as uow:
                frozen = await freeze_batch(deps, uow)
        if not frozen:
            await asyncio.sleep(IDLE_S)


async def send_claims(deps: Deps, begin: Begin) -> None:
    """Gate and send what is frozen, appeals that were filed and answers to payers' requests."""
    deps.exchange.prepare()
    pool = gate_pool()
    try:
        await asyncio.get_running_loop().run_in_executor(pool, warm)
        while True:
            sent = await send_built(deps, begin, pool)
            sent += await send_appeals(deps) + await send_answers(deps)
            if not sent:
                await asyncio.sleep(IDLE_S)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


async def take_answers(deps: Deps, begin: Begin) -> None:
    """Store, apply and archive what payers put into the exchange; first what a former run left unapplied."""
    deps.exchange.prepare()
    for row in await repository.list_stored(deps.pool):
        await _apply(deps, begin, row["name"], bytes(row["body"]))
    while True:
        taken = 0
        for path in await deps.exchange.list_incoming(INCOMING_LIMIT):
            await take_file(deps, begin, path)
            taken += 1
        if not taken:
            await asyncio.sleep(IDLE_S)


async def take_file(deps: Deps, begin: Begin, path: Path) -> None:
    """Take in one file: store its bytes, apply it unless that was done, then move it to the archive."""
    data = (await deps.exchange.read(path))[: MAX_BYTES + 1]
    state = await repository.store_inbound(deps.pool, path.name, data)
    if state == "stored":
        await _apply(deps, begin, path.name, data)
    await deps.exchange.archive(path)


async def _apply(deps: Deps, begin: Begin, name: str, data: bytes) -> None:
    take = next((taker for end, taker in TAKERS.items() if name.endswith(end)), apply_file)
    try:
        await take(deps, begin, data)
    except Exception as error:
        if is_transient(error):
            raise
        digest = repository.digest_of(data)
        code = str(getattr(error, "code", "") or type(error).__name__)
        log().error("payer file set aside", error=type(error).__name__, code=code)
        async with begin() as uow:
            await repository.insert_unmatched(
                uow.conn, [repository.Unmatched(uuid7(), digest, "file", 0, f"apply-failed:{code}")]
            )
            await repository.mark_inbound(uow.conn, digest, "unreadable")
