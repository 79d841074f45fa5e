"""NCCI pairs, unit limits and coverage by each line's date of service, over made-up tables."""

from datetime import date
from pathlib import Path

import pytest
from rcm_coding.codesets.coverage import Article
from rcm_coding.codesets.ncci import Pair, UnitLimit
from rcm_coding.codesets.releases import Release, Status
from rcm_coding.domain.edits import Edit, Severity
from rcm_coding.domain.unbundling import (
    CoverageTable,
    LimitTable,
    Tables,
    line_edits,
    pair_table,
    with_line_edits,
)
from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.line_tables import load_tables
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure

DAY = date(2026, 7, 15)


def _release(system: str) -> Release:
    return Release(
        system, "2026Q3", date(2026, 7, 1), date(2026, 9, 30), "0" * 64, 1, 1, "AMA", Status.ACTIVE
    )


def _pair(
    modifier: str = "1",
    effective: date = date(2018, 7, 1),
    deleted: date | None = None,
    second: str = "G0002",
) -> Pair:
    return Pair("G0001", second, effective, deleted, modifier)


def _tables(*pairs: Pair) -> Tables:
    return Tables(
        (pair_table(_release("ncci-ptp"), pairs),),
        (
            LimitTable(
                _release("ncci-mue"),
                {"G0001": UnitLimit("G0001", 2, "2"), "G0002": UnitLimit("G0002", 2, "1")},
            ),
        ),
        (
            CoverageTable(
                _release("mcd-articles"),
                (
                    Article(
                        "50000",
                        "3",
                        date(2026, 1, 1),
                        None,
                        frozenset({"G0003"}),
                        frozenset({"I10"}),
                    ),
                ),
            ),
        ),
    )


def _line(code: str, *modifiers: str, day: date = DAY, units: int = 1) -> FinalProcedure:
    return FinalProcedure("HCPCS", code, day, units, modifiers, (1,))


def _found(
    *lines: FinalProcedure, diagnosis: str = "I10", pairs: tuple[Pair, ...] = ()
) -> list[tuple[str, str, str]]:
    edits = line_edits(lines, (FinalDiagnosis(diagnosis, "first-listed", None),), _tables(*pairs))
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
    assert _found(*two, pairs=(_pair(deleted=date(2026, 6, 30)),)) == []
    assert _found(*two, pairs=(_pair(effective=DAY, deleted=DAY),)) == []
    assert _found(*two, pairs=(_pair(deleted=DAY),)) == [("NCCI-PTP", "warn", "G0002")]
    assert _found(two[0], _line("G0002", day=date(2026, 7, 16)), pairs=(_pair(),)) == []


def test_pair_names_authority_release_and_first_day() -> None:
    (edit,) = line_edits((_line("G0001"), _line("G0002")), (), _tables(_pair("0")))
    assert (edit.authority, edit.version) == ("CMS NCCI PTP edits", "ncci-ptp:2026Q3")
    assert "2018-07-01" in edit.message


def test_units_are_counted_by_day_or_by_line() -> None:
    assert _found(_line("G0001"), _line("G0001", "59", units=2)) == [("MUE", "block", "G0001")]
    assert _found(_line("G0002", units=2), _line("G0002", "59", units=2)) == []
    assert _found(_line("G0002", units=3)) == [("MUE", "warn", "G0002")]


def test_article_asks_for_a_covered_diagnosis() -> None:
    assert _found(_line("G0003")) == []
    assert _found(_line("G0003"), diagnosis="J189") == [("LCD", "warn", "G0003")]


def test_day_without_a_release_is_not_evaluated_and_never_clean() -> None:
    late = date(2026, 11, 3)
    edits = line_edits((_line("G0001", day=late),), (), _tables())
    assert [(edit.rule, edit.severity) for edit in edits] == [
        ("NCCI-PTP", Severity.NOT_EVALUATED),
        ("MUE", Severity.NOT_EVALUATED),
        ("LCD", Severity.NOT_EVALUATED),
    ]
    assert edits[0].message == "not evaluated: no NCCI release for 2026-11-03"


def test_loaded_tables_take_the_place_of_not_evaluated() -> None:
    before = (
        Edit("DX-01", Severity.BLOCK, "X", "", ""),
        Edit("NCCI-PTP", Severity.NOT_EVALUATED, "", "", ""),
        Edit("POA-exempt", Severity.NOT_EVALUATED, "", "", ""),
    )
    after = with_line_edits(before, (_line("G0001"), _line("G0002")), (), _tables(_pair()))
    assert [edit.rule for edit in after] == ["DX-01", "NCCI-PTP", "POA-exempt"]
    assert after[1].severity is Severity.WARN


def test_tables_come_from_the_active_releases_of_a_store(tmp_path: Path) -> None:
    heads = "".join(f"head {at}\r\n" for at in range(6))
    path = tmp_path / "ccipra-v322r0-f1.txt"
    path.write_bytes(f"{heads}G0001\tG0002\t\t20180701\t*\t1\tmade\r\n".encode())
    store = CodesetStore(tmp_path / "store")
    kept, _ = store.load(path, "ncci-ptp", effective_from=date(2026, 7, 1), label="2026Q3")
    assert load_tables(store) == Tables()
    store.check(kept.release.name)
    store.activate(kept.release.name)
    (table,) = load_tables(store).pairs
    assert table.release.effective_to == date(2026, 9, 30)
    assert table.pairs["G0001", "G0002"][0].modifier == "1"
