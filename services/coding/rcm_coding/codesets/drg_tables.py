"""CMS inpatient tables: 5 (DRG weights), 6I and 6J (MCC and CC lists), 6K (exclusions of CCs)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from rcm_coding.codesets.lines import BrokenFileError, numbered, records

_CODE = re.compile(r"[A-Z][0-9A-Z]{2,6}")
_COLLECTION = re.compile(r"PDX\s*collection\s*:?\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DrgWeight:
    """One DRG of Table 5. The weight is the one after the cap, which Medicare pays by; stays are in days."""

    drg: str
    mdc: str
    kind: str
    title: str
    weight: Decimal
    geometric_stay: Decimal
    arithmetic_stay: Decimal


@dataclass(frozen=True, slots=True)
class CcExclusion:
    """A CC or MCC and the collection of principal diagnoses beside which it does not count (None: never)."""

    code: str
    level: str
    collection: int | None


def read_table5(lines: Iterable[bytes]) -> Iterator[DrgWeight]:
    """Yield the DRGs of Table 5 (tab-separated; a quoted title stands above the head).

    Raises: BrokenFileError.
    """
    last = ""
    line = 0
    for line, cells in records(lines, delimiter="\t", encoding="cp1252"):
        if not cells or not re.fullmatch(r"\d{1,3}", cells[0]):
            if last and any(cells) and cells[0][:1].isdigit():
                raise BrokenFileError(line, "no row of Table 5")
            continue
        if len(cells) < 10:
            raise BrokenFileError(line, "a row of Table 5 has ten cells")
        drg = cells[0].zfill(3)
        if drg <= last:
            raise BrokenFileError(line, "DRG out of turn")
        last = drg
        yield DrgWeight(
            drg,
            cells[3],
            cells[4],
            cells[5],
            _number(cells[7], line),
            _number(cells[8], line),
            _number(cells[9], line),
        )
    if last != "999":
        raise BrokenFileError(line, "truncated: DRG 999 is missing")


def read_severity_list(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Yield (code, title) of Table 6I or 6J: tab- or blank-separated, titles above the head are skipped.

    Raises: BrokenFileError.
    """
    seen: set[str] = set()
    number = 0
    for number, text in numbered(lines, encoding="cp1252"):
        head, _, rest = text.strip().strip('"').partition("\t")
        if not rest:
            head, _, rest = text.strip().partition(" ")
        code = head.replace(".", "")
        if not _CODE.fullmatch(code) or not any(character.isdigit() for character in code):
            if seen and text.strip() and not text.lower().startswith(("note", "*", '"')):
                raise BrokenFileError(number, "no row of the list")
            continue
        if code in seen:
            raise BrokenFileError(number, "code listed twice")
        seen.add(code)
        yield code, rest.strip().split("\t")[-1].strip('" ')
    if not seen:
        raise BrokenFileError(number, "the list has no codes")


def read_exclusions(lines: Iterable[bytes]) -> tuple[tuple[CcExclusion, ...], dict[int, frozenset[str]]]:
    """Return the CCs of Table 6K, and the principal diagnoses of each collection.

    Raises: BrokenFileError, also when a CC names a collection that the file does not have or that is short.
    """
    found: list[CcExclusion] = []
    sizes: dict[int, int] = {}
    members: dict[int, set[str]] = {}
    current: int | None = None
    number = 0
    for number, text in numbered(lines, encoding="cp1252"):
        words = text.replace("\t", " ").split()
        row = re.match(
            r"\s*([A-Z][0-9A-Z.]{2,7})\s+(CC|MCC)\s+(?:(\d+)\s*:\s*([\d,]+)\s+codes?|No Excl)",
            text,
            re.IGNORECASE,
        )
        start = _COLLECTION.match(text.strip())
        if row:
            collection = int(row[3]) if row[3] else None
            found.append(CcExclusion(row[1].replace(".", ""), row[2].upper(), collection))
            if collection is not None:
                sizes[collection] = int(row[4].replace(",", ""))
        elif start:
            current = int(start[1])
            members.setdefault(current, set())
        elif words and current is not None:
            code = words[0].replace(".", "")
            if not _CODE.fullmatch(code):
                raise BrokenFileError(number, "no code of a collection")
            members[current].add(code)
    if not found:
        raise BrokenFileError(number, "Table 6K has no CCs")
    for collection, size in sizes.items():
        if len(members.get(collection, ())) != size:
            raise BrokenFileError(number, f"truncated: PDX collection {collection} has not its {size} codes")
    return tuple(found), {collection: frozenset(codes) for collection, codes in members.items()}


def _number(text: str, line: int) -> Decimal:
    try:
        return Decimal(text.replace(",", "") or "0")
    except InvalidOperation:
        raise BrokenFileError(line, "the weight or stay is no number") from None
