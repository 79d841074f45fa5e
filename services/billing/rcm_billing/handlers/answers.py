"""Apply what payers answer: TA1, 999, 277CA and 835, in any order, late or repeated. Nothing is dropped.

A file is stored byte for byte first; its effects follow in transactions of at most CHUNK claims, each
claim payment known by (payment, CLP01, CLP07, CLP02, ordinal).
"""

from collections.abc import Awaitable, Callable

from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.domain.remittance import Remittance
from rcm_billing.handlers.acknowledging import apply_acks
from rcm_billing.handlers.contents import read_contents
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.remitting import CHUNK, apply_payments
from rcm_billing.handlers.submitting import Begin


async def apply_file(deps: Deps, begin: Begin, data: bytes) -> None:
    """Apply a stored file. Repeating it, in whole or after a crash in the middle, changes nothing twice."""
    contents = read_contents(data)
    steps: list[Callable[[UnitOfWork], Awaitable[None]]] = []
    if contents.acks or contents.aside or not contents.remittances:

        async def take_acks(uow: UnitOfWork) -> None:
            await apply_acks(uow, contents)

        steps.append(take_acks)
    for remittance in contents.remittances:
        for start in range(0, max(1, len(remittance.claims)), CHUNK):

            async def apply_chunk(
                uow: UnitOfWork, remittance: Remittance = remittance, start: int = start
            ) -> None:
                await apply_payments(deps, uow, contents.digest, remittance, start)

            steps.append(apply_chunk)
    unreadable = not contents.acks and not contents.remittances
    for number, step in enumerate(steps, 1):
        async with begin() as uow:
            await step(uow)
            if number == len(steps):
                state = "unreadable" if unreadable else "applied"
                await repository.mark_inbound(uow.conn, contents.digest, state)
