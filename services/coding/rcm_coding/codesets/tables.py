"""The sets whose rows other rooms and services look up one by one: NCCI, fees, coverage, lists of codes.

Each row is a tuple of plain texts under stable column names: days as YYYY-MM-DD, empty where nothing is said. The
first one or two columns of the key are what a row is found by.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from rcm_coding.codesets import fees, hcpcs, licensed, ncci, poa
from rcm_coding.codesets.coverage import read_coverage
from rcm_coding.codesets.lines import BrokenFileError

Files = Mapping[str, Callable[[], Iterable[bytes]]]
Cells = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The columns of one set. `key` names the column a row is found by, `other` a second one (or is empty)."""

    columns: tuple[str, ...]
    key: str
    read: Callable[[Files, "Layout"], Iterator[Cells]]
    other: str = ""


@dataclass(frozen=True)
class Layout:
    """What a licensed file's layout is, as its operator says."""

    column_map: Mapping[str, str]
    delimiter: str


def only(files: Files) -> Iterable[bytes]:
    """Return the lines of the one file.

    Raises: BrokenFileError when there are several.
    """
    if len(files) != 1:
        raise BrokenFileError(0, "more than one file of this system in the archive")
    return next(iter(files.values()))()


def _day(value: date | None) -> str:
    return value.isoformat() if value else ""


def _pairs(files: Files, _: Layout) -> Iterator[Cells]:
    for lines in files.values():
        for item in ncci.read_pairs(lines()):
            yield item.column1, item.column2, _day(item.effective), _day(item.deleted), item.modifier


def _limits(files: Files, _: Layout) -> Iterator[Cells]:
    for item in ncci.read_unit_limits(only(files)):
        yield item.code, str(item.units), item.adjudication


def _add_ons(files: Files, _: Layout) -> Iterator[Cells]:
    for item in ncci.read_add_ons(only(files)):
        yield item.code, item.primary, item.kind, _day(item.effective), _day(item.deleted)


def _fees(files: Files, _: Layout) -> Iterator[Cells]:
    for item in fees.read_relative_values(only(files)):
        yield (
            item.code,
            item.modifier,
            item.status,
            *(
                str(value)
                for value in (item.work, item.practice_office, item.practice_facility, item.malpractice)
            ),
            item.pctc,
            item.global_days,
            item.multiple,
            item.bilateral,
            item.assistant,
            item.cosurgeon,
            item.team,
            str(item.factor),
        )


def _coverage(files: Files, _: Layout) -> Iterator[Cells]:
    parts = {name.lower().rsplit("/", 1)[-1].removesuffix(".csv"): lines for name, lines in files.items()}
    for item in read_coverage(parts):
        article = item.article
        span = _day(article.effective), _day(article.ended)
        yield article.article_id, article.version, *span, item.kind, item.code, item.group


def read_hcpcs(files: Files, left: Counter[str]) -> Iterator[hcpcs.HcpcsRow]:
    """Yield the rows of the text or of the csv file; `left` counts what is refused by licence."""
    name = next(iter(files)).lower()
    read = hcpcs.read_anweb_csv if name.endswith(".csv") else hcpcs.read_anweb_text
    return read(only(files), left)


def _hcpcs(files: Files, _: Layout) -> Iterator[Cells]:
    for item in read_hcpcs(files, Counter()):
        kind = "modifier" if item.modifier else "code"
        yield item.code, kind, item.coverage.strip(), _day(item.added), _day(item.effective), _day(item.ended)


def _poa(files: Files, _: Layout) -> Iterator[Cells]:
    for code, _title in poa.read_poa_exempt(only(files)):
        yield (code,)


def _cpt(files: Files, how: Layout) -> Iterator[Cells]:
    for item in licensed.read_cpt(only(files), how.column_map, delimiter=how.delimiter):
        yield item.code, _day(item.effective), _day(item.ended)


_PAIRS = Table(("column1", "column2", "effective", "deleted", "modifier"), "column1", _pairs, "column2")
_LIMITS = Table(("code", "units", "mai"), "code", _limits)
_FEES = (
    "code modifier status work pe_office pe_facility malpractice pctc global_days multiple bilateral assistant"
    " cosurgeon team factor"
)
#: By the system's name in the catalog.
TABLES: dict[str, Table] = {
    "ncci-ptp": _PAIRS,
    "ncci-ptp-hospital": _PAIRS,
    "ncci-mue": _LIMITS,
    "ncci-mue-hospital": _LIMITS,
    "ncci-mue-dme": _LIMITS,
    "ncci-aoc": Table(("add_on", "primary", "type", "effective", "deleted"), "add_on", _add_ons, "primary"),
    "mpfs-rvu": Table(tuple(_FEES.split()), "code", _fees, "modifier"),
    "mcd-articles": Table(
        ("article", "version", "effective", "ended", "kind", "code", "grp"), "code", _coverage, "article"
    ),
    "hcpcs": Table(("code", "kind", "coverage", "added", "effective", "ended"), "code", _hcpcs),
    "poa-exempt": Table(("code",), "code", _poa),
    "cpt": Table(("code", "effective", "ended"), "code", _cpt),
}


class Entry(NamedTuple):
    """One row where it is found: `at` counts from 0 and is the row's place; rows below 0 are for look-up alone."""

    key: str
    other: str
    at: int
    line: str


#: The key of look-up rows that say which articles name covered diagnoses at all (their `other`).
LISTING = "*"


def entries(system: str, files: Files, layout: Layout) -> Iterator[Entry]:
    """Yield the rows of a set in the file's order, each under its key.

    Raises: BrokenFileError.
    """
    table = TABLES[system]
    key = table.columns.index(table.key)
    other = table.columns.index(table.other) if table.other else None
    listing: set[str] = set()
    for at, cells in enumerate(table.read(files, layout)):
        beside = cells[other] if other is not None else ""
        yield Entry(cells[key], beside, at, "\t".join(cells))
        if system == "mcd-articles" and cells[4] == "covered":
            listing.add(beside)
    for place, article in enumerate(sorted(listing), start=1):
        yield Entry(LISTING, article, -place, "")
