"""The compiled artefact is made once and survives a damaged cache."""

from pathlib import Path

import pytest
from rcm_coding.app import release_key
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.gateways import releases


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
    assert release_key("ab" * 32) == release_key("ab" * 32)
    assert release_key("ab" * 32) != release_key("cd" * 32)
