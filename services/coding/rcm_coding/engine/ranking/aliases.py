"""Aliases in a record: words that the coders of a facility agreed to mean a code, where they state a fact.

An alias adds a code or raises its probability; it never overrules the record's own word or a guideline.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rcm_coding.engine.context import Status
from rcm_coding.engine.evidence import Evidence, Suggestion, Suppressed
from rcm_coding.engine.ranking.features import SOFT, statements_at
from rcm_coding.engine.ranking.memory import PhraseMemory
from rcm_coding.engine.ranking.words import read_words
from rcm_coding.engine.reading import Record
from rcm_coding.engine.tabular import Tabular

RULE = "alias:facility"
_MAX_EVIDENCE = 5


@dataclass(frozen=True, slots=True)
class Spoken:
    """A code that an alias names in a record: how often its words meant it, and where they stand."""

    probability: float
    evidence: tuple[Evidence, ...]


def spoken(record: Record, memory: PhraseMemory) -> Mapping[str, Spoken]:
    """Return the codes that aliases name, by code. Of words that stand within each other the longest speak."""
    best: dict[str, float] = {}
    places: dict[str, list[Evidence]] = defaultdict(list)
    at = statements_at(record)
    for document in record.documents:
        words = read_words(document.text, memory.language)
        taken = [False] * len(words)
        for found in sorted(memory.find(words), key=lambda one: (one.first - one.last, one.first)):
            if any(taken[found.first : found.last]):
                continue
            taken[found.first : found.last] = [True] * (found.last - found.first)
            start, end = words[found.first].start, words[found.last - 1].end
            statement = at(document, start)
            if statement is None or not statement.states_diagnoses or end > statement.sentence.end:
                continue
            if statement.assertion(start, end).status is not Status.PRESENT:
                continue
            for code in memory.phrases[found.phrase].cited:
                best[code] = max(best.get(code, 0.0), memory.facts(found.phrase, code).right)
                places[code].append(statement.evidence(start, end, "diagnosis"))
    return {code: Spoken(best[code], tuple(places[code][:_MAX_EVIDENCE])) for code in sorted(best)}


def add_aliases(
    shown: Sequence[Suggestion],
    held: Sequence[Suppressed],
    suppressed: Sequence[Suppressed],
    record: Record,
    memory: PhraseMemory,
    tabular: Tabular,
) -> tuple[list[Suggestion], list[Suppressed]]:
    """Put what aliases say to what is shown already; `suppressed` is what the rules hold back."""
    said = spoken(record, memory)
    barred = {item.code for item in suppressed if not item.why.startswith(SOFT)}
    there = {item.code for item in shown}
    known = [
        replace(item, score=round(said[item.code].probability, 4), rules=(*item.rules, RULE))
        if item.code in said and said[item.code].probability > item.score
        else item
        for item in shown
    ]
    added = [
        Suggestion(
            "ICD-10-CM",
            code,
            tabular.title(code),
            round(found.probability, 4),
            "secondary",
            found.evidence,
            rules=(RULE,),
        )
        for code, found in said.items()
        if code not in there
        and code not in barred
        and tabular.billable(code)
        and not all(_within(place, shown) for place in found.evidence)
    ]
    new = {item.code for item in added}
    return known + added, [item for item in held if item.code not in new]


def _within(place: Evidence, shown: Sequence[Suggestion]) -> bool:
    """Tell whether the words are only part of those that stand for another code: the widest term speaks."""
    return any(
        wide.document_id == place.document_id
        and wide.role == "diagnosis"
        and wide.start <= place.start
        and place.end <= wide.end
        and wide.end - wide.start > place.end - place.start
        for item in shown
        for wide in item.evidence
    )
