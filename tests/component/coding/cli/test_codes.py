"""rcm codes and rcm bench encoder: what they print, and what they say when there is nothing to print."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rcm_coding.cli import codes
from rcm_coding.engine.tabular import Tabular
from rcm_coding.gateways import encoder as gateway
from rcm_coding.gateways.validity import installed_validity
from rcm_coding.training.encoder_bench import held_out, measure, misses, with_typo
from typer.testing import CliRunner


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the user's own store."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    gateway.default_encoder.cache_clear()


def run(*arguments: str) -> Any:
    return CliRunner().invoke(codes.app, list(arguments))


def test_search_lists_codes_with_titles() -> None:
    done = run("search", "heart", "atack")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].startswith("I21.9")
    assert "- is a heading" in done.stderr


def test_search_prints_json() -> None:
    done = run("search", "mole", "back", "--limit", "3", "--json")
    body = json.loads(done.stdout)
    assert len(body["found"]) == 3
    assert {"system", "code", "shown", "title", "billable", "score", "matched", "kind"} <= body["found"][
        0
    ].keys()


def test_show_prints_notes_characters_and_questions() -> None:
    done = run("show", "s72.001")
    assert done.exit_code == 0
    for line in ("needs a 7th character", "Excludes1:", "7th characters:", "Which encounter?", "Beside it:"):
        assert line in done.stdout


def test_show_prints_json() -> None:
    body = json.loads(run("show", "E11.9", "--json").stdout)
    assert body["billable"] is True
    assert sum(note["kind"] == "excludes1" and note["owner"] == "E11" for note in body["notes"]) == 8


def test_date_chooses_the_edition() -> None:
    assert run("show", "I42.0", "--date", "2026-09-30").exit_code == 0
    if installed_validity() is not None:  # the package that knows the next year is optional
        new = run("show", "I42.01", "--date", "2026-10-01")
        assert new.exit_code == 0
        assert "(billable)" in new.stdout
    old = run("show", "I42.01", "--date", "2026-09-30")
    assert old.exit_code == 1
    assert "I42.0" in old.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("search", " "), 2, "nothing to look for"),
        (("search", "x" * 10_000), 2, "at most"),
        (("search", "\x00\x01"), 2, "nothing to look for"),
        (("search", "xqzzkw"), 1, "nothing found"),
        (("search", "asthma", "--date", "2031-01-01"), 1, "no edition"),
        (("search", "asthma", "--date", "yesterday"), 2, "YYYY-MM-DD"),
        (("search", "asthma", "--system", "icd10pcs"), 1, "no active release"),
        (("search", "asthma", "--system", "icd9"), 1, "the system is one of"),
        (("show", "E1l.9"), 1, "E11.9"),
        (("show", "W19.XXX"), 1, "no such code"),
        (("show", ""), 2, "nothing to look for"),
    ],
)
def test_bad_input_gives_one_sentence(arguments: tuple[str, ...], status: int, said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == status
    assert said in done.stderr
    assert done.stderr.startswith("rcm: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.output
    assert done.stdout == ""


def test_import_of_the_commands_is_light() -> None:
    script = "import sys, rcm_coding.cli.codes; sys.exit('numpy' in sys.modules or 'lxml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_held_out_terms_are_the_same_for_a_seed(tabular: Tabular) -> None:
    assert held_out(tabular, 5, 30) == held_out(tabular, 5, 30) != held_out(tabular, 6, 30)


def test_typo_changes_one_word() -> None:
    from random import Random

    for seed in range(40):
        before, after = (
            "acute bronchitis of lung".split(),
            with_typo("acute bronchitis of lung", Random(seed)).split(),
        )
        assert sum(one != other for one, other in zip(before, after, strict=True)) <= 1


def test_search_reaches_its_bars_on_terms_it_does_not_have(tabular: Tabular) -> None:
    figures = measure(tabular, 31, 200)
    assert figures["clean"]["code_at_10"] >= 0.66
    assert figures["clean"]["cat_at_10"] >= 0.85
    assert figures["typo"]["cat_at_10"] >= 0.84


def test_missed_bars_are_named() -> None:
    good = {"code_at_10": 0.9, "cat_at_10": 0.9, "p95_ms": 5.0}
    assert misses({"clean": good, "typo": good}) == []
    assert misses({"clean": {**good, "code_at_10": 0.5}, "typo": {**good, "p95_ms": 99.0}}) == [
        "clean code_at_10 0.5 < 0.66",
        "typo p95 99 ms > 60 ms",
    ]
