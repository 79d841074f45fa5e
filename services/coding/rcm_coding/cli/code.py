"""rcm code: code notes without any server, and show the words behind every suggestion."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rcm_coding.gateways.notes import Note
    from rcm_coding.handlers.note_answers import Answer

app = typer.Typer()

SETTINGS = ("office", "ed", "surgery", "inpatient", "imaging")
USAGE = 2


@app.command(name="code")
def code_notes(
    notes: Annotated[
        list[str],
        typer.Argument(
            metavar="NOTE...", help="Files: plain text, C-CDA, FHIR (JSON), or - for standard input."
        ),
    ],
    setting: Annotated[
        str,
        typer.Option(help=f"{', '.join(SETTINGS)}. Left out: what the note's own type says, else office."),
    ] = "",
    day: Annotated[
        str, typer.Option("--date", metavar="YYYY-MM-DD", help="Day of service; of discharge for inpatient.")
    ] = "",
    sex: Annotated[str, typer.Option(help="M, F or U; for grouping a stay.")] = "",
    birth_date: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="For grouping a stay.")] = "",
    lang: Annotated[str, typer.Option(help="Language of the notes: en or es.")] = "en",
    model: Annotated[
        str, typer.Option(metavar="DIR", help="A trained model instead of the packaged one.")
    ] = "",
    claim_form: Annotated[
        str,
        typer.Option(
            help="837P (professional) or 837I (facility): how a visit is levelled. Left out: by setting."
        ),
    ] = "",
    chosen: Annotated[
        str,
        typer.Option(
            "--codes", metavar="CODE,CODE", help="Also judge these codes: missed, too vague, too aggressive."
        ),
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON for each note, on stdout.")
    ] = False,
) -> None:
    """Suggest codes for notes, with the words that support each; nothing is stored or sent.

    Offsets count characters: of the file itself for plain text (byte order mark and line ends included), and of the
    extracted narrative, which the JSON then carries as "input", for C-CDA and FHIR.
    """
    from rcm_coding.cli.reader import Reader, UsageError

    try:
        reader = Reader(
            setting=setting,
            day=day,
            sex=sex,
            birth_date=birth_date,
            lang=lang,
            model=model,
            claim_form=claim_form,
            settings=SETTINGS,
            chosen=tuple(item for item in chosen.replace(",", " ").split() if item),
        )
    except UsageError as error:
        _say(str(error))
        raise typer.Exit(USAGE) from None
    failed = False
    for name in notes:
        failed |= not _one_input(name, reader, as_json)
    if failed:
        raise typer.Exit(1)


def _one_input(name: str, reader: Any, as_json: bool) -> bool:
    from rcm_coding.gateways.notes import UnreadableNoteError, read_notes

    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        found = read_notes(raw)
    except OSError as error:
        _say(f"{name}: {error.strerror or 'cannot be read'}")
        return False
    except UnreadableNoteError as error:
        _say(f"{name}: {error}")
        return False
    for note in found:
        label = f"{name}#{note.part}" if note.part else name
        for remark in note.remarks:
            _say(f"{label}: {remark}")
        answer = reader.read(note)
        if remark := reader.date_remark_once():
            _say(remark)
        if as_json:
            _print_json(answer, label, note, reader)
        else:
            from rcm_coding.cli.showing import show_answer

            show_answer(answer, label, reader)
    return True


def _print_json(answer: Answer, label: str, note: Note, reader: Any) -> None:
    import json

    from rcm_coding.handlers.note_answers import as_data

    data = as_data(answer, label, reader.model_name)
    if not note.plain:
        data["input"] = answer.text
    sys.stdout.write(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    print(f"rcm: {text}", file=sys.stderr, flush=True)
