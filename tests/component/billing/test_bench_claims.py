"""rcm bench claims: the command's shape, and that every synthetic encounter becomes a claim that the gate passes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(180)
def test_bench_claims_prints_its_figures(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "rcm_deploy.cli.main", "bench", "claims", "--sizes", "200,600", "--json"],
        env=os.environ | {"RCM_HOME": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=170,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    figures = json.loads(run.stdout)
    assert set(figures) == {
        "claims_per_s",
        "flatness",
        "growth",
        "stages_us",
        "gate_claims_per_s",
        "bytes_per_claim",
        "machine",
        "versions",
    }
    assert set(figures["growth"]) == {"200", "600"}
    assert set(figures["stages_us"]) == {"take", "read_record", "build_scrub_write", "store", "freeze"}
    assert all(figures[name] > 0 for name in ("claims_per_s", "flatness", "gate_claims_per_s"))
    assert 400 < figures["bytes_per_claim"] < 2000


@pytest.mark.parametrize("sizes", ["", "many", "0", "100,-1"])
def test_bench_claims_refuses_sizes_that_are_none(sizes: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "rcm_deploy.cli.main", "bench", "claims", "--sizes", sizes],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 2
    assert b"--sizes" in run.stderr
