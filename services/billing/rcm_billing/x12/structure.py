"""Which segments may stand where, by transaction type: a small check of our own beside the guides' full grammar.

Levels are coarse (header, HL, claim, line): enough to name a segment that nobody knows or that strayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rcm_billing.domain.rules import valid_npi
from rcm_billing.x12.exchange import TransactionSegments
from rcm_billing.x12.problems import Problems
from rcm_billing.x12.scan import Placed
from rcm_billing.x12.values import check_day, check_period


@dataclass(frozen=True, slots=True)
class Grammar:
    """Per level the tags that may stand there; `opens` says which tag begins which level, `after` from where."""

    levels: Mapping[str, frozenset[str]]
    opens: Mapping[str, str]
    after: Mapping[str, frozenset[str]]
    required: tuple[str, ...] = ()
    children: Mapping[str, frozenset[str]] | None = None  # HL03 -> HL03 of the parent


def _tags(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLAIM = Grammar(
    levels={
        "header": _tags("BHT REF NM1 N2 PER"),
        "level": _tags("HL PRV CUR NM1 N2 N3 N4 REF PER SBR PAT DMG"),
        "claim": _tags(
            "CLM DTP CL1 DN1 DN2 PWK CN1 AMT REF K3 NTE CR1 CR2 CR5 CR6 CRC HI HCP QTY NM1 PRV N2 N3 N4 PER SBR CAS "
            "DMG OI MIA MOA"
        ),
        "line": _tags(
            "LX SV1 SV2 SV3 SV5 TOO DTP PWK CR1 CR3 CR5 CRC MEA CN1 REF AMT K3 NTE PS1 HCP HSD LIN CTP QTY NM1 PRV N2 "
            "N3 N4 PER SVD CAS LQ FRM"
        ),
    },
    opens={"HL": "level", "CLM": "claim", "LX": "line"},
    after={
        "HL": _tags("header level claim line"),
        "CLM": _tags("level claim line"),
        "LX": _tags("claim line"),
    },
    required=("BHT", "HL", "CLM"),
    children={"20": _tags(""), "22": _tags("20"), "23": _tags("22")},
)
_REMITTANCE = Grammar(
    levels={
        "header": _tags("BPR NTE TRN CUR REF DTM N1 N2 N3 N4 PER RDM"),
        "batch": _tags("LX TS3 TS2"),
        "claim": _tags("CLP CAS NM1 MIA MOA REF DTM PER AMT QTY"),
        "line": _tags("SVC DTM CAS REF AMT QTY LQ"),
        "trailer": _tags("PLB"),
    },
    opens={"LX": "batch", "CLP": "claim", "SVC": "line", "PLB": "trailer"},
    after={
        "LX": _tags("header batch claim line"),
        "CLP": _tags("header batch claim line"),
        "SVC": _tags("claim line"),
        "PLB": _tags("header batch claim line trailer"),
    },
    required=("BPR", "TRN", "N1"),
)
_STATUS = Grammar(
    levels={
        "header": _tags("BHT REF"),
        "level": _tags("HL NM1 N3 N4 PER TRN STC QTY AMT REF DTP DMG PWK SVD"),
        "line": _tags("SVC STC REF DTP QTY AMT PWK"),
    },
    opens={"HL": "level", "SVC": "line"},
    after={"HL": _tags("header level line"), "SVC": _tags("level line")},
    required=("BHT", "HL"),
    children={
        "20": _tags(""),
        "21": _tags("20"),
        "19": _tags("21"),
        "22": _tags("19"),
        "23": _tags("22"),
        "PT": _tags("19"),
    },
)
_REVIEW = Grammar(
    levels={
        "header": _tags("BHT"),
        "level": _tags(
            "HL TRN AAA UM HCR REF DTP HI HSD CRC CL1 CR1 CR2 CR4 CR5 CR6 CR7 CR8 PWK MSG NM1 N2 N3 N4 PER PRV DMG INS "
            "SV1 SV2 SV3 TOO SBR"
        ),
    },
    opens={"HL": "level"},
    after={"HL": _tags("header level")},
    required=("BHT", "HL"),
    children={
        "20": _tags(""),
        "21": _tags("20"),
        "22": _tags("21"),
        "23": _tags("22"),
        "EV": _tags("22 23"),
        "SS": _tags("EV"),
    },
)
_SYNTAX = Grammar(
    levels={
        "header": _tags("AK1"),
        "set": _tags("AK2 IK3 IK4 IK5 AK3 AK4 AK5 CTX"),
        "trailer": _tags("AK9"),
    },
    opens={"AK2": "set", "AK9": "trailer"},
    after={"AK2": _tags("header set"), "AK9": _tags("header set")},
    required=("AK1", "AK9"),
)
GRAMMARS = {
    "837": _CLAIM,
    "835": _REMITTANCE,
    "276": _STATUS,
    "277": _STATUS,
    "278": _REVIEW,
    "999": _SYNTAX,
    "997": _SYNTAX,
}
#: An address line and a city belong right behind a name; a service right behind its LX.
_BEHIND = {
    "N3": _tags("NM1 N1 N2 N3"),
    "N4": _tags("N3 NM1 N1 N2"),
    "SV1": _tags("LX"),
    "SV2": _tags("LX"),
    "SV3": _tags("LX"),
}
_ONLY_837_835 = _tags("837 835")


def check_structure(transaction: TransactionSegments, problems: Problems) -> None:
    """Report unknown and stray segments, broken HL numbering, impossible dates and provider numbers."""
    grammar = GRAMMARS.get(transaction.kind)
    if grammar is None:
        return
    level, before = "header", "ST"
    known = frozenset().union(*grammar.levels.values())
    seen: set[str] = set()
    # the levels of 4010 guides differ; only the numbering is checked there
    tree = _Tree(None if transaction.guide.startswith("004010") else grammar.children, problems)
    for placed in transaction.segments[1 : -1 if transaction.complete else None]:
        tag = placed.tag
        seen.add(tag)
        if tag not in known:
            problems.error("unknown-segment", placed, f"{placed.name} is no segment of a {transaction.kind}")
        elif tag in grammar.opens:
            if level not in grammar.after[tag]:
                problems.error("misplaced-segment", placed, f"{tag} cannot stand in the {level} part")
            level = grammar.opens[tag]
        elif tag not in grammar.levels[level]:
            problems.error("misplaced-segment", placed, f"{tag} cannot stand in the {level} part")
        if transaction.kind in _ONLY_837_835 and tag in _BEHIND and before not in _BEHIND[tag]:
            problems.error("misplaced-segment", placed, f"{tag} cannot follow {_shown(before)}")
        if tag == "HL":
            tree.take(placed)
        _check_elements(placed, problems)
        before = tag
    tree.finish()
    for tag in grammar.required:
        if tag not in seen:
            text = f"the transaction set has no {tag}"
            problems.error("missing-segment", transaction.segments[0], text)


def _shown(tag: str) -> str:
    return tag if len(tag) <= 3 and tag.isalnum() else "this segment"


class _Tree:
    """HL01 counts from 1, HL02 names an earlier level of the right kind, HL04 says whether a child follows."""

    def __init__(self, children: Mapping[str, frozenset[str]] | None, problems: Problems) -> None:
        self.children = children
        self.problems = problems
        self.count = 0
        self.levels: dict[str, Placed] = {}
        self.parents: set[str] = set()

    def take(self, placed: Placed) -> None:
        self.count += 1
        number, parent, kind = placed.get(1), placed.get(2), placed.get(3)
        if number != str(self.count):
            self.problems.error("hl-number", placed, f"HL01 must be {self.count}, levels count from 1", 1)
        above = self.levels.get(parent)
        if parent and above is None:
            self.problems.error("hl-parent", placed, "HL02 names no earlier level", 2)
        if self.children is not None:
            allowed = self.children.get(kind)
            if allowed is None:
                self.problems.error("hl-kind", placed, "HL03 is no level of this transaction set", 3)
            elif allowed and not parent:
                self.problems.error("hl-parent", placed, "HL02 must name the level above", 2)
            elif allowed and above is not None and above.get(3) not in allowed:
                self.problems.error("hl-parent", placed, "HL02 names a level of the wrong kind", 2)
            elif not allowed and parent:
                self.problems.error("hl-parent", placed, "the top level has no parent", 2)
        self.parents.add(parent)
        self.levels.setdefault(number, placed)

    def finish(self) -> None:
        for number, placed in self.levels.items():
            flag = placed.get(4)
            if flag == "1" and number not in self.parents:
                self.problems.warning("hl-child", placed, "HL04 announces a lower level, none follows", 4)
            elif flag == "0" and number in self.parents:
                self.problems.error("hl-child", placed, "HL04 says no lower level follows, one does", 4)


def _check_elements(placed: Placed, problems: Problems) -> None:
    match placed.tag:
        case "DTP":
            check_period(placed, 2, 3, problems)
        case "DTM":
            check_day(placed, 2, problems)
        case "DMG" if placed.get(1) == "D8":
            check_day(placed, 2, problems)
        case "BHT":
            check_day(placed, 4, problems)
        case "BPR":
            check_day(placed, 16, problems)
        case "STC":
            check_day(placed, 2, problems)
        case "NM1" if placed.get(8) == "XX":
            _check_npi(placed, 9, problems)
        case "N1" if placed.get(3) == "XX":
            _check_npi(placed, 4, problems)
        case _:
            pass


def _check_npi(placed: Placed, index: int, problems: Problems) -> None:
    """A warning only: partners' files, and every published example, are full of invented numbers."""
    if not valid_npi(placed.get(index)):
        problems.warning("npi", placed, "no NPI: not ten digits, or the check digit is wrong", index)
