"""The store of releases: refused files, activation by span, differences."""

from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.order import CM_LETTERS
from rcm_coding.codesets.releases import Release, Status, in_force
from rcm_coding.gateways.codeset_store import CodesetStore, StoreError


def _file(folder: Path, year: int, extra: tuple[str, ...] = (), header: tuple[str, ...] = ()) -> Path:
    codes = sorted({f"{letter}01" for letter in CM_LETTERS} | set(extra))
    rows = [
        f"{at:05d} {code:<7} {int(code not in header)} {'Made':<60} Made\r\n"
        for at, code in enumerate(codes, 1)
    ]
    path = folder / f"icd10cm-order-{year}.txt"
    path.write_bytes("".join(rows).encode())
    return path


def _label(releases: list[Release], system: str, on: date) -> str | None:
    found = in_force(releases, system, on)
    return found.label if found else None


@pytest.fixture
def store(tmp_path: Path) -> CodesetStore:
    return CodesetStore(tmp_path / "store")


def _active(store: CodesetStore, path: Path) -> Release:
    kept, _ = store.load(path, "icd10cm-order")
    store.check(kept.release.name)
    return store.activate(kept.release.name)


def test_release_is_staged_checked_and_active(store: CodesetStore, tmp_path: Path) -> None:
    release = _active(store, _file(tmp_path, 2026))
    assert (release.status, release.effective_from, release.effective_to) == (
        Status.ACTIVE,
        date(2025, 10, 1),
        date(2026, 9, 30),
    )


def test_broken_file_leaves_the_store(store: CodesetStore, tmp_path: Path) -> None:
    _active(store, _file(tmp_path, 2026))
    before = store.list()
    path = _file(tmp_path, 2027)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(BrokenFileError):
        store.load(path, "icd10cm-order")
    with pytest.raises(BrokenFileError, match="not of FY2028"):
        store.load(_file(tmp_path, 2027), "icd10cm-order", effective_from=date(2027, 10, 1))
    assert store.list() == before


def test_unchecked_release_cannot_be_activated(store: CodesetStore, tmp_path: Path) -> None:
    kept, _ = store.load(_file(tmp_path, 2026), "icd10cm-order")
    with pytest.raises(StoreError, match="only a checked"):
        store.activate(kept.release.name)


def test_next_year_says_what_it_retires_and_both_years_stay_active(
    store: CodesetStore, tmp_path: Path
) -> None:
    _active(store, _file(tmp_path, 2026, extra=("D691", "T52")))
    kept, _ = store.load(_file(tmp_path, 2027, extra=("D691", "D6911"), header=("D691",)), "icd10cm-order")
    _, faults, difference = store.check(kept.release.name)
    assert faults == ()
    assert difference is not None
    assert (difference.added, difference.deleted, difference.to_header) == (("D6911",), ("T52",), ("D691",))
    store.activate(kept.release.name)
    releases = [item.release for item in store.list()]
    assert _label(releases, "icd10cm-order", date(2026, 9, 30)) == "FY2026"
    assert _label(releases, "icd10cm-order", date(2026, 10, 1)) == "FY2027"


def test_update_within_the_year_ends_the_earlier_release_the_day_before(
    store: CodesetStore, tmp_path: Path
) -> None:
    _active(store, _file(tmp_path, 2026))
    kept, _ = store.load(
        _file(tmp_path, 2026, extra=("D02",)),
        "icd10cm-order",
        effective_from=date(2026, 4, 1),
        label="April",
    )
    store.check(kept.release.name)
    store.activate(kept.release.name)
    releases = [item.release for item in store.list()]
    assert _label(releases, "icd10cm-order", date(2026, 3, 31)) == "FY2026"
    assert _label(releases, "icd10cm-order", date(2026, 4, 1)) == "April"


def test_archive_without_the_systems_file_is_refused(store: CodesetStore, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "x\n")
    with pytest.raises(BrokenFileError, match="no file of"):
        store.load(path, "icd10cm-order")
