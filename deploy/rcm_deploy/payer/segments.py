"""Writes segments as bytes and wraps them in envelopes; always `*`, `:`, `^`, `~` and a line break."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rcm_deploy.payer.parser import Interchange, Segment, element

#: Characters that are delimiters in any file we write are blanked in echoed texts.
_DELIMITERS = str.maketrans(dict.fromkeys("*:~^|>\r\n", " "))


@dataclass(frozen=True, slots=True)
class Address:
    """Both ends and the stamp of an answer: the inbound envelope turned round."""

    our_qualifier: str
    our_id: str
    their_qualifier: str
    their_id: str
    usage: str
    our_application: str
    their_application: str
    date: str  # CCYYMMDD
    time: str  # HHMM


def clean(text: str) -> str:
    """Blank delimiter characters in a text that came from outside."""
    return text.translate(_DELIMITERS).strip()


def address_of(interchange: Interchange, date: str) -> Address:
    """Turn the envelope of an inbound interchange round."""
    header = interchange.header
    group = interchange.groups[0].header if interchange.groups else []
    time = element(header, 10)
    return Address(
        our_qualifier=clean(element(header, 7)) or "ZZ",
        our_id=clean(element(header, 8)),
        their_qualifier=clean(element(header, 5)) or "ZZ",
        their_id=clean(element(header, 6)),
        usage=element(header, 15) if element(header, 15) in ("P", "T") else "P",
        our_application=clean(element(group, 3)) or clean(element(header, 8)),
        their_application=clean(element(group, 2)) or clean(element(header, 6)),
        date=date,
        time=time if time.isdigit() and len(time) == 4 else "0000",
    )


def transaction_set(identifier: str, control: str, guide: str, body: Iterable[Segment]) -> list[Segment]:
    """Put ST and a counted SE around a body; an empty guide leaves ST03 out."""
    segments = [["ST", identifier, control, guide] if guide else ["ST", identifier, control], *body]
    segments.append(["SE", str(len(segments) + 1), control])
    return segments


def functional_group(
    code: str, guide: str, control: int, address: Address, sets: Sequence[list[Segment]]
) -> list[Segment]:
    """Put GS and GE around transaction sets."""
    header = [
        "GS",
        code,
        address.our_application,
        address.their_application,
        address.date,
        address.time,
        str(control),
        "X",
        guide,
    ]
    return [header, *(segment for one in sets for segment in one), ["GE", str(len(sets)), str(control)]]


def interchange_bytes(address: Address, control: int, body: Iterable[Segment], groups: int) -> bytes:
    """Put ISA and IEA around groups (or a TA1, with no group) and write everything."""
    header = [
        "ISA",
        "00",
        " " * 10,
        "00",
        " " * 10,
        address.our_qualifier,
        address.our_id[:15].ljust(15),
        address.their_qualifier,
        address.their_id[:15].ljust(15),
        address.date[2:],
        address.time,
        "^",
        "00501",
        f"{control:09d}",
        "0",
        address.usage,
        ":",
    ]
    trailer = ["IEA", str(groups), f"{control:09d}"]
    lines = ["*".join(header), *("*".join(segment).rstrip("*") for segment in body), "*".join(trailer)]
    return ("~\n".join(lines) + "~\n").encode()
