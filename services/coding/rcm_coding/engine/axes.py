"""Axes that separate sibling codes and are documented apart from the condition: side, stage, trimester, encounter.

For each axis: what a title names, and what the record says.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from rcm_coding.engine.evidence import Evidence
from rcm_coding.engine.reading import Record, Statement

_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}
_STAGE = re.compile(
    r"\bstage[ds]?\s*(?:is |was |of |at |#|:)?\s*(\d|iii|ii|iv|i|v)\s?-?([ab])?\b(?! ?(?:of|/) ?\d)"
    r"|\b(\d)\s?([ab])?(?:st|nd|rd|th)? stage\b",
    re.IGNORECASE,
)
_CKD_STAGE = re.compile(r"\bckd\s*-?\s*(\d|iii|ii|iv|i|v)\s?([ab])?\b", re.IGNORECASE)
_UNSTAGEABLE = re.compile(r"\bunstage?able\b|\bdeep tissue (?:injury|damage)\b", re.IGNORECASE)
_TITLE_STAGE = re.compile(r"\bstage (\d[ab]?)\b|\b(unstageable)\b|\bdeep tissue damage\b", re.IGNORECASE)
_STAGE_REACH = 60  # characters between a condition and its stage

_WEEKS = re.compile(
    r"\b(\d{1,2})\s*(?:\+\s*|\s?w(?:ee)?ks?\s*(?:and|,)?\s*|w)?(?:(\d)\s*(?:d|days?)|/7)?\s*-?"
    r"(?:weeks?|wks?|w)?\b[^.\n;]{0,20}?\b(?:pregnan\w*|gestation\w*|ega|ga|iup)\b"
    r"|\b(?:ega|ga|iup|g\d+ ?p\d+\w*|gestation\w*(?: age)?|pregnan\w*|intrauterine pregnancy)\b[^.\n;]{0,30}?"
    r"\b(\d{1,2})\s*(?:\+|\s?-?w(?:ee)?k?s?\b|w)",
    re.IGNORECASE,
)
_TRIMESTER = re.compile(r"\b(first|second|third|1st|2nd|3rd) trimester\b", re.IGNORECASE)
_ORDINALS = {"1st": "first", "2nd": "second", "3rd": "third"}
_PREGNANT = re.compile(
    r"\b(?:pregnan(?:t|cy)|gravida|g\d+ ?p\d+|intrauterine pregnancy|prenatal|antepartum|trimester|ega|iup)\b",
    re.IGNORECASE,
)
_WEEK_WORD = re.compile(r"week|wk|\dw|\d ?\+ ?\d|\bega\b|gestation")
_AFTER_BIRTH = re.compile(r"\b(?:post-?partum|puerper\w+|after (?:delivery|childbirth))\b", re.IGNORECASE)
_BIRTH = re.compile(
    r"\b(?:was|were|been|son|daughter|infant|baby|child) (?:\w+ )?(?:born|delivered)\b|\bborn at\b"
)
_MIN_WEEKS, _MAX_WEEKS = 4, 42

_SUBSEQUENT = re.compile(
    r"\bsubsequent (?:encounter|visit)|\b(?:routine|normal|good|delayed|appropriate) healing\b"
    r"|\bheal(?:ing|ed) (?:well|appropriately|nicely|fracture|as expected|fine)|\bhealing\b"
    r"|\b(?:cast|splint|suture|staple|pin|k-?wire|stitch|boot)s? (?:removal|change|check|removed|changed)"
    r"|\bremoval of (?:the |her |his )?(?:cast|splint|sutures?|staples?|pins?)"
    r"|\b(?:fracture|injury|wound) (?:follow[- ]?up|check)\b"
    r"|\bfollow[- ]?up (?:of|for|visit|after|on)\b|\baftercare\b|\b(?:non-?union|malunion)\b"
    r"|\bstatus[- ]post (?:orif|open reduction|closed reduction|fixation)"
    r"|\b\d+ (?:weeks?|months?) (?:out from|after|post|s/p)",
    re.IGNORECASE,
)
_ACTIVE = re.compile(
    r"\binitial (?:encounter|visit|evaluation)\b|\bnew injury\b|\bacute(?:ly)?\b", re.IGNORECASE
)
_SEQUELA = re.compile(
    r"\bsequela[e]?\b|\blate effects?\b|\bresidual(?:s)? (?:of|from)\b|\bold (?:\w+ ){0,3}(?:fracture|injury)\b"
    r"|\bdue to (?:an? )?(?:old|remote|previous|prior)\b",
    re.IGNORECASE,
)
_HEALING = (
    (re.compile(r"\bnon-?union\b", re.IGNORECASE), "nonunion"),
    (re.compile(r"\bmalunion\b", re.IGNORECASE), "malunion"),
    (re.compile(r"\bdelayed (?:healing|union)\b", re.IGNORECASE), "delayed healing"),
)


@dataclass(frozen=True, slots=True)
class Documented:
    """A value of an axis with its words."""

    value: str
    evidence: Evidence


@lru_cache(maxsize=60_000)
def title_stage(title: str) -> str | None:
    """Return the numbered stage that a title names ("3a", "4", "unstageable", "deep"), or None."""
    match = _TITLE_STAGE.search(title)
    if match is None or " through " in title or "or end stage" in title:
        return None  # "stage 1 through stage 4": no single stage
    if match.group(2):
        return "unstageable"
    return match.group(1).lower() if match.group(1) else "deep"


def documented_stage(start: int, end: int, statement: Statement, scope: list[Statement]) -> Documented | None:
    """Return the stage stated nearest to a mention, else in another statement about the same condition."""
    best: tuple[int, Documented] | None = None
    for place in [statement, *(item for item in scope if item is not statement)]:
        for pattern in (_STAGE, _CKD_STAGE, _UNSTAGEABLE):
            for match in pattern.finditer(place.document.text, place.sentence.start, place.sentence.end):
                distance = max(start - match.end(), match.start() - end, 0) if place is statement else 0
                if distance > _STAGE_REACH:
                    continue
                found = Documented(
                    _stage_value(match, pattern), place.evidence(match.start(), match.end(), "stage")
                )
                if best is None or distance < best[0]:
                    best = (distance, found)
        if best:
            return best[1]
    return None


def _stage_value(match: re.Match[str], pattern: re.Pattern[str]) -> str:
    if pattern is _UNSTAGEABLE:
        return "deep" if "deep" in match.group().lower() else "unstageable"
    number, letter = match.group(1), match.group(2)
    if number is None and pattern is _STAGE:
        number, letter = match.group(3), match.group(4)
    number = (number or "").lower()
    return _ROMAN.get(number, number) + (letter or "").lower()


@lru_cache(maxsize=60_000)
def title_trimester(title: str) -> str | None:
    """Return "first", "second", "third", "childbirth" or "puerperium" as a title names it, or None."""
    low = title.lower()
    if " trimester" in low:
        for name in ("first", "second", "third"):
            if f"{name} trimester" in low:
                return name
        return None
    if "complicating childbirth" in low or "in childbirth" in low:
        return "childbirth"
    if "complicating the puerperium" in low or "in the puerperium" in low:
        return "puerperium"
    return None


def gestation(record: Record) -> tuple[int, Evidence] | None:
    """Return the completed weeks of pregnancy that the record states, with their words."""
    for statement in record.statements:
        match = statement.search(_WEEKS)
        if match is None or statement.sentence.section in ("family-history", "past-history"):
            continue
        if _BIRTH.search(statement.text):
            continue  # the weeks at which somebody was born
        weeks = int(match.group(1) or match.group(3))
        if _MIN_WEEKS <= weeks <= _MAX_WEEKS and _WEEK_WORD.search(statement.text):
            return weeks, statement.evidence(match.start(), match.end(), "weeks")
    return None


def trimester(record: Record) -> Documented | None:
    """Return the trimester from stated weeks, else as stated.

    Rule: Guidelines chapter 15: first under 14 weeks 0 days, second under 28, third from 28.
    """
    known = gestation(record)
    if known:
        weeks, evidence = known
        return Documented("first" if weeks < 14 else "second" if weeks < 28 else "third", evidence)
    for statement in record.statements:
        match = statement.search(_TRIMESTER)
        if match and statement.weight > 0:
            word = match.group(1).lower()
            return Documented(
                _ORDINALS.get(word, word), statement.evidence(match.start(), match.end(), "trimester")
            )
        after = statement.search(_AFTER_BIRTH)
        if after and statement.weight > 0:
            return Documented("puerperium", statement.evidence(after.start(), after.end(), "trimester"))
    return None


def pregnant(record: Record) -> bool:
    """Tell whether the record states a pregnancy or the weeks after one as a fact about the patient."""
    return any(
        (match := item.search(_PREGNANT) or item.search(_AFTER_BIRTH)) is not None
        and item.weight > 0
        and item.present(match.start(), match.end())
        for item in record.statements
    )


def encounter_kind(record: Record, setting: str, statement: Statement | None = None) -> str:
    """Return "initial", "subsequent" or "sequela": active treatment unless the record says otherwise.

    The injury's own statement decides before the rest of the record does.
    Rule: ICD-10-CM Official Guidelines I.C.19.a.
    """
    own = statement.text if statement else ""
    if own:
        if _SEQUELA.search(own):
            return "sequela"
        if _SUBSEQUENT.search(own):
            return "subsequent"
        if _ACTIVE.search(own):
            return "initial"
    text = record.plain_text
    if statement is None and _SEQUELA.search(text):
        return "sequela"
    if setting not in ("ed", "inpatient") and _FOLLOW_UP.search(text):
        return "subsequent"
    return "initial"


#: Phrases that make the whole visit one of follow-up care of an injury.
_FOLLOW_UP = re.compile(
    r"\bsubsequent encounter|\broutine healing|\bfracture (?:follow[- ]?up|check)"
    r"|\b(?:cast|splint|suture|staple|pin|k-?wire)s? (?:removal|change|check)"
    r"|\b(?:fracture|wound|injury|laceration) (?:is |has been )?heal(?:ing|ed)"
    r"|\bhealing (?:well|appropriately|fracture|as expected|nicely)"
    r"|\bfollow[- ]?up (?:of|for|visit for|after) (?:\w+\s+){0,5}(?:fracture|injury|laceration|sprain|surgery)"
    r"|\baftercare\b",
    re.IGNORECASE,
)


def healing(statement: Statement) -> str:
    """Return how a fracture heals as the follow-up codes call it."""
    for pattern, name in _HEALING:
        if pattern.search(statement.text):
            return name
    return "routine healing"
