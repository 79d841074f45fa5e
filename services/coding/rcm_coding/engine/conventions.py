"""Coding conventions over a set of supported diagnoses: combinations, integral symptoms, order.

Each rule names its authority in the ICD-10-CM Official Guidelines or the tabular note that it follows.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from rcm_coding.engine.evidence import Evidence, Suggestion, Suppressed
from rcm_coding.engine.refine import is_unspecified, title_stems
from rcm_coding.engine.tabular import Tabular

#: symptom -> diseases that explain it (Guidelines I.B.5: no code for what is integral to a confirmed
#: diagnosis)
_INTEGRAL: tuple[tuple[str, str], ...] = (
    (r"^R05|^R06|^R09|^R0[678]|^R091", r"^J|^I50|^I26|^U071"),
    (r"^R07|^R00", r"^I2[0-6]|^J|^S2|^I48"),
    (r"^R10|^R11|^R19|^R1[345]", r"^K|^N[123]|^A0"),
    (r"^R50|^R53|^R65", r"^J|^N1|^N39|^A|^B|^K8|^K35|^L0|^U071"),
    (r"^R51|^R42", r"^G43|^G44|^H81|^S06|^I6|^J"),
    (r"^R60|^R53|^R06", r"^I50|^N17|^N18|^I11"),
    (r"^R30|^R31|^R35|^R39", r"^N"),
    (r"^R0[47]|^R13", r"^J0|^J3"),
    (r"^M25[45]|^M796|^R52|^M545|^M549|^R29", r"^S|^M0|^M1|^M2[0-4]|^M4|^M51|^M6|^M7[0-7]|^T84"),
    (r"^R22|^R2[01]|^R23", r"^L|^D2|^C4|^B0"),
    (r"^R73", r"^E0[89]|^E1"),
    (r"^R03", r"^I1[0-6]"),
    (r"^R91", r"^C34|^J1[2-8]|^D14"),
    (r"^R4[01]|^R55|^R56", r"^I6|^G4|^S06|^G9[34]"),
)
_INTEGRAL_RE = tuple((re.compile(symptom), re.compile(disease)) for symptom, disease in _INTEGRAL)


@dataclass(frozen=True, slots=True)
class Combination:
    """Codes that the classification joins: when all parts are there,
    `result` stands instead of `replaced`.
    """

    rule: str
    parts: tuple[re.Pattern[str], ...]
    result: Callable[[tuple[str, ...]], str | None]
    replaced: frozenset[int]  # positions in `parts`


def _join(
    rule: str,
    parts: Iterable[str],
    result: str | Callable[[tuple[str, ...]], str | None],
    replaced: Iterable[int],
) -> Combination:
    maker: Callable[[tuple[str, ...]], str | None] = (
        (lambda codes: result) if isinstance(result, str) else result
    )
    return Combination(rule, tuple(re.compile(part) for part in parts), maker, frozenset(replaced))


def _kidney_hypertension(codes: tuple[str, ...]) -> str:
    return "I120" if codes[1] in ("N185", "N186") else "I129"


def _heart_kidney(codes: tuple[str, ...]) -> str:
    return "I132" if codes[2] in ("N185", "N186") else "I130"


COMBINATIONS: tuple[Combination, ...] = (
    _join("guideline:I.C.9.a.3", (r"^I10$", r"^I50", r"^N18"), _heart_kidney, (0,)),
    _join("guideline:I.C.9.a.1", (r"^I10$", r"^I50"), "I110", (0,)),
    _join("guideline:I.C.9.a.2", (r"^I10$", r"^N18"), _kidney_hypertension, (0,)),
    _join("convention:with", (r"^E119$", r"^N18"), "E1122", (0,)),
    _join("convention:with", (r"^E109$", r"^N18"), "E1022", (0,)),
    _join("convention:with", (r"^E119$", r"^G629$|^G609$"), "E1142", (0, 1)),
    _join("note:J44.0", (r"^J449$", r"^J1[2-8]|^J20"), "J440", (0,)),
    _join("combination:K80", (r"^K802[01]$", r"^K810$"), "K8000", (0, 1)),
    _join("combination:K80", (r"^K802[01]$", r"^K81[19]$"), "K8010", (0, 1)),
    _join("combination:K57", (r"^K5730$", r"^K5732$"), "K5732", (0, 1)),
)


def combine(suggestions: list[Suggestion], tabular: Tabular) -> tuple[list[Suggestion], list[Suppressed]]:
    """Replace parts by the combination code, which keeps the evidence of every part."""
    current = list(suggestions)
    dropped: list[Suppressed] = []
    for rule in COMBINATIONS:
        parts = [next((item for item in current if pattern.match(item.code)), None) for pattern in rule.parts]
        if any(part is None for part in parts):
            continue
        found = [part for part in parts if part is not None]
        code = rule.result(tuple(part.code for part in found))
        if code is None or not tabular.billable(code):
            continue
        lead = found[min(rule.replaced)]
        evidence = tuple(dict.fromkeys(place for part in found for place in part.evidence))
        joined = replace(
            lead,
            code=code,
            description=tabular.title(code),
            score=max(part.score for part in found),
            evidence=evidence,
            rules=(*lead.rules, rule.rule),
            alternatives=(),
        )
        gone = {found[at].code for at in rule.replaced}
        dropped.extend(
            Suppressed(item.code, f"combined-into-{code}", item.evidence)
            for item in current
            if item.code in gone
        )
        at = next(place for place, item in enumerate(current) if item.code in gone)
        current = [item for item in current if item.code not in gone and item.code != code]
        current.insert(min(at, len(current)), joined)
    return current, dropped


def drop_less_specific(
    suggestions: list[Suggestion], tabular: Tabular
) -> tuple[list[Suggestion], list[Suppressed]]:
    """In one category a documented axis beats "unspecified"."""
    kept: list[Suggestion] = []
    dropped: list[Suppressed] = []
    for item in suggestions:
        better = next(
            (
                other
                for other in suggestions
                if other is not item
                and other.code != item.code
                and tabular.category(other.code) == tabular.category(item.code)
                and other.score >= 0.6 * item.score
                and (
                    (_open(item, tabular) and not _open(other, tabular))
                    or _contradicted(tabular.title(item.code), tabular.title(other.code))
                )
            ),
            None,
        )
        if better:
            dropped.append(Suppressed(item.code, f"less-specific-than-{better.code}", item.evidence))
        else:
            kept.append(item)
    return kept, dropped


def drop_integral(suggestions: list[Suggestion]) -> tuple[list[Suggestion], list[Suppressed]]:
    """Drop symptoms that a supported disease explains."""
    kept: list[Suggestion] = []
    dropped: list[Suppressed] = []
    for item in suggestions:
        cause = next(
            (
                other
                for symptom, disease in _INTEGRAL_RE
                if symptom.match(item.code)
                for other in suggestions
                if other is not item and disease.match(other.code) and other.score >= 0.45
            ),
            None,
        )
        if cause:
            dropped.append(Suppressed(item.code, f"integral-to-{cause.code}", item.evidence))
        else:
            kept.append(item)
    return kept, dropped


def drop_excluded(
    suggestions: list[Suggestion], tabular: Tabular
) -> tuple[list[Suggestion], list[Suppressed]]:
    """Of two codes that an Excludes1 note keeps apart,
    the one with the lower score steps back (Guidelines I.A.12.a).
    """
    kept: list[Suggestion] = []
    dropped: list[Suppressed] = []
    for item in sorted(suggestions, key=lambda item: -item.score):
        rival = next(
            (
                other
                for other in kept
                if tabular.excluded_by(item.code, other.code) or tabular.excluded_by(other.code, item.code)
            ),
            None,
        )
        if rival:
            dropped.append(Suppressed(item.code, f"excludes1-with-{rival.code}", item.evidence))
        else:
            kept.append(item)
    order = {item.code: at for at, item in enumerate(suggestions)}
    return sorted(kept, key=lambda item: order[item.code]), dropped


def external_cause_only_with_injury(
    suggestions: list[Suggestion],
) -> tuple[list[Suggestion], list[Suppressed]]:
    """An external cause explains an injury; without one it says nothing. The most specific fall stands."""
    injured = any(item.code[0] in "ST" for item in suggestions)
    causes = sorted(
        (item for item in suggestions if item.code[0] in "VWXY"),
        key=lambda item: (item.code.startswith("W19"), -item.score),
    )
    allowed = {causes[0].code} if injured and causes else set()
    kept = [item for item in suggestions if item.code[0] not in "VWXY" or item.code in allowed]
    dropped = [
        Suppressed(
            item.code,
            "external-cause-without-injury" if not injured else "less-specific-external-cause",
            item.evidence,
        )
        for item in suggestions
        if item not in kept
    ]
    return kept, dropped


def sequence(suggestions: list[Suggestion], setting: str) -> list[Suggestion]:
    """Order diagnoses and give roles: principal or first-listed first, external causes last.

    Rule: Guidelines II and IV. The order in the assessment stands; etiology precedes manifestation.
    """
    lead = "principal" if setting == "inpatient" else "first-listed"
    ordered = sorted(suggestions, key=lambda item: (item.code[0] in "VWXY", not _may_lead(item.code)))
    result = []
    for at, item in enumerate(ordered):
        role = "external-cause" if item.code[0] in "VWXY" else lead if at == 0 else "secondary"
        result.append(replace(item, role=role))
    return result


def stated_in(evidence: Iterable[Evidence], sections: frozenset[str]) -> bool:
    """Tell whether any of the words stand in one of the sections."""
    return any(place.section in sections for place in evidence)


def _may_lead(code: str) -> bool:
    return (
        not re.match(r"^(?:Z16|B9[5-7]|E1165|R65|I50)", code)
        if code.startswith(("B9", "R65", "Z16"))
        else True
    )


def _contradicted(title: str, other: str) -> bool:
    """Whether a title says "without" of something that a sibling's title adds and the record states."""
    return "without" in title.lower() and title_stems(title) < title_stems(other)


def _open(item: Suggestion, tabular: Tabular) -> bool:
    """Whether the code leaves its own type open: "unspecified" other than a mere missing side."""
    title = tabular.title(item.code)
    return is_unspecified(title.split(", initial")[0])
