"""Apply what payers answer: TA1, 999, 277CA and 835, in any order, late or repeated. Nothing is dropped.

A file is stored byte for byte first; its effects follow in transactions of at most CHUNK claims, each
claim payment known by (payment, CLP01, CLP07, CLP02, ordinal).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.domain.remittance import PaidClaim
from rcm_billing.handlers.acknowledging import apply_acks
from rcm_billing.handlers.contents import Contents, read_contents
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.remitting import CHUNK, apply_payments
from rcm_billing.handlers.submitting import Begin
from rcm_billing.x12.remittance_835 import stream_claims

Apply = Callable[[UnitOfWork], Awaitable[None]]


async def apply_file(deps: Deps, begin: Begin, data: bytes) -> None:
    """Apply a stored file. Repeating it, in whole or after a crash in the middle, changes nothing twice.

    The file is read twice: first to see that every payment in it balances, then claim by claim, so that its size
    costs no memory.
    """
    contents = await asyncio.to_thread(read_contents, data)
    for step in _steps(deps, contents, data):
        async with begin() as uow:
            await step(uow)
    async with begin() as uow:
        readable = contents.acks or contents.reports or contents.remittances
        await repository.mark_inbound(uow.conn, contents.digest, "applied" if readable else "unreadable")


def _steps(deps: Deps, contents: Contents, data: bytes) -> Iterator[Apply]:
    """Yield what each transaction does: the acknowledgements at once, payments in chunks of their claims."""
    if contents.acks or contents.reports or contents.aside or not contents.remittances:

        async def take_acks(uow: UnitOfWork) -> None:
            await apply_acks(uow, contents)

        yield take_acks
    for number, claims in _chunks(contents, data):
        payment = contents.remittances[number]

        async def apply_chunk(uow: UnitOfWork) -> None:
            await apply_payments(deps, uow, contents.digest, payment, claims)  # noqa: B023 — applied before the next

        yield apply_chunk


def _chunks(contents: Contents, data: bytes) -> Iterator[tuple[int, list[PaidClaim]]]:
    """Cut each payment's claims into chunks, in the order of the file; a payment without claims is one empty chunk."""
    if not contents.remittances:
        return  # also what is no interchange at all
    for number, payment in contents.remittances.items():
        if not payment.claim_count:
            yield number, []
    chunk: list[PaidClaim] = []
    current = -1
    for number, claim in stream_claims(data, contents.remittances):
        if chunk and (number != current or len(chunk) == CHUNK):
            yield current, chunk
            chunk = []
        current = number
        chunk.append(claim)
    if chunk:
        yield current, chunk
