"""The systems that can be loaded: how each file is recognised, read whole, and counted.

Every system's rows come to one plain shape, so that any two releases of a system can be compared.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import NamedTuple

from rcm_coding.codesets import alphabetic, drg_tables, licensed, order, poa
from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.tables import TABLES, Files, Layout, only, read_hcpcs
from rcm_coding.engine.tabular import BadCodeSetError, fiscal_year, parse_tabular


class Row(NamedTuple):
    """One row for comparing releases: `flag` is 1/0 for billable or a rule's own value; `text` may be licensed."""

    key: str
    flag: str
    text: str


@dataclass
class Reading:
    """How to read one file. `year` is the fiscal or calendar year it is meant for; `left` counts refused rows."""

    year: int | None = None
    column_map: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = "\t"
    left: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class System:
    """One kind of published file. `names` recognises a member of an archive; `months` is a release's usual life."""

    name: str
    names: str
    read: Callable[[Files, Reading], Iterator[Row]]
    months: int
    licence: str = "public"
    fiscal: bool = False


def spans(system: System, begins: date) -> date:
    """Return the usual last day of a release: the fiscal year's end, the calendar year's, or the quarter's."""
    if system.fiscal:
        year = begins.year + (begins.month >= 10)
        return fiscal_year(year)[1]
    month = begins.month - 1 + system.months
    first = date(begins.year + month // 12, month % 12 + 1, 1)
    return date.fromordinal(first.toordinal() - 1)


def year_in(name: str) -> int | None:
    """Return the year that a file's name states (2026, FY26), or None."""
    match = re.search(r"(?<!\d)(20[1-4]\d)(?!\d)", name) or re.search(r"FY(\d\d)(?!\d)", name, re.IGNORECASE)
    if match is None:
        return None
    return int(match[1]) if len(match[1]) == 4 else 2000 + int(match[1])


def begins_in(name: str) -> date | None:
    """Return the first day that the name of a quarterly file states, or None.

    NCCI versions count years from 1994 and quarters from 0: v322r0 begins on 2026-07-01.
    """
    if match := re.search(r"Eff[_-](\d\d)-(\d\d)-(20\d\d)", name, re.IGNORECASE):
        return date(int(match[3]), int(match[1]), int(match[2]))
    if match := re.match(r"cci(?:pra|oph)[-_]?v(\d\d)([0-3])", name, re.IGNORECASE):
        return date(1994 + int(match[1]), 1 + 3 * int(match[2]), 1)
    if match := re.search(r"(20\d\d)[-_]?Q([1-4])", name, re.IGNORECASE):
        return date(int(match[1]), 3 * int(match[2]) - 2, 1)
    if match := re.search(rf"(20\d\d)[-_]({'|'.join(_QUARTERS)})", name, re.IGNORECASE):
        return date(int(match[1]), _QUARTERS[match[2].upper()], 1)
    return None


_QUARTERS = {"JAN": 1, "APR": 4, "JUL": 7, "OCT": 10}


def _order(files: Files, how: Reading, *, pcs: bool) -> Iterator[Row]:
    for row in order.read_order(only(files), pcs=pcs):
        yield Row(row.code, "01"[row.billable], row.title)


def _addenda(files: Files, how: Reading, *, pcs: bool) -> Iterator[Row]:
    yield from _changes(order.read_addenda(only(files), pcs=pcs))


def _delta(files: Files, how: Reading) -> Iterator[Row]:
    yield from _changes(order.read_delta(only(files)))


def _changes(changes: Iterable[order.Change]) -> Iterator[Row]:
    for item in changes:
        yield Row(f"{item.code} {item.action}", item.action, item.title)


def _tabular(files: Files, how: Reading) -> Iterator[Row]:
    year = how.year or year_in(next(iter(files)))
    body = b"".join(only(files))
    version = re.search(rb"<version>\s*(20\d\d)", body[:4000])
    stated = int(version[1]) if version else 0
    if year is not None and stated and stated != year:
        raise BrokenFileError(1, f"the file is of FY{stated}, not of FY{year}")
    try:
        tabular = parse_tabular(body, fiscal_year(stated or 2026)[0].isoformat())
    except BadCodeSetError as error:
        line = re.search(r"line (\d+)", str(error))
        raise BrokenFileError(int(line[1]) if line else 0, str(error)) from None
    for code, concept in tabular.concepts.items():
        yield Row(code, "01"[tabular.billable(code)], concept.title)


def _index(files: Files, how: Reading, *, kind: str) -> Iterator[Row]:
    index = alphabetic.read_index(b"".join(only(files)), year=how.year)
    if index.kind != kind:
        raise BrokenFileError(1, f"the file is the index of kind {index.kind}, not {kind}")
    seen: Counter[str] = Counter()
    for term in index.terms:
        key = ", ".join(term.path)
        seen[key] += 1
        if seen[key] > 1:
            key = f"{key} ({seen[key]})"
        yield Row(
            key, "1" if term.codes else "", " ".join(code for _, code in term.codes) or f"see {term.see}"
        )


def _poa(files: Files, how: Reading) -> Iterator[Row]:
    for code, title in poa.read_poa_exempt(only(files), year=how.year):
        yield Row(code, "1", title)


def _table5(files: Files, how: Reading) -> Iterator[Row]:
    for row in drg_tables.read_table5(only(files)):
        yield Row(row.drg, str(row.weight), row.title)


def _severity(files: Files, how: Reading) -> Iterator[Row]:
    for code, title in drg_tables.read_severity_list(only(files)):
        yield Row(code, "1", title)


def _exclusions(files: Files, how: Reading) -> Iterator[Row]:
    rows, _ = drg_tables.read_exclusions(only(files))
    for row in rows:
        yield Row(row.code, row.level, str(row.collection or ""))


def _hcpcs(files: Files, how: Reading) -> Iterator[Row]:
    for row in read_hcpcs(files, how.left):
        yield Row(row.code, "modifier" if row.modifier else "1", row.title)


def _table(files: Files, how: Reading, *, system: str, key: int, flag: int) -> Iterator[Row]:
    """Rows of a table: the first `key` cells are what they are compared by, cell `flag` is the rule's own value."""
    for cells in TABLES[system].read(files, Layout(how.column_map, how.delimiter)):
        yield Row(" ".join(cells[:key]), cells[flag], " ".join(cells[key:]))


def _coverage(files: Files, how: Reading) -> Iterator[Row]:
    for article, version, _, _, kind, code, group in TABLES["mcd-articles"].read(files, Layout({}, "")):
        yield Row(f"{article}.{version} {kind} {code} {group}".rstrip(), kind, "")


def _cpt(files: Files, how: Reading) -> Iterator[Row]:
    for cells in TABLES["cpt"].read(files, Layout(how.column_map, how.delimiter)):
        yield Row(cells[0], "1", "")


def _reasons(files: Files, how: Reading, *, remarks: bool) -> Iterator[Row]:
    for row in licensed.read_reason_codes(only(files), remarks=remarks):
        yield Row(row.code, "0" if row.stop else "1", "")


def _index_system(kind: str, name: str, stem: str) -> System:
    names = rf"icd10cm[-_]{stem}[-_].*\.xml"
    return System(name, names, lambda files, how: _index(files, how, kind=kind), 12, fiscal=True)


def _table_system(name: str, names: str, *, key: int, flag: int) -> System:
    return System(
        name, names, lambda files, how: _table(files, how, system=name, key=key, flag=flag), 3, "AMA"
    )


#: The systems whose terms enrich the lexicon, in the order in which they are believed.
INDEXES = ("icd10cm-index", "icd10cm-neoplasm", "icd10cm-external-cause", "icd10cm-drugs")

SYSTEMS: dict[str, System] = {
    item.name: item
    for item in (
        System(
            "icd10cm-order",
            r"icd10cm[-_]order[-_]\d{4}\.txt",
            lambda files, how: _order(files, how, pcs=False),
            12,
            fiscal=True,
        ),
        System(
            "icd10pcs-order",
            r"icd10pcs[-_]order[-_]\d{4}\.txt",
            lambda files, how: _order(files, how, pcs=True),
            12,
            fiscal=True,
        ),
        System(
            "icd10cm-addenda",
            r"icd10cm[-_]order[-_]addenda[-_]\d{4}\.txt",
            lambda files, how: _addenda(files, how, pcs=False),
            12,
            fiscal=True,
        ),
        System(
            "icd10pcs-addenda",
            r"(icd10pcs[-_])?order[-_]addenda[-_]\d{4}\.txt",
            lambda files, how: _addenda(files, how, pcs=True),
            12,
            fiscal=True,
        ),
        System("icd10cm-delta", r"icd10cm.*delta.*\.tsv", _delta, 12, fiscal=True),
        System("icd10cm-tabular", r"icd10c?m?[-_]tabular.*\.xml", _tabular, 12, fiscal=True),
        _index_system("main", "icd10cm-index", "index"),
        _index_system("external-cause", "icd10cm-external-cause", "eindex"),
        _index_system("neoplasm", "icd10cm-neoplasm", "neoplasm"),
        _index_system("drugs", "icd10cm-drugs", "drug"),
        System("poa-exempt", r"POAexemptCodes.*\.txt", _poa, 12, fiscal=True),
        System("drg-weights", r".*table[ _-]?5.*\.txt", _table5, 12, fiscal=True),
        System("mcc-list", r".*6I[ _.-].*\.txt", _severity, 12, fiscal=True),
        System("cc-list", r".*6J[ _.-].*\.txt", _severity, 12, fiscal=True),
        System("cc-exclusions", r".*6K[ _.-].*\.txt", _exclusions, 12, fiscal=True),
        System("hcpcs", r".*ANWEB.*\.(txt|csv)", _hcpcs, 3),
        _table_system("ncci-ptp", r"ccipra.*\.txt", key=3, flag=4),
        _table_system("ncci-ptp-hospital", r"ccioph.*\.txt", key=3, flag=4),
        _table_system("ncci-mue", r"(?!.*(hospital|dme)).*MUE.*\.csv", key=1, flag=1),
        _table_system("ncci-mue-hospital", r".*MUE.*hospital.*\.csv", key=1, flag=1),
        _table_system("ncci-mue-dme", r".*MUE.*DME.*\.csv", key=1, flag=1),
        _table_system("ncci-aoc", r".*AOC.*\.txt", key=2, flag=2),
        _table_system("mpfs-rvu", r"PPRRVU.*\.csv", key=2, flag=2),
        System("mcd-articles", r"article.*\.csv", _coverage, 1, "AMA"),
        System("cpt", r".*\.(txt|csv|tsv)", _cpt, 12, "AMA"),
        System("carc", r".*carc.*\.csv", lambda files, how: _reasons(files, how, remarks=False), 4, "X12"),
        System("rarc", r".*rarc.*\.csv", lambda files, how: _reasons(files, how, remarks=True), 4, "X12"),
    )
}


def count(system: System, files: Files, how: Reading) -> tuple[int, int]:
    """Read every row, keep none; return how many rows there are and how many of them are billable or in use.

    Raises: BrokenFileError when any row of any file is broken.
    """
    rows = billable = 0
    for row in system.read(files, how):
        rows += 1
        billable += row.flag not in ("0", "")
    return rows, billable


def whole(name: str, body: bytes) -> Files:
    """Return one file that is in memory as what the readers take."""
    return {name: lambda: BytesIO(body)}
