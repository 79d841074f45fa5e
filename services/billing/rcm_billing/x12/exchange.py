"""One interchange of any type as groups and transaction sets of numbered segments, its envelope checked: trailers,
counts, control numbers, nesting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rcm_billing.x12.problems import Problems
from rcm_billing.x12.scan import Cut, Placed
from rcm_billing.x12.values import check_day

#: GS01 of each transaction set.
FUNCTIONAL_GROUP = {
    "837": "HC",
    "835": "HP",
    "999": "FA",
    "997": "FA",
    "276": "HR",
    "277": "HN",
    "278": "HI",
    "270": "HS",
    "271": "HB",
    "834": "BE",
    "820": "RA",
}
ENVELOPE = frozenset({"ISA", "GS", "ST", "SE", "GE", "IEA", "TA1"})


@dataclass(slots=True)
class TransactionSegments:
    """ST .. SE, both included; `guide` is ST03, else GS08."""

    segments: list[Placed]
    guide: str
    group: str
    complete: bool = False

    @property
    def kind(self) -> str:
        """ST01, such as "835"."""
        return self.segments[0].get(1)

    @property
    def control(self) -> str:
        """ST02."""
        return self.segments[0].get(2)


@dataclass(slots=True)
class Exchange:
    """One ISA .. IEA. `common` holds what is wrong with the envelope itself."""

    header: Placed
    version: str
    common: Problems
    sets: list[TransactionSegments] = field(default_factory=list)
    ta1: list[Placed] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    @property
    def control(self) -> str:
        """ISA13."""
        return self.header.get(13).strip()


class _Opener:
    """Follows the nesting of one interchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.problems = exchange.common
        self.group: Placed | None = None
        self.sets_in_group = 0
        self.controls: set[str] = set()
        self.current: TransactionSegments | None = None
        self.closed = False

    def take(self, placed: Placed) -> None:
        if self.closed:
            self.problems.error("after-interchange", placed, "a segment after the interchange trailer IEA")
            return
        match placed.tag:
            case "ISA":
                pass
            case "TA1":
                self.exchange.ta1.append(placed)
            case "GS":
                self.open_group(placed)
            case "ST":
                self.open_set(placed)
            case "SE":
                self.close_set(placed)
            case "GE":
                self.close_group(placed)
            case "IEA":
                self.close(placed)
            case _ if self.current is not None:
                self.current.segments.append(placed)
            case _:
                self.problems.error(
                    "outside-set", placed, f"{placed.name} stands outside every transaction set"
                )

    def open_group(self, placed: Placed) -> None:
        self.end_set(placed)
        self.end_group(placed)
        if placed.get(6) in self.exchange.groups:
            self.problems.error(
                "group-control", placed, "the group control number was used before in this interchange", 6
            )
        self.exchange.groups.append(placed.get(6))
        self.group, self.sets_in_group = placed, 0
        self.controls.clear()
        check_day(placed, 4, self.problems) if len(placed.get(4)) != 6 else None

    def open_set(self, placed: Placed) -> None:
        self.end_set(placed)
        if self.group is None:
            self.problems.error(
                "no-group", placed, "the transaction set stands outside every functional group"
            )
        guide = self.group.get(8) if self.group is not None else ""
        if placed.get(3) and guide and placed.get(3) != guide:
            self.problems.error("guide", placed, f"ST03 is not the guide of the group ({guide})", 3)
        wanted = FUNCTIONAL_GROUP.get(placed.get(1))
        if self.group is not None and wanted and self.group.get(1) != wanted:
            text = f"the group's GS01 must be {wanted} for a transaction set {placed.get(1)}"
            self.problems.error("functional-group", self.group, text, 1)
        if placed.get(2) in self.controls:
            self.problems.error(
                "set-control", placed, "the set control number was used before in this group", 2
            )
        if not re.fullmatch(r"[A-Za-z0-9]{4,9}", placed.get(2)):
            self.problems.error("set-control", placed, "ST02 must have 4 to 9 characters", 2)
        self.controls.add(placed.get(2))
        self.sets_in_group += 1
        group = self.group.get(6) if self.group is not None else ""
        self.current = TransactionSegments([placed], (placed.get(3) or guide).strip(), group)
        self.exchange.sets.append(self.current)

    def close_set(self, placed: Placed) -> None:
        if self.current is None:
            self.problems.error("trailer", placed, "SE without an open transaction set")
            return
        self.current.segments.append(placed)
        self.current.complete = True
        counted = len(self.current.segments)
        if placed.get(1).strip() != str(counted) and not _same_number(placed.get(1), counted):
            self.problems.error(
                "set-count", placed, f"SE01 says {_number(placed, 1)} segments, there are {counted}", 1
            )
        if placed.get(2) != self.current.control:
            self.problems.error("set-control", placed, "SE02 differs from ST02", 2)
        self.current = None

    def close_group(self, placed: Placed) -> None:
        self.end_set(placed)
        if self.group is None:
            self.problems.error("trailer", placed, "GE without an open functional group")
            return
        if not _same_number(placed.get(1), self.sets_in_group):
            text = f"GE01 says {_number(placed, 1)} transaction sets, there are {self.sets_in_group}"
            self.problems.error("group-count", placed, text, 1)
        if placed.get(2) != self.group.get(6):
            self.problems.error("group-control", placed, "GE02 differs from GS06", 2)
        self.group = None

    def close(self, placed: Placed) -> None:
        self.end_set(placed)
        self.end_group(placed)
        count = len(self.exchange.groups)
        if not _same_number(placed.get(1), count):
            text = f"IEA01 says {_number(placed, 1)} functional groups, there are {count}"
            self.problems.error("interchange-count", placed, text, 1)
        if placed.get(2).strip() != self.exchange.control:
            self.problems.error("interchange-control", placed, "IEA02 differs from ISA13", 2)
        self.closed = True

    def end_set(self, placed: Placed) -> None:
        if self.current is not None:
            text = f"transaction set {_code(self.current.control)} is not closed: SE is missing"
            self.problems.error("no-se", placed, text)
            self.current = None

    def end_group(self, placed: Placed) -> None:
        if self.group is not None:
            self.problems.error("no-ge", placed, "the functional group is not closed: GE is missing")
            self.group = None

    def finish(self, last: Placed) -> None:
        if self.closed:
            return
        self.end_set(last)
        self.end_group(last)
        self.problems.error(
            "no-iea", last, "the interchange is not closed: IEA is missing after this segment"
        )


def open_exchange(cut: Cut) -> Exchange | None:
    """Build the interchange of one cut; None when it has no readable header (its flaws say why)."""
    if not cut.segments:
        return None
    header = cut.segments[0]
    problems = Problems()
    exchange = Exchange(header, header.get(12).strip(), problems)
    _check_header(header, problems)
    opener = _Opener(exchange)
    for placed in cut.segments:
        opener.take(placed)
    opener.finish(cut.segments[-1])
    if not exchange.sets and not exchange.ta1:
        problems.error("no-content", header, "the interchange holds no transaction set and no TA1")
    return exchange


def _check_header(isa: Placed, problems: Problems) -> None:
    if not re.fullmatch(r"\d{9}", isa.get(13)):
        problems.error("interchange-control", isa, "ISA13 must be nine digits", 13)
    version = isa.get(12).strip()
    if version not in ("00501", "00401"):
        problems.error("version", isa, f"version {_code(version)} is neither 00501 nor 00401", 12)
    elif version == "00401":
        problems.warning(
            "version", isa, "version 00401 is no longer in use; read, not checked by its guide", 12
        )
    elif isa.get(11)[:1].isalnum():
        problems.warning(
            "repetition-separator", isa, "ISA11 holds a letter where 00501 has the repetition separator", 11
        )
    if isa.get(15) not in ("P", "T"):
        problems.error("usage", isa, "ISA15 must be P or T", 15)
    if not re.fullmatch(r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", isa.get(9)):
        problems.error("date", isa, "ISA09 is no valid date", 9)


def _same_number(text: str, count: int) -> bool:
    text = text.strip()
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) == count


def _number(placed: Placed, index: int) -> str:
    text = placed.get(index).strip()
    return text if text.isascii() and text.isdigit() and len(text) <= 10 else "no number of"


def _code(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9]{1,12}", text) else "(unreadable)"
