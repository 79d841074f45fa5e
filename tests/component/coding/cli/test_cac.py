"""rcm cac train and rcm bench cac, from the command line."""

import json
from pathlib import Path

import pytest
import typer
from rcm_coding.cli.cac import app, bench_cac
from typer.testing import CliRunner
from unit.coding.training.corpus import write_corpus

bench = typer.Typer()
bench.command()(bench_cac)


def run(group: typer.Typer, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(group, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_train_then_bench_gives_the_named_sets(tmp_path: Path) -> None:
    home = write_corpus(write_corpus(tmp_path / "corpus", notes=48), split="dev", notes=12)
    out = tmp_path / "model"
    status, said, _ = run(
        app, "train", "--corpus", f"codiesp:{home}", "--lang", "es", "--out", str(out), "--json"
    )
    assert status == 0
    assert json.loads(said)["notes"] == 48
    status, said, aside = run(
        bench, "--corpus", f"codiesp:{home}:dev", "--lang", "es", "--model", str(out), "--json"
    )
    assert status == 0
    sets = json.loads(said)["sets"]
    assert list(sets) == ["codiesp-dev-es", "codiesp-dev-es-procedures"]
    for found in sets.values():
        assert {"notes", "code", "category", "map", "ece", "notes_per_s"} <= found.keys()
        assert {"p", "r", "f1", "ci"} <= found["code"].keys()
    assert "without --corpus" in aside


def test_bench_without_corpus_measures_generated_and_mole() -> None:
    status, said, aside = run(bench, "--model", "none", "--generated", "24", "--json")
    assert status == 0
    assert list(json.loads(said)["sets"]) == ["generated", "mole"]
    assert "--corpus codiesp:DIR:dev" in aside


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--corpus", "codiesp:/nowhere"), "there is no folder"),
        (("--corpus", "mimic"), "a corpus is written"),
        (("--lang", "fr"), "--lang is en or es"),
        (("--model", "/nowhere"), "--model"),
    ],
)
def test_bench_says_what_is_wrong_in_one_line(arguments: tuple[str, ...], says: str) -> None:
    status, out, aside = run(bench, *arguments)
    assert (status, out) == (2, "")
    assert says in aside
    assert aside.count("\n") == 1


def test_train_leaves_nothing_when_the_corpus_is_absent(tmp_path: Path) -> None:
    status, _, aside = run(
        app, "train", "--corpus", f"codiesp:{tmp_path}:train", "--out", str(tmp_path / "m")
    )
    assert status == 2
    assert "has no split train" in aside
    assert not (tmp_path / "m").exists()


def test_train_refuses_a_corpus_without_codes(tmp_path: Path) -> None:
    home = write_corpus(tmp_path / "corpus", notes=4)
    for letter in "DPX":
        (home / "train" / f"train{letter}.tsv").write_text("")
    status, _, aside = run(
        app, "train", "--corpus", f"codiesp:{home}", "--lang", "es", "--out", str(tmp_path / "m")
    )
    assert status == 1
    assert "no codes" in aside
    assert not (tmp_path / "m").exists()
