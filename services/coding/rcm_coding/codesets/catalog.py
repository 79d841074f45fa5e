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

from rcm_coding.codesets import alphabetic, drg_tables, fees, hcpcs, licensed, ncci, order, poa
from rcm_coding.codesets.coverage import read_articles
from rcm_coding.codesets.lines import BrokenFileError
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


Files = Mapping[str, Callable[[], Iterable[bytes]]]


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


def _one(files: Files) -> Iterable[bytes]:
    if len(files) != 1:
        raise BrokenFileError(0, "more than one file of this system in the archive")
    return next(iter(files.values()))()


def _order(files: Files, how: Reading, *, pcs: bool) -> Iterator[Row]:
    for row in order.read_order(_one(files), pcs=pcs):
        yield Row(row.code, "01"[row.billable], row.title)


def _tabular(files: Files, how: Reading) -> Iterator[Row]:
    year = how.year or year_in(next(iter(files)))
    body = b"".join(_one(files))
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
    index = alphabetic.read_index(b"".join(_one(files)), year=how.year)
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
    for code, title in poa.read_poa_exempt(_one(files), year=how.year):
        yield Row(code, "1", title)


def _table5(files: Files, how: Reading) -> Iterator[Row]:
    for row in drg_tables.read_table5(_one(files)):
        yield Row(row.drg, str(row.weight), row.title)


def _severity(files: Files, how: Reading) -> Iterator[Row]:
    for code, title in drg_tables.read_severity_list(_one(files)):
        yield Row(code, "1", title)


def _exclusions(files: Files, how: Reading) -> Iterator[Row]:
    rows, _ = drg_tables.read_exclusions(_one(files))
    for row in rows:
        yield Row(row.code, row.level, str(row.collection or ""))


def _hcpcs(files: Files, how: Reading) -> Iterator[Row]:
    name = next(iter(files)).lower()
    read = hcpcs.read_anweb_csv if name.endswith(".csv") else hcpcs.read_anweb_text
    for row in read(_one(files), how.left):
        yield Row(row.code, "modifier" if row.modifier else "1", row.title)


def _pairs(files: Files, how: Reading) -> Iterator[Row]:
    for lines in files.values():
        for pair in ncci.read_pairs(lines()):
            span = (
                f"{pair.effective:%Y%m%d}-{pair.deleted:%Y%m%d}"
                if pair.deleted
                else f"{pair.effective:%Y%m%d}-*"
            )
            yield Row(f"{pair.column1}/{pair.column2} {pair.effective:%Y%m%d}", pair.modifier, span)


def _limits(files: Files, how: Reading) -> Iterator[Row]:
    for row in ncci.read_unit_limits(_one(files)):
        yield Row(row.code, str(row.units), f"MAI {row.adjudication}")


def _add_ons(files: Files, how: Reading) -> Iterator[Row]:
    for row in ncci.read_add_ons(_one(files)):
        yield Row(f"{row.code}/{row.primary} {row.effective:%Y%m%d}", row.kind, str(row.deleted or ""))


def _fees(files: Files, how: Reading) -> Iterator[Row]:
    for row in fees.read_relative_values(_one(files)):
        yield Row(f"{row.code}-{row.modifier}".rstrip("-"), row.status, str(row.work))


def _coverage(files: Files, how: Reading) -> Iterator[Row]:
    parts: dict[str, Callable[[], Iterable[bytes]]] = {}
    for name, lines in files.items():
        key = name.lower().rsplit("/", 1)[-1].removesuffix(".csv").replace("-", "_")
        parts[key] = lines
    missing = {"article", "article_x_hcpc_code", "article_x_icd10_covered"} - parts.keys()
    if missing:
        raise BrokenFileError(0, f"the archive lacks {', '.join(sorted(missing))}")
    none: Callable[[], Iterable[bytes]] = tuple
    for article in read_articles(
        parts["article"](),
        parts["article_x_hcpc_code"](),
        parts["article_x_icd10_covered"](),
        parts.get("article_x_icd10_noncovered", none)() if "article_x_icd10_noncovered" in parts else (),
    ):
        counts = f"{len(article.procedures)} procedures, {len(article.covered)} covered diagnoses"
        yield Row(f"{article.article_id}.{article.version}", "1", counts)


def _cpt(files: Files, how: Reading) -> Iterator[Row]:
    for row in licensed.read_cpt(_one(files), how.column_map, delimiter=how.delimiter):
        yield Row(row.code, "1", "")


def _reasons(files: Files, how: Reading, *, remarks: bool) -> Iterator[Row]:
    for row in licensed.read_reason_codes(_one(files), remarks=remarks):
        yield Row(row.code, "0" if row.stop else "1", "")


def _index_system(kind: str, name: str, stem: str) -> System:
    names = rf"icd10cm[-_]{stem}[-_].*\.xml"
    return System(name, names, lambda files, how: _index(files, how, kind=kind), 12, fiscal=True)


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
        System("ncci-ptp", r"cci(pra|oph).*\.txt", _pairs, 3, "AMA"),
        System("ncci-mue", r".*MUE.*\.csv", _limits, 3, "AMA"),
        System("ncci-aoc", r".*AOC.*\.txt", _add_ons, 3, "AMA"),
        System("mpfs-rvu", r"PPRRVU.*\.csv", _fees, 3, "AMA"),
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
