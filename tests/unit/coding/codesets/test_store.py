"""The store of releases: refused files, activation by span, differences."""

from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.order import CM_LETTERS
from rcm_coding.codesets.releases import Release, Status, in_force
from rcm_coding.gateways.codeset_files import join
from rcm_coding.gateways.codeset_store import CodesetStore, StoreError
from rcm_coding.gateways.editions import order_titles


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


def test_changes_of_a_year_are_loaded_and_give_its_new_codes_their_titles(
    store: CodesetStore, tmp_path: Path
) -> None:
    path = tmp_path / "icd10cm_fy2027_delta.tsv"
    path.write_text("action\tcode\tlong_description\nADD\tI4201\tMade title\nTO_HEADER\tI420\tOther\n")
    kept, _ = store.load(path, "icd10cm-delta")
    assert (kept.release.effective_from, kept.release.rows) == (date(2026, 10, 1), 2)
    assert order_titles(store, date(2026, 10, 1)) == {}
    store.check(kept.release.name)
    store.activate(kept.release.name)
    assert order_titles(store, date(2026, 10, 1)) == {"I4201": "Made title"}
    assert order_titles(store, date(2026, 9, 30)) == {}


def test_addendum_cut_before_its_counts_is_refused(store: CodesetStore, tmp_path: Path) -> None:
    path = tmp_path / "icd10cm-order-addenda-2027.txt"
    row = "Add:         1 B8801   Made mite" + " " * 52 + "Made mite"
    path.write_text(f"{row}\nCodes\n      1 additions\n      0 deletions\n")
    kept, _ = store.load(path, "icd10cm-addenda")
    assert kept.release.label == "FY2027"
    path.write_text(f"{row}\n")
    with pytest.raises(BrokenFileError, match="truncated"):
        store.load(path, "icd10cm-addenda")


def test_parts_of_the_pairs_are_one_release_in_any_order(store: CodesetStore, tmp_path: Path) -> None:
    parts = []
    for part in (2, 1):
        path = tmp_path / f"ccipra-v322r0-f{part}.txt"
        heads = "".join(f"head {at}\r\n" for at in range(6))
        path.write_bytes(f"{heads}G000{part}\tG0009\t\t20180701\t*\t1\tmade\r\n".encode())
        parts.append(path)
    with pytest.raises(BrokenFileError, match="all parts"):
        store.load(parts[0], "ncci-ptp")
    for at, order in enumerate((parts, parts[::-1])):
        join(order, "ncci-ptp", tmp_path / f"{at}.zip")
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "1.zip").read_bytes()
    kept, _ = store.load(tmp_path / "0.zip", "ncci-ptp")
    assert (kept.release.rows, kept.release.effective_from) == (2, date(2026, 7, 1))
    assert [row.key for row in store.entries(kept)] == ["G0001", "G0002"]
