"""Phrase memory: the words that coders gave as evidence for a code, and how often those words meant it.

Built from decisions with spans; it suggests a code again where its phrase stands again, whole or with its words near
each other. Counts only: no text of a note is kept beyond the phrases themselves.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rcm_coding.engine.ranking.words import Language, Word

Phrase = tuple[str, ...]
_NEAR = 6  # words on either side within which the words of a scattered phrase must stand
_MAX_SCATTERED = 5


@dataclass(frozen=True, slots=True)
class Lesson:
    """One coded note: its words, its final codes, and the phrases that were cited for codes."""

    words: Sequence[Word]
    codes: frozenset[str]
    cited: tuple[tuple[Phrase, str], ...]


@dataclass(slots=True)
class Known:
    """What is known of one phrase: in how many notes it stood, and for each code how often it was cited and right."""

    notes: int = 0
    scattered: int = 0
    cited: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    scattered_right: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase of the memory in a note: the words [first, last) of the note; `whole` when they stand side by side."""

    phrase: Phrase
    first: int
    last: int
    whole: bool


class Facts(NamedTuple):
    """A phrase as a sign of a code: counts of notes as logarithms, shares drawn towards a half while few are known."""

    right: float  # the share of the notes with the phrase that had the code
    notes: float
    notes_right: float
    words: int
    cited: float  # the share of the phrase's citations that were for the code
    letters: int
    citations: float
    scattered_right: float
    scattered: float


class PhraseMemory:
    """All phrases of one language and one code system."""

    def __init__(
        self, language: Language, phrases: Mapping[Phrase, Known], codes: Mapping[str, int], notes: int
    ) -> None:
        self.language = language
        self.phrases = phrases
        self.codes = codes  # in how many notes each code was final
        self.notes = notes
        self._facts: dict[tuple[Phrase, str], Facts] = {}
        self._lengths: dict[str, set[int]] = defaultdict(set)
        frequency = Counter(word for phrase in phrases for word in set(phrase))
        self._bags: dict[str, list[tuple[frozenset[str], Phrase]]] = defaultdict(list)
        for phrase in phrases:
            self._lengths[phrase[0]].add(len(phrase))
            words = frozenset(phrase)
            if 2 <= len(words) <= _MAX_SCATTERED:
                self._bags[min(words, key=lambda word: (frequency[word], word))].append((words, phrase))

    def facts(self, phrase: Phrase, code: str) -> "Facts":
        """Return what is known of a phrase as a sign of a code, as the ranker takes it."""
        key = (phrase, code)
        found = self._facts.get(key)
        if found is None:
            known = self.phrases[phrase]
            found = self._facts[key] = Facts(
                (known.right[code] + 0.3) / (known.notes + 0.6),
                math.log1p(known.notes),
                math.log1p(known.right[code]),
                len(phrase),
                known.cited[code] / known.cited.total(),
                len("".join(phrase)),
                math.log1p(known.cited[code]),
                (known.scattered_right[code] + 0.3) / (known.scattered + 0.6),
                math.log1p(known.scattered),
            )
        return found

    def find(self, words: Sequence[Word]) -> list[Found]:
        """Return every phrase that stands in the note word for word, nested ones too."""
        keys = [word.key for word in words]
        found = []
        for at, key in enumerate(keys):
            for length in self._lengths.get(key, ()):
                phrase = tuple(keys[at : at + length])
                if len(phrase) == length and phrase in self.phrases:
                    found.append(Found(phrase, at, at + length, True))
        return found

    def find_scattered(self, words: Sequence[Word]) -> list[Found]:
        """Return phrases whose words stand near each other in another order or with others between, once each."""
        places: dict[str, list[int]] = defaultdict(list)
        for at, word in enumerate(words):
            places[word.key].append(at)
        found = []
        for key, positions in places.items():
            for bag, phrase in self._bags.get(key, ()):
                if not all(other in places for other in bag):
                    continue
                for at in positions:
                    low, high = max(0, at - _NEAR), min(len(words), at + _NEAR + 1)
                    window = {words[k].key: k for k in range(low, high)}
                    if bag <= window.keys():
                        used = [window[item] for item in bag]
                        found.append(Found(phrase, min(used), max(used) + 1, False))
                        break
        return found

    def dump(self) -> dict[str, Any]:
        """Return a plain form; the same memory gives the same form."""
        return {
            "language": self.language,
            "notes": self.notes,
            "codes": dict(sorted(self.codes.items())),
            "phrases": [
                [
                    " ".join(phrase),
                    known.notes,
                    known.scattered,
                    [
                        [code, known.cited[code], known.right[code], known.scattered_right[code]]
                        for code in sorted(known.cited)
                    ],
                ]
                for phrase, known in sorted(self.phrases.items())
            ],
        }

    @classmethod
    def load(cls, body: Mapping[str, Any]) -> "PhraseMemory":
        """Read what `dump` gave."""
        phrases: dict[Phrase, Known] = {}
        for text, notes, scattered, codes in body["phrases"]:
            known = Known(notes, scattered)
            for code, cited, right, scattered_right in codes:
                known.cited[code], known.right[code], known.scattered_right[code] = (
                    cited,
                    right,
                    scattered_right,
                )
            phrases[tuple(text.split(" "))] = known
        return cls(body["language"], phrases, body["codes"], body["notes"])


def learn(language: Language, lessons: Iterable[Lesson]) -> PhraseMemory:
    """Build a memory: which phrases were cited for which codes, then how often each was right over all lessons."""
    lessons = list(lessons)
    phrases: dict[Phrase, Known] = {}
    for lesson in lessons:
        for phrase, code in dict.fromkeys(lesson.cited):
            if phrase:
                phrases.setdefault(phrase, Known()).cited[code] += 1
    memory = PhraseMemory(
        language, phrases, Counter(code for one in lessons for code in one.codes), len(lessons)
    )
    for lesson in lessons:
        for phrase in {found.phrase for found in memory.find(lesson.words)}:
            known = phrases[phrase]
            known.notes += 1
            known.right.update(code for code in known.cited if code in lesson.codes)
        for phrase in {found.phrase for found in memory.find_scattered(lesson.words)}:
            known = phrases[phrase]
            known.scattered += 1
            known.scattered_right.update(code for code in known.cited if code in lesson.codes)
    return memory
