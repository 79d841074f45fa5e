"""Diagnoses as a record states them: every mention matched, asserted and refined, then gathered by code."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from rcm_coding.engine import conventions as rules
from rcm_coding.engine.context import Assertion, Status
from rcm_coding.engine.evidence import Evidence, Suggestion, Suppressed
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.lexicon import Match
from rcm_coding.engine.reading import Record, Statement
from rcm_coding.engine.refine import Refined, is_unspecified, refine
from rcm_coding.engine.tabular import Tabular

_STATED = frozenset({"assessment", "diagnosis", "impression"})
MAX_EVIDENCE = 9
_MAX_MENTIONS = 5
#: Conditions that only a confirmed statement may code, inpatient too (Guidelines I.C.1.a, I.C.1.g, I.C.10.c).
_CONFIRMED_ONLY = ("B20", "U071", "A925", "J09", "J10")
_ADMISSION_KINDS = frozenset({"history-and-physical", "h-and-p", "hp", "ed-note", "admission-note"})


@dataclass
class Found:
    """All mentions of one code while reading."""

    code: str
    score: float = 0.0
    stated_at: tuple[int, int, int] | None = None  # 0 as an item or 1 in prose, document order, statement
    first_at: tuple[int, int] = (0, 0)
    evidence: dict[Evidence, None] = field(default_factory=dict)
    rules: dict[str, None] = field(default_factory=dict)
    refined: Refined | None = None
    terms: set[frozenset[str]] = field(default_factory=set)
    at_admission: bool = False
    there: bool = False  # words say that it was present on admission
    later: bool = False  # words say that it began after
    headline: bool = False  # an item of the assessment is about it, not only its reasoning


def read_diagnoses(
    record: Record, setting: str, knowledge: Knowledge
) -> tuple[list[Found], list[Suppressed]]:
    """Return the diagnoses that a record states, in the order of its assessment, and what is held back."""
    found: dict[str, Found] = {}
    suppressed: list[Suppressed] = []
    for at, statement in enumerate(record.statements):
        for match, refined in _refined(record, statement, setting, knowledge.tabular):
            assertion = _asserted(statement, match)
            if _false_friend(statement, match):
                continue
            places = _mention(statement, match)
            why = _refusal(assertion.status, refined.code, statement, setting)
            if why:
                cue = (
                    (statement.evidence(assertion.cue_start, assertion.cue_end, "cue"),)
                    if assertion.cue_end
                    else ()
                )
                suppressed.append(Suppressed(refined.code, why, (*places, *cue)))
                continue
            if statement.weight <= 0:
                continue
            _note(found, refined, statement, match, places, record, at)
    kept, general = _drop_general(found.values(), knowledge)
    suppressed.extend(general)
    kept, unassessed = _drop_unassessed(kept, record, setting)
    suppressed.extend(unassessed)
    ordered = sorted(
        kept,
        key=lambda item: (item.stated_at is None, item.stated_at or (0, 0, 0), -item.score, item.first_at),
    )
    return ordered, suppressed


def _refined(
    record: Record, statement: Statement, setting: str, tabular: Tabular
) -> Iterable[tuple[Match, Refined]]:
    """Yield each mention with its code. Where a wide term has no code of its own, the narrower ones inside it count;
    they count too when the wide code asks for theirs ("anemia in chronic kidney disease": code first the stage).
    """
    for match in statement.matches:
        refined = refine(tabular, match, statement, record, setting)
        if refined is not None and match.inside and rules.is_manifestation(tabular.title(refined.code)):
            refined = None  # "in diseases classified elsewhere" needs its disease; the plain condition counts
        if refined is not None:
            yield match, refined
        for inner in match.inside:
            if refined is not None and any(item.isdigit() for item in inner.term.stems):
                continue  # the number is the wide term's: "type 2" is no "level 2"
            narrow = refine(tabular, inner, statement, record, setting)
            if narrow is not None and (refined is None or rules.asks_for(tabular, refined.code, narrow.code)):
                yield inner, narrow
                if refined is None:
                    break


def _asserted(statement: Statement, match: Match) -> Assertion:
    """Return what is said about a mention; a cue between its words governs it when no word is stated as a fact."""
    whole = statement.assertion(match.start, match.end)
    if whole.status is not Status.PRESENT or len(match.spans) < 2:
        return whole
    each = [statement.assertion(start, end) for start, end in match.spans]
    return whole if any(item.status is Status.PRESENT for item in each) else each[0]


def _drop_general(items: Iterable[Found], knowledge: Knowledge) -> tuple[list[Found], list[Suppressed]]:
    """Drop "anemia, unspecified" where every mention of it is part of a narrower statement elsewhere."""
    found = list(items)
    kept: list[Found] = []
    dropped: list[Suppressed] = []
    for item in found:
        narrower = next(
            (
                other
                for other in found
                if other is not item
                and other.score >= 0.6 * item.score
                and all(any(term < wider for wider in other.terms) for term in item.terms)
            ),
            None,
        )
        if narrower and is_unspecified(knowledge.tabular.title(item.code)):
            dropped.append(Suppressed(item.code, f"less-specific-than-{narrower.code}", tuple(item.evidence)))
        else:
            kept.append(item)
    return kept, dropped


#: Everyday or anatomical wording that holds a disease's name.
_FALSE_FRIENDS = re.compile(
    r"\b\d{2,3} ?%,? (?:on )?RA\b|\bon RA\b|"
    r"\bCVA tender\w*|\bcostovertebral angle|\bfall (?:risk|precaution|prevention|season|semester|term|weather)"
    r"|\b(?:last|this|next|early|late) fall\b|\bfall of (?:19|20)\d\d"
    r"|\bcold (?:pack|compress|therapy|intoleran|weather|water|air|drink)|\b(?:hot|heat) (?:and|or|/) cold\b"
    r"|\bstroke volume|\bshock wave|\bheart attack (?:prevention|risk)|\bdiabet\w+ (?:educat|diet|shoe|eye exam)"
    r"|\b(?:heating|foam|gauze|mouse|knee) pad\b|\bpap smear|\bmi\.?\s+\d{5}\b|\bsystolic (?:ejection )?murmur",
    re.IGNORECASE,
)
#: Words that make a stretch of an assessment prose, in which conditions are told rather than listed.
_PROSE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|who|patient|pt|he|she|they|reports?|presents?|presenting|notes?|noted|admits?"
    r"|denies|states|exhibits?|complain\w*|endorses?|because|given|due to|reasoning|demonstrat\w+|show(?:s|ed))\b"
)
_SYMPTOM = re.compile(r"^(?:R(?!73|9|65|40|78|82)|M25[56]|M796|M54[259]|G89|H57|N644|K5900|T784)")
#: Conditions that go on and bear on care even where the assessment does not list them (Guidelines IV.I, IV.J).
_LASTING = re.compile(
    r"^(?:[VWXYSZCO]|E0[0-7]|E1[0-3]|E66|E78|E84|I1|I2[05]|I27|I42|I4[89]|I50|I6[359]|I7[013]|J4[1-57]|J84|J96"
    r"|M0[56]|M3[245]|M81|N18|F[0-3]|F4[123]|F7|F84|G20|G30|G35|G40|G473|G8[012]|K50|K51|K7[0-4]|B18|B20|D57|D6[69]"
    r"|D8|D0|D4|L40|N40|Q)"
)


def _false_friend(statement: Statement, match: Match) -> bool:
    text = statement.document.text
    return any(
        found.start() < match.end and match.start < found.end()
        for found in _FALSE_FRIENDS.finditer(text, max(0, match.start - 12), match.end + 14)
    )


def _heads(statement: Statement, match: Match) -> bool:
    """Tell whether a mention is an item of a list of diagnoses: nothing tells a story before it."""
    before = statement.text[: max(0, match.start - statement.sentence.start)]
    return not _PROSE.search(before)


def _drop_unassessed(
    items: list[Found], record: Record, setting: str
) -> tuple[list[Found], list[Suppressed]]:
    """Where the assessment lists diagnoses, leave out what only its reasoning or the history mentions:
    symptoms everywhere, and for a visit also conditions that neither last nor were assessed.
    """
    if not any(item.headline and not _SYMPTOM.match(item.code) for item in items):
        return items, []
    kept: list[Found] = []
    dropped: list[Suppressed] = []
    for item in items:
        passing = not item.headline and _SYMPTOM.match(item.code) is not None
        idle = setting in ("office", "ed") and item.stated_at is None and not _LASTING.match(item.code)
        if passing or idle:
            why = "symptom-not-assessed" if passing else "not-assessed"
            dropped.append(Suppressed(item.code, why, tuple(item.evidence)))
        else:
            kept.append(item)
    return kept, dropped


def _refusal(status: Status, code: str, statement: Statement, setting: str) -> str | None:
    if status is Status.PRESENT:
        return None
    if status is Status.UNCERTAIN:
        if setting != "inpatient":
            return "uncertain-outpatient"
        return "uncertain-confirmed-only" if code.startswith(_CONFIRMED_ONLY) else None
    if status is Status.HISTORY and code[0] in "ST" and code.endswith("S"):
        return None  # an old injury whose late effect is treated
    if status is Status.HISTORY and statement.sentence.section in _STATED:
        return "history"
    return status.value


def _mention(statement: Statement, match: Match) -> tuple[Evidence, ...]:
    """One span when the words stand together, else one for each word."""
    if match.end - match.start <= 60:
        return (statement.evidence(match.start, match.end, "diagnosis"),)
    return tuple(statement.evidence(start, end, "diagnosis") for start, end in match.spans)


def _note(
    found: dict[str, Found],
    refined: Refined,
    statement: Statement,
    match: Match,
    places: tuple[Evidence, ...],
    record: Record,
    at: int,
) -> None:
    section = statement.sentence.section
    weight = statement.weight
    if refined.code[0] in "PQ" and section not in _STATED:
        return  # a malformation or perinatal condition is stated as a diagnosis, not met in passing
    if record.has_assessment and section not in _STATED:
        weight *= 0.2 if refined.code[0] == "R" else 0.6
    item = found.setdefault(refined.code, Found(refined.code, first_at=(statement.document.order, at)))
    item.terms.add(match.term.stems)
    stems = len(match.term.stems)
    score = 0.15 + 0.5 * weight + 0.08 * min(stems, 4) + (0.08 if match.term.curated else 0.0)
    score -= 0.25 * (1.0 - match.tightness)
    score += 0.06 if refined.specific else 0.0
    score = min(0.97, max(0.05, score))
    if score > item.score:
        item.score, item.refined = score, refined
    elif item.evidence:
        item.score = min(0.98, item.score + 0.02)
    if section in _STATED:
        headline = _heads(statement, match)
        item.headline |= headline
        place = (int(not headline), statement.document.order, at)
        item.stated_at = min(item.stated_at or place, place)
    if statement.document.kind in _ADMISSION_KINDS or "present on admission" in statement.text:
        item.at_admission = True
    item.there |= _THERE.search(statement.text) is not None or section in ("hpi", "chief-complaint")
    item.later |= _BEGAN_LATER.search(statement.text) is not None
    if section in _STATED:
        item.evidence = dict.fromkeys([*places, *item.evidence])
    else:
        item.evidence.update(dict.fromkeys(places))
    item.evidence.update(dict.fromkeys(refined.evidence))
    item.rules.update(
        dict.fromkeys(["lexicon:curated" if match.term.curated else "lexicon:tabular", *refined.rules])
    )


def as_suggestion(item: Found, setting: str, knowledge: Knowledge) -> Suggestion:
    """Make the suggestion of a code from all its mentions."""
    refined = item.refined
    mentions = [place for place in item.evidence if place.role == "diagnosis"][:_MAX_MENTIONS]
    axes = [place for place in item.evidence if place.role != "diagnosis"][: MAX_EVIDENCE - _MAX_MENTIONS]
    evidence = (*mentions, *axes)
    poa = _present_on_admission(item) if setting == "inpatient" else None
    return Suggestion(
        system="ICD-10-CM",
        code=item.code,
        description=knowledge.tabular.title(item.code),
        score=round(item.score, 3),
        role="secondary",
        evidence=evidence,
        rules=tuple(item.rules),
        alternatives=refined.alternatives if refined else (),
        poa=poa,
    )


#: Wording of a condition that was there, or that began, before or after the order to admit.
_THERE = re.compile(
    r"present(?:ed|ing|s)? (?:to|with|on admission|for)|\bon (?:admission|arrival|presentation)\b"
    r"|\badmitted (?:with|for|to)"
    r"|\bpoa\b|\bat the time of admission|\bin the (?:ed|er|emergency)\b|\bcame in with|\bfound to have"
)
_BEGAN_LATER = re.compile(
    r"\b(?:subsequently |then |later )?(?:developed|went into)\b|\bhospital day|\bhd ?#?\d"
    r"|\bpost-?op(?:erative)? day|\bpod ?#?\d"
    r"|\b(?:course|stay) (?:was )?complicated by|\bhospital-acquired|\bin-hospital\b|\bnot present on admission"
    r"|\bduring (?:the|this|her|his) (?:hospital\w*|stay|admission)"
)
_CHRONIC = re.compile(
    r"^(?:[COQ]|E0[0-7]|E1[0-3]|E66|E78|I1[0-6]|I2[05]|I4[89]|I7[03]|I50[24]2|I503[02]|I5042|J4[1-57]|J84|M0|M1|M81|N18|N40"
    r"|F[0-3]|F7|F84|G20|G30|G35|G40|G473|K21|K50|K51|K7[0-4]|B18|B20|D57|D63|L40|I69|H[2-4])"
)


def _present_on_admission(item: Found) -> str:
    """Return Y, N or U. Rule: Guidelines Appendix I; a chronic condition is present whenever it is found."""
    if item.later and not item.there:
        return "N"
    if item.at_admission or item.there or _CHRONIC.match(item.code):
        return "Y"
    return "U"
