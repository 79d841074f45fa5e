"""rcm codes and rcm bench encoder: codes by number or words, one code with its notes, and how well search finds."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from datetime import date

    from rcm_coding.engine.search.encoder import Encoder
    from rcm_coding.engine.search.index import SearchIndex
    from rcm_coding.engine.search.tree import CodeCard

app = typer.Typer(
    no_args_is_help=True, help="Diagnosis codes: search by code or words, show one with its notes."
)

FAILED, USAGE = 1, 2
_DIAGNOSES = "icd10cm"
_MAX_CODES = 6  # of one answer to a prompt
_MAX_KIN = 8
_HOW = {
    "sibling": "Beside it",
    "code-first": "Code first",
    "use-additional": "Use additional",
    "code-also": "Code also",
    "instead": "Excluded here, coded as",
    "named-by": "Named in the notes of",
}

Day = Annotated[
    str, typer.Option("--date", metavar="YYYY-MM-DD", help="Day of service. Left out: the installed edition.")
]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON on stdout.")]


@app.command("search")
def search_codes(
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS...", help="Words in any order, or a code or how it begins.")
    ],
    day: Day = "",
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 10,
    system: Annotated[
        str,
        typer.Option(help="icd10cm; or icd10pcs or hcpcs, whose files are loaded with rcm codesets load."),
    ] = _DIAGNOSES,
    as_json: Json = False,
) -> None:
    """Find codes; spelling mistakes and everyday words are allowed."""
    from rcm_coding.engine.search.find import QueryError, clean_query, search

    try:
        query = clean_query(" ".join(words))
        if system == _DIAGNOSES:
            encoder = _encoder(_day(day))
            edition, answer = encoder.tabular.edition, encoder.search(query, limit)
        else:
            index = _loaded(system, _day(day))
            edition, answer = index.edition, search(index, query, limit)
    except QueryError as error:
        _end(USAGE, str(error))
    if as_json:
        from dataclasses import asdict

        print(json.dumps({"edition": edition, **asdict(answer)}))
    else:
        width = max((len(item.shown) for item in answer.found), default=0)
        for item in answer.found:
            mark = " " if item.billable else "+" if item.needs_seventh else "-"
            said = f"  [{item.matched}]" if item.kind not in ("title", "code") else ""
            print(f"{item.shown.ljust(width)} {mark} {item.title}{said}")
        if any(not item.billable for item in answer.found):
            _say("- is a heading, + needs a 7th character: see rcm codes show CODE")
    if not answer.found:
        _end(FAILED, _nothing(answer.nearest))


@app.command("show")
def show_code(
    code: Annotated[str, typer.Argument(metavar="CODE", help="With or without dot, capitals or not.")],
    day: Day = "",
    as_json: Json = False,
) -> None:
    """Show a code: place, notes of its own and inherited, 7th characters, what to specify, codes to add."""
    from rcm_coding.engine.search.find import QueryError, clean_query

    try:
        query = clean_query(code)
    except QueryError as error:
        _end(USAGE, str(error))
    encoder = _encoder(_day(day))
    card = encoder.card(query)
    if card is None:
        edition = encoder.tabular
        span = f"{edition.effective_from} to {edition.effective_to}"
        _end(FAILED, f"no such code in ICD-10-CM from {span}. {_try(encoder.nearest(query))}".strip())
    if as_json:
        from dataclasses import asdict

        print(json.dumps({"edition": encoder.tabular.edition, **asdict(card)}))
    else:
        print("\n".join(_lines(card)))


def bench_encoder(
    seed: Annotated[int, typer.Option(help="Chooses the terms that are held out.")] = 20,
    as_json: Json = False,
) -> None:
    """Measure search: 400 official inclusion terms that the index does not have, as written and with one typo.

    Exit 1 when code@10 < .66, category@10 < .85, with a typo category@10 < .84, or the 95th percentile > 60 ms.
    """
    from rcm_coding.gateways.encoder import default_encoder
    from rcm_coding.training.encoder_bench import measure, misses

    figures = measure(default_encoder().tabular, seed)
    missed = misses(figures)
    if as_json:
        print(json.dumps({**figures, "missed": missed}))
    else:
        for name in ("clean", "typo"):
            print(f"{name:5}  " + "  ".join(f"{key} {value:g}" for key, value in figures[name].items()))
        print(f"terms {figures['terms']}  wordings {figures['wordings']}  build {figures['build_s']:g} s")
    if missed:
        _end(FAILED, "missed: " + "; ".join(missed))


def _lines(card: CodeCard) -> list[str]:
    state = "billable" if card.billable else "needs a 7th character" if card.needs_seventh else "a heading"
    lines = [f"{card.shown}  {card.title}  ({state})"]
    lines += [f"  {place.shown}  {place.title}".rstrip() for place in card.lineage]
    lines += _section("Below it", [f"{item.shown}  {item.title}" for item in card.children])
    lines += _section("Also said", card.inclusions)
    for kind in dict.fromkeys(note.kind for note in card.notes):
        notes = [note for note in card.notes if note.kind == kind]
        lines += _section(
            kind.capitalize(),
            [note.text.lstrip(", ") + (f"  (of {note.owner})" if note.inherited else "") for note in notes],
        )
    lines += _section("7th characters", [f"{character}  {label}" for character, label in card.seventh])
    for prompt in card.prompts:
        answers = []
        for choice in prompt.choices:
            more = f" and {len(choice.codes) - _MAX_CODES} more" if len(choice.codes) > _MAX_CODES else ""
            answers.append(f"{choice.answer}: {', '.join(choice.codes[:_MAX_CODES])}{more}")
        lines += _section(f"{prompt.question} ({prompt.at})", answers)
    for related in card.related:
        places = [f"{place.shown}  {place.title}".rstrip() for place in related.places]
        more_kin = [f"and {len(places) - _MAX_KIN} more"] if len(places) > _MAX_KIN else []
        lines += _section(_HOW.get(related.how, related.how), places[:_MAX_KIN] + more_kin)
    lines += _section("Official Guidelines", card.references)
    return lines


def _section(title: str, lines: Any) -> list[str]:
    return ["", f"{title}:", *(f"  {line}" for line in lines)] if lines else []


def _encoder(day: date | None) -> Encoder:
    from rcm_coding.codesets.lines import BrokenFileError
    from rcm_coding.engine.tabular import BadCodeSetError
    from rcm_coding.gateways.codeset_store import StoreError
    from rcm_coding.gateways.encoder import NoEditionError, default_encoder

    try:
        return default_encoder(day)
    except (NoEditionError, BadCodeSetError, BrokenFileError, StoreError) as error:
        _end(FAILED, str(error))


def _loaded(system: str, day: date | None) -> SearchIndex:
    from rcm_shared.clock import now

    from rcm_coding.codesets.lines import BrokenFileError
    from rcm_coding.gateways.codeset_store import StoreError
    from rcm_coding.gateways.encoder import NoEditionError, loaded_index

    try:
        return loaded_index(system, day or now().date())
    except (NoEditionError, BrokenFileError, StoreError) as error:
        _end(FAILED, str(error))


def _day(text: str) -> date | None:
    from datetime import date

    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        _end(USAGE, "--date is a day as YYYY-MM-DD")


def _nothing(nearest: tuple[str, ...]) -> str:
    return f"nothing found. {_try(nearest)}".strip()


def _try(nearest: tuple[str, ...]) -> str:
    return f"Did you mean {', '.join(nearest)}?" if nearest else ""


def _say(text: str) -> None:
    print(f"rcm: {text}", file=sys.stderr, flush=True)


def _end(status: int, text: str) -> NoReturn:
    _say(text)
    raise typer.Exit(status)
