"""Reads the operator's own reference tables: one CSV file for each, named after it, in one folder.

The first line names the columns, which are the fields of the row; dates are YYYY-MM-DD, yes and no are 1 and 0, lists
are codes with blanks between them. A broken file is refused whole.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints

from rcm_billing.domain.errors import BillingError
from rcm_billing.domain.reference import FILES, TABLES, Dated, table_of
from rcm_billing.domain.reference_rows import Row

SUFFIX = ".csv"
_MOST_BYTES = 64 * 1024 * 1024


class BadReferenceFileError(BillingError):
    """A file that is refused whole; `code` names file, line and reason, never a value."""

    code = "reference-file"

    def __init__(self, name: str, line: int, reason: str) -> None:
        self.name = name
        self.line = line
        self.reason = reason
        super().__init__(f"reference-file:{name}:{line}", message=f"{name}, line {line}: {reason}")


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _yes(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError
    return text == "1"


def _number(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError
    return value


_READ: Mapping[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, "text"),
    int: (_number, "a number from 0"),
    int | None: (lambda text: _number(text) if text else None, "a number from 0, or nothing"),
    bool: (_yes, "1 or 0"),
    date | None: (_day, "a date YYYY-MM-DD, or nothing"),
    frozenset[str]: (lambda text: frozenset(text.split()), "codes with blanks between them"),
}


def columns_of(table: str) -> list[tuple[str, str, bool]]:
    """Return the columns of a table's file: name, what stands in it, and whether it is required."""
    row = TABLES[table][0]
    hints = get_type_hints(row)
    named = [item for item in fields(row) if item.name not in ("effective_from", "effective_to")]
    dated = [item for item in fields(row) if item.name in ("effective_from", "effective_to")]
    return [(item.name, _READ[hints[item.name]][1], _required(item)) for item in (*named, *dated)]


def _required(item: "Field[Any]") -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def read_file(path: Path) -> Dated[Any]:
    """Read one file as the table of its name.

    Raises: BadReferenceFileError.
    """
    table = path.name.removesuffix(SUFFIX)
    if table not in FILES:
        raise BadReferenceFileError(path.name, 0, "no table has this name")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadReferenceFileError(path.name, 0, "larger than 64 MB")
        body = path.read_bytes()
        text = body.decode("utf-8-sig")
    except OSError:
        raise BadReferenceFileError(path.name, 0, "cannot be read") from None
    except UnicodeDecodeError:
        raise BadReferenceFileError(path.name, 0, "no UTF-8 text") from None
    if not text.endswith("\n"):
        raise BadReferenceFileError(path.name, text.count("\n") + 1, "the last line does not end: cut off?")
    if "\x00" in text:
        raise BadReferenceFileError(path.name, 0, "no text")
    edition = f"{table}:{hashlib.sha256(body).hexdigest()[:8]}"
    return table_of(table, list(_rows(path.name, table, text)), edition=edition)


def _rows(name: str, table: str, text: str) -> Iterator[Row]:
    row_type, keys = TABLES[table]
    hints = get_type_hints(row_type)
    known = {item.name: item for item in fields(row_type)}
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    heads: list[str] = []
    seen: set[tuple[str, ...]] = set()
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            line = reader.line_num
            if not heads:
                heads = _heads(name, line, cells, known)
                continue
            if not any(cells):
                continue
            if len(cells) != len(heads):
                raise BadReferenceFileError(name, line, f"{len(cells)} cells, not {len(heads)}")
            if tuple(cells) in seen:
                raise BadReferenceFileError(name, line, "the line stands twice")
            seen.add(tuple(cells))
            row = row_type(**_values(name, line, heads, cells, known, hints))
            if any(getattr(row, key) == "" for key in keys if _required(known[key])):
                raise BadReferenceFileError(name, line, "a key is empty")
            if row.effective_from and row.effective_to and row.effective_to < row.effective_from:
                raise BadReferenceFileError(name, line, "effective_to lies before effective_from")
            yield row
    except csv.Error:
        raise BadReferenceFileError(name, reader.line_num, "a quoted cell does not end") from None
    if not heads:
        raise BadReferenceFileError(name, 0, "the line with the names of the columns is missing")


def _heads(name: str, line: int, cells: list[str], known: Mapping[str, "Field[Any]"]) -> list[str]:
    if len(set(cells)) != len(cells):
        raise BadReferenceFileError(name, line, "a column stands twice")
    if set(cells) - known.keys():
        at = next(place for place, cell in enumerate(cells, 1) if cell not in known)
        raise BadReferenceFileError(name, line, f"column {at} is none of {', '.join(known)}")
    missing = [key for key, item in known.items() if _required(item) and key not in cells]
    if missing:
        raise BadReferenceFileError(name, line, f"no column {missing[0]}")
    return cells


def _values(
    name: str,
    line: int,
    heads: list[str],
    cells: list[str],
    known: Mapping[str, "Field[Any]"],
    hints: Mapping[str, Any],
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for head, cell in zip(heads, cells, strict=True):
        if cell == "" and not _required(known[head]):
            continue  # its default
        read, what = _READ[hints[head]]
        try:
            values[head] = read(cell)
        except ValueError:
            raise BadReferenceFileError(name, line, f"{head} is not {what}") from None
    return values


def list_files(directory: Path) -> dict[str, tuple[int, int]]:
    """Return the CSV files of the folder with what tells that one changed: its size and time."""
    found: dict[str, tuple[int, int]] = {}
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        status = path.stat()
        found[path.name] = (status.st_size, status.st_mtime_ns)
    return found
