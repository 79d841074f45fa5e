"""Where the command line writes: data to stdout, all else to stderr; and what its exit statuses mean."""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import typer

OK = 0
FAILED = 1  # a check did not hold
USAGE = 2
NOT_REACHABLE = 3  # the system, a service or an engine
REFUSED = 4  # the system is there and says no

Json = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON on stdout.")]


def say(text: str) -> None:
    """Tell the person at the terminal something that is not the result."""
    print(text, file=sys.stderr, flush=True)


def fail(status: int, text: str) -> NoReturn:
    """End the command with a status and one sentence on stderr."""
    say(f"rcm: {text}")
    raise typer.Exit(status)


def show(as_json: bool, data: Any, in_words: Callable[[], None]) -> None:
    """Print a result: one line of JSON, or for people."""
    if as_json:
        print(json.dumps(data, default=str), flush=True)
    else:
        in_words()


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows as columns, as wide as they need to be; nothing is cut off when the output is a pipe."""
    texts = [[("" if cell is None else str(cell)) for cell in row] for row in rows]
    widths = [
        max(len(head), *(len(row[i]) for row in texts)) if texts else len(head)
        for i, head in enumerate(heads)
    ]
    for row in [list(heads), *texts]:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), flush=True
        )
