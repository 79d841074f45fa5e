"""What every reader of a published file shares: numbered lines, dates, and the refusal of a whole file.

A refusal names the line and our reason, never the line's text: some of these files are licensed.
"""

import csv
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache

_LONGEST_LINE = 200_000


class BrokenFileError(ValueError):
    """A file that is refused whole. `line` counts from 1; 0 when the fault is of the file."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"line {line}: {reason}" if line else reason)

    def __reduce__(self) -> tuple[type["BrokenFileError"], tuple[int, str]]:
        return type(self), (self.line, self.reason)  # it may be raised in another process


def numbered(lines: Iterable[bytes], *, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Yield (number, text) of each line without its end. A byte-order mark makes the file UTF-8.

    Raises: BrokenFileError at bytes that are no text, and at a last line that was cut off.
    """
    number = 0
    ended = True
    for number, raw in enumerate(lines, start=1):
        ended = raw.endswith(b"\n")
        if number == 1 and raw.startswith(BOM_UTF8):
            raw, encoding = raw[len(BOM_UTF8) :], "utf-8"
        if len(raw) > _LONGEST_LINE or b"\x00" in raw:
            raise BrokenFileError(number, "not a text file")
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            raise BrokenFileError(number, f"not {encoding} text") from None
        yield number, text.rstrip("\r\n")
    if number == 0:
        raise BrokenFileError(0, "the file is empty")
    if not ended:
        raise BrokenFileError(number, "the last line is cut off: it has no line end")


def records(
    lines: Iterable[bytes], *, delimiter: str = ",", encoding: str = "utf-8"
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of a delimited file; quoted cells may hold line breaks."""
    at = [0]

    def texts() -> Iterator[str]:
        for number, text in numbered(lines, encoding=encoding):
            at[0] = number
            yield text + "\n"

    reader = csv.reader(texts(), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield at[0], [cell.strip() for cell in cells]
    except csv.Error:
        raise BrokenFileError(at[0], "a quoted cell does not end") from None


def columns(cells: list[str], wanted: Mapping[str, tuple[str, ...]], line: int) -> dict[str, int]:
    """Return where each wanted column stands; its names are matched without case, blanks and marks.

    Raises: BrokenFileError when one is missing.
    """
    heads = {_plain(cell): at for at, cell in reversed(list(enumerate(cells)))}
    found: dict[str, int] = {}
    for key, names in wanted.items():
        at = next((heads[_plain(name)] for name in names if _plain(name) in heads), None)
        if at is None:
            raise BrokenFileError(line, f"no column {names[0]}")
        found[key] = at
    return found


def day(text: str, line: int, what: str = "date") -> date:
    """Return a date written yyyymmdd, yyyy-mm-dd or m/d/yyyy.

    Raises: BrokenFileError when it is none.
    """
    try:
        return _day(text)
    except ValueError:
        raise BrokenFileError(line, f"the {what} is none") from None


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    if "/" in text:
        month, number, year = (int(part) for part in text.split("/"))
        return date(year, month, number)
    if len(text) == 8 and text.isdigit():
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    return date.fromisoformat(text)


def optional_day(text: str, line: int, what: str = "date") -> date | None:
    """Return a date, or None when the cell is empty or `*`."""
    return day(text, line, what) if text.strip(" *") else None


def _plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
