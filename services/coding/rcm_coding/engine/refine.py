"""Walks from a matched code to the most specific billable code that the record supports.

Axes: site, side, type (the words that separate siblings), and the 7th character. What the record does not
say is
left unspecified; a documented site beats "unspecified" in the same category.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from rcm_coding.engine.evidence import Alternative, Evidence
from rcm_coding.engine.lexicon import Match
from rcm_coding.engine.reading import Record, Statement
from rcm_coding.engine.stems import content_stems
from rcm_coding.engine.tabular import Concept, Tabular

_LIFTED = re.compile(
    r"\bwithout\b[^,;]*|\bincluding\b[^,;]*|\[[^\]]*\]|\([^)]*\)"
    r"|\bnot elsewhere classified\b|\bunspecified\b",
    re.IGNORECASE,
)
_UNSPECIFIED = re.compile(r"\bunspecified\b|\bNOS\b", re.IGNORECASE)
_OTHER = re.compile(r"^other\b|\bother specified\b|\bother\b", re.IGNORECASE)
#: Axis values that hold when the record is silent (Guidelines I.C.19.c: closed, displaced).
_DEFAULTS = frozenset({"displac", "clos", "unilateral"})
_SUBSEQUENT = re.compile(
    r"\b(?:subsequent encounter|routine healing|fracture (?:follow[- ]?up|check)|(?:cast"
    r"|splint|suture|staple|pin) (?:removal|change|check)"
    r"|healing (?:well|appropriately|fracture|as expected)|follow[- ]?up (?:of|for"
    r"|visit for|after) (?:\w+\s+){0,4}(?:fracture|injury|laceration|sprain)|aftercare)\b"
)
_SEQUELA = re.compile(r"\b(?:sequelae?|late effects?)\b")
_OPEN = re.compile(r"\bopen (?:\w+\s+){0,4}fracture|\bcompound fracture|\bgustilo")


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


def encounter_kind(record: Record, setting: str) -> str:
    """Return "initial", "subsequent" or "sequela": active treatment unless the record says otherwise.

    Rule: ICD-10-CM Official Guidelines I.C.19.a.
    """
    text = record.plain_text
    if _SEQUELA.search(text):
        return "sequela"
    if setting != "ed" and _SUBSEQUENT.search(text):
        return "subsequent"
    return "initial"


def refine(
    tabular: Tabular,
    match: Match,
    statement: Statement,
    record: Record,
    setting: str,
    category_site: bool = True,
) -> Refined | None:
    """Return the most specific code that the record supports for a match, or None when no leaf fits."""
    leaves = _candidates(tabular, match.term.codes)
    distinctive = _distinctive(match)
    scope = [statement] + [
        item for item in record.about(distinctive, statement.document) if item is not statement
    ]
    side = _documented_side(match, statement, scope, record)
    sided = any(title_side(tabular.concepts[leaf].title) for leaf in leaves)
    choices = [
        choice
        for leaf in leaves
        if (choice := _judge(tabular.concepts[leaf], match, statement, scope, side, sided)) is not None
    ]
    choices = [choice for choice in choices if not choice.other] or choices
    if not choices:
        return None
    best = max(choices, key=lambda choice: choice.rank)
    code: str | None = best.concept.code
    evidence, rules = list(best.evidence), list(best.rules)
    if best.concept.seventh:
        code, rule = _seventh(tabular, best.concept, record, setting, side)
        rules.append(rule)
    if code is None:
        return None
    alternatives = tuple(
        Alternative(choice.concept.code, choice.concept.title, _axis(choice.concept, best.concept))
        for choice in sorted(choices, key=lambda choice: choice.rank, reverse=True)[1:4]
    )
    specific = best.supported > 0 or not is_unspecified(best.concept.title)
    return Refined(code, tuple(evidence), tuple(rules), alternatives, specific)


def _candidates(tabular: Tabular, codes: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for code in codes:
        concept = tabular.concepts[code]
        roots = [code]
        if concept.leaf and is_unspecified(concept.title):
            roots = [concept.parent if concept.parent in tabular.concepts else code]
        for root in roots:
            found.update(dict.fromkeys(tabular.leaves(root)))
    return tuple(found)


def _distinctive(match: Match) -> frozenset[str]:
    long = sorted(match.term.stems, key=lambda item: (-len(item), item))
    return frozenset(long[:2]) if len(long) > 2 else frozenset(long)


def _judge(
    concept: Concept,
    match: Match,
    statement: Statement,
    scope: list[Statement],
    side: tuple[str, Evidence] | None,
    sided: bool,
) -> _Choice | None:
    evidence: list[Evidence] = []
    rules: list[str] = []
    direct = concept.code in match.term.codes
    extra = title_stems(concept.title) - match.term.stems - _DEFAULTS
    if direct and is_unspecified(concept.title):
        extra = frozenset()
    for item in sorted(extra):
        place = _where(item, match, statement, scope)
        if place is None:
            return None if not direct else _Choice(concept, 0, 0, True, False, False, (), ())
        evidence.append(place)
    if extra:
        rules.append("specificity:documented-axis")
        if any(item.role == "site" for item in evidence):
            rules.append("specificity:documented-site-beats-unspecified")
    wanted = title_side(concept.title)
    side_rank = 1
    if wanted:
        if side is None or side[0] != wanted:
            return None
        side_rank = 2
        evidence.append(side[1])
        rules.append("specificity:side")
    elif sided and side is not None and "unspecified" in concept.title.lower():
        side_rank = 0
    return _Choice(
        concept,
        len(extra),
        side_rank,
        direct,
        is_unspecified(concept.title),
        _OTHER.search(concept.title) is not None,
        tuple(evidence),
        tuple(rules),
    )


def _where(item: str, match: Match, statement: Statement, scope: list[Statement]) -> Evidence | None:
    """Find a stem in the mention's statement, else in another statement about the same condition."""
    for place in scope:
        near = place is statement
        for slot in place.slots:
            if item in slot.stems and (near or place.present(slot.start, slot.end)):
                if near and not place.present(slot.start, slot.end):
                    continue
                return place.evidence(slot.start, slot.end, "type")
        for site in place.sites:
            if item in site.stems:
                return place.evidence(site.start, site.end, "site")
    return None


def _documented_side(
    match: Match, statement: Statement, scope: list[Statement], record: Record
) -> tuple[str, Evidence] | None:
    nearest = _nearest_side(statement, match.start, match.end)
    if nearest:
        return nearest
    for place in scope:
        if place is not statement and place.sides and place.weight > 0:
            side, word = place.sides[0]
            return side, place.evidence(word.start, word.end, "side")
    everywhere = [
        (side, place, word) for place in record.statements if place.weight > 0 for side, word in place.sides
    ]
    if everywhere and len({side for side, _, _ in everywhere}) == 1:
        side, place, word = everywhere[0]
        return side, place.evidence(word.start, word.end, "side")
    return None


def _nearest_side(statement: Statement, start: int, end: int) -> tuple[str, Evidence] | None:
    best: tuple[int, str, Evidence] | None = None
    for side, word in statement.sides:
        distance = max(start - word.end, word.start - end, 0)
        if best is None or distance < best[0]:
            best = (distance, side, statement.evidence(word.start, word.end, "side"))
    return (best[1], best[2]) if best else None


def _seventh(
    tabular: Tabular, concept: Concept, record: Record, setting: str, side: tuple[str, Evidence] | None
) -> tuple[str | None, str]:
    labels = tabular.seventh_characters(concept.code)
    if "A" in labels and "initial" in labels["A"].lower():
        kind = encounter_kind(record, setting)
        open_fracture = _OPEN.search(record.plain_text) is not None
        for character, label in labels.items():
            low = label.lower()
            if kind not in low or ("open" in low) != (open_fracture and "fracture" in low):
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
