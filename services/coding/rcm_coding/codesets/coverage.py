"""Local coverage articles (MCD csv files): which procedures an article judges, by which diagnoses."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from rcm_coding.codesets.lines import BrokenFileError, columns, optional_day, records
from rcm_coding.engine.tabular import plain_code

_CODE = re.compile(r"[0-9A-Z]{3,7}")


@dataclass(frozen=True, slots=True)
class Article:
    """One version of an article. A procedure is covered when a covered diagnosis stands with it."""

    article_id: str
    version: str
    effective: date | None
    ended: date | None
    procedures: frozenset[str]
    covered: frozenset[str] = field(default_factory=frozenset)
    noncovered: frozenset[str] = field(default_factory=frozenset)


def read_links(lines: Iterable[bytes], column: str) -> Iterator[tuple[str, str, str]]:
    """Yield (article, version, code) of one of the `article_x_…` files.

    Raises: BrokenFileError.
    """
    at: dict[str, int] = {}
    for line, cells in records(lines, encoding="cp1252"):
        if not at:
            at = columns(
                cells, {"id": ("article_id",), "version": ("article_version",), "code": (column,)}, line
            )
            continue
        if len(cells) <= max(at.values()):
            raise BrokenFileError(line, "a cell is missing")
        code = plain_code(cells[at["code"]])
        if not cells[at["id"]].isdigit() or not _CODE.fullmatch(code):
            raise BrokenFileError(line, "article or code is malformed")
        yield cells[at["id"]], cells[at["version"]], code


def read_articles(
    article: Iterable[bytes],
    procedures: Iterable[bytes],
    covered: Iterable[bytes],
    noncovered: Iterable[bytes] = (),
) -> tuple[Article, ...]:
    """Join the four csv files to articles that name at least one procedure.

    Raises: BrokenFileError, also when a link names an article that `article.csv` does not have.
    """
    wanted = {"id": ("article_id",), "version": ("article_version",)}
    dates: dict[tuple[str, str], tuple[date | None, date | None]] = {}
    at: dict[str, int] = {}
    optional: dict[str, int] = {}
    for line, cells in records(article, encoding="cp1252"):
        if not at:
            at = columns(cells, wanted, line)
            names = [cell.lower() for cell in cells]
            optional = {
                key: names.index(name)
                for key, name in (("from", "article_eff_date"), ("to", "article_end_date"))
                if name in names
            }
            continue
        if len(cells) <= max([*at.values(), *optional.values()]):
            raise BrokenFileError(line, "a cell is missing")
        found = [
            optional_day(cells[optional[key]].split(" ")[0], line) if key in optional else None
            for key in ("from", "to")
        ]
        dates[cells[at["id"]], cells[at["version"]]] = (found[0], found[1])
    links = [
        _collect(procedures, "hcpc_code_id", dates),
        _collect(covered, "icd10_code_id", dates),
        _collect(noncovered, "icd10_code_id", dates) if noncovered else {},
    ]
    return tuple(
        Article(
            key[0],
            key[1],
            *span,
            frozenset(links[0][key]),
            frozenset(links[1].get(key, ())),
            frozenset(links[2].get(key, ())),
        )
        for key, span in dates.items()
        if key in links[0]
    )


def _collect(
    lines: Iterable[bytes], column: str, known: dict[tuple[str, str], tuple[date | None, date | None]]
) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for article, version, code in read_links(lines, column):
        if (article, version) not in known:
            raise BrokenFileError(0, f"article {article} has codes but no row in article.csv")
        found.setdefault((article, version), set()).add(code)
    return found
