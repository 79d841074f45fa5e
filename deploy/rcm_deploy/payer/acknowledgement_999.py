"""Writes the 999 implementation acknowledgement (005010X231A1) from the findings on one group."""

from collections.abc import Iterator

from rcm_deploy.payer.checks import GroupFindings, SetFindings
from rcm_deploy.payer.parser import Segment
from rcm_deploy.payer.segments import clean
from rcm_deploy.payer.syntax_faults import ElementFault, SegmentFault

GUIDE = "005010X231A1"

#: IK5 and AK9 carry at most five codes; a set with very many faults lists the first ones.
MAX_CODES = 5
MAX_FAULTS = 200

#: IK303 (data element 447) holds four characters, so that 2010AA is reported as 2010.
MAX_LOOP = 4


def write_999(found: GroupFindings) -> list[Segment]:
    """Return the body of the 999: one AK2 loop per set, then AK9.

    Element values are never echoed (IK404 stays empty): they may be patient data.
    """
    body = [["AK1", clean(found.identifier) or "HC", clean(found.control) or "0", clean(found.guide)]]
    for one in found.sets:
        body.extend(_set_loop(one))
    counts = [clean(found.declared) or "0", str(len(found.sets)), str(found.accepted)]
    codes = found.codes or ([] if found.sets else ["5"])
    body.append(["AK9", found.verdict, *counts, *codes[:MAX_CODES]])
    return body


def _set_loop(found: SetFindings) -> Iterator[Segment]:
    yield ["AK2", clean(found.identifier), clean(found.control) or "0001", clean(found.guide)]
    for fault in found.faults[:MAX_FAULTS]:
        yield from _fault_loop(fault)
    yield ["IK5", found.verdict, *found.codes[:MAX_CODES]]


def _fault_loop(fault: SegmentFault) -> Iterator[Segment]:
    loop = fault.loop[:MAX_LOOP] if fault.loop[:1].isdigit() else ""
    yield ["IK3", clean(fault.tag) or "ST", str(fault.position), loop, fault.code]
    if fault.claim_control:
        yield ["CTX", f"CLM01:{clean(fault.claim_control)}"]
    for wrong in fault.elements:
        yield ["IK4", _position(wrong), wrong.reference, wrong.code]


def _position(wrong: ElementFault) -> str:
    return f"{wrong.position}:{wrong.component}" if wrong.component else str(wrong.position)
