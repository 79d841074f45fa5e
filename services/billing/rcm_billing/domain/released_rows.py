"""Reads the rows of coding's released tables: tab-separated text by column names into typed rows. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.errors import BadCodeSetError
from rcm_billing.domain.reference_rows import Row

PAIRS = frozenset({"ncci-ptp", "ncci-ptp-hospital"})
COVERAGE = "mcd-articles"
PAIR_COLUMNS = ("column1", "column2", "effective", "deleted", "modifier")
COVERAGE_COLUMNS = ("article", "version", "effective", "ended", "kind", "code")


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _limit(cell: Mapping[str, str]) -> Row:
    return rows.UnitLimit(code=cell["code"], units=int(cell["units"]), mai=cell["mai"])


def _add_on(cell: Mapping[str, str]) -> Row:
    return rows.AddOn(
        add_on=cell["add_on"],
        primary=cell["primary"],
        type=cell["type"],
        effective_from=_day(cell["effective"]),
        effective_to=_day(cell["deleted"]),
    )


def _fee(cell: Mapping[str, str]) -> Row:
    return rows.Fee(
        code=cell["code"],
        modifier=cell["modifier"],
        status=cell["status"],
        pctc=cell["pctc"],
        global_days=cell["global_days"],
        multiple=cell["multiple"],
        bilateral=cell["bilateral"],
        assistant=cell["assistant"],
        cosurgeon=cell["cosurgeon"],
        team=cell["team"],
    )


def _hcpcs(cell: Mapping[str, str]) -> Row:
    return rows.Hcpcs(
        code=cell["code"],
        kind=cell["kind"],
        coverage=cell["coverage"],
        effective_from=_day(cell["added"] or cell["effective"]),
        effective_to=_day(cell["ended"]),
    )


def _code(cell: Mapping[str, str]) -> Row:
    return rows.Code(code=cell["code"])


def _cpt(cell: Mapping[str, str]) -> Row:
    return rows.Code(
        code=cell["code"], effective_from=_day(cell["effective"]), effective_to=_day(cell["ended"])
    )


#: system -> how one of its rows is read; the first column is the code that a row is found by.
READERS: Mapping[str, Callable[[Mapping[str, str]], Row]] = {
    "ncci-mue": _limit,
    "ncci-mue-hospital": _limit,
    "ncci-aoc": _add_on,
    "mpfs-rvu": _fee,
    "hcpcs": _hcpcs,
    "cpt": _cpt,
    "poa-exempt": _code,
}
#: Every system that billing judges by.
RELEASED = frozenset({*READERS, *PAIRS, COVERAGE})


def read_row(system: str, heads: str, body: str) -> Row:
    """Return one row of a family.

    Raises: BadCodeSetError when the row is not of the family.
    """
    try:
        return READERS[system](dict(zip(heads.split("\t"), body.split("\t"), strict=True)))
    except (KeyError, ValueError):
        raise BadCodeSetError("reference-row") from None


def pair_records(heads: str, lines: Iterable[str]) -> Iterator[tuple[str, str, date, date | None, str]]:
    """Return pairs as they are stored; those that ended on the day they began were never in force.

    Raises: BadCodeSetError.
    """
    names = heads.split("\t")
    try:
        at = [names.index(name) for name in PAIR_COLUMNS]
        for line in lines:
            cells = line.split("\t")
            first, second, begins, ends, modifier = (cells[place] for place in at)
            if begins != ends:
                yield first, second, date.fromisoformat(begins), _day(ends), modifier
    except (ValueError, IndexError):
        raise BadCodeSetError("reference-row") from None


def coverage_records(
    heads: str, lines: Iterable[str]
) -> Iterator[tuple[str, str, date | None, date | None, str, str]]:
    """Return the codes of coverage articles as they are stored.

    Raises: BadCodeSetError.
    """
    names = heads.split("\t")
    try:
        at = [names.index(name) for name in COVERAGE_COLUMNS]
        for line in lines:
            cells = line.split("\t")
            article, version, begins, ends, kind, code = (cells[place] for place in at)
            yield article, version, _day(begins), _day(ends), kind, code
    except (ValueError, IndexError):
        raise BadCodeSetError("reference-row") from None


def row_records(system: str, heads: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return other rows as they are stored: code and the row's text.

    Raises: BadCodeSetError.
    """
    for line in lines:
        read_row(system, heads, line)
        yield line.partition("\t")[0], line
