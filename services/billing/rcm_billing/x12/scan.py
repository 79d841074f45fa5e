"""Cut a file of any origin into numbered segments: delimiters from each ISA, BOM, blank lines, CR and LF around
segments, several interchanges with different delimiters. What cannot be cut is refused with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from rcm_billing.x12.reader import MAX_BYTES

_BLANK = "\r\n\t \0\x1a\ufeff"
_ISA_WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
_ISA_LENGTH = 106
_TAG = re.compile(r"[A-Z][A-Z0-9]{1,2}\Z")
_SHAPE = re.compile(r"[A-Z][A-Z0-9]{1,2}[!-/:-@\[-`{-~]")


@dataclass(slots=True)
class Placed:
    """One segment with its number in the file; `elements[0]` is its tag."""

    number: int
    elements: list[str]
    component: str = ":"

    @property
    def tag(self) -> str:
        """The segment's tag as written."""
        return self.elements[0]

    @property
    def name(self) -> str:
        """The tag when it is one, else "?" (it may hold anything)."""
        return self.elements[0] if _TAG.match(self.elements[0]) else "?"

    def get(self, index: int) -> str:
        """Return an element by its X12 number; past the end it is empty."""
        return self.elements[index] if index < len(self.elements) else ""

    def parts(self, index: int) -> list[str]:
        """Return the components of an element; ">" is taken where the declared separator does not occur."""
        value = self.get(index)
        if self.foreign_separator(index):
            return value.split(">")
        return value.split(self.component)

    def foreign_separator(self, index: int) -> bool:
        """Return whether the element uses ">" although the interchange declares another separator."""
        value = self.get(index)
        return self.component != ">" and ">" in value and self.component not in value


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with the bytes themselves: `fatal` when reading stops there."""

    code: str
    message: str
    number: int
    tag: str
    fatal: bool = False


@dataclass(slots=True)
class Cut:
    """The segments of one interchange and the flaws found while cutting it."""

    segments: list[Placed] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    start: int = 0
    end: int = 0
    delimiters: tuple[str, str, str, str] = ("*", ":", "^", "~")


@dataclass(slots=True)
class Scan:
    """A file cut up: its text and one `Cut` per interchange (one empty cut when there is none)."""

    text: str
    cuts: list[Cut]


def scan(data: bytes) -> Scan:
    """Cut a file into interchanges; never raises."""
    refusal = _refusal(data)
    if refusal is not None:
        return Scan("", [Cut(flaws=[refusal])])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    position = len(text) - len(text.lstrip(_BLANK))
    if not text.startswith("ISA", position):
        return Scan(text, [Cut(flaws=[_no_header(text[position : position + 200])])])
    return Scan(text, list(_cuts(text, position)))


def _refusal(data: bytes) -> Flaw | None:
    if not data.strip():
        return Flaw("empty", "the file is empty", 0, "", fatal=True)
    if len(data) > MAX_BYTES:
        return Flaw("too-large", f"the file has more than {MAX_BYTES} bytes", 0, "", fatal=True)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Flaw("encoding", "the file is UTF-16, X12 is plain ASCII", 0, "", fatal=True)
    return None


def _no_header(head: str) -> Flaw:
    found = _SHAPE.match(head)
    if found:
        tag = found.group()[:-1]
        return Flaw(
            "no-isa", f"the file begins with {tag}; the interchange header ISA is missing", 1, tag, fatal=True
        )
    return Flaw("not-x12", "the file is no X12 interchange: it does not begin with ISA", 0, "", fatal=True)


def _cuts(text: str, position: int) -> Iterator[Cut]:
    number = 0
    while position < len(text):
        cut = Cut(start=position)
        found = _delimiters(text, position)
        if isinstance(found, str):
            cut.flaws.append(Flaw("isa-unreadable", found, number + 1, "ISA", fatal=True))
            cut.end = len(text)
            yield cut
            return
        element, component, repetition, terminator, exact = found
        cut.delimiters = (element, component, repetition, terminator)
        end, after = _extent(text, position, element, terminator)
        number = _cut_up(text[position:end], cut, number)
        if not exact:
            cut.flaws.append(Flaw("isa-width", _wrong_width(cut.segments[0]), cut.segments[0].number, "ISA"))
        cut.end = end
        if text[end:after].strip(_BLANK):
            cut.flaws.append(
                Flaw("after-interchange", "text after IEA that belongs to no interchange", number, "IEA")
            )
        yield cut
        position = after


def _delimiters(text: str, start: int) -> tuple[str, str, str, str, bool] | str:
    """Return element, component and repetition separator, terminator and whether ISA has its fixed widths; or why
    it cannot be read.
    """
    element = text[start + 3 : start + 4]
    if not element or element.isalnum() or element.isspace():
        return "ISA is cut short or its element separator is a letter, digit or blank"
    place, places = start + 3, [start + 3]
    for _ in _ISA_WIDTHS[1:]:
        place = text.find(element, place + 1)
        if place < 0 or place > start + 250:
            return f"ISA has {len(places)} of 16 elements"
        places.append(place)
    if place + 2 >= len(text):
        return "ISA is cut short: the component separator or the segment terminator is missing"
    component, terminator = text[place + 1], text[place + 2]
    widths = [b - a - 1 for a, b in pairwise(places)]
    exact = tuple(widths) == _ISA_WIDTHS[:-1]
    if terminator.isalnum() or component.isalnum() or terminator == element or component == element:
        return "ISA has too few elements, or a letter, digit or used character stands where a delimiter is declared"
    if not exact and not re.match(r"(?:GS|TA1|IEA)", text[place + 3 :].lstrip(_BLANK)):
        return "ISA does not have its fixed length of 106 characters and no GS follows it"
    if terminator == " ":
        return "ISA declares a blank as the segment terminator"
    return element, component, text[places[10] + 1 : places[10] + 2], terminator, exact


def _wrong_width(isa: Placed) -> str:
    wrong = [
        f"ISA{index:02d} has {len(isa.get(index))} characters instead of {width}"
        for index, width in enumerate(_ISA_WIDTHS, 1)
        if len(isa.get(index)) != width
    ]
    return f"ISA does not have its fixed length of {_ISA_LENGTH}: " + ", ".join(wrong)


def _extent(text: str, start: int, element: str, terminator: str) -> tuple[int, int]:
    """Return where this interchange ends and where the next one begins (the length of the text: there is none).

    Without IEA the next ISA ends it.
    """
    mark = re.escape(terminator)
    nearer = re.compile(f"{mark}[{_BLANK}]*(?:(IEA){re.escape(element)}|ISA[^A-Za-z0-9\\s])")
    found = nearer.search(text, start)
    if found is None:
        return len(text), len(text)
    if found.group(1) is None:
        following = text.index("ISA", found.start())
        return following, following
    end = text.find(terminator, found.end())
    if end < 0:
        return len(text), len(text)
    header = re.compile(r"ISA[^A-Za-z0-9\s]").search(text, end)
    return end + 1, header.start() if header else len(text)


def _cut_up(text: str, cut: Cut, number: int) -> int:
    element, component, _, terminator = cut.delimiters
    *whole, rest = text.split(terminator)
    for raw in whole:
        stripped = raw.strip(_BLANK)
        if not stripped:
            continue
        number += 1
        placed = Placed(number, stripped.split(element), component)
        cut.segments.append(placed)
        if "\n" in stripped or "\r" in stripped:
            text_of = (
                "a line break inside the segment: another segment terminator than ISA declares, or a cut line"
            )
            cut.flaws.append(Flaw("line-break", text_of, number, placed.name))
        if not _TAG.match(placed.tag):
            cut.flaws.append(_bad_tag(placed))
    rest = rest.strip(_BLANK)
    if rest:
        number += 1
        placed = Placed(number, rest.split(element), component)
        cut.segments.append(placed)
        if re.search(rf"[^A-Za-z0-9](?:GS|ST|BHT|SE|GE|IEA){re.escape(element)}", rest):
            code, message = "terminator", "the segments do not end with the terminator that ISA declares"
        else:
            code, message = "cut-short", "the last segment has no terminator: the file is cut short here"
        cut.flaws.append(Flaw(code, message, number, placed.name))
    return number


def _bad_tag(placed: Placed) -> Flaw:
    shape = _SHAPE.match(placed.tag)
    if shape is not None:
        message = "the segment uses another element separator than ISA declares"
        return Flaw("element-separator", message, placed.number, shape.group()[:-1])
    shown = placed.tag if re.fullmatch(r"[A-Za-z0-9]{1,4}", placed.tag) else ""
    what = f"{shown} is no segment name" if shown else "the segment has no readable name"
    return Flaw("segment-name", what, placed.number, shown or "?")
