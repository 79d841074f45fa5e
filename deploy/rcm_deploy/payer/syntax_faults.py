"""One fault of a transaction set as a 999 reports it: where it is and which code it gets."""

from dataclasses import dataclass, field

REQUIRED_MISSING = "3"
UNEXPECTED = "2"
OUT_OF_ORDER = "7"
BAD_ELEMENTS = "8"


@dataclass(frozen=True, slots=True)
class ElementFault:
    """One IK4: element position, IK403 code, component (0 = whole element) and data element number."""

    position: int
    code: str
    component: int = 0
    reference: str = ""


@dataclass(slots=True)
class SegmentFault:
    """One IK3 with its IK4s; `severe` false means accepted with errors."""

    tag: str
    position: int
    loop: str
    code: str
    claim_control: str = ""
    elements: list[ElementFault] = field(default_factory=list)
    severe: bool = True
