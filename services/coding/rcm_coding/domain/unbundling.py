"""NCCI pairs, add-on codes, unit limits, validity and local coverage at coding time, by each line's date. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date

from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import ClaimForm

from rcm_coding.domain.edit import Edit, Severity, missing
from rcm_coding.domain.tables import COVERAGE, LoadedTable, Tables, day_of, in_span

#: Modifiers that say two services were distinct (NCCI policy manual, chapter I, E).
DISTINCT = frozenset(
    "24 25 27 57 58 59 78 79 91 XE XS XP XU LT RT E1 E2 E3 E4 FA F1 F2 F3 F4 F5 F6 F7 F8 F9 TA T1 T2 T3 T4 T5 T6 T7"
    " T8 T9 LC LD RC LM RI".split()
)
PAIRS = "CMS NCCI PTP edits"
LIMITS = "CMS NCCI medically unlikely edits"
ADD_ONS = "CMS NCCI add-on code edits"
ARTICLES = "CMS coverage articles"
VALIDITY = "HCPCS and CPT releases"
Lines = Sequence[FinalProcedure]


def line_edits(
    procedures: Lines,
    diagnoses: Sequence[FinalDiagnosis],
    tables: Tables,
    form: ClaimForm = ClaimForm.PROFESSIONAL,
) -> tuple[Edit, ...]:
    """Return what the loaded sets say of CPT and HCPCS lines, and what could not be evaluated for each date.

    The practitioner tables judge professional claims, the hospital tables institutional ones.
    """
    lines = [line for line in procedures if line.system in ("CPT", "HCPCS")]
    hospital = "-hospital" if form is ClaimForm.INSTITUTIONAL else ""
    found: list[Edit] = []
    for day in sorted({line.service_date for line in lines}):
        same = [line for line in lines if line.service_date == day]
        sets = (
            ("NCCI-PTP", f"ncci-ptp{hospital}", PAIRS, _pairs),
            ("NCCI-AOC", "ncci-aoc", ADD_ONS, _add_ons),
            ("MUE", f"ncci-mue{hospital}", LIMITS, _limits),
        )
        for rule, system, authority, judge in sets:
            table = tables.on(system, day)
            found += judge(same, day, table) if table else [missing(rule, day, authority)]
        found += _valid(same, day, tables)
        coverage = tables.on(COVERAGE, day)
        found += (
            _covered(same, day, coverage, diagnoses, tables.listing)
            if coverage
            else [missing("LCD", day, ARTICLES)]
        )
    return tuple(found)


def _pairs(lines: Lines, day: date, table: LoadedTable) -> Iterator[Edit]:
    codes = {line.code: line for line in lines}
    for first in codes:
        for row in table.under(first):
            second = row["column2"]
            if second not in codes or second == first or row["modifier"] == "9":
                continue
            if not in_span(row, day, "effective", "deleted") or row["effective"] == row["deleted"]:
                continue
            never = row["modifier"] == "0"
            if not never and _distinct(lines, first, second):
                continue
            way = "no modifier allows it" if never else "unless distinct: modifier needed"
            yield Edit(
                "NCCI-PTP",
                Severity.BLOCK if never else Severity.WARN,
                second,
                f"not paid beside {first}, in force from {row['effective']}: {way}",
                PAIRS,
                table.release.name,
                day_of(row["effective"]),
            )


def _distinct(lines: Lines, first: str, second: str) -> bool:
    used = {item for line in lines if line.code in (first, second) for item in line.modifiers}
    return bool(DISTINCT & used)


def _add_ons(lines: Lines, day: date, table: LoadedTable) -> Iterator[Edit]:
    codes = {line.code for line in lines}
    for code in sorted(codes):
        rows = [row for row in table.under(code) if in_span(row, day, "effective", "deleted")]
        primaries = {row["primary"] for row in rows if row["primary"]}
        if not rows or primaries & codes:
            continue
        kinds = {row["type"] for row in rows}
        if kinds == {"2"}:  # the contractor lists the primaries
            if codes - {code}:
                continue
            words = "an add-on code that stands alone: its primary is missing"
        else:
            words = "an add-on code without any of its listed primaries on that day"
        yield Edit(
            "NCCI-AOC",
            Severity.BLOCK if kinds == {"1"} else Severity.WARN,
            code,
            words,
            ADD_ONS,
            table.release.name,
            day_of(min(row["effective"] for row in rows)),
        )


def _limits(lines: Lines, _day: date, table: LoadedTable) -> Iterator[Edit]:
    for code in dict.fromkeys(line.code for line in lines):
        row = next(table.under(code), None)
        if row is None:
            continue
        units = [int(line.units) for line in lines if line.code == code]
        counted = max(units) if row["mai"] == "1" else sum(units)
        if counted > int(row["units"]):
            yield Edit(
                "MUE",
                Severity.BLOCK if row["mai"] == "2" else Severity.WARN,
                code,
                f"{counted} units, at most {row['units']} (MAI {row['mai']})",
                LIMITS,
                table.release.name,
                table.release.effective_from,
            )


def _valid(lines: Lines, day: date, tables: Tables) -> Iterator[Edit]:
    """A code that its loaded set does not have on the day is not valid; a set that is not loaded says nothing."""
    lacking = False
    for code, system in dict.fromkeys((line.code, line.system) for line in lines):
        table = tables.on(system.lower(), day)
        if table is None:
            lacking = True
            continue
        first = "added" if system == "HCPCS" else "effective"
        if not any(in_span(row, day, first, "ended") for row in table.under(code)):
            yield Edit(
                "PX-02",
                Severity.BLOCK,
                code,
                f"not valid on {day}",
                f"{system} release",
                table.release.name,
                table.release.effective_from,
            )
    if lacking:
        yield missing("CPT-HCPCS-validity", day, VALIDITY)


def _covered(
    lines: Lines,
    day: date,
    table: LoadedTable,
    diagnoses: Sequence[FinalDiagnosis],
    listing: frozenset[str],
) -> Iterator[Edit]:
    for line in lines:
        pointed = [diagnoses[at - 1].code for at in line.pointers if 0 < at <= len(diagnoses)]
        codes = set(pointed or (item.code for item in diagnoses))
        judging = {
            row["article"]: row
            for row in table.under(line.code)
            if row["kind"] == "procedure" and in_span(row, day, "effective", "ended")
        }
        for article, row in judging.items():
            said: dict[str, set[str]] = {"covered": set(), "noncovered": set()}
            for code in codes:
                for link in table.under(code):
                    if link["article"] == article and link["kind"] in said:
                        said[link["kind"]].add(code)
            bad = said["noncovered"]
            if (article in listing and not said["covered"]) or (bad and bad == codes):
                yield Edit(
                    "LCD",
                    Severity.WARN,
                    line.code,
                    f"no diagnosis of the line is covered by article A{article}",
                    f"CMS coverage article A{article}",
                    table.release.name,
                    day_of(row["effective"]) or table.release.effective_from,
                )
