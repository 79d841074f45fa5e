"""Read any X12 interchange tolerantly: delimiters from ISA, byte-order mark, stray newlines, several
interchanges.

Only syntax is known here; what the segments mean is the business of the ack_* and remittance modules.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rcm_billing.domain.errors import Unreadable

MAX_BYTES = 64 * 1024 * 1024  # the largest file a partner may hand us; a bigger one is set aside unread
_ISA_ELEMENTS = 16


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; `elements[0]` is its tag. Reading past the end gives empty text."""

    elements: tuple[str, ...]
    component: str = ":"
    repetition: str = "^"

    @property
    def tag(self) -> str:
        """The segment's name."""
        return self.elements[0]

    def get(self, index: int) -> str:
        """Return an element by its X12 number (1 is the first after the tag)."""
        return self.elements[index] if index < len(self.elements) else ""

    def parts(self, index: int) -> list[str]:
        """Return the components of an element; ">" is taken where the declared separator does not occur."""
        value = self.get(index)
        if self.component not in value and ">" in value and self.component != ">":
            return value.split(">")
        return value.split(self.component)


@dataclass(slots=True)
class TransactionSet:
    """The segments of one ST .. SE, both included, with the group they came in."""

    segments: list[Segment]
    guide: str
    group_control: str
    interchange_control: str
    complete: bool = False

    @property
    def kind(self) -> str:
        """ST01, such as "835"."""
        return self.segments[0].get(1)

    @property
    def control(self) -> str:
        """ST02."""
        return self.segments[0].get(2)

    @property
    def count_holds(self) -> bool:
        """Whether the trailer is there and counts what was read."""
        last = self.segments[-1]
        return self.complete and last.get(1) == str(len(self.segments)) and last.get(2) == self.control


@dataclass(slots=True)
class Interchange:
    """One ISA .. IEA: its TA1 segments and its transaction sets."""

    control: str
    sender: str
    receiver: str
    ta1: list[Segment] = field(default_factory=list)
    sets: list[TransactionSet] = field(default_factory=list)
    complete: bool = False


def read_segments(data: bytes) -> Iterator[Segment]:
    """Split bytes into segments.

    Raises: Unreadable when there is no ISA, it is cut short, or the file is too large (permanent).
    """
    if len(data) > MAX_BYTES:
        raise Unreadable("file-too-large")
    text = data.decode("utf-8-sig", "replace").lstrip("\ufeff \t\r\n\0")
    if not text.startswith("ISA"):
        raise Unreadable("no-isa")
    position = 0
    while position < len(text):
        element, component, repetition, terminator = _delimiters(text, position)
        chunk_end = _next_interchange(text, position, element, terminator)
        for raw in text[position:chunk_end].split(terminator):
            stripped = raw.strip("\r\n\t \0\x1a")
            if stripped:
                yield Segment(tuple(stripped.split(element)), component, repetition)
        position = chunk_end


def _delimiters(text: str, start: int) -> tuple[str, str, str, str]:
    if len(text) < start + 100:
        raise Unreadable("isa-cut-short")
    element = text[start + 3]
    position = start + 3
    for _ in range(_ISA_ELEMENTS - 1):
        position = text.find(element, position + 1)
        if position < 0 or position > start + 200:
            raise Unreadable("isa-elements")
    if position + 2 >= len(text):
        raise Unreadable("isa-cut-short")
    repetition = text[start:position].split(element)[11][:1]
    component, terminator = text[position + 1], text[position + 2]
    if terminator.isalnum() or component.isalnum() or element.isalnum():
        raise Unreadable("isa-delimiters")
    return element, component, repetition, terminator


def _next_interchange(text: str, start: int, element: str, terminator: str) -> int:
    """Return where the next ISA begins (it may bring other delimiters), or the end of the text."""
    trailer = text.find(f"IEA{element}", start)
    if trailer < 0:
        return len(text)
    end = text.find(terminator, trailer)
    if end < 0:
        return len(text)
    following = text.find("ISA", end)
    return following if following >= 0 and not text[end + 1 : following].strip("\r\n\t \0\x1a") else len(text)


def read_interchanges(data: bytes) -> list[Interchange]:
    """Group a file's segments into interchanges and transaction sets; trailers may be missing.

    Raises: Unreadable as `read_segments` does.
    """
    found: list[Interchange] = []
    group_control = guide = ""
    current: TransactionSet | None = None
    for segment in read_segments(data):
        tag = segment.tag
        if tag == "ISA":
            found.append(Interchange(segment.get(13).strip(), segment.get(6).strip(), segment.get(8).strip()))
            current = None
        elif tag == "TA1":
            found[-1].ta1.append(segment)
        elif tag == "GS":
            group_control, guide = segment.get(6), segment.get(8)
            current = None
        elif tag == "ST":
            current = TransactionSet([segment], segment.get(3) or guide, group_control, found[-1].control)
            found[-1].sets.append(current)
        elif tag == "IEA":
            found[-1].complete = segment.get(2).strip() == found[-1].control
            current = None
        elif current is not None:
            current.segments.append(segment)
            if tag == "SE":
                current.complete = True
                current = None
    return found
