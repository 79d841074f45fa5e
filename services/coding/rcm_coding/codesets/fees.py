"""The physician fee schedule's relative values (MPFS RVU) and its local factors (GPCI). Descriptors are dropped."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from rcm_coding.codesets.lines import BrokenFileError, records

_COLUMNS = 32
_FACTOR = 25


@dataclass(frozen=True, slots=True)
class RelativeValue:
    """Relative value units of one code and modifier (26, TC or none), and what the rules need of it."""

    code: str
    modifier: str
    status: str
    work: Decimal
    practice_facility: Decimal
    practice_office: Decimal
    malpractice: Decimal
    global_days: str
    bilateral: str
    factor: Decimal


def read_relative_values(lines: Iterable[bytes]) -> Iterator[RelativeValue]:
    """Yield the rows of a PPRRVU csv: head lines, then 32 columns.

    Raises: BrokenFileError.
    """
    found = False
    line = 0
    seen: set[tuple[str, str]] = set()
    for line, cells in records(lines, encoding="cp1252"):
        code = cells[0] if cells else ""
        if len(code) != 5 or not code.isalnum() or not any(character.isdigit() for character in code):
            if found and any(cells):
                raise BrokenFileError(line, "no row of the fee schedule")
            continue
        if len(cells) < _COLUMNS - 1:
            raise BrokenFileError(line, f"{len(cells)} columns, not {_COLUMNS}")
        if (code, cells[1]) in seen:
            raise BrokenFileError(line, "code and modifier listed twice")
        seen.add((code, cells[1]))
        found = True
        yield RelativeValue(
            code,
            cells[1],
            cells[3],
            _number(cells[5], line),
            _number(cells[8], line),
            _number(cells[6], line),
            _number(cells[10], line),
            cells[14],
            cells[18],
            _number(cells[_FACTOR], line),
        )
    if not found:
        raise BrokenFileError(line, "no fee schedule: no rows")


def _number(text: str, line: int) -> Decimal:
    try:
        return Decimal(text or "0")
    except InvalidOperation:
        raise BrokenFileError(line, "a value is no number") from None
