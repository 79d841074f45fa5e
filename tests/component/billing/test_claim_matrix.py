"""Claims of every shape pass the gate: a hundred and fifty of each form, one worker process for all."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from rcm_billing.x12 import gate
from rcm_billing.x12.reader import read_interchanges
from rcm_shared.contracts.intake import ClaimForm
from unit.billing import cases, variety

CLAIMS = 150
SEED = 837
GOLDEN = cases.ROOT / "tests" / "unit" / "billing" / "golden"


@pytest.fixture(scope="module")
def worker() -> Iterator[ProcessPoolExecutor]:
    """The gate's worker process, as the service has it."""
    pool = gate.gate_pool()
    yield pool
    pool.shutdown(wait=True)


@pytest.mark.parametrize("form", list(ClaimForm))
def test_varied_claims_pass_the_gate(form: ClaimForm, worker: ProcessPoolExecutor) -> None:
    claims = list(variety.claims(form, CLAIMS, SEED))
    data = cases.interchange_of(*claims)
    verdict = worker.submit(gate.check, data).result(timeout=60)
    assert verdict == gate.Verdict(True)
    tags = {segment.tag for segment in read_interchanges(data)[0].sets[0].segments}
    assert {"PWK", "REF", "NTE", "LIN", "CTP", "SVD", "CAS", "OI", "PRV"} <= tags
    assert len({claim.coverage.order for claim in claims}) == 3
    assert any(len(claim.prior_payers) == 2 for claim in claims)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.837")), ids=lambda path: path.stem)
def test_golden_files_pass_the_gate(path: Path, worker: ProcessPoolExecutor) -> None:
    assert worker.submit(gate.check, path.read_bytes()).result(timeout=60) == gate.Verdict(True)


def test_gate_still_refuses_one_bad_claim_among_many(worker: ProcessPoolExecutor) -> None:
    claims = list(variety.claims(ClaimForm.PROFESSIONAL, 20, SEED))
    bad = claims[7].model_copy(update={"discharge_status": "", "facility_code": "ZZ"})
    data = cases.interchange_of(*claims[:7], bad, *claims[8:])
    verdict = worker.submit(gate.check, data).result(timeout=60)
    assert gate.claims_at(data, verdict.faults) == frozenset({bad.claim_control})
