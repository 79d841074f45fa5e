"""The tabular list against the published facts of the April 2026 edition."""

from datetime import date

import pytest
from rcm_coding.engine.tabular import (
    BadCodeSetError,
    Tabular,
    dotted_code,
    parse_tabular,
    plain_code,
    read_installed_xml,
)


def test_edition_has_the_published_number_of_codes(tabular: Tabular) -> None:
    assert tabular.edition == "2026-04-01"
    assert (tabular.effective_from, tabular.effective_to) == (date(2025, 10, 1), date(2026, 9, 30))
    assert len(tabular.concepts) == 46_881
    assert tabular.billable_count == 74_719


@pytest.mark.parametrize(
    "code", ["D22.5", "E11.9", "I10", "B20", "R99", "QA00.101", "I42.0", "S72.001A", "W19.XXXA"]
)
def test_billable_code_is_billable(tabular: Tabular, code: str) -> None:
    assert tabular.billable(code)


@pytest.mark.parametrize(
    "code", ["D22", "E11", "S72.001", "S72.001I", "W19", "W19A", "W19.XXA", "I42.01", "M67.A01", "ZZZ", ""]
)
def test_other_code_is_not_billable(tabular: Tabular, code: str) -> None:
    assert not tabular.billable(code)


def test_seventh_character_is_expanded_with_placeholder_and_title(tabular: Tabular) -> None:
    found = tabular.resolve("W010XXA")
    assert found is not None
    assert found.base == "W010"
    assert found.title.endswith(", initial encounter")
    assert tabular.extend("S52532", "A") == "S52532A"
    assert tabular.extend("S52532", "Z") is None


def test_seventh_characters_that_a_note_bars_do_not_exist(tabular: Tabular) -> None:
    assert tabular.billable("S06307A")
    assert not tabular.billable("S06307D")
    assert tabular.billable("S06306D")


def test_femur_fracture_takes_sixteen_characters(tabular: Tabular) -> None:
    assert "".join(tabular.seventh_characters("S72001")) == "ABCDEFGHJKMNPQRS"


@pytest.mark.parametrize(("code", "other"), [("E119", "E109"), ("E119", "P702"), ("A046", "A282")])
def test_inherited_excludes1_keeps_codes_apart(tabular: Tabular, code: str, other: str) -> None:
    assert tabular.excluded_by(code, other) or tabular.excluded_by(other, code)


def test_unrelated_codes_are_not_excluded(tabular: Tabular) -> None:
    assert tabular.excluded_by("E119", "I10") is None
    assert tabular.excluded_by("I10", "E119") is None


def test_notes_are_inherited(tabular: Tabular) -> None:
    assert any("Z79.4" in text for _, text in tabular.inherited_notes("E119", "use-additional"))


def test_codes_are_written_with_and_without_dot() -> None:
    assert plain_code(" d22.5 ") == "D225"
    assert dotted_code("D225") == "D22.5"
    assert dotted_code("I10") == "I10"


@pytest.mark.parametrize(
    ("xml", "edition"),
    [
        (b"<ICD10CM.tabular><version>2026</version></ICD10CM.tabular>", "2026-04-01"),
        (b"<ICD10CM.tabular><version>2026</version>", "2026-04-01"),
        (b"<other/>", "2026-04-01"),
        (b"", "2026-04-01"),
    ],
)
def test_broken_file_is_refused(xml: bytes, edition: str) -> None:
    with pytest.raises(BadCodeSetError):
        parse_tabular(xml, edition)


def test_file_of_another_year_is_refused() -> None:
    edition, xml = read_installed_xml()
    assert edition == "2026-04-01"
    with pytest.raises(BadCodeSetError, match="fiscal year"):
        parse_tabular(xml, "2026-10-01")


def test_exclusion_of_a_whole_chapter_reaches_its_codes(tabular: Tabular) -> None:
    assert tabular.chapter("O09.90") == "chapter 15"
    assert tabular.excluded_by("O09.90", "Z34.90") == "chapter 15"
    assert tabular.excluded_by("Z34.90", "O09.90") == tabular.excluded_by("Z3490", "O0990")
    assert tabular.excluded_by("I10", "Z34.90") is None
    assert tabular.chapter("ZZZ") == ""
