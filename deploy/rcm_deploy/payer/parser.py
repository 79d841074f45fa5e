"""Reads X12 bytes into interchanges, groups and transaction sets; delimiters come from the ISA itself.

Tolerant on purpose: byte order marks, line breaks, missing trailers and stray segments are judged in checks.
"""

from dataclasses import dataclass, field

Segment = list[str]

ISA_ELEMENTS = 16


class UnreadableInterchangeError(ValueError):
    """The bytes do not start with an ISA whose delimiters can be read; nothing can be answered."""


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The four characters an interchange is written with."""

    element: str = "*"
    repetition: str = "^"
    component: str = ":"
    segment: str = "~"


@dataclass(slots=True)
class TransactionSet:
    """ST to SE; `closed` is false when the SE never came."""

    segments: list[Segment]
    closed: bool = False


@dataclass(slots=True)
class Group:
    """GS to GE; `trailer` is None when the GE never came."""

    header: Segment
    sets: list[TransactionSet] = field(default_factory=list)
    trailer: Segment | None = None


@dataclass(slots=True)
class Interchange:
    """ISA to IEA; `stray` counts segments that stood outside any group or set, `answers` TA1 segments."""

    delimiters: Delimiters
    header: Segment
    groups: list[Group] = field(default_factory=list)
    trailer: Segment | None = None
    stray: int = 0
    answers: int = 0

    @property
    def only_answers(self) -> bool:
        """Whether it holds nothing but TA1 and 999, which are never answered themselves."""
        if self.groups:
            return all(element(group.header, 1) == "FA" for group in self.groups)
        return self.answers > 0


def element(segment: Segment, position: int) -> str:
    """Return the element at a 1-based position, "" when the segment is shorter."""
    return segment[position] if position < len(segment) else ""


def component(segment: Segment, position: int, part: int, separator: str) -> str:
    """Return one component (1-based) of a composite element, "" when it is absent."""
    parts = element(segment, position).split(separator)
    return parts[part - 1] if part <= len(parts) else ""


def parse_file(content: bytes) -> list[Interchange]:
    """Split a file into its interchanges, in order.

    Raises: UnreadableInterchangeError when no ISA with readable delimiters starts the file.
    """
    text = _decode(content)
    delimiters = _read_delimiters(text)
    interchanges: list[Interchange] = []
    for segment in _segments(text, delimiters):
        if segment[0] == "ISA":
            interchanges.append(Interchange(delimiters, segment))
        else:
            _place(interchanges[-1], segment)
    return interchanges


def _decode(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.lstrip()


def _read_delimiters(text: str) -> Delimiters:
    if not text.startswith("ISA") or len(text) < 4:
        raise UnreadableInterchangeError("no ISA at the start")
    separator = text[3]
    at = 3
    for _ in range(ISA_ELEMENTS - 1):
        at = text.find(separator, at + 1)
        if at < 0:
            raise UnreadableInterchangeError("the ISA is cut short")
    if at + 2 >= len(text) or separator.isalnum():
        raise UnreadableInterchangeError("the ISA is cut short")
    repetition = text[:at].split(separator)[11]
    return Delimiters(separator, repetition[:1] or "^", text[at + 1], text[at + 2])


def _segments(text: str, delimiters: Delimiters) -> list[Segment]:
    separator = delimiters.element
    return [raw.split(separator) for part in text.split(delimiters.segment) if (raw := part.strip())]


def _place(interchange: Interchange, segment: Segment) -> None:
    tag = segment[0]
    group = interchange.groups[-1] if interchange.groups else None
    current = group.sets[-1] if group and group.sets else None
    if interchange.trailer is not None:
        interchange.stray += 1
    elif tag == "IEA":
        interchange.trailer = segment
    elif tag == "TA1" and current is None:
        interchange.answers += 1
    elif tag == "GS":
        interchange.groups.append(Group(segment))
    elif group is None or group.trailer is not None:
        interchange.stray += 1
    elif tag == "GE":
        group.trailer = segment
    elif tag == "ST":
        group.sets.append(TransactionSet([segment]))
    elif current is None or current.closed:
        interchange.stray += 1
    else:
        current.segments.append(segment)
        current.closed = tag == "SE"
