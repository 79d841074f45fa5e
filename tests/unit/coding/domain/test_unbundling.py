"""NCCI pairs, add-ons, unit limits, validity and coverage by each line's date of service, over made-up tables."""

from datetime import date
from pathlib import Path

import pytest
from rcm_coding.codesets.releases import Release, Status
from rcm_coding.codesets.tables import Cells
from rcm_coding.domain.edit import Edit, Severity
from rcm_coding.domain.tables import LoadedTable, Tables, loaded
from rcm_coding.domain.unbundling import line_edits
from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.line_tables import load_tables
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import ClaimForm

DAY = date(2026, 7, 15)


def _table(system: str, *rows: Cells) -> LoadedTable:
    release = Release(
        system, "2026Q3", date(2026, 7, 1), date(2026, 9, 30), "0" * 64, 1, 1, "AMA", Status.ACTIVE
    )
    return loaded(release, rows)


def _pair(
    modifier: str = "1", effective: str = "2018-07-01", deleted: str = "", second: str = "G0002"
) -> Cells:
    return "G0001", second, effective, deleted, modifier


ARTICLE = ("50000", "3", "2026-01-01", "")


def _tables(*pairs: Cells) -> Tables:
    return Tables(
        (
            _table("ncci-ptp", *pairs),
            _table(
                "ncci-aoc",
                ("G0005", "G0004", "1", "2020-01-01", ""),
                ("G0005", "G0001", "1", "2020-01-01", "2021-12-31"),
                ("G0006", "", "2", "2020-01-01", ""),
                ("G0007", "G0004", "3", "2020-01-01", ""),
            ),
            _table("ncci-mue", ("G0001", "2", "2"), ("G0002", "2", "1")),
            _table(
                "hcpcs",
                *((f"G000{at}", "code", "C", "2020-01-01", "", "") for at in range(1, 8)),
                ("G0009", "code", "C", "2020-01-01", "", "2026-06-30"),
            ),
            _table(
                "mcd-articles",
                (*ARTICLE, "procedure", "G0003", "1"),
                (*ARTICLE, "covered", "I10", "1"),
                (*ARTICLE, "noncovered", "R05", ""),
            ),
        ),
        frozenset({"50000"}),
    )


def _line(code: str, *modifiers: str, day: date = DAY, units: int = 1) -> FinalProcedure:
    return FinalProcedure("HCPCS", code, day, units, modifiers, (1,))


def _edits(*lines: FinalProcedure, diagnosis: str = "I10", pairs: tuple[Cells, ...] = ()) -> tuple[Edit, ...]:
    return line_edits(lines, (FinalDiagnosis(diagnosis, "first-listed", None),), _tables(*pairs))


def _found(
    *lines: FinalProcedure, diagnosis: str = "I10", pairs: tuple[Cells, ...] = ()
) -> list[tuple[str, str, str]]:
    edits = _edits(*lines, diagnosis=diagnosis, pairs=pairs)
    return [(edit.rule, str(edit.severity), edit.code) for edit in edits]


@pytest.mark.parametrize(
    ("modifier", "written", "severity"),
    [
        ("1", (), "warn"),
        ("1", ("59",), None),
        ("1", ("XU",), None),
        ("0", (), "block"),
        ("0", ("59",), "block"),
        ("9", (), None),
    ],
)
def test_pair_obeys_its_modifier_indicator(
    modifier: str, written: tuple[str, ...], severity: str | None
) -> None:
    found = _found(_line("G0001"), _line("G0002", *written), pairs=(_pair(modifier),))
    assert found == ([("NCCI-PTP", severity, "G0002")] if severity else [])


def test_pair_counts_only_while_in_force_and_on_one_day() -> None:
    two = (_line("G0001"), _line("G0002"))
    assert _found(*two, pairs=(_pair(deleted="2026-06-30"),)) == []
    assert _found(*two, pairs=(_pair(effective="2026-07-15", deleted="2026-07-15"),)) == []
    assert _found(*two, pairs=(_pair(deleted="2026-07-15"),)) == [("NCCI-PTP", "warn", "G0002")]
    assert _found(two[0], _line("G0002", day=date(2026, 7, 16)), pairs=(_pair(),)) == []


def test_every_edit_names_authority_release_and_first_day() -> None:
    pair, units = _edits(_line("G0001", units=3), _line("G0002"), pairs=(_pair("0"),))
    assert (pair.authority, pair.version, pair.effective) == (
        "CMS NCCI PTP edits",
        "ncci-ptp:2026Q3",
        date(2018, 7, 1),
    )
    assert (units.version, units.effective) == ("ncci-mue:2026Q3", date(2026, 7, 1))
    (article,) = _edits(_line("G0003"), diagnosis="J189")
    assert (article.authority, article.effective) == ("CMS coverage article A50000", date(2026, 1, 1))


def test_units_are_counted_by_day_or_by_line() -> None:
    assert _found(_line("G0001"), _line("G0001", "59", units=2)) == [("MUE", "block", "G0001")]
    assert _found(_line("G0002", units=2), _line("G0002", "59", units=2)) == []
    assert _found(_line("G0002", units=3)) == [("MUE", "warn", "G0002")]


@pytest.mark.parametrize(
    ("codes", "severity"),
    [
        (("G0005", "G0004"), None),
        (("G0005", "G0002"), "block"),
        (("G0005", "G0001"), "block"),  # that primary was deleted in 2021
        (("G0006",), "warn"),  # the contractor lists its primaries
        (("G0006", "G0002"), None),
        (("G0007", "G0002"), "warn"),
    ],
)
def test_add_on_needs_a_primary_of_its_day(codes: tuple[str, ...], severity: str | None) -> None:
    found = _found(*map(_line, codes))
    assert found == ([("NCCI-AOC", severity, codes[0])] if severity else [])


def test_code_outside_its_loaded_set_is_not_valid() -> None:
    assert _found(_line("G0009")) == [("PX-02", "block", "G0009")]
    assert _found(_line("G0008")) == [("PX-02", "block", "G0008")]


def test_article_asks_for_a_covered_diagnosis() -> None:
    assert _found(_line("G0003")) == []
    assert _found(_line("G0003"), diagnosis="J189") == [("LCD", "warn", "G0003")]
    assert _found(_line("G0003"), diagnosis="R05") == [("LCD", "warn", "G0003")]


def test_institutional_lines_are_judged_by_the_hospital_tables_alone() -> None:
    lines = (_line("G0001", units=9), _line("G0002"))
    edits = line_edits(lines, (), _tables(_pair("0")), ClaimForm.INSTITUTIONAL)
    assert [(edit.rule, edit.severity) for edit in edits] == [
        ("NCCI-PTP", Severity.NOT_EVALUATED),
        ("MUE", Severity.NOT_EVALUATED),
    ]


def test_day_without_a_release_is_not_evaluated_and_never_clean() -> None:
    late = date(2026, 11, 3)
    edits = line_edits((_line("G0001", day=late),), (), _tables())
    assert {edit.severity for edit in edits} == {Severity.NOT_EVALUATED}
    assert [edit.rule for edit in edits] == ["NCCI-PTP", "NCCI-AOC", "MUE", "CPT-HCPCS-validity", "LCD"]
    assert edits[0].message == "not evaluated: no NCCI-PTP release for 2026-11-03"


def test_tables_come_from_the_active_releases_of_a_store(tmp_path: Path) -> None:
    heads = "".join(f"head {at}\r\n" for at in range(6))
    path = tmp_path / "ccipra-v322r0.txt"
    rows = "".join(f"G0001\tG{at:04d}\t\t20180701\t*\t1\tmade\r\n" for at in range(2, 50))
    path.write_bytes(f"{heads}{rows}".encode())
    store = CodesetStore(tmp_path / "store")
    kept, _ = store.load(path, "ncci-ptp", label="2026Q3")
    lines = (_line("G0001"), _line("G0002"))
    assert load_tables(store, lines, ()) == Tables()
    store.check(kept.release.name)
    store.activate(kept.release.name)
    (table,) = load_tables(store, lines, ()).loaded
    assert (table.release.effective_from, table.release.effective_to) == (
        date(2026, 7, 1),
        date(2026, 9, 30),
    )
    assert table.rows == {"G0001": (("G0001", "G0002", "2018-07-01", "", "1"),)}
