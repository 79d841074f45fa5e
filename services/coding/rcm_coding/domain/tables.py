"""The rows of loaded sets that concern one chart's codes, by release. Pure.

A set without a release for a line's date is "not evaluated"; only a release that covers the date can pass a line.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from rcm_coding.codesets.releases import Release
from rcm_coding.codesets.tables import TABLES, Cells


@dataclass(frozen=True)
class LoadedTable:
    """One active release with those of its rows that were asked for, by the value of the table's key column."""

    release: Release
    rows: Mapping[str, tuple[Cells, ...]]

    def under(self, key: str) -> Iterator[dict[str, str]]:
        """Yield the rows under a key as column to text."""
        columns = TABLES[self.release.system].columns
        for cells in self.rows.get(key, ()):
            yield dict(zip(columns, cells, strict=True))


@dataclass(frozen=True)
class Tables:
    """Loaded releases of any sets. `listing`: the coverage articles that name covered diagnoses at all."""

    loaded: tuple[LoadedTable, ...] = ()
    listing: frozenset[str] = frozenset()

    def on(self, system: str, day: date) -> LoadedTable | None:
        """Return what is loaded of a set for a day, or None: then its rules are not evaluated."""
        return next(
            (
                item
                for item in self.loaded
                if item.release.system == system
                and item.release.effective_from <= day <= item.release.effective_to
            ),
            None,
        )


#: The sets that are judged by at coding time; fees and limits of suppliers are billing's.
JUDGED = (
    "ncci-ptp",
    "ncci-ptp-hospital",
    "ncci-mue",
    "ncci-mue-hospital",
    "ncci-aoc",
    "mcd-articles",
    "hcpcs",
    "cpt",
    "poa-exempt",
)
COVERAGE = "mcd-articles"
POA = "poa-exempt"


def loaded(release: Release, rows: Iterable[Cells]) -> LoadedTable:
    """Put rows under their keys."""
    table = TABLES[release.system]
    at = table.columns.index(table.key)
    found: dict[str, list[Cells]] = {}
    for cells in rows:
        found.setdefault(cells[at], []).append(cells)
    return LoadedTable(release, {key: tuple(cells) for key, cells in found.items()})


def keys_of(system: str, lines: Iterable[str], diagnoses: Iterable[str]) -> frozenset[str]:
    """Return the keys under which a chart's codes stand in a set."""
    if system == POA:
        return frozenset(diagnoses)
    if system == COVERAGE:
        return frozenset(lines) | frozenset(diagnoses)
    return frozenset(lines)


def in_span(row: Mapping[str, str], day: date, first: str, last: str) -> bool:
    """Tell whether a row is in force on a day; empty columns leave it without bound."""
    begins, ends = row[first], row[last]
    return (not begins or begins <= day.isoformat()) and (not ends or day.isoformat() <= ends)


def day_of(text: str) -> date | None:
    """Return the day of a cell, None when it is empty."""
    return date.fromisoformat(text) if text else None


def beside_of(system: str, lines: frozenset[str]) -> frozenset[str] | None:
    """Return the second codes that matter beside the keys, or None for all: a code has thousands of pairs."""
    return lines if system.startswith("ncci-ptp") else None
