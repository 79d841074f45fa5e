"""rcm cac and rcm bench cac: learn a model from coded notes, and measure what suggestions are worth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from rcm_coding.cli import models

if TYPE_CHECKING:
    from rcm_coding.engine.ranking.model import Model
    from rcm_coding.training.codiesp import Corpus
    from rcm_coding.training.evaluation import Bench

app = typer.Typer(no_args_is_help=True)
app.add_typer(models.app, name="models")

FAILED, USAGE = 1, 2
_LANGUAGES = ("en", "es")
_HEADS = ("set", "notes", "P", "R", "code F1", "category F1", "R@5", "top-1", "MAP", "ECE", "notes/s")


@app.callback()
def cac() -> None:
    """Learn from coded notes."""


@app.command()
def train(
    corpus: Annotated[
        str,
        typer.Option(metavar="codiesp:DIR[:SPLIT,…]", help="Coded notes; the split is train unless named."),
    ],
    out: Annotated[Path, typer.Option(metavar="MODEL", help="Folder to write the model to.")],
    lang: Annotated[str, typer.Option(help="Language of the notes: en or es.")] = "en",
    default: Annotated[
        bool,
        typer.Option(
            "--default", help="Make the model that ships: with generated notes, without any phrases."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON on stdout.")] = False,
) -> None:
    """Learn a model from coded notes. The same notes give the same bytes."""
    if lang not in _LANGUAGES:
        _fail(USAGE, "--lang is en or es")
    if default and lang != "en":
        _fail(USAGE, "--default goes with --lang en: generated notes are English")
    import json

    from rcm_coding.gateways.models import write_model
    from rcm_coding.gateways.releases import load_installed
    from rcm_coding.training.train import train as learn
    from rcm_coding.training.train import train_default

    notes = _corpus(corpus)
    knowledge = load_installed(None)
    try:
        model = train_default(notes, knowledge) if default else learn(notes, _language(lang), knowledge)
    except ValueError as error:
        _fail(FAILED, str(error))
    if not model.scorers:
        _fail(FAILED, "nothing to learn from: these notes have no codes")
    try:
        path = write_model(out, model)
    except OSError as error:
        _fail(FAILED, f"{out} cannot be written: {error.strerror or 'no reason given'}")
    made = {"model": model.name, "file": str(path), "bytes": path.stat().st_size, **model.facts}
    if as_json:
        print(json.dumps(made), flush=True)
    else:
        for name, value in made.items():
            print(f"{name:14} {value}", flush=True)


def bench_cac(
    corpus: Annotated[
        str,
        typer.Option(
            metavar="codiesp:DIR:SPLIT",
            help="Coded notes to measure on; left out: generated and the mole note.",
        ),
    ] = "",
    lang: Annotated[str, typer.Option(help="Language of the corpus: en or es.")] = "en",
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL", help="A trained model; none: the rules alone; left out: the packaged one."
        ),
    ] = "",
    generated: Annotated[int, typer.Option(min=20, help="How many generated notes.")] = 2000,
    codesets: Annotated[
        str,
        typer.Option(metavar="DIR", help="Store of code-set releases whose active indexes are read too."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on stdout.")] = False,
) -> None:
    """Measure suggestions against gold codes; every figure with the interval of a bootstrap over notes."""
    if lang not in _LANGUAGES:
        _fail(USAGE, "--lang is en or es")
    import json

    from rcm_coding.gateways.codeset_store import CodesetStore
    from rcm_coding.gateways.releases import load_installed, load_knowledge_of
    from rcm_coding.training.evaluation import Bench
    from rcm_coding.training.measures import as_rows

    notes = _corpus(corpus) if corpus else None
    chosen = _model(model, lang)
    knowledge = load_knowledge_of(CodesetStore(Path(codesets))) if codesets else load_installed(None)
    bench = Bench(knowledge, chosen)
    sets = _corpus_sets(bench, notes, corpus, lang) if notes else _own_sets(bench, generated)
    if as_json:
        facts = dict(chosen.facts) if chosen else {}
        print(
            json.dumps({"sets": sets, "model": chosen.name if chosen else None, "learned_from": facts}),
            flush=True,
        )
    else:
        _table(_HEADS, as_rows(sets))
    if not sets:
        raise typer.Exit(FAILED)


def _corpus_sets(bench: Bench, notes: Corpus, source: str, lang: str) -> dict[str, Any]:
    from rcm_coding.engine.ranking.model import DIAGNOSES, PROCEDURES
    from rcm_coding.training.codiesp import parse_source
    from rcm_coding.training.evaluation import bench_corpus

    _, splits = parse_source(source)
    name = f"codiesp-{'+'.join(splits)}-{lang}"
    sets = {}
    for system, label in ((DIAGNOSES, name), (PROCEDURES, f"{name}-procedures")):
        found = bench_corpus(bench, notes, _language(lang), system)
        if found is None:
            _say(
                f"{label} is left out: {'the model' if bench.model else 'the rules'} cannot read this language"
            )
        else:
            sets[label] = found
    _say("generated and mole are left out: they run without --corpus")
    return sets


def _own_sets(bench: Bench, generated: int) -> dict[str, Any]:
    from rcm_coding.training.evaluation import bench_generated, bench_mole

    if bench.model and bench.model.language != "en":
        _say("generated and mole are left out: they are English and the model is not")
        return {}
    _say("the codiesp sets are left out: name the corpus with --corpus codiesp:DIR:dev")
    return {"generated": bench_generated(bench, generated), "mole": bench_mole(bench)}


def _corpus(source: str) -> Corpus:
    from rcm_coding.training.codiesp import CorpusError, read_corpus

    try:
        return read_corpus(source)
    except CorpusError as error:
        _fail(USAGE, str(error))
    except OSError as error:
        _fail(USAGE, f"the corpus cannot be read: {error.strerror or 'no reason given'}")


def _model(name: str, lang: str) -> Model | None:
    """Return the model asked for, else the packaged one for the language, else none."""
    from rcm_coding.engine.ranking.model import BadModelError
    from rcm_coding.gateways.models import choose_model

    try:
        found = choose_model(name, _language(lang))
    except BadModelError as error:
        _fail(USAGE, f"--model: {error}")
    if found is None and name != "none":
        _say("no model is packaged for this language: the rules alone are measured")
    return found


def _language(lang: str) -> Any:
    return lang


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), flush=True
        )


def _say(text: str) -> None:
    print(f"rcm: {text}", file=sys.stderr, flush=True)


def _fail(status: int, text: str) -> NoReturn:
    _say(text)
    raise typer.Exit(status)
