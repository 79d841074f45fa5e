"""Foreign samples: every file beside the repository is explained or refused with reasons, by the guides too."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from rcm_billing.x12.explain import explain
from rcm_billing.x12.gate import gate_pool
from rcm_billing.x12.guide_check import check_guides
from unit.billing import cases
from unit.billing.x12 import files

SHARED = Path(os.environ.get("RCM_SHARED_DIR") or cases.ROOT.parent / "shared") / "samples" / "x12"
SAMPLES = sorted(path for path in SHARED.glob("*") if path.is_file())
KINDS = {".276": "276", ".277": "277", ".835": "835", ".837i": "837I", ".837": "837P"}
#: What else is known about single samples: errors that a check must find.
KNOWN = {
    "imsweb_x12_no_isa_line.txt": {"no-isa"},
    "imsweb_x12_bad_segment_identifier.txt": {"segment-name"},
    "imsweb_x12_segments_out_of_order.txt": {"misplaced-segment"},
    "imsweb_x12_999_accepted.txt": {"interchange-control"},
    "imsweb_x223-test.txt": {"set-count", "claim-total"},
    "tertiary-payment.835": {"line-balance"},
    "managed-care.835": {"date"},
    "demo.example9.837": {"pointer", "component-separator"},
    "demo.example1.837": set[str](),
    "demo.drug.example10.2.837": set[str](),
    "imsweb_x12_277CA_accepted.txt": set[str](),
    "claim-level-status.277": set[str](),
}


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with gate_pool() as started:
        yield started


@pytest.mark.skipif(not SAMPLES, reason="foreign X12 samples are not beside the repository")
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_sample_is_explained_or_refused_with_reasons(path: Path, pool: ProcessPoolExecutor) -> None:
    explained = explain(path.read_bytes())
    check_guides(explained, pool=pool)
    parts = [part.as_json() for part in explained.parts]
    json.dumps(parts)
    errors = {
        problem["code"] for part in parts for problem in part["problems"] if problem["severity"] == "error"
    }
    assert bool(errors) == bool(explained.errors)
    if path.name in KNOWN:
        assert KNOWN[path.name] <= errors
        assert bool(KNOWN[path.name]) == bool(errors)
    kind = KINDS.get(path.suffix)
    if kind:
        assert [part["type"] for part in parts] == [kind]
        assert all(problem["where"] for problem in parts[0]["problems"])


@pytest.mark.parametrize("name", files.EVERY_TYPE)
def test_own_file_of_every_type_passes_its_guide(name: str, pool: ProcessPoolExecutor) -> None:
    explained = explain(files.EVERY_TYPE[name])
    check_guides(explained, pool=pool)
    assert [part.as_json()["problems"] for part in explained.parts if part.problems.errors] == []


def test_guide_finding_names_segment_and_element(pool: ProcessPoolExecutor) -> None:
    body = [segment.replace("*Y*A*Y*Y", "*Y*Q*Y*Y") for segment in files.CLAIM_837P]
    explained = explain(files.whole("837", files.P_GUIDE, body))
    check_guides(explained, pool=pool)
    first = explained.parts[0].problems.listed()[0]
    assert (first.code, first.segment, first.where) == ("guide-7", "CLM", "segment 20, CLM07")


def test_code_that_the_dated_lists_lack_is_a_warning(pool: ProcessPoolExecutor) -> None:
    body = [segment.replace("*11:B:1*", "*27:B:1*") for segment in files.CLAIM_837P]
    explained = explain(files.whole("837", files.P_GUIDE, body))
    check_guides(explained, pool=pool)
    assert explained.errors == 0


def test_large_interchange_is_left_to_the_own_checks(pool: ProcessPoolExecutor) -> None:
    explained = explain(files.EVERY_TYPE["837P"])
    check_guides(explained, limit=100, pool=pool)
    assert [problem.code for problem in explained.parts[0].problems.listed()] == ["guide-not-checked"]
