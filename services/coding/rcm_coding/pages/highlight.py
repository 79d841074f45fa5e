"""A document's text cut into plain and cited stretches, so that a page can mark the words behind each code."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rcm_coding.engine.evidence import Evidence

#: Controls and direction marks: they could hide or reorder what a coder reads. One sign each, so offsets hold.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
MAX_SHOWN = 400_000  # characters of one document on a page


@dataclass(frozen=True, slots=True)
class Cited:
    """A span with the number of the code that it supports."""

    number: int
    place: Evidence


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of text with the numbers of the codes that cite it; `begins` are those whose span starts here."""

    text: str
    start: int
    numbers: tuple[int, ...] = ()
    begins: tuple[int, ...] = ()


def visible(text: str) -> str:
    """Return the text with every invisible control and direction mark replaced by one sign, offsets unchanged."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def stretches(text: str, cited: Sequence[Cited]) -> list[Stretch]:
    """Cut a text at the borders of the spans. Spans outside the text are left out; nothing of it is lost."""
    shown = visible(text[:MAX_SHOWN])
    inside = [item for item in cited if 0 <= item.place.start < item.place.end <= len(shown)]
    borders = sorted(
        {0, len(shown), *(edge for item in inside for edge in (item.place.start, item.place.end))}
    )
    found = []
    for start, end in itertools.pairwise(borders):
        over = [item for item in inside if item.place.start <= start and end <= item.place.end]
        numbers = tuple(sorted({item.number for item in over}))
        begins = tuple(sorted({item.number for item in over if item.place.start == start}))
        found.append(Stretch(shown[start:end], start, numbers, begins))
    return found


def find_quote(text: str, quote: str) -> tuple[int, int] | None:
    """Return where words stand in a text, whatever the case and the white space between them, or None."""
    words = quote.split()
    if not words:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), visible(text), re.IGNORECASE)
    return (found.start(), found.end()) if found else None
