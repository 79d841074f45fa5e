"""ICD-10-PCS by composition: an operation that the record says was done, each axis with the words that state it.

Only rows of the tables are suggested (`valid`, the codes of the edition in force). Where an axis is not
documented, the partial code goes into a question with the values that the tables allow there.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rcm_coding.engine.evidence import Evidence, Gap, Suggestion
from rcm_coding.engine.pcs_tables import BREATHING, OPERATIONS, Axis, Operation
from rcm_coding.engine.reading import Record, Statement

OPEN = "?"  # an axis that the record leaves open, in a partial code
_LENGTH = 7
_LETTERS = re.compile(r"\{([A-Z])\}")
_HOURS = re.compile(
    r"\b(less than |under |fewer than )?(\d{1,3})\s*-?\s*(hours?|hrs?|h|days?)\b", re.IGNORECASE
)
_NOT_DONE = re.compile(
    r"\b(?:home (?:bi-?pap|cpap)|(?:bi-?pap|cpap) at (?:home|night)|uses (?:a )?cpap|will|plan(?:ned)? (?:to|for)|if"
    r"|consider\w*|declin\w+|refus\w+|years? ago|months? ago|history of|h/o|s/p|status[- ]post|prior|previous|avoid\w*"
    r"|without need|candidate for|discuss\w*|scheduled for|recommend\w*|deferred|outpatient)\b",
    re.IGNORECASE,
)
_SKIP = frozenset(
    [
        "past-history",
        "surgical-history",
        "family-history",
        "medications",
        "instructions",
        "social-history",
        "review-of-systems",
        "education",
        "consent",
        "allergies",
        "demographics",
    ]
)


@dataclass(frozen=True)
class Composed:
    """What the record supports: whole codes, and questions about partial ones."""

    suggestions: tuple[Suggestion, ...]
    gaps: tuple[Gap, ...]


def compose_pcs(record: Record, valid: Collection[str] = ()) -> Composed:
    """Compose the inpatient procedures of a record. An empty `valid` means that no edition is loaded."""
    suggestions: list[Suggestion] = []
    gaps: list[Gap] = []
    for rule, label, action, codes in BREATHING:
        suggestions.extend(_breathing(record, rule, label, action, codes))
    for operation in OPERATIONS:
        found = next(_done(record, operation.action, operation.unless), None)
        if found is None:
            continue
        statement, place = found
        code, evidence, missing = _compose(record, operation, statement, place)
        if not missing:
            suggestions.append(
                Suggestion(
                    "ICD-10-PCS", code, operation.label, 0.8, "procedure", evidence, rules=(operation.rule,)
                )
            )
        else:
            legal = legal_values(code, valid)
            gaps.append(Gap(f"{operation.rule}-{'-'.join(missing)}", code, evidence, legal))
    kept = [item for item in suggestions if not valid or item.code in valid]
    return Composed(tuple({item.code: item for item in kept}.values()), tuple(gaps))


def legal_values(partial: str, valid: Collection[str]) -> tuple[str, ...]:
    """Return the whole codes that the tables allow for a partial one (open axes are "?"), at most 40."""
    pattern = re.compile(partial.replace(OPEN, "."))
    return tuple(sorted(code for code in valid if pattern.fullmatch(code)))[:40]


def _compose(
    record: Record, operation: Operation, statement: Statement, place: Evidence
) -> tuple[str, tuple[Evidence, ...], list[str]]:
    evidence, missing = [place], []
    code = operation.template
    for letter in _LETTERS.findall(operation.template):
        axis = operation.axes[letter]
        stated = _stated(record, axis, statement, place)
        if stated:
            code = code.replace(f"{{{letter}}}", stated[0])
            evidence.append(stated[1])
        else:
            code = code.replace(f"{{{letter}}}", axis.default or OPEN)
            if axis.default is None:
                missing.append(axis.name)
    return code, tuple(dict.fromkeys(evidence)), missing


def _stated(record: Record, axis: Axis, statement: Statement, place: Evidence) -> tuple[str, Evidence] | None:
    """Find an axis' words: nearest in the operation's statement, else in what else describes the operation."""
    near: tuple[int, str, Evidence] | None = None
    for pattern, character in axis.values:
        for match in pattern.finditer(
            statement.document.text, statement.sentence.start, statement.sentence.end
        ):
            distance = max(place.start - match.end(), match.start() - place.end, 0)
            if near is None or distance < near[0]:
                near = (distance, character, statement.evidence(match.start(), match.end(), axis.name))
    if near:
        return near[1], near[2]
    for pattern, character in axis.values:
        for item in record.statements:
            if item is statement or not _describes(item, statement):
                continue
            found = item.search(pattern)
            if found and item.present(found.start(), found.end()):
                return character, item.evidence(found.start(), found.end(), axis.name)
    return None


def _describes(item: Statement, statement: Statement) -> bool:
    return item.document is statement.document and (
        item.sentence.section in ("procedure", "findings", "diagnosis")
        or abs(item.sentence.start - statement.sentence.start) < _REACH
    )


_REACH = 400  # characters around an operation that describe it


def _breathing(
    record: Record, rule: str, label: str, action: re.Pattern[str], codes: tuple[str, str, str]
) -> Iterator[Suggestion]:
    places = [place for _, place in _done(record, action, None)]
    if not places:
        return
    hours, place = _longest(record, action)
    code = codes[0] if hours < 24 else codes[1] if hours <= 96 else codes[2]
    evidence = tuple(dict.fromkeys([*places[:2], *([place] if place else [])]))
    yield Suggestion("ICD-10-PCS", code, label, 0.84 if place else 0.74, "procedure", evidence, rules=(rule,))


def _done(
    record: Record, pattern: re.Pattern[str], unless: re.Pattern[str] | None
) -> Iterator[tuple[Statement, Evidence]]:
    if not record.may_match(pattern):
        return
    for statement in record.statements:
        if statement.sentence.section in _SKIP:
            continue
        match = statement.search(pattern)
        if match is None or _NOT_DONE.search(statement.text[: match.end() - statement.sentence.start]):
            continue
        if unless is not None and unless.search(statement.text):
            continue
        if statement.present(match.start(), match.end()):
            yield statement, statement.evidence(match.start(), match.end(), "action")


def _longest(record: Record, pattern: re.Pattern[str]) -> tuple[float, Evidence | None]:
    """Return the longest documented duration near the support, in hours."""
    best, place = 0.0, None
    for statement in record.statements:
        if statement.sentence.section in _SKIP or not statement.search(pattern):
            continue
        match = statement.search(_HOURS)
        if match:
            hours = float(match.group(2)) * (24 if match.group(3).lower().startswith("day") else 1)
            hours -= 0.5 if match.group(1) else 0.0
            if hours > best:
                best, place = hours, statement.evidence(match.start(), match.end(), "duration")
    return best, place
