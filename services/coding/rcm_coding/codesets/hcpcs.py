"""HCPCS Level II: the quarterly ANWEB file, as fixed-width text or csv. Dental (D) and CPT rows are refused."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from rcm_coding.codesets.lines import BrokenFileError, columns, numbered, optional_day, records

_CODE = re.compile(r"[A-CE-Z]\d{4}")
_ANY = re.compile(r"[0-9A-Z]{5}")
_MODIFIER = re.compile(r"[0-9A-Z]{2}")
DENTAL = "dental code (licensed by the ADA)"
CPT = "begins with a digit (licensed by the AMA)"


@dataclass(frozen=True, slots=True)
class HcpcsRow:
    """One procedure or modifier with its span of validity."""

    code: str
    modifier: bool
    title: str
    short: str
    coverage: str
    added: date | None
    effective: date | None
    ended: date | None

    def in_force(self, on: date) -> bool:
        """Tell whether the code is in force on a line's date of service; the termination date is the last day."""
        begun = self.added or self.effective
        return (begun is None or begun <= on) and (self.ended is None or on <= self.ended)


def read_anweb_text(lines: Iterable[bytes], left: Counter[str] | None = None) -> Iterator[HcpcsRow]:
    """Yield the rows of the fixed-width file; a long title may run on over several lines.

    `left` counts the refused rows by reason.
    Raises: BrokenFileError.
    """
    current: HcpcsRow | None = None
    refused = ""
    found = False
    number = 0
    for number, text in numbered(lines, encoding="cp1252"):
        if len(text) < 293 or text[10] not in "3478":
            raise BrokenFileError(number, "no record of an ANWEB file")
        modifier = text[10] in "78"
        code = text[3:5] if modifier else text[:5]
        if not (_MODIFIER if modifier else _ANY).fullmatch(code):
            raise BrokenFileError(number, "code is malformed")
        if text[10] in "48":
            if code == refused:
                continue
            if current is None or current.code != code:
                raise BrokenFileError(number, "a continuation without its first line")
            current = replace(current, title=f"{current.title} {text[11:91].strip()}")
            continue
        if current is not None:
            yield current
            current = None
        reason = None if modifier else _reason(code)
        if reason:
            refused = code
            if left is not None:
                left[reason] += 1
            continue
        refused = ""
        found = True
        current = HcpcsRow(
            code,
            modifier,
            text[11:91].strip(),
            text[91:119].strip(),
            text[229],
            optional_day(text[268:276].strip(), number),
            optional_day(text[276:284].strip(), number),
            optional_day(text[284:292].strip(), number),
        )
    if current is not None:
        yield current
    if not found:
        raise BrokenFileError(number, "the file has no Level II codes")


def read_anweb_csv(lines: Iterable[bytes], left: Counter[str] | None = None) -> Iterator[HcpcsRow]:
    """Yield the rows of the csv with the same fields; the columns are found by name.

    Raises: BrokenFileError.
    """
    wanted = {
        "code": ("HCPC", "HCPCS", "Code"),
        "title": ("LONG DESCRIPTION", "Long Description"),
        "short": ("SHORT DESCRIPTION",),
        "coverage": ("COV", "COVERAGE"),
        "added": ("ADD DT", "ADD DATE"),
        "effective": ("ACT EFF DT", "EFF DT"),
        "ended": ("TERM DT", "TERM DATE"),
    }
    at: dict[str, int] = {}
    seen: set[str] = set()
    line = 0
    for line, cells in records(lines, encoding="cp1252"):
        if not at:
            if "HCPC" in "".join(cells).upper():
                at = columns(cells, wanted, line)
            continue
        if not any(cells):
            continue
        if len(cells) <= max(at.values()):
            raise BrokenFileError(line, "a cell is missing")
        code = cells[at["code"]].upper()
        modifier = bool(_MODIFIER.fullmatch(code))
        if not modifier and not _ANY.fullmatch(code):
            raise BrokenFileError(line, "code is malformed")
        reason = None if modifier else _reason(code)
        if reason:
            if left is not None:
                left[reason] += 1
            continue
        if code in seen:
            raise BrokenFileError(line, "code listed twice")
        seen.add(code)
        yield HcpcsRow(
            code,
            modifier,
            cells[at["title"]],
            cells[at["short"]],
            cells[at["coverage"]],
            *(optional_day(cells[at[key]], line) for key in ("added", "effective", "ended")),
        )
    if not seen:
        raise BrokenFileError(line, "the file has no Level II codes")


def _reason(code: str) -> str | None:
    if code[0].isdigit():
        return CPT
    return None if _CODE.fullmatch(code) else DENTAL
