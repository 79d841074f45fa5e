"""Judges syntax: the envelope for TA1, groups and transaction sets for the 999. Claims are screened later.

Codes are those of TA105, and of AK905 and IK502 in 005010X231A1.
"""

from dataclasses import dataclass, field

from rcm_deploy.payer.parser import Delimiters, Group, Interchange, TransactionSet, element
from rcm_deploy.payer.periods import is_date, is_time
from rcm_deploy.payer.syntax import locate_faults
from rcm_deploy.payer.syntax_276 import locate_inquiry_faults
from rcm_deploy.payer.syntax_faults import SegmentFault

#: Guides accepted on read: the adopted ids and the later errata.
PROFESSIONAL_GUIDES = frozenset({"005010X222A1", "005010X222A2"})
INSTITUTIONAL_GUIDES = frozenset({"005010X223A2", "005010X223A3"})
INQUIRY_GUIDES = frozenset({"005010X212"})

#: Functional group -> its transaction set and the guides accepted in it.
GROUPS = {
    "HC": ("837", PROFESSIONAL_GUIDES | INSTITUTIONAL_GUIDES),
    "HR": ("276", INQUIRY_GUIDES),
}


@dataclass(slots=True)
class SetFindings:
    """The verdict on one ST: A, E or R with IK502 codes and located faults."""

    identifier: str
    control: str
    guide: str
    faults: list[SegmentFault] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        if self.codes or any(fault.severe for fault in self.faults):
            return "R"
        return "E" if self.faults else "A"


@dataclass(slots=True)
class GroupFindings:
    """The verdict on one GS: A, E, P or R with AK905 codes and one entry per ST."""

    identifier: str
    control: str
    guide: str
    declared: str
    codes: list[str]
    sets: list[SetFindings]

    @property
    def verdict(self) -> str:
        verdicts = [found.verdict for found in self.sets]
        if self.codes or not verdicts or all(verdict == "R" for verdict in verdicts):
            return "R"
        if "R" in verdicts:
            return "P"
        return "E" if "E" in verdicts else "A"

    @property
    def accepted(self) -> int:
        return 0 if self.verdict == "R" else sum(found.verdict != "R" for found in self.sets)


def check_envelope(interchange: Interchange, *, already_seen: bool) -> str:
    """Return the TA105 code of the interchange: "000" when it is sound."""
    header, trailer = interchange.header, interchange.trailer
    separators = {
        interchange.delimiters.element,
        interchange.delimiters.component,
        interchange.delimiters.segment,
    }
    faults: tuple[tuple[bool, str], ...] = (
        (len(header) != 17 or len(separators) < 3, "022"),
        (not (len(element(header, 13)) == 9 and element(header, 13).isdigit()), "018"),
        (element(header, 12) != "00501", "017"),
        (element(header, 5) not in _ID_QUALIFIERS, "005"),
        (element(header, 7) not in _ID_QUALIFIERS, "007"),
        (not element(header, 6).strip(), "006"),
        (not element(header, 8).strip(), "008"),
        (not is_date("20" + element(header, 9)), "014"),
        (not is_time(element(header, 10)), "015"),
        (element(header, 14) not in ("0", "1"), "019"),
        (element(header, 15) not in ("P", "T"), "020"),
        (trailer is None, "023"),
        (trailer is not None and element(trailer, 2) != element(header, 13), "001"),
        (trailer is not None and element(trailer, 1) != str(len(interchange.groups)), "021"),
        (not interchange.groups or interchange.stray > 0, "022"),
        (already_seen, "025"),
    )
    return next((code for wrong, code in faults if wrong), "000")


def check_group(group: Group, delimiters: Delimiters) -> GroupFindings:
    """Check one functional group and every transaction set in it."""
    header, trailer = group.header, group.trailer
    guide = element(header, 8)
    codes = []
    expected, guides = GROUPS.get(element(header, 1), ("837", GROUPS["HC"][1]))
    if element(header, 1) not in GROUPS:
        codes.append("1")
    elif guide not in guides:
        codes.append("2")
    if trailer is None:
        codes.append("3")
    else:
        if element(trailer, 2) != element(header, 6):
            codes.append("4")
        if element(trailer, 1) != str(len(group.sets)):
            codes.append("5")
    seen: set[str] = set()
    found = []
    for transaction in group.sets:
        findings = check_set(transaction, guide, delimiters, expected)
        if findings.control in seen:
            findings.codes.append("23")
        seen.add(findings.control)
        found.append(findings)
    declared = element(trailer, 1) if trailer else str(len(group.sets))
    return GroupFindings(element(header, 1), element(header, 6), guide, declared, codes, found)


def check_set(
    transaction: TransactionSet, group_guide: str, delimiters: Delimiters, expected: str = "837"
) -> SetFindings:
    """Check one 837 or 276: trailer, counts, hierarchy, required segments and elements of the guide."""
    segments = transaction.segments
    start = segments[0]
    guide = element(start, 3) or group_guide
    findings = SetFindings(element(start, 1), element(start, 2), guide)
    if findings.identifier != expected:
        findings.codes.append("1")
        return findings
    if guide not in _GUIDES_OF[expected] or guide != group_guide:
        findings.codes.append("I6")
    if not findings.control:
        findings.codes.append("7")
    if not transaction.closed:
        findings.codes.append("2")
    else:
        end = segments[-1]
        if element(end, 2) != findings.control:
            findings.codes.append("3")
        if element(end, 1) != str(len(segments)):
            findings.codes.append("4")
    if expected == "276":
        findings.faults = locate_inquiry_faults(segments)
    else:
        form = "837P" if guide in PROFESSIONAL_GUIDES else "837I"
        findings.faults = locate_faults(segments, form, delimiters.component)
    if any(fault.severe for fault in findings.faults):
        findings.codes.append("5")
    return findings


_GUIDES_OF = dict(GROUPS.values())
_ID_QUALIFIERS = frozenset({"01", "14", "20", "27", "28", "29", "30", "33", "ZZ"})
