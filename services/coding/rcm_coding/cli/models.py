"""rcm cac models and rcm bench learning: which models there are and which is in use, and what learning gains."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rcm_coding.gateways.model_registry import Entry
    from rcm_coding.training.codiesp import Corpus
    from rcm_coding.training.learning_curve import Point

app = typer.Typer(no_args_is_help=True, help="Candidates, the shadow, the model in use, and the way back.")

FAILED, USAGE = 1, 2
_HEADS = ("notes", "decisions", "phrases", "aliases", "P", "R", "F1", "own F1", "alias P", "alias F1", "kept")

Registry = Annotated[Path, typer.Option("--registry", metavar="DIR", help="Folder of the model registry.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A model of the registry.")]
_HOME = Path(".rcm/models")


@app.command("ls")
def list_models(registry: Registry = _HOME, as_json: AsJson = False) -> None:
    """List all models with their stage."""
    from rcm_coding.gateways.model_registry import ModelRegistry

    with _sentences():
        found = [_shown(entry) for entry in ModelRegistry(registry).entries()]
    if as_json:
        print(json.dumps({"models": found}), flush=True)
        return
    heads = ("name", "language", "stage", "gate", "release", "engine")
    _table(heads, [tuple(str(item[head]) for head in heads) for item in found])


@app.command()
def show(name: Name, registry: Registry = _HOME, as_json: AsJson = False) -> None:
    """Show a model's manifest and what the gate said of it."""
    from rcm_coding.gateways.model_registry import ModelRegistry

    with _sentences():
        found = _shown(ModelRegistry(registry).entry(name))
    _print(found, as_json)


@app.command()
def add(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A folder that `rcm cac train` wrote.")],
    registry: Registry = _HOME,
    first: Annotated[str, typer.Option(help="First decision or note it learned from.")] = "",
    last: Annotated[str, typer.Option(help="Last decision or note it learned from.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep a trained model as a candidate."""
    from rcm_shared import clock

    from rcm_coding.gateways.model_registry import EventRange, ModelRegistry
    from rcm_coding.gateways.models import read_model

    with _sentences():
        found = read_model(model)
        source = str(found.facts.get("corpus", ""))
        events = EventRange(first or source, last or source, int(found.facts.get("notes", 0)))
        held = ModelRegistry(registry)
        held.add(found, events, clock.now())
        shown = _shown(held.entry(found.name))
    _print(shown, as_json)


@app.command()
def gate(
    name: Name,
    golden: Annotated[
        str,
        typer.Option(metavar="codiesp:DIR:SPLIT", help="The frozen golden set; the first use freezes it."),
    ],
    holdout: Annotated[
        str, typer.Option(metavar="codiesp:DIR:SPLIT", help="The newest notes, none of them learned from.")
    ],
    registry: Registry = _HOME,
    as_json: AsJson = False,
) -> None:
    """Compare a candidate with the model in use; promotion asks for this. Exit status 1 when it is refused."""
    from rcm_coding.gateways.model_registry import ModelRegistry
    from rcm_coding.gateways.models import default_model
    from rcm_coding.gateways.releases import load_installed
    from rcm_coding.training.gate import golden_hash, judge_model
    from rcm_coding.training.trials import corpus_trials, safety_cases

    first, second = _corpus(golden), _corpus(holdout)
    with _sentences():
        held = ModelRegistry(registry)
        candidate = held.model(name)
        active = held.active(candidate.language)
        before = held.model(active) if active else default_model(candidate.language)
        knowledge = load_installed(None)
        sets = [corpus_trials(knowledge, before, candidate, notes) for notes in (first, second)]
        frozen = held.frozen(candidate.language, golden_hash(sets[0]))
        verdict = judge_model(sets[0], sets[1], safety_cases(knowledge, candidate), frozen)
        body = {
            "model": name,
            "against": active or ("packaged" if before else "rules"),
            "passed": verdict.passed,
            "reasons": [
                {"name": one.name, "where": one.where, "figure": one.figure, "limit": one.limit}
                for one in verdict.reasons
            ],
            "figures": dict(verdict.figures),
        }
        held.record(name, body)
    _print(body, as_json)
    if not verdict.passed:
        raise typer.Exit(FAILED)


@app.command()
def promote(name: Name, registry: Registry = _HOME, as_json: AsJson = False) -> None:
    """Move a model one step on: a candidate to the shadow, the shadow into use."""
    from rcm_coding.gateways.model_registry import ModelRegistry

    with _sentences():
        held = ModelRegistry(registry)
        held.promote(name)
        found = _shown(held.entry(name))
    _print(found, as_json)


@app.command()
def rollback(
    registry: Registry = _HOME,
    lang: Annotated[str, typer.Option(help="Language of the model: en or es.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Take the model in use out of use; the one before serves again."""
    from rcm_coding.gateways.model_registry import ModelRegistry

    with _sentences():
        out, now = ModelRegistry(registry).rollback(lang)
    _print({"taken_out": out, "in_use": now or None}, as_json)


@app.command()
def refit(
    registry: Registry = _HOME,
    wait: Annotated[
        int, typer.Option(metavar="SECONDS", min=1, help="How long to wait for the answer.")
    ] = 900,
    as_json: AsJson = False,
) -> None:
    """Ask the running service for a refit now. Exit status 1 when the gate refuses the candidate."""
    import time

    from rcm_coding.gateways.model_registry import ModelRegistry

    with _sentences():
        held = ModelRegistry(registry)
        held.ask_refit()
        left = wait * 2
        while (found := held.refit_outcome()) is None and left:
            time.sleep(0.5)
            left -= 1
    if found is None:
        _fail(
            FAILED,
            f"no service answered within {wait} s: is one running with RCM_CODING_MODELS_DIR on {registry}?",
        )
    if not found["decisions"]:
        _say("nothing was decided since the last refit")
    _print(found, as_json)
    if found["passed"] is False:
        raise typer.Exit(FAILED)


def bench_learning(
    corpus: Annotated[
        str, typer.Option(metavar="codiesp:DIR[:SPLIT,…]", help="Notes that coders work, in their order.")
    ],
    held_out: Annotated[
        str, typer.Option(metavar="codiesp:DIR:SPLIT", help="Notes to measure on; left out: the split dev.")
    ] = "",
    folds: Annotated[
        int,
        typer.Option(
            metavar="N", help="No notes apart: hold out every N-th part in turn while the rest is worked."
        ),
    ] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="PATH", help="Write the curve as an SVG file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what the phrase memory gains with every note that simulated coders of two facilities work."""
    from dataclasses import asdict

    from rcm_coding.training.codiesp import CorpusError, parse_source
    from rcm_coding.training.learning_curve import draw, learning_curve, rotated_curve

    if folds and (held_out or folds < 2):
        _fail(USAGE, "--folds is at least 2 and goes without --held-out")
    try:
        folder, splits = parse_source(corpus)
        other = held_out or f"codiesp:{folder}:dev"
        elsewhere, measured = parse_source(other)
    except CorpusError as error:
        _fail(USAGE, str(error))
    worked = _corpus(corpus)
    unseen = worked if folds else _corpus(other)
    if not folds and folder.resolve() == elsewhere.resolve() and set(splits) & set(measured):
        _fail(USAGE, "the notes to measure on are among those that coders work; name others with --held-out")
    if folds > len(worked.notes):
        _fail(USAGE, f"{len(worked.notes)} notes do not make {folds} parts")
    points = rotated_curve(worked.notes, folds) if folds else learning_curve(worked.notes, unseen.notes)
    if plot:
        try:
            plot.write_text(draw(points, "Exact-code F1 of the phrase memory"), encoding="utf-8")
        except OSError as error:
            _fail(FAILED, f"{plot} cannot be written: {error.strerror or 'no reason given'}")
    if as_json:
        print(
            json.dumps({"held_out_notes": len(unseen.notes), "points": [asdict(point) for point in points]}),
            flush=True,
        )
    else:
        _table(_HEADS, [_row(point) for point in points])


def _row(point: Point) -> tuple[str, ...]:
    counts = (point.notes, point.decisions, point.phrases, point.aliases)
    shares = (
        point.both.p,
        point.both.r,
        point.both.f1,
        point.alone.f1,
        point.promoted.p,
        point.promoted.f1,
        point.kept,
    )
    return (*(str(count) for count in counts), *(f"{share:.3f}" for share in shares))


def _shown(entry: Entry) -> dict[str, Any]:
    from dataclasses import asdict

    verdict = entry.verdict
    return {
        **asdict(entry.manifest),
        "stage": str(entry.stage),
        "gate": "not judged" if verdict is None else "passed" if verdict["passed"] else "refused",
        "reasons": [] if verdict is None else verdict.get("reasons", []),
        "figures": {} if verdict is None else verdict.get("figures", {}),
    }


def _corpus(source: str) -> Corpus:
    from rcm_coding.training.codiesp import CorpusError, read_corpus

    try:
        return read_corpus(source)
    except CorpusError as error:
        _fail(USAGE, str(error))
    except OSError as error:
        _fail(USAGE, f"the corpus cannot be read: {error.strerror or 'no reason given'}")


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn what the registry refuses into one sentence."""
    from rcm_coding.engine.ranking.model import BadModelError
    from rcm_coding.gateways.model_registry import RegistryError

    try:
        yield
    except (RegistryError, BadModelError) as error:
        _fail(FAILED, str(error))
    except OSError as error:
        _fail(FAILED, f"the registry cannot be used: {error.strerror or 'no reason given'}")


def _print(body: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(body), flush=True)
    else:
        for name, value in body.items():
            print(f"{name:14} {value}", flush=True)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), flush=True
        )


def _say(text: str) -> None:
    print(f"rcm: {text}", file=sys.stderr, flush=True)


def _fail(status: int, text: str) -> NoReturn:
    print(f"rcm: {text}", file=sys.stderr, flush=True)
    raise typer.Exit(status)
