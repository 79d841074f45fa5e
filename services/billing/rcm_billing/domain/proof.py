"""Proof of timely filing: what was sent of one claim, and every acknowledgement of it, cut out of the files.

Interchanges and acknowledgement files hold other patients too: only the envelope and the loops of this claim may leave.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """One submission: the interchange's numbers, when it left, the hash of the whole file, and this claim's part."""

    isa13: str
    gs06: str
    st02: str
    sent_at: datetime | None
    sha256: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One acknowledgement: how it reads, when it came, the file with its hash, and the part about this claim."""

    label: str
    received_at: datetime
    file: str
    sha256: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The packet of one claim."""

    claim_control: str
    payer_control: str
    payer_id: str
    service_from: date
    service_through: date
    last_day: date | None
    sent: tuple[Sent, ...]
    answers: tuple[Answer, ...]

    @property
    def accepted_on(self) -> date | None:
        """Return the day of the first acknowledgement that the payer took the claim in, or None."""
        accepted = (a.received_at.date() for a in self.answers if a.label in ACCEPTING)
        return min(accepted, default=None)

    @property
    def verdict(self) -> str:
        """Return "in-time", "late", "not-proven" (no acceptance) or "no-limit" (the payer's limit is unknown)."""
        if self.accepted_on is None:
            return "not-proven"
        if self.last_day is None:
            return "no-limit"
        return "in-time" if self.accepted_on <= self.last_day else "late"


#: What shows that the payer took the claim in: 277CA A2, and any status that presumes it.
ACCEPTING = frozenset({"277CA:A2", *(f"277:{letter}{n}" for letter in "PFR" for n in range(20))})

Segments = Sequence[Sequence[str]]  # elements, the tag first

_ENVELOPE = frozenset({"ISA", "GS", "ST", "BHT", "SE", "GE", "IEA"})
_COMPANIES = ("20", "21", "19")  # payer, receiver, provider: levels without a patient
_SUBSCRIBER = "22"


@dataclass(slots=True)
class _Loop:
    """One HL with its segments; `blocks` are what follows each CLM or TRN in it, one block a claim."""

    level: str
    head: list[Sequence[str]]
    blocks: list[list[Sequence[str]]]


def _loops(segments: Segments, opens_claim: str) -> Iterator[_Loop | Sequence[str]]:
    """Give the loops of a file in order, and between them the segments that stand outside every HL."""
    loop: _Loop | None = None
    for segment in segments:
        tag = segment[0]
        if tag == "HL":
            if loop:
                yield loop
            loop = _Loop(_get(segment, 3), [segment], [])
        elif tag in _ENVELOPE or loop is None:
            if loop and tag != "BHT":
                yield loop
                loop = None
            yield segment
        elif tag == opens_claim and loop.level not in _COMPANIES:
            loop.blocks.append([segment])
        elif loop.blocks:
            loop.blocks[-1].append(segment)
        else:
            loop.head.append(segment)
    if loop:
        yield loop


def claim_excerpt(segments: Segments, claim_control: str) -> list[Sequence[str]]:
    """Return the envelope and the loops of one claim of an 837: submitter, billing provider, subscriber, patient."""
    return _excerpt(segments, "CLM", lambda block: _get(block[0], 1) == claim_control)


def status_excerpt(
    segments: Segments, claim_control: str, traces: Collection[str] = ()
) -> list[Sequence[str]]:
    """Return the envelope and the loops that speak of one claim in a 277CA (TRN02) or a 277 (REF*EJ, or our trace)."""

    def speaks(block: Segments) -> bool:
        if _get(block[0], 2) == claim_control or _get(block[0], 2) in traces:
            return True
        return any(s[0] == "REF" and _get(s, 1) == "EJ" and _get(s, 2) == claim_control for s in block)

    return _excerpt(segments, "TRN", speaks)


def _excerpt(segments: Segments, opens_claim: str, wanted: Callable[[Segments], bool]) -> list[Sequence[str]]:
    chosen: list[Sequence[str]] = []
    above: dict[str, list[Sequence[str]]] = {}
    for part in _loops(segments, opens_claim):
        if not isinstance(part, _Loop):
            chosen.append(part)
            continue
        if part.level in _COMPANIES:
            above = {level: loop for level, loop in above.items() if level in _COMPANIES}
            above[part.level] = [*part.head, *(segment for block in part.blocks for segment in block)]
            continue
        blocks = [block for block in part.blocks if wanted(block)]
        if blocks:
            subscriber = above.get(_SUBSCRIBER, []) if part.level not in (_SUBSCRIBER, "PT") else []
            companies = [segment for level in _COMPANIES for segment in above.pop(level, [])]
            chosen += [
                *companies,
                *subscriber,
                *part.head,
                *(segment for block in blocks for segment in block),
            ]
        if part.level == _SUBSCRIBER:
            above[_SUBSCRIBER] = part.head
    return chosen


def syntax_excerpt(segments: Segments, isa13: str, gs06: str, st02: str) -> list[Sequence[str]]:
    """Return what a TA1 or a 999 says of one interchange, group and transaction set: verdicts, never the data.

    IK3, IK4 and CTX stay out: they may repeat what stood in another patient's claim.
    """
    chosen: list[Sequence[str]] = []
    group = in_set = False
    for segment in segments:
        match segment[0]:
            case "TA1":
                if _get(segment, 1).zfill(9) == isa13:
                    chosen.append(segment)
            case tag if tag in _ENVELOPE:
                chosen.append(segment)
            case "AK1":
                group, in_set = _get(segment, 2) == gs06, False
                if group:
                    chosen.append(segment)
            case "AK2":
                in_set = group and _get(segment, 2).lstrip("0") == st02.lstrip("0")
                if in_set:
                    chosen.append(segment)
            case "IK5" if in_set:
                chosen.append(segment)
            case "AK9" if group:
                chosen.append(segment)
            case _:
                pass
    return chosen


def _get(segment: Sequence[str], index: int) -> str:
    return segment[index] if index < len(segment) else ""
