"""NCCI pairs, unit limits and local coverage at coding time, by each line's date of service. Pure.

A set without a release for the date says "not evaluated"; it never passes for clean.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure

from rcm_coding.codesets.coverage import Article
from rcm_coding.codesets.ncci import Pair, UnitLimit
from rcm_coding.codesets.releases import Release
from rcm_coding.domain.edits import Edit, Severity

#: Modifiers that say two services were distinct (NCCI policy manual, chapter I, E).
DISTINCT = frozenset(
    "25 27 57 58 59 78 79 91 XE XS XP XU LT RT E1 E2 E3 E4 FA F1 F2 F3 F4 F5 F6 F7 F8 F9 TA T1 T2 T3 T4 T5 T6 T7 T8"
    " T9 LC LD RC LM RI".split()
)


@dataclass(frozen=True)
class PairTable:
    """One PTP release; pairs by their two codes, since an ended and a later span may both stand in the file."""

    release: Release
    pairs: Mapping[tuple[str, str], tuple[Pair, ...]]


@dataclass(frozen=True)
class LimitTable:
    """One MUE release."""

    release: Release
    limits: Mapping[str, UnitLimit]


@dataclass(frozen=True)
class CoverageTable:
    """One release of coverage articles, restricted to the facility's contractor."""

    release: Release
    articles: tuple[Article, ...]


@dataclass(frozen=True)
class Tables:
    """The releases that are loaded, any number of each; each line takes the one in force on its date."""

    pairs: tuple[PairTable, ...] = ()
    limits: tuple[LimitTable, ...] = ()
    coverage: tuple[CoverageTable, ...] = field(default=())


def pair_table(release: Release, pairs: Iterable[Pair]) -> PairTable:
    """Index the pairs of a release."""
    found: dict[tuple[str, str], tuple[Pair, ...]] = {}
    for pair in pairs:
        key = (pair.column1, pair.column2)
        found[key] = (*found.get(key, ()), pair)
    return PairTable(release, found)


def line_edits(
    procedures: tuple[FinalProcedure, ...], diagnoses: tuple[FinalDiagnosis, ...], tables: Tables
) -> tuple[Edit, ...]:
    """Return the hits of NCCI PTP, MUE and coverage articles, and what could not be evaluated for each date."""
    lines = [line for line in procedures if line.system in ("CPT", "HCPCS")]
    return (
        *_pairs(lines, tables.pairs),
        *_limits(lines, tables.limits),
        *_covered(lines, diagnoses, tables.coverage),
    )


def with_line_edits(
    edits: Iterable[Edit],
    procedures: tuple[FinalProcedure, ...],
    diagnoses: tuple[FinalDiagnosis, ...],
    tables: Tables,
) -> tuple[Edit, ...]:
    """Put what the loaded tables say in the place of "not evaluated" for pairs, units and coverage."""
    others = (
        edit
        for edit in edits
        if edit.severity is not Severity.NOT_EVALUATED or edit.rule not in ("NCCI-PTP", "MUE", "LCD")
    )
    order = {Severity.BLOCK: 0, Severity.WARN: 1, Severity.NOT_EVALUATED: 2}
    found = (*others, *line_edits(procedures, diagnoses, tables))
    return tuple(sorted(found, key=lambda edit: order[edit.severity]))


def _pairs(lines: list[FinalProcedure], tables: tuple[PairTable, ...]) -> Iterator[Edit]:
    for day in sorted({line.service_date for line in lines}):
        table = next((item for item in tables if _covers(item.release, day)), None)
        if table is None:
            yield _missing("NCCI-PTP", "NCCI", day.isoformat())
            continue
        same = [line for line in lines if line.service_date == day]
        for first in same:
            for second in same:
                if first is second:
                    continue
                for pair in table.pairs.get((first.code, second.code), ()):
                    if not pair.in_force(day) or pair.modifier == "9":
                        continue
                    if pair.modifier == "1" and DISTINCT & {*first.modifiers, *second.modifiers}:
                        continue
                    way = (
                        "no modifier allows it"
                        if pair.modifier == "0"
                        else "unless distinct: modifier needed"
                    )
                    yield Edit(
                        "NCCI-PTP",
                        Severity.BLOCK if pair.modifier == "0" else Severity.WARN,
                        second.code,
                        f"not paid beside {first.code}, in force from {pair.effective}: {way}",
                        "CMS NCCI PTP edits",
                        table.release.name,
                    )


def _limits(lines: list[FinalProcedure], tables: tuple[LimitTable, ...]) -> Iterator[Edit]:
    for day in sorted({line.service_date for line in lines}):
        table = next((item for item in tables if _covers(item.release, day)), None)
        if table is None:
            yield _missing("MUE", "MUE", day.isoformat())
            continue
        totals: dict[str, int] = {}
        for line in lines:
            if line.service_date == day:
                totals[line.code] = totals.get(line.code, 0) + int(line.units)
        for code, total in totals.items():
            limit = table.limits.get(code)
            if limit is None:
                continue
            each = max(int(line.units) for line in lines if line.code == code and line.service_date == day)
            counted = each if limit.adjudication == "1" else total
            if counted > limit.units:
                yield Edit(
                    "MUE",
                    Severity.BLOCK if limit.adjudication == "2" else Severity.WARN,
                    code,
                    f"{counted} units, at most {limit.units} (MAI {limit.adjudication}),"
                    f" effective {table.release.effective_from}",
                    "CMS medically unlikely edits",
                    table.release.name,
                )


def _covered(
    lines: list[FinalProcedure], diagnoses: tuple[FinalDiagnosis, ...], tables: tuple[CoverageTable, ...]
) -> Iterator[Edit]:
    missing: set[str] = set()
    for line in lines:
        table = next((item for item in tables if _covers(item.release, line.service_date)), None)
        if table is None:
            missing.add(line.service_date.isoformat())
            continue
        pointed = [diagnoses[at - 1].code for at in line.pointers if 0 < at <= len(diagnoses)]
        codes = set(pointed or (item.code for item in diagnoses))
        judging = [
            item
            for item in table.articles
            if line.code in item.procedures
            and (item.effective is None or item.effective <= line.service_date)
            and (item.ended is None or line.service_date <= item.ended)
        ]
        for article in judging:
            bad = article.noncovered & codes
            if (article.covered and not article.covered & codes) or (bad and bad == codes):
                yield Edit(
                    "LCD",
                    Severity.WARN,
                    line.code,
                    f"no diagnosis of the line is covered by article A{article.article_id}, effective"
                    f" {article.effective or table.release.effective_from}",
                    f"CMS coverage article A{article.article_id}",
                    table.release.name,
                )
    for day in sorted(missing):
        yield _missing("LCD", "LCD", day)


def _covers(release: Release, day: date) -> bool:
    return release.effective_from <= day <= release.effective_to


def _missing(rule: str, name: str, day: str) -> Edit:
    return Edit(rule, Severity.NOT_EVALUATED, "", f"not evaluated: no {name} release for {day}", name)
