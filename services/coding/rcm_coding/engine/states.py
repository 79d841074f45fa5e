"""Codes for what a patient is, had, takes or carries: history, status, long-term drugs, weeks, body mass index.

The tabular list's own words for these ("personal history of …", "long term (current) use of …") are not how notes
say it, so each is a pattern here. Every one needs words that state it about the patient.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rcm_coding.engine.axes import gestation, pregnant
from rcm_coding.engine.context import Status
from rcm_coding.engine.evidence import Evidence
from rcm_coding.engine.reading import Record, Statement
from rcm_coding.engine.state_tables import (
    BMI,
    BMI_WITH,
    DEMENTIA,
    DISTURBED,
    HISTORY_RE,
    INFECTIONS,
    LONG_TERM_RE,
    NOT_LONG,
    ORGANISM_RE,
    PAST_BARE,
    PAST_CUE,
    STATED_LONG_TERM,
    STATUS_RE,
    STATUS_SECTIONS,
    STATUS_WORD,
    words,
)
from rcm_coding.engine.tabular import Tabular, plain_code


@dataclass(frozen=True, slots=True)
class State:
    """A code of this kind with its words. `with_codes`: prefixes of which one must be supported too."""

    code: str
    score: float
    evidence: tuple[Evidence, ...]
    rule: str
    with_codes: tuple[str, ...] = ()


def _dementia(record: Record) -> Iterator[State]:
    for statement in record.statements:
        match = statement.search(DEMENTIA)
        if match and statement.weight > 0 and statement.present(match.start(), match.end()):
            disturbed = statement.search(DISTURBED)
            yield State(
                "F02818" if disturbed and statement.present(disturbed.start(), disturbed.end()) else "F0280",
                0.8,
                (statement.evidence(match.start(), match.end(), "diagnosis"),),
                "convention:etiology-manifestation",
                ("G30", "G20", "G31"),
            )


def find_states(record: Record, supported: Iterable[str], setting: str, tabular: Tabular) -> list[State]:
    """Return the states that the record supports beside the supported diagnoses, each code once."""
    codes = tuple(supported)
    found: dict[str, State] = {}
    for state in (
        *_histories(record),
        *_statuses(record),
        *_long_term(record, codes),
        *_body_mass(record),
        *_weeks(record, codes),
        *_organisms(record, codes),
        *_stroke_sequelae(record),
        *_dementia(record),
    ):
        if not tabular.billable(state.code) or (
            state.code in found and found[state.code].score >= state.score
        ):
            continue
        if state.code in ("Z9861", "Z955") and any(code.startswith("I21") for code in codes):
            continue  # the vessel was opened for this infarction, not before it
        if state.with_codes and not any(code.startswith(state.with_codes) for code in codes):
            continue
        found[state.code] = state
    return list(found.values())


def _histories(record: Record) -> Iterator[State]:
    for statement in record.statements:
        section = statement.sentence.section
        if section in _NOT_THE_PATIENT:
            continue
        past = section in ("surgical-history", "past-history")
        if not past and not PAST_CUE.search(statement.text):
            continue
        for code, pattern in (*HISTORY_RE, *(PAST_BARE if past else ())):
            match = statement.search(pattern)
            if match is None or _refused(statement, match.start(), match.end()):
                continue
            if code == "Z8673" and _WITH_DEFICIT.search(statement.text):
                continue
            stated = section in ("assessment", "diagnosis", "impression")
            yield State(
                plain_code(code),
                0.7 if stated else 0.5,
                (statement.evidence(match.start(), match.end(), "history"),),
                "state:history",
            )


_NOT_THE_PATIENT = frozenset(
    ["family-history", "education", "instructions", "consent", "demographics", "review-of-systems", "results"]
)
_WITH_DEFICIT = words(
    r"\bwith (?:\w+ ){0,2}residual(?! deficits? (?:none|absent))|\bhemi(?:plegia|paresis)|\baphasia"
    r"|\bdysphagia|\bwith (?:right|left)[- ]sided"
)


def _refused(statement: Statement, start: int, end: int) -> bool:
    """Tell whether the statement denies it, fears it or speaks of a relative: history itself is no obstacle here."""
    status = statement.assertion(end - 1, end).status
    if status in (Status.PRESENT, Status.HISTORY):
        status = statement.assertion(start, end).status
    return status in (Status.NEGATED, Status.FAMILY, Status.UNCERTAIN) or (
        status is Status.HYPOTHETICAL and statement.sentence.section not in ("medications", "allergies")
    )


def _statuses(record: Record) -> Iterator[State]:
    for statement in record.statements:
        if statement.sentence.section not in STATUS_SECTIONS or not STATUS_WORD.search(statement.text):
            continue
        for code, pattern, score in STATUS_RE:
            match = statement.search(pattern)
            if match and not _refused(statement, match.start(), match.end()):
                yield State(
                    code, score, (statement.evidence(match.start(), match.end(), "status"),), "state:status"
                )


def _long_term(record: Record, codes: tuple[str, ...]) -> Iterator[State]:
    """A drug of long-term use counts for the condition that it treats, from the home list or a plan to continue."""
    for statement in record.statements:
        section = statement.sentence.section
        if section in _NOT_THE_PATIENT or section == "allergies":
            continue
        for code, pattern, prefixes, _ in LONG_TERM_RE:
            match = statement.search(pattern)
            if match is None or statement.assertion(match.start(), match.end()).status is Status.NEGATED:
                continue
            stated = STATED_LONG_TERM.search(statement.text) is not None or section == "medications"
            if not stated and not re.search(r"\bcontinu\w+|\btakes?\b|\btaking\b|\bon\b", statement.text):
                continue
            if NOT_LONG.search(statement.text) and not STATED_LONG_TERM.search(statement.text):
                continue
            own = not prefixes or STATED_LONG_TERM.search(statement.text) is not None
            yield State(
                code,
                0.62 if stated else 0.5,
                (statement.evidence(match.start(), match.end(), "drug"),),
                "state:long-term-drug",
                () if own and code not in ("Z794", "Z7984", "Z7985") else prefixes,
            )


def _body_mass(record: Record) -> Iterator[State]:
    for statement in record.statements:
        match = statement.search(BMI)
        if match is None or statement.sentence.section in ("family-history", "education"):
            continue
        code = bmi_code(float(match.group(1)))
        if code:
            yield State(
                code,
                0.7,
                (statement.evidence(match.start(), match.end(), "bmi"),),
                "guideline:I.B.14",
                BMI_WITH,
            )


def bmi_code(value: float) -> str | None:
    """Return the code of an adult's body mass index in kg/m2, or None when it is no plausible value."""
    if not 8 <= value <= 99:
        return None
    if value < 20:
        return "Z681"
    if value < 40:
        return f"Z68{int(value)}"
    for low, code in ((70, "Z6845"), (60, "Z6844"), (50, "Z6843"), (45, "Z6842"), (40, "Z6841")):
        if value >= low:
            return code
    return None


def _weeks(record: Record, codes: tuple[str, ...]) -> Iterator[State]:
    known = gestation(record)
    if known is None or not (
        any(code.startswith("O") or code.startswith("Z34") for code in codes) or pregnant(record)
    ):
        return
    weeks, evidence = known
    code = "Z3A01" if weeks < 8 else "Z3A49" if weeks > 42 else f"Z3A{weeks:02d}"
    yield State(code, 0.8, (evidence,), "note:use-additional-weeks")


def _organisms(record: Record, codes: tuple[str, ...]) -> Iterator[State]:
    if not any(code.startswith(INFECTIONS) for code in codes):
        return
    for statement in record.statements:
        if statement.weight <= 0:
            continue
        for code, pattern in ORGANISM_RE:
            match = statement.search(pattern)
            if match and statement.present(match.start(), match.end()):
                yield State(
                    code,
                    0.7,
                    (statement.evidence(match.start(), match.end(), "organism"),),
                    "note:use-additional-organism",
                    INFECTIONS,
                )


_AFTER_STROKE = words(
    r"\b(?:(?:following|after|from|due to|secondary to|sequelae? of|late effects? of|residual (?:from|of)"
    r"|as (?:a )?(?:sequela|late effect|result) of|s/p|status[- ]post)\s+(?:(?:a|an|the|his|her|old"
    r"|prior|previous|remote|recent)\s+)*"
    r"(?:ischemic )?(?:stroke|cva|cerebral infarct\w*|cerebrovascular accident))"
)
_DEFICITS: tuple[tuple[str, str], ...] = (
    ("hemi", r"\bhemi(?:plegia|paresis)\b"),
    ("I69320", r"\baphasia\b"),
    ("I69322", r"\bdysarthria\b"),
    ("I69391", r"\bdysphagia\b"),
    ("I69392", r"\bfacial (?:weakness|droop)\b"),
    ("I69393", r"\bataxia\b"),
)
_DEFICIT_RE = tuple((name, words(pattern)) for name, pattern in _DEFICITS)


def _stroke_sequelae(record: Record) -> Iterator[State]:
    """Deficits that remain after a stroke. Rule: I69.3-; dominance defaults per Guidelines I.C.6.a."""
    for statement in record.statements:
        cause = statement.search(_AFTER_STROKE)
        if cause is None or statement.weight <= 0:
            continue
        for name, pattern in _DEFICIT_RE:
            match = statement.search(pattern)
            if match is None or not statement.present(match.start(), match.end()):
                continue
            evidence = [
                statement.evidence(match.start(), match.end(), "diagnosis"),
                statement.evidence(cause.start(), cause.end(), "cause"),
            ]
            code = name
            if name == "hemi":
                side = statement.sides[0] if statement.sides else None
                if side is None:
                    code = "I69359"
                else:
                    evidence.append(statement.evidence(side[1].start, side[1].end, "side"))
                    dominant = "non" not in statement.text and (
                        "dominant" in statement.text or side[0] == "right"
                    )
                    right = side[0] == "right"
                    code = {
                        (True, True): "I69351",
                        (False, True): "I69352",
                        (True, False): "I69353",
                        (False, False): "I69354",
                    }[(right, dominant)]
            yield State(code, 0.85, tuple(evidence), "guideline:I.C.9.d")
