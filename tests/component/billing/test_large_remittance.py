"""A large 835 is posted in chunks and never held: time and memory of a tenth of the benchmark's file."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from component.billing.conftest import BillingWorld
from rcm_billing import repository
from rcm_billing.handlers.answers import apply_file
from rcm_billing.repository import ledger
from rcm_deploy.bench import remit
from rcm_shared.messaging.uow import UnitOfWork

CLAIMS = 2_000
SECONDS = (
    20.0  # ten times the rate that is asked of the whole file, for machines that do other things meanwhile
)
GROWTH_MIB = 24.0


async def test_large_file_posts_quickly_in_flat_memory(
    billing: BillingWorld, record_property: Callable[[str, object], None]
) -> None:
    controls = await remit.seed(billing.pool, CLAIMS)
    figures = await remit.post(billing.pool, controls)
    record_property("remittance", figures)
    assert (figures["posted"], figures["unmatched"], figures["ledger_sum_cents"]) == (CLAIMS, 0, 0)
    assert figures["seconds"] < SECONDS, figures
    assert figures["peak_rss_growth_mib"] < GROWTH_MIB, figures


class CutError(Exception):
    """The service ended in the middle of a file."""


async def test_file_cut_off_between_chunks_goes_on_where_it_stopped(billing: BillingWorld) -> None:
    controls = await remit.seed(billing.pool, 450)
    data = remit.remittance_of(controls, plb="*L6:INT*-1")
    await repository.store_inbound(billing.pool, "large.x12", data)
    begin, opened = remit.begin_on(billing.pool), 0

    @asynccontextmanager
    async def fails_at_the_second_chunk() -> AsyncIterator[UnitOfWork]:
        nonlocal opened
        opened += 1
        async with begin() as uow:
            yield uow
            if opened == 2:
                raise CutError

    deps = remit.deps_on(billing.pool)
    with pytest.raises(CutError):
        await apply_file(deps, fails_at_the_second_chunk, data)
    assert await billing.pool.fetchval("SELECT count(*) FROM remittance_claim") == 200
    for _ in range(2):
        await apply_file(deps, begin, data)
    assert await billing.pool.fetchval("SELECT count(*) FROM remittance_claim") == 450
    assert await billing.pool.fetchval("SELECT count(*) FROM provider_adjustment") == 1
    books = await ledger.sum_by_account(billing.pool)
    assert books["provider_level_adjustment"] == -100
    assert books["deposit_expected"] == 16_000 * 450 + 100
