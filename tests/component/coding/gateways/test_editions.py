"""What a process reads notes by: swapped whole when the store of files changes."""

from datetime import date
from pathlib import Path

from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.editions import Editions

INDEX = b"""<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index><version>2022</version>
<indexHeading><head col="1">Neoplasm</head><head col="2">Malignant Primary</head></indexHeading>
<letter><title>N</title><mainTerm><title>Neoplasm, neoplastic</title>
<term level="1"><title>quagmire gland</title><cell col="2">C25.9</cell></term>
</mainTerm></letter></ICD10CM.index>
"""


def _activate(store: CodesetStore, folder: Path) -> None:
    path = folder / "icd10cm_neoplasm_2022.xml"
    path.write_bytes(INDEX)
    kept, _ = store.load(path, "icd10cm-neoplasm")
    store.check(kept.release.name)
    store.activate(kept.release.name)


def _knows(editions: Editions, day: date) -> bool:
    return any("quagmir" in term.stems for term in editions.on(day).lexicon.terms)


def test_activation_reaches_a_running_process_and_work_under_way_keeps_its_own(tmp_path: Path) -> None:
    store = CodesetStore(tmp_path / "store")
    editions = Editions(tmp_path / "cache", store)
    assert editions.load() == ()
    before = editions.on(date(2026, 9, 1))
    assert not editions.changed()
    _activate(store, tmp_path)
    assert editions.changed()
    assert [release.name for release in editions.load()] == ["icd10cm-neoplasm:FY2022"]
    assert not editions.changed()
    assert _knows(editions, date(2026, 9, 1))
    assert _knows(editions, date(2026, 11, 1))
    assert not any("quagmir" in term.stems for term in before.lexicon.terms)


def test_day_selects_the_edition(tmp_path: Path) -> None:
    editions = Editions(tmp_path / "cache")
    editions.load()
    assert editions.on(date(2026, 9, 30)).release == "ICD-10-CM:2026-04-01"
    assert editions.on(date(2026, 10, 1)).release == "ICD-10-CM:2026-10-01"
    code_sets = editions.code_sets()
    found = code_sets.on(date(2026, 10, 1))
    assert found is not None
    assert found.billable("I4201")
    assert code_sets.on(date(2027, 4, 1)) is None
