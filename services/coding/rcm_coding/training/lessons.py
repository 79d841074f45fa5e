"""Turns coded notes into what the fit takes: words, right codes, cited phrases, and the candidates of each note."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID, uuid5

from rcm_coding.engine.evidence import Document, Suggestion, Suppressed
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.ranking.features import Candidate, candidates
from rcm_coding.engine.ranking.memory import Lesson, Phrase, PhraseMemory
from rcm_coding.engine.ranking.model import DIAGNOSES
from rcm_coding.engine.ranking.words import Language, read_words
from rcm_coding.engine.reading import Record
from rcm_coding.engine.suggest import consider
from rcm_coding.training.alignment import Translation
from rcm_coding.training.codiesp import CodedNote
from rcm_coding.training.fit import Taught
from rcm_coding.training.generated import GeneratedNote

_NAMES = UUID("0190d6f0-6d1c-7a3e-9c55-2f3d5b1e8a40")
#: Gives the words of a note that say what the cited spans of the Spanish original say.
Carry = Callable[[CodedNote, Sequence[tuple[int, int]]], Phrase]
#: A case report tells a whole stay.
CASE_REPORT = "discharge-summary"
CASE_SETTING = "inpatient"


@dataclass
class Read:
    """One note as the rules read it, once for all memories."""

    documents: tuple[Document, ...]
    setting: str
    knowledge: Knowledge | None  # None: a language that the rules do not read

    @cached_property
    def considered(self) -> tuple[Record | None, list[Suggestion], list[Suppressed]]:
        """The record with what the rules see and hold back."""
        if self.knowledge is None:
            return None, [], []
        return consider(self.documents, self.setting, self.knowledge)

    def candidates(self, memory: PhraseMemory | None, system: str = DIAGNOSES) -> list[Candidate]:
        """Return the candidates of a code system under a memory."""
        record, suggestions, suppressed = self.considered
        diagnoses = system == DIAGNOSES
        return candidates(
            record.documents if record else self.documents,
            memory,
            record=record,
            suggestions=suggestions if diagnoses else (),
            suppressed=suppressed if diagnoses else (),
            tabular=self.knowledge.tabular if self.knowledge else None,
            role="diagnosis" if diagnoses else "procedure",
        )


def read_case(note: CodedNote, language: Language, knowledge: Knowledge | None) -> Read:
    """Read a case report; `knowledge` counts for English only."""
    document = Document(uuid5(_NAMES, note.note), 1, CASE_REPORT, note.text(language))
    return Read((document,), CASE_SETTING, knowledge if language == "en" else None)


def read_generated(note: GeneratedNote, number: int, knowledge: Knowledge) -> Read:
    """Read a generated note."""
    return Read(
        (Document(uuid5(_NAMES, f"generated-{number}"), 1, note.kind, note.text),), note.setting, knowledge
    )


def teach_cases(notes: Sequence[CodedNote], language: Language, system: str, carry: Carry) -> list[Taught]:
    """Return the lessons of a corpus for one code system."""
    taught = []
    for note in notes:
        cited = []
        for citation in note.citations:
            phrase = carry(note, citation.spans) if citation.system == system else ()
            if phrase:
                cited.append((phrase, citation.code))
        right = note.codes[system]
        taught.append(Taught(Lesson(read_words(note.text(language), language), right, tuple(cited)), right))
    return taught


def carrier(notes: Sequence[CodedNote], language: Language) -> Carry:
    """Return how a cited phrase is said in a language; English is learned from the notes and their translation."""
    if language == "es":
        return lambda note, spans: tuple(
            word.key for start, end in spans for word in read_words(note.spanish[start:end], "es")
        )
    translation = Translation(notes)

    def carried(note: CodedNote, spans: Sequence[tuple[int, int]]) -> Phrase:
        found = translation.carry(note, spans)
        return (
            tuple(word.key for word in read_words(note.english[found[0] : found[1]], "en")) if found else ()
        )

    return carried


def teach_codes(codes: Iterable[frozenset[str]]) -> list[Taught]:
    """Return lessons that know the right codes of notes and none of their words."""
    return [Taught(Lesson((), right, ()), right) for right in codes]
