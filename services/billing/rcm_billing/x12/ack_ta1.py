"""Read TA1: did the interchange as a whole arrive (TA104 A accepted, E with errors, R rejected)."""

from dataclasses import dataclass

from rcm_billing.domain.acknowledgement import Acknowledgement, of_syntax
from rcm_billing.x12.reader import Segment

DUPLICATE_INTERCHANGE = "025"  # TA105: the interchange control number was seen before


@dataclass(frozen=True, slots=True)
class InterchangeAck:
    """What a TA1 says about one of our interchanges."""

    interchange_control: str
    acknowledgement: Acknowledgement


def read_ta1(segment: Segment) -> InterchangeAck:
    """Read one TA1 segment.  Wire: TA1*000000905*260928*1200*A*000~"""
    note = segment.get(5)
    notes = (note,) if note and note != "000" else ()
    return InterchangeAck(segment.get(1).strip().zfill(9), of_syntax("TA1", segment.get(4), notes))
