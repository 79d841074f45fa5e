"""rcm x12: explain and check X12 files without any server."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rcm_billing.x12.explain import FileExplained

FAILED = 1
USAGE = 2

app = typer.Typer(
    no_args_is_help=True,
    help="Explain and check X12 files: 837P, 837I, 837D, 835, 999, TA1, 277CA, 276, 277, 278. Nothing is sent or "
    "stored. In --json, 'interchanges' has one element per transaction type of each interchange ('type': '837P', "
    "'835', 'TA1' ...; 'unknown' when nothing could be read), with the claims of all its transaction sets.",
)
File = Annotated[str, typer.Argument(metavar="FILE", help="The file, or - for standard input.")]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON on stdout.")]
Names = Annotated[bool, typer.Option("--names", help="Show patient names too; never printed otherwise.")]


@app.command()
def show(file: File, as_json: Json = False, names: Names = False) -> None:
    """Say in words what a file holds: money, statuses, adjustments, which claims, what does not balance.

    Exit status 1 only when nothing in the file can be read.
    """
    explained = _read(file)
    _print(file, explained, as_json=as_json, names=names, details=True)
    if not explained.readable:
        raise typer.Exit(FAILED)


@app.command()
def check(
    file: File,
    as_json: Json = False,
    guide: Annotated[
        bool | None,
        typer.Option(
            "--guide/--no-guide",
            help="Check against the implementation guide too. Left out: for interchanges up to 1 MB.",
        ),
    ] = None,
    outgoing: Annotated[
        bool, typer.Option("--outgoing", help="Warnings count as errors, as for a file that we send.")
    ] = False,
) -> None:
    """Check a file: envelope, structure, guide, sums, pointers, dates, provider numbers. Exit 1 when it does not hold.

    An NPI that fails its check digit and a code that the dated code lists lack are warnings.
    """
    from rcm_billing.x12.guide_check import LIMIT_BYTES, check_guides
    from rcm_billing.x12.problems import Severity

    explained = _read(file)
    if guide is not False:
        check_guides(explained, None if guide else LIMIT_BYTES)
    _print(file, explained, as_json=as_json, names=False, details=False)
    findings = [problem for part in explained.parts for problem in part.problems.found]
    warned = outgoing and any(problem.severity is Severity.WARNING for problem in findings)
    if explained.errors or warned:
        raise typer.Exit(FAILED)


def _read(file: str) -> FileExplained:
    from rcm_billing.x12.explain import explain

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        print(f"rcm: {file} cannot be read: {error.strerror or 'unreadable'}", file=sys.stderr)
        raise typer.Exit(USAGE) from None
    except ValueError:
        print("rcm: the file name is not usable", file=sys.stderr)
        raise typer.Exit(USAGE) from None
    gc.disable()  # a large file makes millions of objects and no garbage; the collector would double the time
    try:
        return explain(data)
    finally:
        gc.enable()


def _print(file: str, explained: FileExplained, *, as_json: bool, names: bool, details: bool) -> None:
    from rcm_billing.cli.x12_words import in_words

    if as_json:
        parts = [part.as_json(names) for part in explained.parts]
        print(json.dumps({"file": file, "interchanges": parts}), flush=True)
        return
    for line in in_words(file, explained, names=names, details=details):
        print(line)
