"""Reading a note just far enough for a query: sentences, and whether a term is asserted or negated."""

import re
from collections.abc import Iterator
from functools import lru_cache

#: A line break ends a sentence unless the next line goes on in lower case or with a number (wrapped text).
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|[ \t]*\n\s*(?=[^a-z0-9(\s])")
_NEGATION = re.compile(
    r"\b(?:no|not|denie[sd]|denying|without|negative for|free of|absence of|rules? out|ruled out|rule-out"
    r"|unlikely)\b",
    re.IGNORECASE,
)
_SCOPE_END = re.compile(r"\b(?:but|however|although|except|with)\b|[;:]", re.IGNORECASE)
_AFTER = re.compile(
    r"^\s*(?:was |is |has been |were |are )?(?:ruled out|unlikely|not present|absent)\b", re.IGNORECASE
)
NEGATION_WORDS = 8  # how far a negation reaches forward within its sentence


@lru_cache(maxsize=512)
def pattern(expression: str) -> re.Pattern[str]:
    """Compile a case-insensitive expression that starts and ends at word borders."""
    return re.compile(rf"(?<!\w)(?:{expression})(?!\w)", re.IGNORECASE)


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each sentence or line, without surrounding blanks."""
    start = 0
    for mark in _SENTENCE_END.finditer(text):
        yield from _trimmed(text, start, mark.start())
        start = mark.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    chunk = text[start:end]
    if chunk.strip():
        yield start + len(chunk) - len(chunk.lstrip()), start + len(chunk.rstrip())


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span to the sentences that it touches."""
    touched = [(a, b) for a, b in sentences(text) if a < end and b > start]
    return (touched[0][0], touched[-1][1]) if touched else (start, end)


def is_negated(text: str, start: int, end: int) -> bool:
    """Tell whether a negation stands before the span (or a "ruled out" behind it) in its own sentence."""
    left, right = sentence_around(text, start, end)
    before = text[left:start]
    breaks = list(_SCOPE_END.finditer(before))
    scope = before[breaks[-1].end() :] if breaks else before
    marks = list(_NEGATION.finditer(scope))
    if marks and len(scope[marks[-1].end() :].split()) <= NEGATION_WORDS:
        return True
    return _AFTER.match(text[end:right]) is not None


def asserted(text: str, expression: str) -> Iterator[tuple[int, int]]:
    """Yield the spans where an expression stands without being negated."""
    for found in pattern(expression).finditer(text):
        if not is_negated(text, found.start(), found.end()):
            yield found.span()
