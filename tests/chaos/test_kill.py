"""The kill test, short: real engines, real services, kills at random and at failpoints. `rcm chaos` runs it in full."""

from pathlib import Path

import pytest
from rcm_deploy.chaos.run import run


@pytest.mark.timeout(600)
async def test_nothing_is_lost_doubled_or_reordered_under_kills(tmp_path: Path) -> None:
    report, unexplained = await run(tmp_path / "chaos", encounters=240, seed=11, say=lambda _text: None)
    assert report.kills >= 5
    assert report.broker_restarts == 2
    assert report.postgres_restarts == 1
    assert report.duplicates_published > 0
    assert report.poison_published > 0
    assert (report.lost, report.applied_twice, report.out_of_order) == (0, 0, 0)
    assert report.ledger_sum_cents == 0
    assert report.chain_verified
    assert unexplained == ()
