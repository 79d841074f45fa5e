"""rcm codesets: staged, checked, activated, compared; broken files refused with line and reason."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from rcm_coding.cli.codesets import app
from rcm_coding.codesets.order import CM_LETTERS
from typer.testing import CliRunner, Result

INDEX = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index><version>2022</version>
<indexHeading><head col="1">Neoplasm</head><head col="2">Malignant Primary</head></indexHeading>
<letter><title>N</title><mainTerm><title>Neoplasm, neoplastic</title>
<term level="1"><title>pancreas</title><cell col="2">C25.9</cell></term>
<term level="1"><title>madeup</title><cell col="2">C99.9</cell></term>
</mainTerm></letter></ICD10CM.index>
"""


def _order(folder: Path, year: int, extra: tuple[str, ...] = (), headings: tuple[str, ...] = ()) -> Path:
    codes = sorted({f"{letter}01" for letter in CM_LETTERS} | set(extra))
    rows = (
        f"{at:05d} {code:<7} {int(code not in headings)} {'Made':<60} Made\r\n"
        for at, code in enumerate(codes, 1)
    )
    path = folder / f"icd10cm-order-{year}.txt"
    path.write_bytes("".join(rows).encode())
    return path


@pytest.fixture
def rcm(tmp_path: Path) -> Any:
    """Run a command against a store of the test's own."""

    def run(*words: object) -> Result:
        return CliRunner().invoke(app, [*map(str, words), "--store", str(tmp_path / "store")])

    return run


def test_release_goes_from_staged_to_active(rcm: Any, tmp_path: Path) -> None:
    loaded = json.loads(rcm("load", _order(tmp_path, 2026), "--json").stdout)
    assert [(row["release"], row["status"]) for row in loaded["staged"]] == [
        ("icd10cm-order:FY2026", "staged")
    ]
    assert rcm("activate", "icd10cm-order:FY2026").exit_code == 1
    assert json.loads(rcm("check", "icd10cm-order:FY2026", "--json").stdout)["status"] == "checked"
    active = json.loads(rcm("activate", "icd10cm-order:FY2026", "--json").stdout)
    assert active == {
        "release": "icd10cm-order:FY2026",
        "status": "active",
        "from": "2025-10-01",
        "to": "2026-09-30",
    }
    listed = json.loads(rcm("ls", "--json").stdout)["releases"]
    assert [row["status"] for row in listed if row["system"] == "icd10cm-order"] == ["active"]


def test_broken_file_is_refused_with_line_and_reason_and_the_rest_is_loaded(rcm: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "icd10cm-order-2027.txt"
    broken.parent.mkdir()
    broken.write_bytes(_order(tmp_path, 2027).read_bytes()[:700])
    done = rcm("load", broken, _order(tmp_path, 2026), "--json")
    answer = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [row["release"] for row in answer["staged"]] == ["icd10cm-order:FY2026"]
    assert answer["refused"][0]["line"] > 1
    assert answer["refused"][0]["reason"]
    assert "refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_year_is_refused(rcm: Any, tmp_path: Path) -> None:
    done = rcm("load", _order(tmp_path, 2026), "--from", "2026-10-01")
    assert done.exit_code == 1
    assert "FY2026, not of FY2027" in done.stderr


def test_failed_check_keeps_the_active_release(rcm: Any, tmp_path: Path) -> None:
    extra = tuple(f"A{at:02d}" for at in range(2, 60))
    for step in (("load", _order(tmp_path, 2026, extra)), ("check", "icd10cm-order:FY2026")):
        assert rcm(*step).exit_code == 0
    assert rcm("activate", "icd10cm-order:FY2026").exit_code == 0
    assert rcm("load", _order(tmp_path, 2027)).exit_code == 0
    checked = rcm("check", "icd10cm-order:FY2027")
    assert checked.exit_code == 1
    assert "rows" in checked.stderr
    assert rcm("activate", "icd10cm-order:FY2027").exit_code == 1
    rows = json.loads(rcm("ls", "--json").stdout)["releases"]
    states = {row["release"]: row["status"] for row in rows}
    assert (states["icd10cm-order:FY2026"], states["icd10cm-order:FY2027"]) == ("active", "staged")


def test_difference_names_what_changed(rcm: Any, tmp_path: Path) -> None:
    rcm("load", _order(tmp_path, 2026, ("A02",)))
    rcm("load", _order(tmp_path, 2027, ("A03",), ("B01",)))
    found = json.loads(rcm("diff", "icd10cm-order:FY2026", "icd10cm-order:FY2027", "--json").stdout)
    assert (found["added"], found["deleted"], found["to_header"]) == (["A03"], ["A02"], ["B01"])


def test_index_in_a_zip_says_how_many_terms_it_gives_and_why_not_others(rcm: Any, tmp_path: Path) -> None:
    archive = tmp_path / "index.zip"
    with ZipFile(archive, "w") as file:
        file.writestr("icd10cm_neoplasm_2022.xml", INDEX)
    (row,) = json.loads(rcm("load", archive, "--json").stdout)["staged"]
    assert row["release"] == "icd10cm-neoplasm:FY2022"
    assert row["terms"] == 1
    assert row["left"] == {"code not in the current release": 1}


@pytest.mark.parametrize("words", [("--from", "yesterday"), ("--columns", "code")])
def test_options_that_cannot_be_are_usage_errors(rcm: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = rcm("load", _order(tmp_path, 2026), *words)
    assert done.exit_code == 2
    assert done.stderr.startswith("rcm: --")


def test_missing_and_unknown_files_are_refused_in_a_sentence(rcm: Any, tmp_path: Path) -> None:
    unknown = tmp_path / "letter.txt"
    unknown.write_text("x\n")
    for path in (tmp_path / "none.txt", unknown, tmp_path / "none.zip"):
        done = rcm("load", path)
        assert done.exit_code == 1
        assert done.stderr.startswith("rcm: ")
