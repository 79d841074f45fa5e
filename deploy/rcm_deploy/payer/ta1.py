"""Writes the TA1 interchange acknowledgement."""

from rcm_deploy.payer.parser import Interchange, Segment, element
from rcm_deploy.payer.segments import clean


def write_ta1(interchange: Interchange, code: str) -> list[Segment]:
    """Return the TA1 for a TA105 code; "000" accepts, anything else rejects.

    Wire: TA1*000000905*260928*1030*A*000~
    """
    header = interchange.header
    verdict = "A" if code == "000" else "R"
    return [["TA1", *(clean(element(header, at)) for at in (13, 9, 10)), verdict, code]]
