"""Finds terms of the tabular list in sentences by token sets: all stems of a term near each other, in any
order.

Terms come from titles, inclusion terms and curated wording. Sides, "unspecified" and "without …" are lifted
out of
a term, because they are documented (or not) apart from the condition; `refine` decides them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rcm_coding.engine.stems import STOP_WORDS, Token, content_stems, stem, tokens
from rcm_coding.engine.synonyms import GENERIC, PHRASES, SITES, TERMS
from rcm_coding.engine.tabular import Tabular, plain_code
from rcm_coding.engine.wording import MORE_PHRASES, MORE_TERMS

#: Chapters whose titles are too close to everyday words for token-set matching: curated terms only.
_CURATED_ONLY = frozenset("VWXYZ")
_LIFTED = re.compile(
    r"\bwithout\b[^,;]*|\bincluding\b[^,;]*|\bnot specified as\b[^,;]*|\[[^\]]*\]|\bnot elsewhere classified\b"
    r"|\bunspecified\b|\bother specified\b|\bother and\b|\bother\b|\bNOS\b|\bNEC\b"
    r"|\b(?:first|second|third|unspecified) trimester\b",
    re.IGNORECASE,
)
_NONESSENTIAL = re.compile(r"\([^)]*\)")
_MAX_TERM_STEMS = 9
_SHORT = 2  # letters of an abbreviation that must be written in capitals
_ABBREVIATION = 5  # letters
#: Longer abbreviations that are everyday words in small letters ("heating pad").
_ALSO_WORDS = frozenset({"pad", "all", "aid", "bad", "tia"})
_MAX_TERM_CODES = 60
_ACCESSORY, _PAIR = stem("accessory"), 2
_SLACK_TOKENS = 3  # tokens a term's window may be longer than the term, plus one for each stem


@dataclass(frozen=True, slots=True)
class Term:
    """A set of stems that names one or more codes (several when only lifted axes separate them)."""

    stems: frozenset[str]
    codes: tuple[str, ...]
    curated: bool


@dataclass(frozen=True, slots=True)
class Match:
    """A term found in a sentence, with the offsets of the words that carry it."""

    term: Term
    start: int
    end: int
    spans: tuple[tuple[int, int], ...]
    tightness: float  # 1.0 when the words stand side by side
    inside: tuple["Match", ...] = ()  # narrower terms within this one's words


@dataclass(frozen=True, slots=True)
class Slot:
    """One position of a sentence with every stem that it counts as."""

    stems: frozenset[str]
    start: int
    end: int
    word: str = ""  # the stem as written; the others are what the phrase counts as


class Lexicon:
    """All terms, indexed by their rarest stem. Immutable after building."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms = tuple(terms)
        frequency: dict[str, int] = {}
        for term in self.terms:
            for item in term.stems:
                frequency[item] = frequency.get(item, 0) + 1
        self._frequency = frequency
        index: dict[str, list[Term]] = {}
        for term in self.terms:
            rarest = min(term.stems, key=lambda item: (frequency[item], item))
            index.setdefault(rarest, []).append(term)
        self._index = index
        self._phrases = _phrase_table()
        self._generic = generic_stems()

    def rarity(self, item: str) -> int:
        """Return in how many terms a stem occurs."""
        return self._frequency.get(item, 0)

    def slots(self, words: list[Token]) -> list[Slot]:
        """Turn a sentence's tokens into slots;
        written phrases also count as their words of the tabular list.
        """
        extra: dict[int, set[str]] = {}
        spans: dict[int, tuple[int, int]] = {}
        for at, word in enumerate(words):
            for phrase, stems in self._phrases.get(word.stem, ()):
                last = at + len(phrase)
                if (
                    len(phrase) == 1
                    and not word.capitals
                    and (len(phrase[0]) <= _SHORT or phrase[0] in _ALSO_WORDS)
                ):
                    continue  # "Ms" is no abbreviation of a disease
                if last <= len(words) and tuple(item.stem for item in words[at:last]) == phrase:
                    extra.setdefault(at, set()).update(stems)
                    low, high = spans.get(at, (word.start, word.end))
                    spans[at] = (low, max(high, words[last - 1].end))
        found = []
        for at, word in enumerate(words):
            if at in extra:
                start, end = spans[at]
                found.append(Slot(frozenset({word.stem} | extra[at]), start, end, word.stem))
            else:
                found.append(Slot(frozenset((word.stem,)), word.start, word.end, word.stem))
        return found

    def find(self, slots: list[Slot], groups: Sequence[str] = ()) -> list[Match]:
        """Return the terms of one sentence, the widest first; a term inside a wider one is dropped.

        `groups` says for each slot what the sentence states about it (negated, uncertain, …): a term's words
        must
        all be of one group, so that "stones without obstruction" is not stones with obstruction.
        """
        matches: list[tuple[Match, frozenset[int]]] = []
        for group in dict.fromkeys(groups) or ("",):
            places: dict[str, list[int]] = {}
            for at, slot in enumerate(slots):
                if not groups or groups[at] == group:
                    for item in sorted(slot.stems):  # the order decides between equals: never that of a set
                        places.setdefault(item, []).append(at)
            present = places.keys()
            for item in present:
                for term in self._index.get(item, ()):
                    if term.stems <= present:
                        window = _tightest(term.stems, places, item)
                        if window is not None and self._whole(term, slots, window):
                            matches.append((_match(term, slots, window), frozenset(window)))
        matches.sort(
            key=lambda pair: (-len(pair[0].term.stems), -pair[0].tightness, not pair[0].term.curated)
        )
        kept: list[tuple[Match, frozenset[int]]] = []
        inner: dict[int, list[Match]] = {}
        for match, places_used in matches:
            wider = next(
                (
                    number
                    for number, (wide, other) in enumerate(kept)
                    if places_used <= other
                    and (
                        match.term.stems < wide.term.stems
                        or (
                            places_used < other
                            and wide.tightness > 0.6
                            and len(match.term.stems) < len(wide.term.stems)
                        )
                    )
                ),
                None,
            )
            if wider is None:
                kept.append((match, places_used))
            else:
                inner.setdefault(wider, []).append(match)
        return [
            replace(match, inside=tuple(inner[number])) if number in inner else match
            for number, (match, _) in enumerate(kept)
        ]

    def _whole(self, term: Term, slots: list[Slot], window: tuple[int, ...]) -> bool:
        """Tell whether a term takes more than the general words of each written phrase that it uses.

        "COPD with pneumonia" is no "pneumonia in diseases …": the disease is the one of COPD.
        """
        for at in window:
            slot = slots[at]
            if len(slot.stems) > 1 and slot.word not in term.stems:
                used = term.stems & slot.stems
                telling = slot.stems - {slot.word} - self._generic
                if telling and not used & telling:
                    return False
                if slot.end - slot.start <= _ABBREVIATION and not telling <= used:
                    return False  # "COPD, HTN" is no pulmonary hypertension
        return True

    def dump(self) -> list[list[Any]]:
        """Return the terms as plain lists, for a compiled artefact."""
        return [
            [" ".join(sorted(term.stems)), " ".join(term.codes), int(term.curated)] for term in self.terms
        ]

    @classmethod
    def load(cls, rows: list[list[Any]]) -> "Lexicon":
        """Make a lexicon from what `dump` returned."""
        return cls(Term(frozenset(row[0].split(" ")), tuple(row[1].split(" ")), bool(row[2])) for row in rows)


def build_lexicon(tabular: Tabular, extra: Iterable[tuple[frozenset[str], str]] = ()) -> Lexicon:
    """Compile the terms of one edition. `extra` has (stems, code) of an index; titles say the same words first."""
    generic = generic_stems()
    sources: dict[frozenset[str], dict[str, None]] = {}
    for concept in tabular.concepts.values():
        if concept.code[0] in _CURATED_ONLY:
            continue
        texts = [concept.title, *tabular.notes.get(concept.code, {}).get("inclusion", ())]
        for text in texts:
            for variant in _variants(text):
                if concept.code[0] == "Q" and len(variant) == _PAIR and _ACCESSORY in variant:
                    continue  # "accessory muscle" in a note is how the patient breathes, no malformation
                if variant - generic and 0 < len(variant) <= _MAX_TERM_STEMS and _telling(variant, generic):
                    sources.setdefault(variant, {})[concept.code] = None
    terms = {
        stems: Term(stems, tuple(codes), False)
        for stems, codes in sources.items()
        if len(codes) <= _MAX_TERM_CODES
    }
    for stems, code in extra:
        if code in tabular.concepts:
            terms.setdefault(stems, Term(stems, (code,), False))
    for phrase, code in curated_terms():
        stems = content_stems(phrase)
        if code in tabular.concepts and stems:
            terms[stems] = Term(stems, (code,), True)
    return Lexicon(terms.values())


def curated_terms() -> list[tuple[str, str]]:
    """Return (phrase, code without dot) of the curated terms."""
    lines = [*TERMS.strip().splitlines(), *MORE_TERMS.strip().splitlines()]
    rows = (line.split(" > ") for line in lines)
    return [(phrase.strip(), plain_code(code)) for phrase, code in rows]


def generic_stems() -> frozenset[str]:
    """Return the stems that are too general to make a term."""
    return frozenset(stem(word) for word in GENERIC.split())


def site_stems() -> dict[tuple[str, ...], frozenset[str]]:
    """Return for each written site (as a tuple of stems) the stems that it counts as."""
    return {
        tuple(token.stem for token in tokens(written)): content_stems(counts_as)
        for written, counts_as in (line.split(" = ") for line in SITES.strip().splitlines())
    }


def _telling(stems: frozenset[str], generic: frozenset[str]) -> bool:
    """Tell whether a term is specific enough: one word must be a long disease word of its own."""
    rest = stems - generic
    if len(stems) == 1:
        return len(next(iter(rest))) >= 6
    return any(len(item) >= 4 for item in rest)


def _variants(text: str) -> Iterable[frozenset[str]]:
    bare = _LIFTED.sub(" ", text)
    stems = content_stems(bare)
    if len(stems) > 1 or "without" not in text.lower():  # "attacks without …" is no "attacks"
        yield stems
    if "(" in bare:
        yield content_stems(_NONESSENTIAL.sub(" ", bare))
    if "," in bare:
        head, _, rest = bare.partition(",")
        if len(rest.split()) <= 3:
            yield content_stems(f"{head} {rest}")


def _phrase_table() -> dict[str, tuple[tuple[tuple[str, ...], frozenset[str]], ...]]:
    table: dict[str, list[tuple[tuple[str, ...], frozenset[str]]]] = {}
    for line in [*PHRASES.strip().splitlines(), *MORE_PHRASES.strip().splitlines()]:
        written, _, counts_as = line.partition(" = ")
        phrase = tuple(token.stem for token in tokens(written))
        stems = frozenset(token.stem for token in tokens(counts_as) if token.word not in STOP_WORDS)
        table.setdefault(phrase[0], []).append((phrase, stems))
    return {first: tuple(rows) for first, rows in table.items()}


def _tightest(stems: frozenset[str], places: dict[str, list[int]], anchor: str) -> tuple[int, ...] | None:
    """Return the slot positions of the closest arrangement around an anchor stem, or None when too loose."""
    best: tuple[int, ...] | None = None
    best_width = 10**6
    for at in places[anchor]:
        chosen = [min(places[item], key=lambda place: abs(place - at)) for item in stems]
        width = max(chosen) - min(chosen)
        if width < best_width:
            best, best_width = tuple(sorted(set(chosen))), width
    if best is None or best_width + 1 > 2 * len(stems) + _SLACK_TOKENS:
        return None
    if len(best) > 1:
        for item in stems:
            if item.isdigit() and not any(
                at - 1 in best
                or at + 1 in best
                or any(other != item and at in places[other] for other in stems)
                for at in places[item]
                if at in best
            ):
                return None  # a number belongs to the word beside it: "stage 3" is not the 2 of "type 2"
    return best


def _match(term: Term, slots: list[Slot], window: tuple[int, ...]) -> Match:
    spans = tuple((slots[at].start, slots[at].end) for at in window)
    width = window[-1] - window[0] + 1
    return Match(
        term,
        min(start for start, _ in spans),
        max(end for _, end in spans),
        spans,
        min(1.0, len(window) / width),
    )
