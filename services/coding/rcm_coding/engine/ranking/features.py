"""What the ranker knows of a candidate code: where its words stand, what became of them before, what the rules said.

Only facts of the record and of past decisions. Payment, weights of payment groups and payers are no part of it.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rcm_coding.engine.context import Status
from rcm_coding.engine.evidence import Document, Evidence, Suggestion, Suppressed
from rcm_coding.engine.ranking.memory import Found, PhraseMemory
from rcm_coding.engine.ranking.words import read_words
from rcm_coding.engine.reading import Record, Statement
from rcm_coding.engine.tabular import Tabular

_MAX_EVIDENCE = 5
#: The rules' verdicts that a candidate may carry, by the start of their name; the last stands for all others.
VERDICTS = (
    "suggested",
    "negated",
    "family",
    "history",
    "hypothetical",
    "uncertain",
    "less-specific",
    "not-assessed",
    "",
)
#: Verdicts that a model may overrule. Every other one is the record's word or a guideline's, and stands.
SOFT = ("not-assessed", "symptom-not-assessed")

#: What is said of a phrase that is no statement of a condition that the patient has.
_NOT_STATED = frozenset({Status.NEGATED, Status.FAMILY, Status.HYPOTHETICAL, Status.UNCERTAIN})

FEATURES = (
    # the best phrase that stands word for word
    "share right", "notes", "notes right", "words", "longest there", "share of citations", "letters", "citations",
    # the best phrase that no longer one covers
    "share right, uncovered", "notes, uncovered", "words, uncovered", "share of citations, uncovered",
    # all phrases of the code
    "places", "uncovered places", "first place", "present places", "absent places",
    # the best scattered phrase
    "share right, scattered", "notes, scattered", "words, scattered", "share of citations, scattered",
    "scattered places",
    # the code
    "notes with the code", "chapter", "length", "unspecified", "other code of the category", "codes of the category",
    # the rules
    *(f"verdict {name or 'other'}" for name in VERDICTS), "score", "mentions", "stated", "curated", "specific", "state",
    "other score of the category",
    # the record
    "length of the record", "assessment there",
)  # fmt: skip


@dataclass(slots=True)
class Candidate:
    """One code with its places, its features in the order of FEATURES, and the rules' suggestion if there is one."""

    code: str
    row: list[float] = field(default_factory=list)
    evidence: tuple[Evidence, ...] = ()
    suggestion: Suggestion | None = None
    denied: bool = False  # the record's word or a guideline is against it, whatever coders were seen to code


@dataclass(frozen=True, slots=True)
class _Place:
    """A phrase of the memory in a document, with what is said about it."""

    found: Found
    evidence: Evidence
    uncovered: bool
    position: float
    status: Status


def candidates(
    documents: Sequence[Document],
    memory: PhraseMemory | None,
    *,
    record: Record | None = None,
    suggestions: Iterable[Suggestion] = (),
    suppressed: Iterable[Suppressed] = (),
    tabular: Tabular | None = None,
    role: str = "diagnosis",
) -> list[Candidate]:
    """Gather every code that the memory or the rules know of, ordered by code.

    Without a `record` (another language than the rules') the memory alone speaks and nothing is known of negation.
    """
    places = _places(documents, memory, record, role) if memory else {}
    said = {item.code: item for item in suggestions}
    held: dict[str, Suppressed] = {}
    for item in suppressed:
        held.setdefault(item.code, item)
    codes = sorted(places.keys() | said.keys() | held.keys())
    length = math.log1p(sum(len(document.text) for document in documents))
    assessed = float(record.has_assessment) if record else 0.0
    gathered = []
    for code in codes:
        mine = places.get(code, [])
        row = [
            *_phrase_row(code, mine, memory),
            *_code_row(code, memory, tabular),
            *_rules_row(said.get(code), held.get(code)),
            0.0,
            length,
            assessed,
        ]
        gathered.append(
            Candidate(
                code,
                row,
                _evidence(mine, said.get(code), held.get(code)),
                said.get(code),
                code not in said and _denied(mine, held.get(code)),
            )
        )
    _compare(gathered)
    return gathered


def _places(
    documents: Sequence[Document], memory: PhraseMemory, record: Record | None, role: str
) -> dict[str, list[_Place]]:
    by_code: dict[str, list[_Place]] = defaultdict(list)
    at = statements_at(record)
    for document in documents:
        words = read_words(document.text, memory.language)
        whole = memory.find(words)
        longest = [0] * (len(words) + 1)
        for found in whole:
            for k in range(found.first, found.last):
                longest[k] = max(longest[k], found.last - found.first)
        exact = {found.phrase for found in whole}
        for found in [*whole, *(item for item in memory.find_scattered(words) if item.phrase not in exact)]:
            start, end = words[found.first].start, words[found.last - 1].end
            statement = at(document, start)
            section = statement.sentence.section if statement else ""
            status = statement.assertion(start, end).status if statement else Status.PRESENT
            place = _Place(
                found,
                Evidence(document.document_id, document.version, start, end, section, role),
                found.whole
                and all(longest[k] == found.last - found.first for k in range(found.first, found.last)),
                found.first / len(words),
                status,
            )
            for code in memory.phrases[found.phrase].cited:
                by_code[code].append(place)
    return by_code


def statements_at(record: Record | None) -> Callable[[Document, int], Statement | None]:
    """Return a look-up of the statement that holds a character."""
    by_document: dict[object, list[Statement]] = defaultdict(list)
    for statement in record.statements if record else ():
        by_document[statement.document.document_id].append(statement)
    starts = {key: [item.sentence.start for item in items] for key, items in by_document.items()}

    def at(document: Document, place: int) -> Statement | None:
        items = by_document.get(document.document_id)
        if not items:
            return None
        index = bisect_right(starts[document.document_id], place) - 1
        return items[index] if index >= 0 else None

    return at


def _phrase_row(code: str, places: Sequence[_Place], memory: PhraseMemory | None) -> list[float]:
    if memory is None or not places:
        return [0.0] * 14 + [1.0] + [0.0] * 7
    best: tuple[float, ...] = (0.0,) * 8
    uncovered: tuple[float, ...] = (0.0,) * 8
    scattered: tuple[float, ...] = (0.0,) * 4
    count, open_count, far, present, absent, loose = 0, 0, 1.0, 0, 0, 0
    for place in places:
        known = memory.facts(place.found.phrase, code)
        far = min(far, place.position)
        present += place.status is Status.PRESENT
        absent += place.status in (Status.NEGATED, Status.FAMILY)
        if not place.found.whole:
            loose += 1
            scattered = max(scattered, (known.scattered_right, known.scattered, known.words, known.cited))
            continue
        count += 1
        facts = (
            known.right,
            known.notes,
            known.notes_right,
            known.words,
            float(place.uncovered),
            known.cited,
            known.letters,
            known.citations,
        )
        best = max(best, facts)
        if place.uncovered:
            open_count += 1
            uncovered = max(uncovered, facts)
    return [
        *best,
        uncovered[0],
        uncovered[1],
        uncovered[3],
        uncovered[5],
        count,
        open_count,
        far,
        present,
        absent,
        *scattered,
        loose,
    ]


def _code_row(code: str, memory: PhraseMemory | None, tabular: Tabular | None) -> list[float]:
    title = tabular.title(code).lower() if tabular and tabular.billable(code) else ""
    return [
        math.log1p(memory.codes.get(code, 0)) if memory else 0.0,
        ord(code[0]),
        len(code),
        float("unspecified" in title),
        0.0,
        0.0,
    ]


def _rules_row(said: Suggestion | None, held: Suppressed | None) -> list[float]:
    verdict = len(VERDICTS)
    if said:
        verdict = 0
    elif held:
        verdict = next(at for at, name in enumerate(VERDICTS) if at and held.why.startswith(name))
    row = [float(verdict == at) for at in range(len(VERDICTS))]
    if said is None:
        return [*row, 0.0, float(len(held.evidence)) if held else 0.0, 0.0, 0.0, 0.0, 0.0]
    mentions = [place for place in said.evidence if place.role == "diagnosis"]
    return [
        *row,
        said.score,
        len(mentions),
        float(any(place.section in ("assessment", "diagnosis", "impression") for place in mentions)),
        float("lexicon:curated" in said.rules),
        float(len(said.evidence) > len(mentions)),
        float(not any(rule.startswith("lexicon:") for rule in said.rules)),
    ]


_SHARE, _SCATTERED, _OTHER, _MANY = (FEATURES.index(name) for name in (
    "share right", "share right, scattered", "other code of the category", "codes of the category"))  # fmt: skip
_SCORE, _OTHER_SCORE = FEATURES.index("score"), FEATURES.index("other score of the category")


def _compare(gathered: Sequence[Candidate]) -> None:
    """Tell each candidate how strong the others of its category are."""
    categories: Mapping[str, list[Candidate]] = defaultdict(list)
    for candidate in gathered:
        categories[candidate.code[:3]].append(candidate)
    for members in categories.values():
        for candidate in members:
            others = [other for other in members if other is not candidate]
            candidate.row[_MANY] = len(others)
            candidate.row[_OTHER] = max((max(o.row[_SHARE], o.row[_SCATTERED]) for o in others), default=0.0)
            candidate.row[_OTHER_SCORE] = max((o.row[_SCORE] for o in others), default=0.0)


def _evidence(
    places: Sequence[_Place], said: Suggestion | None, held: Suppressed | None
) -> tuple[Evidence, ...]:
    if said:
        return said.evidence
    own = sorted(
        places, key=lambda place: (not place.found.whole, not place.uncovered, -len(place.found.phrase))
    )
    spans = dict.fromkeys(place.evidence for place in own)
    return tuple(spans)[:_MAX_EVIDENCE] or (held.evidence if held else ())


def _denied(places: Sequence[_Place], held: Suppressed | None) -> bool:
    if held and not held.why.startswith(SOFT):
        return True
    return bool(places) and all(place.status in _NOT_STATED for place in places)
