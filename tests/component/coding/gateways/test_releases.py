"""The compiled artefact is made once and survives a damaged cache."""

import hashlib
from pathlib import Path

import pytest
from rcm_billing.domain.code_set import lacks_seventh, read_codes
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.gateways import releases
from rcm_coding.handlers.following import edition_key


def test_artefact_is_reused_and_a_damaged_one_is_made_anew(
    tmp_path: Path, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def compile_once(_xml: bytes, edition: str) -> Knowledge:
        calls.append(edition)
        return knowledge

    monkeypatch.setattr(releases, "compile_knowledge", compile_once)
    first = releases.load_installed(tmp_path)
    again = releases.load_installed(tmp_path)
    assert calls == ["2026-04-01"]
    assert again.tabular == first.tabular
    (artefact,) = tmp_path.iterdir()
    artefact.write_bytes(artefact.read_bytes()[:1000])
    releases.load_installed(tmp_path)
    assert len(calls) == 2


def test_unwritable_cache_is_no_error(
    tmp_path: Path, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "compile_knowledge", lambda _xml, _edition: knowledge)
    blocker = tmp_path / "file"
    blocker.write_text("")
    assert releases.load_installed(blocker / "below").release == "ICD-10-CM:2026-04-01"


def test_same_file_has_the_same_release_id() -> None:
    assert edition_key("ab" * 32) == edition_key("ab" * 32)
    assert edition_key("ab" * 32) != edition_key("cd" * 32)


def test_billable_codes_are_all_that_may_stand_on_a_claim(knowledge: Knowledge) -> None:
    tabular = knowledge.tabular
    text = releases.billable_codes(tabular)
    codes = text.split("\n")
    assert codes == sorted(set(codes))
    assert len(codes) == tabular.billable_count == 74_719
    assert all(map(tabular.billable, codes))
    assert {"S52532A", "W010XXA", "D225"} <= set(codes)
    assert not {"S52532", "W010", "D22"} & set(codes)


def test_billing_reads_what_coding_writes(knowledge: Knowledge) -> None:
    text = releases.billable_codes(knowledge.tabular)
    codes = read_codes(text.encode(), hashlib.sha256(text.encode()).hexdigest())
    assert len(codes) == 74_719
    expanded = [
        concept for concept in knowledge.tabular.concepts.values() if concept.leaf and concept.seventh
    ]
    assert all(lacks_seventh(concept.code, codes) for concept in expanded)
    headings = [concept.code for concept in knowledge.tabular.concepts.values() if not concept.leaf]
    wrong = [code for code in headings if len(code) < 7 and lacks_seventh(code, codes)]
    assert all(len(code) == 6 for code in wrong)  # headings whose 7th character is listed code by code
    assert {"C44102", "C44109"} <= set(wrong)
