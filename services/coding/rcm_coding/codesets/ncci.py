"""NCCI: procedure-to-procedure pairs, medically unlikely units, add-on codes. All hold CPT: operator's files only."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from rcm_coding.codesets.lines import BrokenFileError, day, numbered, optional_day, records

_CODE = re.compile(r"[0-9A-Z]\d{3}[0-9A-Z]")
_MAI = re.compile(r"([123])(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Pair:
    """Column 2 is not paid beside column 1. Modifier: 0 never allowed, 1 allowed, 9 not applicable."""

    column1: str
    column2: str
    effective: date
    deleted: date | None
    modifier: str

    def in_force(self, on: date) -> bool:
        """Tell whether the pair is in force on a line's date of service.

        The deletion date is the last day; a pair that ends on the day it begins was never in force.
        """
        if self.deleted is None:
            return self.effective <= on
        return self.effective < self.deleted and self.effective <= on <= self.deleted


@dataclass(frozen=True, slots=True)
class UnitLimit:
    """At most this many units: MAI 1 for each line, 2 and 3 for each day (2 is absolute)."""

    code: str
    units: int
    adjudication: str


@dataclass(frozen=True, slots=True)
class AddOn:
    """An add-on code and a primary it may stand beside (empty for types 2 and 3, defined by contractors)."""

    code: str
    primary: str
    kind: str
    effective: date
    deleted: date | None


def read_pairs(lines: Iterable[bytes]) -> Iterator[Pair]:
    """Yield the pairs of a PTP file: tab-separated, six lines of head; ended pairs stay in it. Streamed.

    Raises: BrokenFileError.
    """
    found = False
    number = 0
    for number, text in numbered(lines, encoding="cp1252"):
        cells = [cell.strip() for cell in text.split("\t")]
        if not _CODE.fullmatch(cells[0]):
            if found and text.strip():
                raise BrokenFileError(number, "no pair")
            if number > 30:
                raise BrokenFileError(number, "no PTP file: no pair after its head")
            continue
        if len(cells) < 6 or not _CODE.fullmatch(cells[1]) or cells[5] not in ("0", "1", "9"):
            raise BrokenFileError(number, "no pair")
        found = True
        yield Pair(cells[0], cells[1], day(cells[3], number), optional_day(cells[4], number), cells[5])
    if not found:
        raise BrokenFileError(number, "the file has no pairs")


def read_unit_limits(lines: Iterable[bytes]) -> Iterator[UnitLimit]:
    """Yield the limits of an MUE csv; the notice above its head is skipped. The date is only in the file's name.

    Raises: BrokenFileError.
    """
    headed = False
    seen: set[str] = set()
    line = 0
    for line, cells in records(lines, encoding="cp1252"):
        if not headed:
            headed = (
                "".join(cells[:1]).replace("\n", "").replace(" ", "").startswith("HCPCS/CPT")
                and len(cells) > 2
            )
            continue
        if not any(cells):
            continue
        mai = _MAI.match(cells[2]) if len(cells) > 2 else None
        if mai is None or not _CODE.fullmatch(cells[0]) or not cells[1].isdigit():
            raise BrokenFileError(line, "no row of an MUE file")
        if cells[0] in seen:
            raise BrokenFileError(line, "code listed twice")
        seen.add(cells[0])
        yield UnitLimit(cells[0], int(cells[1]), mai[1])
    if not seen:
        raise BrokenFileError(line, "no MUE file: its head or its rows are missing")


def read_add_ons(lines: Iterable[bytes]) -> Iterator[AddOn]:
    """Yield add-on edits of the tab-separated AOC file: type, add-on, primary, effective, deletion.

    Raises: BrokenFileError.
    """
    found = False
    number = 0
    for number, text in numbered(lines, encoding="cp1252"):
        cells = [cell.strip().strip('"') for cell in text.split("\t")]
        if len(cells) < 4 or cells[0] not in ("1", "2", "3"):
            if found and text.strip():
                raise BrokenFileError(number, "no add-on edit")
            continue
        primary = cells[2] if _CODE.fullmatch(cells[2]) else ""
        if not _CODE.fullmatch(cells[1]) or (cells[0] == "1" and not primary):
            raise BrokenFileError(number, "no add-on edit")
        found = True
        ended = optional_day(cells[4], number) if len(cells) > 4 else None
        yield AddOn(cells[1], primary, cells[0], day(cells[3], number), ended)
    if not found:
        raise BrokenFileError(number, "the file has no add-on edits")
