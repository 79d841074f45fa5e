"""The encoder's artefacts: made anew when damaged, never needed, and of the index files that are active."""

from datetime import date
from pathlib import Path

import pytest
from rcm_coding.engine.tabular import Tabular
from rcm_coding.gateways import encoder as gateway
from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.encoder import NoEditionError, default_encoder, encoder_of
from rcm_coding.gateways.validity import installed_validity


@pytest.fixture(autouse=True)
def forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept from another test, and the user's own store is not read."""
    monkeypatch.setattr("rcm_coding.gateways.codeset_store.default_store", lambda: tmp_path / "own")
    monkeypatch.setattr(gateway, "_kept", [])
    default_encoder.cache_clear()


def test_broken_artefact_is_made_anew(
    tabular: Tabular, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = encoder_of(tabular, tmp_path).search("stroke")
    artefact = next(tmp_path.glob("encoder-*.npz"))
    artefact.write_bytes(artefact.read_bytes()[:1000])
    monkeypatch.setattr(gateway, "_kept", [])
    assert encoder_of(tabular, tmp_path).search("stroke") == first
    assert artefact.stat().st_size > 1000


def test_folder_that_cannot_be_written_is_no_error(tabular: Tabular, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert encoder_of(tabular, tmp_path / "file").search("stroke").found


def test_words_of_an_active_index_are_found(
    tabular: Tabular, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = "".join(
        f"<mainTerm><title>Grognard{at}</title><code>D22.5</code></mainTerm>" for at in range(2000)
    )
    path = tmp_path / "index.xml"
    path.write_text(
        "<ICD10CM.index><version>2026</version><title>ICD-10-CM INDEX TO DISEASES</title>"
        f"<letter><title>G</title>{terms}</letter></ICD10CM.index>"
    )
    store = CodesetStore(tmp_path / "store")
    kept, _ = store.load(path, "icd10cm-index", effective_from=date(2025, 10, 1))
    before = encoder_of(tabular, tmp_path, store).search("grognard1234").found
    assert "index" not in {item.kind for item in before}
    assert store.check(kept.release.name)[1] == ()
    store.activate(kept.release.name)
    monkeypatch.setattr(gateway, "_kept", [])
    found = encoder_of(tabular, tmp_path, store).search("grognard1234").found
    assert (found[0].shown, found[0].kind) == ("D22.5", "index")


@pytest.mark.skipif(installed_validity() is None, reason="the optional grouper package is not installed")
def test_year_after_the_installed_one_reads_back_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2026, 10, 1)
    first = default_encoder(day, tmp_path)
    default_encoder.cache_clear()
    monkeypatch.setattr(gateway, "_kept", [])
    again = default_encoder(day, tmp_path)
    assert again is not first
    assert again.tabular == first.tabular
    assert [again.tabular.billable(code) for code in ("I42.01", "I42.0", "M67.A01")] == [True, False, True]


@pytest.mark.parametrize("day", [date(2019, 10, 1), date(2031, 1, 1)])
def test_day_outside_the_editions_is_refused_with_their_span(day: date, tmp_path: Path) -> None:
    with pytest.raises(NoEditionError, match=f"{day}.*2025-10-01"):
        default_encoder(day, tmp_path)
