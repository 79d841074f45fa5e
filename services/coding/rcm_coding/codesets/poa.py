"""The list of diagnoses that are exempt from present-on-admission reporting."""

import re
from collections.abc import Iterable, Iterator

from rcm_coding.codesets.lines import BrokenFileError, numbered
from rcm_coding.engine.tabular import plain_code

_HEAD = re.compile(r"Order(\d\d)\tPOAexemptCode\tDescription")
_CODE = re.compile(r"[A-Z][0-9A-Z]{2}(?:\.[0-9A-Z]{1,4})?")


def read_poa_exempt(lines: Iterable[bytes], *, year: int | None = None) -> Iterator[tuple[str, str]]:
    """Yield (code without dot, title). The head names the fiscal year (`Order26`).

    Raises: BrokenFileError, also when the head names another year than `year`.
    """
    last = 0
    for number, text in numbered(lines):
        if number == 1:
            head = _HEAD.fullmatch(text)
            if head is None:
                raise BrokenFileError(1, "no POA-exempt list: its head is missing")
            if year is not None and int(head[1]) != year % 100:
                raise BrokenFileError(1, f"the list is of FY20{head[1]}, not of FY{year}")
            continue
        cells = text.split("\t")
        if len(cells) != 3 or not cells[0].isdigit() or not _CODE.fullmatch(cells[1]) or not cells[2]:
            raise BrokenFileError(number, "no row of a POA-exempt list")
        if int(cells[0]) <= last:
            raise BrokenFileError(number, "order number out of turn")
        last = int(cells[0])
        yield plain_code(cells[1]), cells[2]
    if not last:
        raise BrokenFileError(1, "the list has no codes")
