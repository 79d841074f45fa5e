"""Files that only their licensee has: AMA CPT with a column map, and the X12 lists CARC and RARC.

Descriptors are kept for display to the licensee; no message, log or difference repeats one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from rcm_coding.codesets.lines import BrokenFileError, columns, optional_day, records

_CPT = re.compile(r"\d{4}[0-9AFMTU]")
_CARC = re.compile(r"[A-Z]?\d{1,3}")
_RARC = re.compile(r"(?:MA|M|N)\d{1,4}")
CPT_FIELDS = ("code", "short", "medium", "long", "effective", "end")


@dataclass(frozen=True, slots=True)
class CptCode:
    """One procedure of the operator's own CPT file; its texts never show in a repr."""

    code: str
    effective: date | None
    ended: date | None
    short: str = field(default="", repr=False)
    long: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """An adjustment reason or remark code with its span; the text never shows in a repr."""

    code: str
    start: date | None
    stop: date | None
    text: str = field(default="", repr=False)


def read_cpt(
    lines: Iterable[bytes], column_map: Mapping[str, str], *, delimiter: str = "\t"
) -> Iterator[CptCode]:
    """Yield the codes of a delimited file with a head line; `column_map` gives the head of each field.

    Fields: code (needed), short, medium, long, effective, end.
    Raises: BrokenFileError.
    """
    unknown = set(column_map) - set(CPT_FIELDS)
    if unknown or "code" not in column_map:
        raise BrokenFileError(0, f"the column map needs code and knows only {', '.join(CPT_FIELDS)}")
    at: dict[str, int] = {}
    seen: set[str] = set()
    line = 0
    for line, cells in records(lines, delimiter=delimiter):
        if not at:
            at = columns(cells, {key: (name,) for key, name in column_map.items()}, line)
            continue
        if not any(cells):
            continue
        if len(cells) <= max(at.values()):
            raise BrokenFileError(line, "a cell is missing")
        code = cells[at["code"]]
        if not _CPT.fullmatch(code):
            raise BrokenFileError(line, "no CPT code")
        if code in seen:
            raise BrokenFileError(line, "code listed twice")
        seen.add(code)
        text = {key: cells[place] for key, place in at.items()}
        yield CptCode(
            code,
            optional_day(text.get("effective", ""), line),
            optional_day(text.get("end", ""), line),
            text.get("short", ""),
            text.get("long", "") or text.get("medium", ""),
        )
    if not seen:
        raise BrokenFileError(line, "the file has no codes")


def read_reason_codes(lines: Iterable[bytes], *, remarks: bool = False) -> Iterator[ReasonCode]:
    """Yield the codes of a delimited CARC (or RARC) list with the columns code, description, start, stop.

    Raises: BrokenFileError.
    """
    form = _RARC if remarks else _CARC
    wanted = {"code": ("code",), "text": ("description",), "start": ("start", "start date", "effective")}
    at: dict[str, int] = {}
    stop: int | None = None
    seen: set[str] = set()
    line = 0
    for line, cells in records(lines):
        if not at:
            at = columns(cells, wanted, line)
            names = [cell.lower() for cell in cells]
            stop = next(
                (names.index(name) for name in ("stop", "stop date", "end", "deactivated") if name in names),
                None,
            )
            continue
        if not any(cells):
            continue
        if len(cells) <= max(at.values()) or not form.fullmatch(cells[at["code"]]):
            raise BrokenFileError(line, "no code of the list")
        code = cells[at["code"]]
        if code in seen:
            raise BrokenFileError(line, "code listed twice")
        seen.add(code)
        ended = optional_day(cells[stop], line) if stop is not None and stop < len(cells) else None
        yield ReasonCode(code, optional_day(cells[at["start"]], line), ended, cells[at["text"]])
    if not seen:
        raise BrokenFileError(line, "the list has no codes")
