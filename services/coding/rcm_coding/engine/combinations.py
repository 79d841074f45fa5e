"""Codes that the classification joins: combination codes, the "with" convention and codes that need another.

When all parts of a rule are there, its result stands instead of the parts that it replaces, with the words of all.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from rcm_coding.engine.evidence import Suggestion, Suppressed
from rcm_coding.engine.tabular import Tabular


@dataclass(frozen=True, slots=True)
class Combination:
    """One rule. `replaced` are positions in `parts`."""

    rule: str
    parts: tuple[re.Pattern[str], ...]
    result: Callable[[tuple[str, ...]], str | None]
    replaced: frozenset[int]


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


_DIABETES = r"^E(?:08|09|10|11|13)"
#: part -> what it makes of a diabetes "without complications" (Guidelines I.A.15: "with" presumes the link)
_DIABETIC: tuple[tuple[str, str, bool], ...] = (
    (r"^N18|^N19$", "22", False),
    (r"^G629$|^G609$|^G589$", "42", True),
    (r"^G990$|^K3184$", "43", False),
    (r"^H360$|^H3500$", "319", True),
    (r"^I739$|^I7389$", "51", True),
    (r"^L97|^L984", "621", False),
    (r"^R739$", "65", True),
    (r"^E162$", "649", True),
    (r"^M1461$|^M146", "610", False),
    (r"^H2[56]", "36", False),
)


def _diabetes(ending: str) -> Callable[[tuple[str, ...]], str | None]:
    return lambda codes: codes[0][:3] + ending


COMBINATIONS: tuple[Combination, ...] = (
    *(
        _join("convention:with", (rf"{_DIABETES}9$", part), _diabetes(ending), (0, 1) if both else (0,))
        for part, ending, both in _DIABETIC
        if part != r"^H2[56]"  # a senile cataract is not presumed to be diabetic
    ),
    _join("combination:E11.2", (rf"{_DIABETES}21$", r"^N18"), _diabetes("22"), (0,)),
    _join("note:J44.0", (r"^J449$", r"^J1[2-8]|^J20|^J22"), "J440", (0,)),
    _join("note:J44.0", (r"^J441$", r"^J1[2-8]|^J20|^J22"), "J440", ()),
    _join("combination:K80", (r"^K802[01]$", r"^K810$"), "K8000", (0, 1)),
    _join("combination:K80", (r"^K802[01]$", r"^K812$"), "K8012", (0, 1)),
    _join("combination:K80", (r"^K802[01]$", r"^K81[19]$"), "K8010", (0, 1)),
    _join("combination:K57", (r"^K5730$", r"^K5732$"), "K5732", (0, 1)),
    _join("combination:I25.11", (r"^I2510$", r"^I209$"), "I25119", (0, 1)),
    _join("combination:I25.11", (r"^I2510$", r"^I200$"), "I25110", (0, 1)),
    _join("combination:K70.31", (r"^K7030$", r"^R188$"), "K7031", (0, 1)),
    _join("combination:K70.30", (r"^K7460$", r"^F10[12]"), "K7030", (0,)),
    _join("combination:I48", (r"^I480$", r"^I4891$"), "I480", (1,)),
    _join("combination:J96.0", (r"^J9600$|^J9690$", r"^R0902$"), "J9601", (0, 1)),
    _join("combination:N13.6", (r"^N1330$|^N132$", r"^N1[02]$"), "N136", (0, 1)),
    _join("combination:E66.2", (r"^E66(?:9|01|81)", r"^G4736$"), "E662", (0, 1)),
    _join("combination:F03", (r"^F0390$", r"^G30"), "F0280", (0,)),
    _join("combination:F03", (r"^F0390$", r"^G20"), "F0280", (0,)),
)


def combine(suggestions: list[Suggestion], tabular: Tabular) -> tuple[list[Suggestion], list[Suppressed]]:
    """Replace parts by the combination code, which keeps the evidence of every part."""
    current = list(suggestions)
    dropped: list[Suppressed] = []
    current, gone = _hypertension(current, tabular)
    dropped.extend(gone)
    for rule in COMBINATIONS:
        for _ in range(3):  # several diseases of one kind may each join
            parts = [
                next((item for item in current if pattern.match(item.code)), None) for pattern in rule.parts
            ]
            found = [part for part in parts if part is not None]
            if len(found) < len(parts):
                break
            code = rule.result(tuple(part.code for part in found))
            if code is None or not tabular.billable(code):
                break
            known = {item.code for item in current}
            replaced = [found[at] for at in rule.replaced]
            if code in known and not any(item.code != code for item in replaced):
                break
            current, gone = _put(current, found, replaced, code, rule.rule, tabular)
            dropped.extend(gone)
    return current, dropped


def _put(
    current: list[Suggestion],
    found: list[Suggestion],
    replaced: list[Suggestion],
    code: str,
    rule: str,
    tabular: Tabular,
) -> tuple[list[Suggestion], list[Suppressed]]:
    """Put a code in the place of the parts that it replaces; without any, before the first part."""
    known = next((item for item in current if item.code == code), None)
    lead = known or (replaced or found)[0]
    evidence = tuple(
        dict.fromkeys(place for part in (*([known] if known else []), *found) for place in part.evidence)
    )
    joined = replace(
        lead,
        code=code,
        description=tabular.title(code),
        score=max(part.score for part in (lead, *found)),
        evidence=evidence,
        rules=tuple(dict.fromkeys((*lead.rules, rule))),
        alternatives=(),
    )
    gone = {item.code for item in replaced if item.code != code}
    dropped = [
        Suppressed(item.code, f"combined-into-{code}", item.evidence) for item in current if item.code in gone
    ]
    at = min(place for place, item in enumerate(current) if item.code in gone or item in found)
    rest = [item for item in current if item.code not in gone and item.code != code]
    rest.insert(min(at, len(rest)), joined)
    return rest, dropped


_HYPERTENSION = re.compile(r"^I1[0-3]")
_FAILURE = re.compile(r"^I50|^I51[4-79]")
_KIDNEY = re.compile(r"^N18|^N19")


def _hypertension(
    suggestions: list[Suggestion], tabular: Tabular
) -> tuple[list[Suggestion], list[Suppressed]]:
    """Presume hypertension to be linked with heart failure and chronic kidney disease (Guidelines I.C.9.a.1-3)."""
    parts = [item for item in suggestions if _HYPERTENSION.match(item.code)]
    heart = [item for item in suggestions if _FAILURE.match(item.code)]
    kidney = [item for item in suggestions if _KIDNEY.match(item.code)]
    if not parts:
        return suggestions, []
    had_heart = bool(heart) or any(item.code.startswith(("I11", "I13")) for item in parts)
    had_kidney = bool(kidney) or any(item.code.startswith(("I12", "I13")) for item in parts)
    failing = any(item.code.startswith("I50") for item in heart) or any(
        item.code in ("I110", "I130", "I132") for item in parts
    )
    late = any(item.code in ("N185", "N186") for item in kidney)
    if had_heart and had_kidney:
        code = ("I132" if late else "I130") if failing else ("I1311" if late else "I1310")
        rule = "guideline:I.C.9.a.3"
    elif had_heart:
        code, rule = ("I110" if failing else "I119"), "guideline:I.C.9.a.1"
    elif had_kidney:
        code, rule = ("I120" if late else "I129"), "guideline:I.C.9.a.2"
    else:
        return suggestions, []
    if not tabular.billable(code):
        return suggestions, []
    return _put(suggestions, [*parts, *heart, *kidney], parts, code, rule, tabular)


def complete(suggestions: list[Suggestion], tabular: Tabular) -> list[Suggestion]:
    """Add codes that others cannot stand without: the systemic infection of severe sepsis, a missing BMI aside.

    Rule: R65.2- "code first underlying infection"; without a named organism A41.9 (Guidelines I.C.1.d).
    """
    codes = {item.code for item in suggestions}
    severe = next((item for item in suggestions if item.code in ("R6520", "R6521")), None)
    if severe and not any(
        re.match(r"A4[01]|A021|A227|A267|A327|A427|A5486|B377|O85|P36|T8144", c) for c in codes
    ):
        organism = next((item for item in suggestions if item.code in _SEPSIS_BY_ORGANISM), None)
        code = _SEPSIS_BY_ORGANISM[organism.code] if organism else "A419"
        added = replace(
            severe,
            code=code,
            description=tabular.title(code),
            evidence=tuple(dict.fromkeys([*severe.evidence, *(organism.evidence[:1] if organism else ())])),
            rules=("note:code-first",),
            alternatives=(),
        )
        needed = any(item.code.startswith(_ASK_ORGANISM) for item in suggestions)
        suggestions = [added, *(item for item in suggestions if needed or item is not organism)]
    sepsis = next((item for item in suggestions if item.code == "A419"), None)
    organism = next((item for item in suggestions if item.code in _SEPSIS_BY_ORGANISM), None)
    if sepsis and organism and _same_sentence(sepsis, organism):
        code = _SEPSIS_BY_ORGANISM[organism.code]
        named = replace(
            sepsis,
            code=code,
            description=tabular.title(code),
            evidence=tuple(dict.fromkeys([*sepsis.evidence, organism.evidence[0]])),
            rules=(*sepsis.rules, "specificity:organism"),
        )
        needed = any(item.code.startswith(_ASK_ORGANISM) for item in suggestions)
        suggestions = [
            named if item is sepsis else item for item in suggestions if needed or item is not organism
        ]
    return suggestions


#: Local infections whose organism is a second code of its own.
_ASK_ORGANISM = ("N39", "N30", "N10", "N12", "L03", "L02", "T81", "M00", "M86", "O23")
_SEPSIS_BY_ORGANISM = {
    "B9620": "A4151",
    "B961": "A4159",
    "B965": "A4152",
    "B9562": "A4102",
    "B9561": "A4101",
    "B951": "A401",
    "B950": "A400",
    "B952": "A4181",
    "B964": "A4159",
}
_NEAR = 80  # characters


def _same_sentence(one: Suggestion, other: Suggestion) -> bool:
    return any(
        a.document_id == b.document_id and abs(a.start - b.start) <= _NEAR
        for a in one.evidence
        for b in other.evidence
    )
