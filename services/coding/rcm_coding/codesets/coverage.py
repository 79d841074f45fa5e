"""Local coverage articles (MCD csv files): which procedures an article judges, by which diagnoses."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from rcm_coding.codesets.lines import BrokenFileError, columns, optional_day, records
from rcm_coding.engine.tabular import plain_code

_CODE = re.compile(r"[0-9A-Z]{3,7}")
#: The csv files of an article archive: the column of the code, of the group it stands in, and what a row says.
_LINKS = {
    "article_x_hcpc_code": ("hcpc_code_id", "hcpc_code_group", "procedure"),
    "article_x_icd10_covered": ("icd10_code_id", "icd10_covered_group", "covered"),
    "article_x_icd10_noncovered": ("icd10_code_id", "icd10_noncovered_group", "noncovered"),
    "article_x_contractor": ("contractor_id", "", "contractor"),
}
_NEEDED = ("article", "article_x_hcpc_code", "article_x_icd10_covered")


@dataclass(frozen=True, slots=True)
class Article:
    """One version of an article with its span; both days belong to it, None is without bound."""

    article_id: str
    version: str
    effective: date | None
    ended: date | None


@dataclass(frozen=True, slots=True)
class Link:
    """One code of an article: a "procedure" it judges, a "covered" or "noncovered" diagnosis, a "contractor"."""

    article: Article
    kind: str
    code: str
    group: str


def read_coverage(parts: Mapping[str, Callable[[], Iterable[bytes]]]) -> Iterator[Link]:
    """Yield the codes of each article, file by file, from the csv files by name (without ".csv").

    Raises: BrokenFileError, also when a file is missing or names an article that `article.csv` does not have.
    """
    missing = [name for name in _NEEDED if name not in parts]
    if missing:
        raise BrokenFileError(0, f"the archive lacks {', '.join(missing)}")
    known = _articles(parts["article"]())
    for name, (column, group, kind) in _LINKS.items():
        if name in parts:
            yield from _links(name, parts[name](), (column, group, kind), known)


def _articles(lines: Iterable[bytes]) -> dict[tuple[str, str], Article]:
    found: dict[tuple[str, str], Article] = {}
    at: dict[str, int] = {}
    optional: dict[str, int] = {}
    line = 0
    for line, cells in records(lines, encoding="cp1252"):
        if not at:
            at = columns(cells, {"id": ("article_id",), "version": ("article_version",)}, line)
            names = [cell.lower() for cell in cells]
            optional = {
                key: names.index(name)
                for key, name in (("from", "article_eff_date"), ("to", "article_end_date"))
                if name in names
            }
            continue
        if len(cells) <= max([*at.values(), *optional.values()]):
            raise BrokenFileError(line, "a cell is missing")
        key = cells[at["id"]], cells[at["version"]]
        if not key[0].isdigit() or not key[1].isdigit():
            raise BrokenFileError(line, "article or version is no number")
        first, last = (
            optional_day(cells[optional[name]].split(" ")[0], line) if name in optional else None
            for name in ("from", "to")
        )
        found[key] = Article(*key, first, last)
    if not found:
        raise BrokenFileError(line, "article.csv has no articles")
    return found


def _links(
    name: str,
    lines: Iterable[bytes],
    layout: tuple[str, str, str],
    known: Mapping[tuple[str, str], Article],
) -> Iterator[Link]:
    column, group, kind = layout
    at: dict[str, int] = {}
    grouped: int | None = None
    wanted = {"id": ("article_id",), "version": ("article_version",), "code": (column,)}
    for line, cells in records(lines, encoding="cp1252"):
        if not at:
            at = columns(cells, wanted, line)
            names = [cell.lower() for cell in cells]
            grouped = names.index(group) if group in names else None
            continue
        if len(cells) <= max(at.values()):
            raise BrokenFileError(line, f"{name}: a cell is missing")
        code = plain_code(cells[at["code"]])
        key = cells[at["id"]], cells[at["version"]]
        if not key[0].isdigit() or not (code.isdigit() if kind == "contractor" else _CODE.fullmatch(code)):
            raise BrokenFileError(line, f"{name}: article or code is malformed")
        if key not in known:
            raise BrokenFileError(line, f"{name} names article {key[0]}, which article.csv does not have")
        number = cells[grouped] if grouped is not None and grouped < len(cells) else ""
        yield Link(known[key], kind, code, number if number.isdigit() else "")
