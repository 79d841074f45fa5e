"""Words as the phrase memory compares them: without case, accents, stop words and endings, with character offsets."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Language = Literal["en", "es"]

_WORD = re.compile(r"[a-z0-9]+(?:[.,][0-9]+)?|\+|%")
_STOP: dict[str, frozenset[str]] = {
    "en": frozenset(
        "a an and as at be been by for from had has have he her his in is it its no nor not of on or she that the"
        " their these this those to was were which with without".split()
    ),
    "es": frozenset(
        "a al con de del desde e el en entre es fue hasta la las le les lo los mas muy ni no o para por que se sin"
        " sobre su sus tras u un una unas unos y como".split()
    ),
}


@dataclass(frozen=True, slots=True)
class Word:
    """One word that counts, with the characters of the text that it stands for."""

    key: str
    start: int
    end: int


@lru_cache(maxsize=16)  # every code system's memory reads the same note
def read_words(text: str, language: Language) -> tuple[Word, ...]:
    """Return the words of a text that count."""
    stop = _STOP[language]
    return tuple(
        Word(shortened(found.group(), language), found.start(), found.end())
        for found in _WORD.finditer(plain(text))
        if found.group() not in stop
    )


def is_stop(word: str, language: Language) -> bool:
    """Tell whether a plain word carries no meaning of its own."""
    return word in _STOP[language]


def raw_words(text: str) -> list[Word]:
    """Return every word, plain but whole."""
    return [Word(found.group(), found.start(), found.end()) for found in _WORD.finditer(plain(text))]


def plain(text: str) -> str:
    """Return the text in lower case and without accents, character for character."""
    if text.isascii():
        return text.lower()
    return "".join(map(_plain, text))


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    lowered = character.lower()
    if len(lowered) != 1:
        return " "
    base = unicodedata.normalize("NFD", lowered)[0]
    return base if not unicodedata.combining(base) else " "


@lru_cache(maxsize=1 << 16)
def shortened(word: str, language: Language) -> str:
    """Return a plain word without its inflection."""
    if language == "en":
        if len(word) > 4 and word.endswith("ies"):
            return word[:-3] + "y"
        return (
            word[:-1]
            if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
            else word
        )
    if len(word) > 4 and word.endswith("es"):
        return word[:-2]
    if len(word) > 3 and word.endswith("s"):
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word[-1] in "aoe" else word
