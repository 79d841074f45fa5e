"""A record as the engine reads it: every document cut into statements with slots, matches and assertions."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from rcm_coding.engine.context import Assertion, SentenceContext, Status
from rcm_coding.engine.evidence import Document, Evidence
from rcm_coding.engine.lexicon import Lexicon, Match, Slot, site_stems
from rcm_coding.engine.prefilter import Scan
from rcm_coding.engine.sections import SECTION_WEIGHT, Section, Sentence, cut_sections, cut_sentences
from rcm_coding.engine.stems import Token, tokens

_SITES = site_stems()
_SITE_FIRST = frozenset(phrase[0] for phrase in _SITES)
_SIDE_WORDS = {
    "right": "right",
    "rt": "right",
    "left": "left",
    "lt": "left",
    "bilateral": "bilateral",
    "bilaterally": "bilateral",
    "both": "bilateral",
}
_SIDE_LETTERS = {"r": "right", "l": "left"}
_NO_SIDE_AFTER = frozenset(
    ["at", "now", "away", "after", "before", "here", "there", "on", "upon", "in", "through", "along"]
)
_DEFAULT_SECTION = {
    "discharge-summary": "hospital-course",
    "imaging-report": "findings",
    "operative-note": "procedure",
    "operative-report": "procedure",
    "procedure-note": "procedure",
    "addendum": "assessment",  # an authenticated statement of the provider
    "query-answer": "assessment",
}
#: Documents that state results or wishes: they lend indicators to questions, never a diagnosis or a procedure.
_RESULTS_ONLY = frozenset({"order", "lab-report", "medication-list"})
#: Read by a physician, but for an inpatient the attending must state it (Guidelines III.B).
_RESULTS_FOR_INPATIENT = frozenset({"imaging-report", "pathology-report"})
MAX_TEXT = 400_000  # characters of one document that are read


@dataclass(frozen=True, slots=True)
class Site:
    """A written body site and the words of the tabular list that it counts as."""

    stems: frozenset[str]
    start: int
    end: int


class Statement:
    """One sentence of one document, tokenised once; everything else is computed on demand."""

    def __init__(
        self, document: Document, sentence: Sentence, words: list[Token], lexicon: Lexicon, scan: Scan
    ) -> None:
        self.document = document
        self.sentence = sentence
        self.words = words
        self._lexicon = lexicon
        self._scan = scan

    @cached_property
    def text(self) -> str:
        """The statement's words in lower case."""
        return self.document.text[self.sentence.start : self.sentence.end].lower()

    def search(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Search the statement; offsets of the match are those of the document's text."""
        if not self.may_match(pattern):
            return None
        return pattern.search(self.document.text, self.sentence.start, self.sentence.end)

    def may_match(self, pattern: re.Pattern[str]) -> bool:
        """Tell whether a pattern may match here; False is certain."""
        return self._scan.may_match(pattern, self.text)

    @cached_property
    def slots(self) -> list[Slot]:
        """Tokens with the words of the tabular list that they count as."""
        return self._lexicon.slots(self.words)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Every stem of the statement."""
        return frozenset().union(*(slot.stems for slot in self.slots)) if self.slots else frozenset()

    @cached_property
    def matches(self) -> list[Match]:
        """The terms found."""
        if not self.context.cues:
            return self._lexicon.find(self.slots)
        groups = [self.assertion(slot.start, slot.end).status.value for slot in self.slots]
        return self._lexicon.find(self.slots, groups)

    @cached_property
    def context(self) -> SentenceContext:
        """The cues of the statement."""
        return SentenceContext(self.document.text, self.sentence, self.may_match)

    def assertion(self, start: int, end: int) -> Assertion:
        """Return what the statement says about the mention at [start, end)."""
        return self.context.assertion(start, end)

    def present(self, start: int, end: int) -> bool:
        """Tell whether the mention is stated as a fact about the patient now."""
        return self.assertion(start, end).status is Status.PRESENT

    @property
    def weight(self) -> float:
        """The section's weight as a source of diagnoses; 0 where none may come from."""
        return SECTION_WEIGHT.get(self.sentence.section) or 0.0

    @property
    def states_diagnoses(self) -> bool:
        """Tell whether diagnoses may come from its section."""
        return self.weight > 0

    @cached_property
    def sides(self) -> list[tuple[str, Token]]:
        """Sides named in the statement, with their words."""
        found = []
        for at, word in enumerate(self.words):
            side = _SIDE_WORDS.get(word.word)
            if side is None and word.word in _SIDE_LETTERS and self._is_side_letter(word, at):
                side = _SIDE_LETTERS[word.word]
            if side is None:
                continue
            follower = self.words[at + 1].word if at + 1 < len(self.words) else ""
            if word.word == "right" and follower in _NO_SIDE_AFTER:
                continue
            found.append((side, word))
        return found

    def _is_side_letter(self, word: Token, at: int) -> bool:
        """Tell whether a single letter is a side: written as R or L before a word in small letters ("R knee")."""
        text = self.document.text
        if text[word.start : word.end] not in ("R", "L") or at + 1 >= len(self.words):
            return False
        follower = self.words[at + 1]
        return (
            text[word.end : follower.start] in (" ", ") ")
            and len(follower.word) > 2
            and follower.word.isalpha()
            and (text[follower.start].islower() or follower.word in ("tm", "knee", "hip", "shoulder"))
        )

    @cached_property
    def sites(self) -> list[Site]:
        """Body sites named in the statement, as the tabular list calls them."""
        found = []
        for at, word in enumerate(self.words):
            if word.stem not in _SITE_FIRST:
                continue
            for phrase, stems in _SITES.items():
                last = at + len(phrase)
                if last <= len(self.words) and tuple(item.stem for item in self.words[at:last]) == phrase:
                    found.append(Site(stems, word.start, self.words[last - 1].end))
        return found

    def evidence(self, start: int, end: int, role: str) -> Evidence:
        """Make evidence from a place in this statement."""
        document = self.document
        return Evidence(document.document_id, document.version, start, end, self.sentence.section, role)


class Record:
    """All statements of all documents, in document order."""

    def __init__(self, documents: Iterable[Document], lexicon: Lexicon, setting: str = "") -> None:
        self.documents = tuple(sorted(documents, key=lambda document: document.order))
        self._scans = [Scan(document.text[:MAX_TEXT]) for document in self.documents]
        weak = _RESULTS_ONLY | (_RESULTS_FOR_INPATIENT if setting == "inpatient" else frozenset())
        self.statements: tuple[Statement, ...] = tuple(
            statement
            for document, scan in zip(self.documents, self._scans, strict=True)
            for statement in _read(document, lexicon, scan, results_only=document.kind in weak)
        )

    @cached_property
    def has_assessment(self) -> bool:
        """Whether any document has a section that states diagnoses."""
        return any(
            item.sentence.section in ("assessment", "diagnosis", "impression") for item in self.statements
        )

    def may_match(self, pattern: re.Pattern[str]) -> bool:
        """Tell whether a pattern may match anywhere in the record; False is certain."""
        return any(scan.may_match(pattern) for scan in self._scans)

    def about(self, stems: frozenset[str], document: Document) -> list[Statement]:
        """Return the statements of the record that name one of the stems, the same document's first."""
        found = [item for item in self.statements if not stems.isdisjoint(item.stems)]
        return sorted(found, key=lambda item: item.document is not document)

    def first(self, pattern: re.Pattern[str], role: str, *, stated: bool = True) -> Evidence | None:
        """Return the first place of the record that matches,
        stated as a fact about the patient unless told otherwise.
        """
        return next(self.places(pattern, role, stated=stated), None)

    def places(self, pattern: re.Pattern[str], role: str, *, stated: bool = True) -> Iterator[Evidence]:
        """Yield the places that match, at most one for each statement."""
        if not self.may_match(pattern):
            return
        for statement in self.statements:
            if statement.sentence.section in _ABOUT_OTHERS:
                continue
            match = statement.search(pattern)
            if match and (not stated or _asserted(statement, match)):
                yield statement.evidence(match.start(), match.end(), role)

    @cached_property
    def plain_text(self) -> str:
        """Everything that is stated about the patient in lower case (sections about others are left out)."""
        return "\n".join(item.text for item in self.statements if item.sentence.section not in _ABOUT_OTHERS)


_ABOUT_OTHERS = frozenset({"family-history", "education", "instructions", "consent", "demographics"})


def _asserted(statement: Statement, match: re.Match[str]) -> bool:
    """Lists of drugs, results and vitals state facts, though no diagnoses."""
    assertion = statement.assertion(match.start(), match.end())
    if assertion.status is Status.HYPOTHETICAL and assertion.cue in ("medications", "vitals"):
        return True
    return assertion.status is Status.PRESENT


def _read(document: Document, lexicon: Lexicon, scan: Scan, *, results_only: bool) -> Iterator[Statement]:
    text = document.text[:MAX_TEXT]
    sections: list[Section] = cut_sections(text, _DEFAULT_SECTION.get(document.kind, "body"))
    if results_only:
        sections = [Section("results", section.start, section.end) for section in sections]
    for section in sections:
        for sentence in cut_sentences(text, section):
            words = tokens(text, sentence.start, sentence.end)
            if words:
                yield Statement(document, sentence, words, lexicon, scan)
