"""Reference tables: which edition a day has, which rows are in force, what a file or a release may not say."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.errors import BadCodeSetError
from rcm_billing.domain.reference import (
    FILES,
    NO_REFERENCE,
    SYSTEMS,
    TABLES,
    Dated,
    NotEvaluatedError,
    Reference,
    Table,
    table_of,
)
from rcm_billing.domain.reference_rows import among
from rcm_billing.domain.released_rows import (
    COVERAGE,
    PAIRS,
    RELEASED,
    coverage_records,
    pair_records,
    read_row,
    row_records,
)
from rcm_billing.domain.rules.lines import age_on, months_before, years_before
from rcm_billing.domain.rules.units import timed_units
from rcm_billing.gateways.reference_files import BadReferenceFileError, columns_of, read_file
from rcm_coding.codesets.tables import TABLES as CODING_TABLES

THIRD: Table[rows.Code] = Table("q3", {}, date(2026, 7, 1), date(2026, 9, 30))
FOURTH: Table[rows.Code] = Table("q4", {}, date(2026, 10, 1), None)
AGAIN: Table[rows.Code] = Table("q3+ab", {}, date(2026, 7, 1), date(2026, 9, 30))


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 6, 30), None),
        (date(2026, 7, 1), "q3+ab"),
        (date(2026, 9, 30), "q3+ab"),
        (date(2026, 10, 1), "q4"),
        (date(2030, 1, 1), "q4"),
    ],
)
def test_edition_is_chosen_by_the_day(day: date, name: str | None) -> None:
    found = Dated("x", (THIRD, FOURTH, AGAIN)).on(day)
    assert (found.name if found else None) == name


def test_table_that_is_missing_names_itself_and_keeps_what_was_found() -> None:
    with pytest.raises(NotEvaluatedError) as caught:
        NO_REFERENCE.pairs.need(date(2026, 9, 1), ["line-1"])
    assert (caught.value.what, caught.value.places) == ("ncci-ptp", ["line-1"])


def test_every_table_is_described_and_has_one_source() -> None:
    names = set(Reference.__dataclass_fields__)
    assert names == set(TABLES)
    assert set(SYSTEMS) | set(FILES) == names
    assert set(SYSTEMS.values()) == RELEASED
    for name in names:
        assert getattr(NO_REFERENCE, name).name == SYSTEMS.get(name, name)
        assert getattr(NO_REFERENCE, name).on(date(2026, 9, 1)) is None


def test_rows_are_found_by_key_beginning_and_day() -> None:
    found = [
        rows.Code(code="J18", effective_to=date(2026, 8, 31)),
        rows.Code(code="J18", effective_from=date(2026, 9, 1)),
        rows.Code(code="J1"),
    ]
    table = table_of("unspecified", found).need(date(2026, 9, 1))
    assert table.of("J18", date(2026, 9, 1)) == (found[1],)
    assert table.one("J18", date(2026, 8, 31)) == found[0]
    assert table.longest("J189", date(2026, 9, 1)) == found[1]
    assert set(table.beginnings("J189", date(2026, 9, 1))) == {found[1], found[2]}
    assert not table.has("J189", date(2026, 9, 1))
    assert table.longest("K", date(2026, 9, 1)) is None


@pytest.mark.parametrize(
    ("code", "codes", "found"),
    [("J189", {"J18*"}, True), ("J189", {"J189"}, True), ("J189", {"J18"}, False), ("J18", {"J189*"}, False)],
)
def test_set_of_codes_knows_beginnings(code: str, codes: set[str], found: bool) -> None:
    assert among(code, frozenset(codes)) is found


@given(st.dates(), st.dates(), st.dates(), st.dates())
def test_chosen_edition_always_covers_the_day(a: date, b: date, c: date, day: date) -> None:
    editions: tuple[Table[rows.Code], ...] = (Table("1", {}, a, b), Table("2", {}, c, None))
    found = Dated("x", editions).on(day)
    if found is None:
        assert not a <= day <= b
        assert day < c
    else:
        assert found.effective_from is not None
        assert found.effective_from <= day
        assert found.effective_to is None or day <= found.effective_to


@pytest.mark.parametrize(
    ("minutes", "units"), [(0, 0), (7, 0), (8, 1), (22, 1), (23, 2), (37, 2), (38, 3), (52, 3), (53, 4)]
)
def test_last_unit_needs_eight_minutes(minutes: int, units: int) -> None:
    assert timed_units(minutes) == units


def test_days_before() -> None:
    assert years_before(date(2024, 2, 29)) == date(2021, 2, 28)
    assert months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)
    assert months_before(date(2026, 1, 15), 24) == date(2024, 1, 15)
    assert age_on(date(2000, 9, 3), date(2026, 9, 2)) == 25
    assert age_on(date(2000, 9, 2), date(2026, 9, 2)) == 26


def test_rows_are_read_by_the_names_of_their_columns() -> None:
    row = read_row("ncci-mue", "code\tunits\tmai\tadded_later", "17110\t1\t2\tx")
    assert row == rows.UnitLimit(code="17110", units=1, mai="2")
    ended = read_row(
        "hcpcs", "code\tkind\tcoverage\tadded\teffective\tended", "J1100\tcode\tC\t\t2020-01-01\t"
    )
    assert ended == rows.Hcpcs(code="J1100", coverage="C", effective_from=date(2020, 1, 1))
    added = read_row("ncci-aoc", "add_on\tprimary\ttype\teffective\tdeleted", "99292\t99291\t1\t2013-04-01\t")
    assert added == rows.AddOn(add_on="99292", primary="99291", effective_from=date(2013, 4, 1))
    exempt = read_row("poa-exempt", "code", "Z0000")
    assert exempt == rows.Code(code="Z0000")


@pytest.mark.parametrize("system", sorted(RELEASED))
def test_coding_sends_the_columns_that_are_read(system: str) -> None:
    sent = CODING_TABLES[system].columns
    values = {"column1": "17110", "column2": "99213", "units": "1", "kind": "code"}
    line = "\t".join(
        "2026-07-01" if name in ("effective", "deleted", "ended", "added") else values.get(name, "J1")
        for name in sent
    )
    heads = "\t".join(sent)
    if system in PAIRS:
        assert list(pair_records(heads, [line])) == []
    elif system == COVERAGE:
        assert len(list(coverage_records(heads, [line]))) == 1
    else:
        assert read_row(system, heads, line)
        assert list(row_records(system, heads, [line])) == [(line.split("\t")[0], line)]


def test_pair_that_ended_on_its_first_day_is_left() -> None:
    heads = "column1\tcolumn2\teffective\tdeleted\tmodifier"
    lines = ["17110\t99213\t2026-07-01\t2026-07-01\t0", "17110\t99214\t2026-07-01\t2026-07-31\t1"]
    assert list(pair_records(heads, lines)) == [("17110", "99214", date(2026, 7, 1), date(2026, 7, 31), "1")]


@pytest.mark.parametrize(
    ("system", "heads", "line"),
    [
        ("ncci-mue", "code\tunits", "17110\t1"),
        ("ncci-mue", "code\tunits\tmai", "17110\t1"),
        ("ncci-mue", "code\tunits\tmai", "17110\tone\t1"),
        ("hcpcs", "code\tkind\tcoverage\tadded\teffective\tended", "J1100\tcode\tC\t2020\t\t"),
    ],
)
def test_row_of_another_form_is_refused(system: str, heads: str, line: str) -> None:
    with pytest.raises(BadCodeSetError, match="reference-row"):
        read_row(system, heads, line)


@pytest.mark.parametrize("line", ["17110\t99213\tnever\t\t0", "17110"])
def test_pair_and_article_of_another_form_are_refused(line: str) -> None:
    with pytest.raises(BadCodeSetError):
        list(pair_records("column1\tcolumn2\teffective\tdeleted\tmodifier", [line]))
    with pytest.raises(BadCodeSetError):
        list(coverage_records("article\tversion\teffective\tended\tkind\tcode", [line]))
    with pytest.raises(BadCodeSetError):
        list(pair_records("column1", [line]))


def written(folder: Path, name: str, text: str) -> Path:
    """Write one of the operator's files."""
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_operators_file_becomes_a_table(tmp_path: Path) -> None:
    text = (
        "\ufeffpayer,number,codes,units,effective_from,effective_to\r\n"
        'DHP01,A1,"17110 712*",2,2026-08-01,\r\n'
        "\r\n"
        "DHP01,A1,20610,,,2026-07-31\r\n"
    )
    table = read_file(written(tmp_path, "approvals.csv", text)).need(date(2026, 9, 1))
    assert table.name.startswith("approvals:")
    assert table.of("DHP01 A1", date(2026, 9, 1)) == (
        rows.Approval(
            payer="DHP01",
            number="A1",
            codes=frozenset({"17110", "712*"}),
            units=2,
            effective_from=date(2026, 8, 1),
        ),
    )


@pytest.mark.parametrize(
    ("name", "text", "line", "reason"),
    [
        ("wishes.csv", "code\nA\n", 0, "no table has this name"),
        ("pairs.csv", "column1,column2,modifier\n", 0, "no table has this name"),  # coding's release, no file
        ("drugs.csv", "", 1, "the last line does not end: cut off?"),
        ("drugs.csv", "code\nJ1100", 2, "the last line does not end: cut off?"),
        ("drugs.csv", "\n\n", 1, "no column code"),
        ("drugs.csv", "code,single\nJ1100,1\n", 1, "column 2 is none of "),
        ("drugs.csv", "code,code\nJ1100,J1100\n", 1, "a column stands twice"),
        ("drugs.csv", "payer\nDHP01\n", 1, "no column code"),
        ("drugs.csv", "code,payer\nJ1100\n", 2, "1 cells, not 2"),
        ("drugs.csv", "code\nJ1100\nJ1100\n", 3, "the line stands twice"),
        ("drugs.csv", "code,payer\n,DHP01\n", 2, "a key is empty"),
        ("drugs.csv", "code,single_dose\nJ1100,yes\n", 2, "single_dose is not 1 or 0"),
        ("drugs.csv", "code,effective_from\nJ1100,1.7.2026\n", 2, "effective_from is not a date YYYY-MM-DD"),
        (
            "drugs.csv",
            "code,effective_from,effective_to\nJ1100,2026-07-01,2026-06-30\n",
            2,
            "effective_to lies before effective_from",
        ),
        ("frequency_limits.csv", "code,count\nG0105,-1\n", 2, "count is not a number from 0"),
        ("procedure_limits.csv", 'code,sex\n"G0105,F\n', 2, "a quoted cell does not end"),
    ],
)
def test_broken_file_is_refused_whole_with_its_line(
    tmp_path: Path, name: str, text: str, line: int, reason: str
) -> None:
    with pytest.raises(BadReferenceFileError) as caught:
        read_file(written(tmp_path, name, text))
    assert (caught.value.name, caught.value.line) == (name, line)
    assert caught.value.reason.startswith(reason)
    assert "J1100" not in str(caught.value)


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "drugs.csv"
    path.write_bytes(b"\xff\xfe\x00\n")
    with pytest.raises(BadReferenceFileError, match="no UTF-8 text"):
        read_file(path)
    path.write_bytes(b"code\nJ\x001100\n")
    with pytest.raises(BadReferenceFileError, match="no text"):
        read_file(path)
    with pytest.raises(BadReferenceFileError, match="cannot be read"):
        read_file(tmp_path / "places.csv")


@pytest.mark.parametrize("table", FILES)
def test_documentation_lists_every_file_and_column(table: str) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "billing-reference.md"
    text = page.read_text(encoding="utf-8")
    section = text.split(f"### {table}.csv\n")[1].split("\n###")[0]
    for column, _, _ in columns_of(table):
        assert f"| `{column}` |" in section
