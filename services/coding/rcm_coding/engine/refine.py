"""Walks from a matched code to the most specific billable code that the record supports.

Axes: site, side, type (the words that separate siblings), and the 7th character. What the record does not
say is
left unspecified; a documented site beats "unspecified" in the same category.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rcm_coding.engine.axes import (
    Documented,
    documented_stage,
    encounter_kind,
    healing,
    title_stage,
    title_trimester,
    trimester,
)
from rcm_coding.engine.evidence import Alternative, Evidence
from rcm_coding.engine.lexicon import Match
from rcm_coding.engine.reading import Record, Statement
from rcm_coding.engine.stems import Token, content_stems
from rcm_coding.engine.tabular import Concept, Tabular

_LIFTED = re.compile(
    r"\bunspecified (?:stage|cause|site|organism|type|part|location|severity|agent|origin)\b"
    r"|\bwithout\b[^,;]*|\bincluding\b[^,;]*|\[[^\]]*\]|\([^)]*\)"
    r"|\bnot elsewhere classified\b|\bunspecified\b"
    r"|\b(?:first|second|third|unspecified) trimester\b|\bcomplicating (?:childbirth|the puerperium)\b"
    r"|\bstage \d[ab]?\b|\bunstageable\b|\bdeep tissue damage\b",
    re.IGNORECASE,
)
_UNSPECIFIED = re.compile(r"\bunspecified\b|\bNOS\b", re.IGNORECASE)
_OTHER = re.compile(r"^other\b|\bother specified\b|\bother\b", re.IGNORECASE)
#: Axis values that hold when the record is silent (Guidelines I.C.19.c: closed, displaced).
_DEFAULTS = frozenset({"displac", "clos", "unilateral"})
_OPEN = re.compile(r"\bopen (?:\w+\s+){0,4}fracture|\bcompound fracture|\bgustilo")
_GUSTILO_3 = re.compile(r"\b(?:gustilo|type|grade)[^.\n]{0,20}?\b(?:iii|3)\s?[abc]?\b")


@dataclass(frozen=True, slots=True)
class Refined:
    """The code reached, with the evidence of each axis, the rules used and the siblings left aside."""

    code: str
    evidence: tuple[Evidence, ...]
    rules: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    specific: bool


@dataclass(frozen=True, slots=True)
class _Choice:
    concept: Concept
    supported: int
    side: int
    direct: bool
    unspecified: bool
    other: bool
    evidence: tuple[Evidence, ...]
    rules: tuple[str, ...]

    @property
    def rank(self) -> tuple[int, int, bool, bool, bool, int]:
        return (self.supported, self.side, not self.other, self.direct, self.unspecified, -self.concept.order)


@lru_cache(maxsize=60_000)
def title_stems(title: str) -> frozenset[str]:
    """Return what a title says apart from side, "unspecified" and "without"."""
    return content_stems(_LIFTED.sub(" ", title))


def is_unspecified(title: str) -> bool:
    """Tell whether a title leaves an axis open."""
    return _UNSPECIFIED.search(title) is not None


def title_side(title: str) -> str | None:
    """Return the side that a title names, or None."""
    low = f" {title.lower()} "
    for side in ("bilateral", "right", "left"):
        if f" {side} " in low.replace(",", " "):
            return side
    return None


def refine(
    tabular: Tabular, match: Match, statement: Statement, record: Record, setting: str
) -> Refined | None:
    """Return the most specific code that the record supports for a match, or None when no leaf fits."""
    leaves = _candidates(tabular, match.term.codes)
    scope = [statement] + [
        item
        for item in record.about(_distinctive(match), statement.document)
        if item is not statement and item.weight > 0
    ]
    titles = [tabular.concepts[leaf].title for leaf in leaves]
    sided = any(title_side(title) for title in titles)
    parts = frozenset().union(*(title_stems(title) for title in titles)) - _NO_PART if sided else frozenset()
    axes = _Axes(
        side=_documented_side(match, statement, scope, record, parts) if sided else None,
        sided=sided,
        stage=documented_stage(match.start, match.end, statement, scope)
        if any(title_stage(title) for title in titles)
        else None,
        trimester=trimester(record) if any(title_trimester(title) for title in titles) else None,
    )
    choices = [
        choice
        for leaf, implied in leaves.items()
        if (choice := _judge(tabular.concepts[leaf], match, statement, scope, axes, implied)) is not None
    ]
    choices = [choice for choice in choices if not choice.other] or choices
    if not choices and match.term.curated:
        choices = _open_end(tabular, leaves)
    if not choices:
        return None
    best = max(choices, key=lambda choice: choice.rank)
    code: str | None = best.concept.code
    evidence, rules = list(best.evidence), list(best.rules)
    if best.concept.seventh:
        side = axes.side or _documented_side(match, statement, scope, record, parts)
        code, rule = _seventh(tabular, best.concept, record, setting, side, statement)
        rules.append(rule)
    if code is None:
        return None
    alternatives = tuple(
        Alternative(choice.concept.code, choice.concept.title, _axis(choice.concept, best.concept))
        for choice in sorted(choices, key=lambda choice: choice.rank, reverse=True)[1:4]
    )
    specific = best.supported > 0 or not is_unspecified(best.concept.title)
    return Refined(code, tuple(evidence), tuple(rules), alternatives, specific)


#: Words of titles that name no part of the body.
_NO_PART = frozenset(
    {"pain", "low", "upp", "primary", "diseas", "disorder", "acut", "chronic", "site", "limb"}
)


@dataclass(frozen=True, slots=True)
class _Axes:
    """What the record says about a mention's axes."""

    side: tuple[str, Evidence] | None
    sided: bool
    stage: Documented | None
    trimester: Documented | None


def _candidates(tabular: Tabular, codes: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """Return the leaves to choose from, each with the words that its whole group shares (no axis among them).

    From "unspecified" the search widens to the group above, and on while that is unspecified itself, because a
    documented site or type beats it.
    """
    known = tabular._groups.get(codes)
    if known is not None:
        return known
    found: dict[str, frozenset[str]] = {}
    for code in codes:
        concept = tabular.concepts[code]
        root = code
        if concept.leaf and is_unspecified(concept.title) and concept.parent in tabular.concepts:
            root = concept.parent
        leaves = tabular.leaves(root)
        implied = _shared(tabular, leaves)
        for leaf in leaves:
            found[leaf] = found.get(leaf, frozenset()) | implied
        while (
            is_unspecified(tabular.concepts[root].title) and tabular.concepts[root].parent in tabular.concepts
        ):
            root = tabular.concepts[root].parent
            for leaf in tabular.leaves(root):
                found.setdefault(leaf, frozenset())
    tabular._groups[codes] = found
    return found


def _open_end(tabular: Tabular, leaves: Iterable[str]) -> list[_Choice]:
    """Return what stays when nothing separates a curated term's codes: the "unspecified" one, else the "other"."""
    concepts = [tabular.concepts[leaf] for leaf in leaves]
    for pattern in (_UNSPECIFIED, _OTHER):
        found = [concept for concept in concepts if pattern.search(concept.title)]
        if found:
            return [_Choice(found[-1], 0, 0, False, True, False, (), ())]
    return []


def _shared(tabular: Tabular, leaves: tuple[str, ...]) -> frozenset[str]:
    titles = [tabular.concepts[leaf].title for leaf in leaves]
    sided = [title for title in titles if title_side(title) in ("right", "left")]
    sets = [title_stems(title) for title in sided or titles]  # "bilateral" titles leave the part unsaid
    return frozenset.intersection(*sets) if len(sets) > 1 else frozenset()


def _distinctive(match: Match) -> frozenset[str]:
    long = sorted(match.term.stems, key=lambda item: (-len(item), item))
    return frozenset(long[:2]) if len(long) > 2 else frozenset(long)


def _judge(
    concept: Concept,
    match: Match,
    statement: Statement,
    scope: list[Statement],
    axes: _Axes,
    implied: frozenset[str],
) -> _Choice | None:
    evidence: list[Evidence] = []
    rules: list[str] = []
    direct = concept.code in match.term.codes
    extra = title_stems(concept.title) - match.term.stems - _DEFAULTS - implied
    if direct and is_unspecified(concept.title):
        extra = frozenset()
    for item in sorted(extra):
        if item.isdigit() and not re.search(
            rf"\b(?:level|grade|class|degree|stage) {item}\b", statement.text
        ):
            return None if not direct else _Choice(concept, 0, 0, True, False, False, (), ())
        place = _where(item, match, statement, scope)
        if place is None:
            return None if not direct else _Choice(concept, 0, 0, True, False, False, (), ())
        evidence.append(place)
    if extra:
        rules.append("specificity:documented-axis")
        if any(item.role == "site" for item in evidence):
            rules.append("specificity:documented-site-beats-unspecified")
    wanted, side = title_side(concept.title), axes.side
    axis_rank = 1
    if wanted:
        if side is None or side[0] != wanted:
            return None
        axis_rank += 1
        evidence.append(side[1])
        rules.append("specificity:side")
    elif axes.sided and side is not None and "unspecified" in concept.title.lower():
        axis_rank -= 1
    for name, value, documented in (
        ("stage", title_stage(concept.title), axes.stage),
        ("trimester", title_trimester(concept.title), axes.trimester),
    ):
        if value:
            if documented is None or documented.value != value:
                return None
            axis_rank += 1
            evidence.append(documented.evidence)
            rules.append(f"specificity:{name}")
    return _Choice(
        concept,
        len(extra),
        axis_rank,
        direct,
        is_unspecified(concept.title),
        _OTHER.search(concept.title) is not None,
        tuple(evidence),
        tuple(rules),
    )


#: Sections whose words describe findings: "systolic" of a murmur there is no type of heart failure.
_NO_TYPE = frozenset({"exam", "vitals", "results"})


def _where(item: str, match: Match, statement: Statement, scope: list[Statement]) -> Evidence | None:
    """Find a stem in the mention's statement, else in another statement about the same condition."""
    for place in scope:
        near = place is statement
        for slot in place.slots if near or place.sentence.section not in _NO_TYPE else ():
            if item in slot.stems and (near or place.present(slot.start, slot.end)):
                if near and not place.present(slot.start, slot.end):
                    continue
                return place.evidence(slot.start, slot.end, "type")
        for site in place.sites:
            if item in site.stems:
                return place.evidence(site.start, site.end, "site")
    return None


def _documented_side(
    match: Match, statement: Statement, scope: list[Statement], record: Record, parts: frozenset[str]
) -> tuple[str, Evidence] | None:
    nearest = _nearest_side(statement, match.start, match.end)
    if nearest:
        return nearest
    for place in scope:
        if place is not statement and place.sides and place.weight > 0:
            side, word = place.sides[0]
            return side, place.evidence(word.start, word.end, "side")
    everywhere = [
        (side, place, word)
        for place in record.statements
        if place.weight > 0
        for side, word in place.sides
        if _same_part(place, word, parts)
    ]
    if everywhere and len({side for side, _, _ in everywhere}) == 1:
        side, place, word = everywhere[0]
        return side, place.evidence(word.start, word.end, "side")
    return None


_PART_REACH = 4  # words after a side within which its part stands


def _same_part(place: Statement, word: Token, parts: frozenset[str]) -> bool:
    """Tell whether a side elsewhere in the record is one of the part that the condition's titles name."""
    at = next((number for number, item in enumerate(place.words) if item.start == word.start), 0)
    near = place.words[max(0, at - 1) : at + _PART_REACH]
    if any(item.stem in parts for item in near):
        return True
    low, high = near[0].start, near[-1].end
    return any(parts & site.stems for site in place.sites if low <= site.start < high)


def _nearest_side(statement: Statement, start: int, end: int) -> tuple[str, Evidence] | None:
    best: tuple[int, str, Evidence] | None = None
    for side, word in statement.sides:
        distance = max(start - word.end, word.start - end, 0)
        if best is None or distance < best[0]:
            best = (distance, side, statement.evidence(word.start, word.end, "side"))
    return (best[1], best[2]) if best else None


def _seventh(
    tabular: Tabular,
    concept: Concept,
    record: Record,
    setting: str,
    side: tuple[str, Evidence] | None,
    statement: Statement,
) -> tuple[str | None, str]:
    labels = tabular.seventh_characters(concept.code)
    if "A" in labels and "initial" in labels["A"].lower():
        kind = encounter_kind(record, setting, statement)
        open_fracture = _OPEN.search(record.plain_text) is not None
        severe = _GUSTILO_3.search(record.plain_text) is not None
        wanted = healing(statement) if kind == "subsequent" else ""
        for character, label in labels.items():
            low = label.lower()
            if kind not in low or ("open" in low) != (open_fracture and "fracture" in low):
                continue
            if wanted and "fracture with" in low and wanted not in low:
                continue
            if open_fracture and severe != ("iiia" in low) and "type i" in low:
                continue
            return tabular.extend(concept.code, character), f"7th-character:{kind}"
        for character, label in labels.items():
            if kind in label.lower():
                return tabular.extend(concept.code, character), f"7th-character:{kind}"
        return None, "7th-character:none"
    for character, label in labels.items():
        low = label.lower()
        if side and side[0] in low:
            return tabular.extend(concept.code, character), "7th-character:side"
    for character, label in labels.items():
        if re.search(r"unspecified|not applicable|without", label.lower()):
            return tabular.extend(concept.code, character), "7th-character:unspecified"
    return None, "7th-character:none"


def _axis(other: Concept, chosen: Concept) -> str:
    more = sorted(title_stems(other.title) - title_stems(chosen.title))
    side = title_side(other.title)
    return " ".join(more) if more else (side or ("unspecified" if is_unspecified(other.title) else ""))
