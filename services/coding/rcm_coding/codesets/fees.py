"""The physician fee schedule's relative values (MPFS RVU). Descriptors are dropped."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from rcm_coding.codesets.lines import BrokenFileError, records

_CODE = re.compile(r"(?=.*\d)[0-9A-Z]{5}")
_INDICATOR = re.compile(r"[0-9A-Z]{0,3}")
#: Columns by their heads, which the file stacks over up to six lines; two editions differ in how many there are.
_COLUMNS: Mapping[str, str] = {
    "code": r"HCPCS",
    "modifier": r"MOD",
    "status": r"STATUS CODE",
    "work": r"WORK RVU",
    "practice_office": r"NON-FAC(?:ILITY)? PE RVU",
    "practice_facility": r"FAC(?:ILITY)? PE RVU",
    "malpractice": r"MP RVU",
    "pctc": r"PCTC IND",
    "global_days": r"GLOB DAYS",
    "multiple": r"MULT PROC",
    "bilateral": r"BILAT SURG",
    "assistant": r"ASST SURG",
    "cosurgeon": r"CO- ?SURG",
    "team": r"TEAM SURG",
    "factor": r"CONV FACTOR",
}
_NUMBERS = frozenset({"work", "practice_office", "practice_facility", "malpractice", "factor"})
_MOST_HEAD = 20


@dataclass(frozen=True, slots=True)
class RelativeValue:
    """Relative value units of one code and modifier (26, TC, 53 or none), and what the rules need of it.

    The indicators are the published ones: `pctc`, `global_days` (000, 010, 090, XXX, YYY, ZZZ, MMM), and for each of
    `multiple`, `bilateral`, `assistant`, `cosurgeon`, `team` a digit.
    """

    code: str
    modifier: str
    status: str
    work: Decimal
    practice_office: Decimal
    practice_facility: Decimal
    malpractice: Decimal
    pctc: str
    global_days: str
    multiple: str
    bilateral: str
    assistant: str
    cosurgeon: str
    team: str
    factor: Decimal


def read_relative_values(lines: Iterable[bytes]) -> Iterator[RelativeValue]:
    """Yield the rows of a PPRRVU csv. Its columns are found by their stacked heads.

    Raises: BrokenFileError, also when a head is missing or a row has another number of cells.
    """
    head: list[list[str]] = []
    at: dict[str, int] = {}
    line = 0
    seen: set[tuple[str, str]] = set()
    for line, cells in records(lines, encoding="cp1252"):
        if not at:
            head.append(cells)
            if cells[:2] == ["HCPCS", "MOD"]:
                at = _places(head, line)
            elif line > _MOST_HEAD:
                raise BrokenFileError(line, "no fee schedule: its head is missing")
            continue
        if not any(cells):
            continue
        if len(cells) != len(head[-1]):
            raise BrokenFileError(line, f"{len(cells)} columns, not {len(head[-1])}")
        found = {key: cells[place] for key, place in at.items()}
        key = found["code"], found["modifier"]
        if not _CODE.fullmatch(key[0]) or not re.fullmatch(r"[0-9A-Z]{0,2}", key[1]):
            raise BrokenFileError(line, "no row of the fee schedule")
        if key in seen:
            raise BrokenFileError(line, "code and modifier listed twice")
        seen.add(key)
        if not all(_INDICATOR.fullmatch(value) for name, value in found.items() if name in _OTHERS):
            raise BrokenFileError(line, "an indicator is none")
        yield RelativeValue(
            **{name: _number(text, line) if name in _NUMBERS else text for name, text in found.items()}  # type: ignore[arg-type]
        )
    if not seen:
        raise BrokenFileError(line, "no fee schedule: no rows")


_OTHERS = frozenset(_COLUMNS) - _NUMBERS - {"code", "modifier"}


def _places(head: list[list[str]], line: int) -> dict[str, int]:
    width = len(head[-1])
    stacked = [
        " ".join(" ".join(row[at] for row in head if at < len(row) and row[at]).split())
        for at in range(width)
    ]
    found: dict[str, int] = {}
    for name, pattern in _COLUMNS.items():
        ends = re.compile(rf"(?:^|\s){pattern}$")
        fits = [at for at, text in enumerate(stacked) if ends.search(text)]
        if not fits:
            raise BrokenFileError(line, f"no column {name.replace('_', ' ')}")
        found[name] = fits[0]
    return found


def _number(text: str, line: int) -> Decimal:
    try:
        number = Decimal(text or "0")
    except InvalidOperation:
        raise BrokenFileError(line, "a value is no number") from None
    if not number.is_finite():
        raise BrokenFileError(line, "a value is no number")
    return number
