"""CMS order files of ICD-10-CM and ICD-10-PCS, their addenda, and the change lists made of them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rcm_coding.codesets.lines import BrokenFileError, numbered

#: What a whole file must have: a code under each of these first characters.
CM_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
PCS_SECTIONS = frozenset("0123456789BCDFGHX")
#: The 2nd and 3rd character of a diagnosis may be letters (QA0, C4A).
_CM = re.compile(r"[A-Z][0-9A-Z][0-9A-Z](?:[0-9A-Z]{0,4})")
_PCS = re.compile(r"[0-9A-HJ-NP-Z]{3}(?:[0-9A-HJ-NP-Z]{4})?")
_ADDENDUM = re.compile(r"(Add|Delete|Revise from|Revise to|No change):\s*(.*)")
#: The layout of the order file from its flag on; the flag is blank in the file of procedures.
_ADDENDUM_ROW = re.compile(r"(?:([01]) )?([0-9A-Z]{3,7}) +(.{1,60}) ?(.*)")
_TOTAL = re.compile(r" *(\d+) (additions|deletions)")
_TOTALS = {"additions": "add", "deletions": "delete"}
_ACTIONS = {"Add": "add", "Delete": "delete", "Revise from": "revise-from", "Revise to": "revise-to"}


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One row. `order` places codes and ranges; it changes with each release."""

    order: int
    code: str
    billable: bool
    short: str
    title: str


@dataclass(frozen=True, slots=True)
class Change:
    """One line of an addendum or delta: add, delete, to-header, revise-from, revise-to, revise-short."""

    action: str
    code: str
    billable: bool
    title: str


def read_order(
    lines: Iterable[bytes], *, pcs: bool = False, complete: frozenset[str] | None = None
) -> Iterator[OrderRow]:
    """Yield the rows of an order file (fixed columns: order 1-5, code 7-13, flag 15, short 17-76, long 78-).

    Raises: BrokenFileError at a bad row, an order number out of turn, a code twice, or a missing chapter.
    """
    form = _PCS if pcs else _CM
    seen: set[str] = set()
    last = 0
    for number, text in numbered(lines):
        if len(text) < 78 or not text[:5].isdigit() or text[5] != " " or text[14] not in "01":
            raise BrokenFileError(number, "no row of an order file")
        row = OrderRow(
            int(text[:5]), text[6:13].strip(), text[14] == "1", text[16:76].strip(), text[77:].strip()
        )
        if row.order != last + 1:
            raise BrokenFileError(number, f"order number {row.order} after {last}: rows are missing")
        if not form.fullmatch(row.code) or not row.title:
            raise BrokenFileError(number, "code or title is missing or malformed")
        if row.code in seen:
            raise BrokenFileError(number, "code listed twice")
        seen.add(row.code)
        last = row.order
        yield row
    wanted = complete if complete is not None else (PCS_SECTIONS if pcs else CM_LETTERS)
    missing = wanted - {code[0] for code in seen}
    if missing:
        raise BrokenFileError(last, f"truncated or another file: nothing under {' '.join(sorted(missing))}")


def read_addenda(lines: Iterable[bytes], *, pcs: bool = False) -> Iterator[Change]:
    """Yield the changes of an order addendum; the counts at its end are compared with what was read.

    A code that became a header stands as a deletion of the billable and an addition of the header.
    Raises: BrokenFileError.
    """
    form = _PCS if pcs else _CM
    found: Counter[tuple[str, str]] = Counter()
    stated: dict[tuple[str, str], int] = {}
    part = ""
    number = 0
    for number, text in numbered(_ended(lines)):
        match = _ADDENDUM.match(text)
        if match is not None and not part:
            if match[1] == "No change":
                continue
            row = _ADDENDUM_ROW.fullmatch(match[2])
            if row is None or not form.fullmatch(row[2]):
                raise BrokenFileError(number, "the change carries no code")
            billable = row[1] != "0" and (not pcs or len(row[2]) == 7)
            action = _ACTIONS[match[1]]
            found["Codes" if billable else "Headers", action] += 1
            yield Change(action, row[2], billable, row[4].strip() or row[3].strip())
            continue
        if text.strip() in ("Headers", "Codes"):
            part = text.strip()
        elif (total := _TOTAL.fullmatch(text)) and part:
            stated[part, _TOTALS[total[2]]] = int(total[1])
        elif text.strip() and not part:
            raise BrokenFileError(number, "no line of an addendum")
    if ("Codes", "add") not in stated:
        raise BrokenFileError(number, "truncated: the counts at the end are missing")
    for (where, action), count in stated.items():
        if found[where, action] != count:
            reason = (
                f"{found[where, action]} of {where.lower()} read as {action}, {count} counted: incomplete"
            )
            raise BrokenFileError(number, reason)


def read_delta(lines: Iterable[bytes]) -> Iterator[Change]:
    """Yield the changes of a tab-separated list with the columns action, code, long_description.

    Raises: BrokenFileError.
    """
    actions = {"ADD": "add", "DELETE": "delete", "TO_HEADER": "to-header", "REVISE_SHORT": "revise-short"}
    for number, text in numbered(lines):
        cells = text.split("\t")
        if number == 1:
            if cells[:3] != ["action", "code", "long_description"]:
                raise BrokenFileError(1, "no change list: its head is missing")
            continue
        if len(cells) < 3 or cells[0] not in actions or not _CM.fullmatch(cells[1]):
            raise BrokenFileError(number, "no line of a change list")
        yield Change(actions[cells[0]], cells[1], cells[0] != "TO_HEADER", cells[2].strip())


def apply_changes(rows: Iterable[OrderRow], changes: Iterable[Change]) -> list[OrderRow]:
    """Return the rows of the next release; rows keep their order number, new codes come after their parent.

    Raises: BrokenFileError when a change names a code that the release does not have.
    """
    table = {row.code: row for row in rows}
    for change in changes:
        known = table.get(change.code)
        if change.action == "add":
            table[change.code] = OrderRow(0, change.code, change.billable, change.title[:60], change.title)
        elif known is None:
            raise BrokenFileError(0, f"the change list names {change.code}, which the release does not have")
        elif change.action == "delete":
            del table[change.code]
        elif change.action == "to-header":
            table[change.code] = replace(known, billable=False)
        elif change.action == "revise-to":
            table[change.code] = replace(known, title=change.title)
    ordered = sorted(table.values(), key=lambda row: row.code)
    return [replace(row, order=at) for at, row in enumerate(ordered, start=1)]


def _ended(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n"
