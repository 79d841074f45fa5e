"""Read 277CA (005010X214): the payer's or clearinghouse's decision on each claim before adjudication.

Tolerant where partners differ: 2200C may be missing, STC02 and STC04 too.
"""

from dataclasses import dataclass

from rcm_billing.domain.acknowledgement import Acknowledgement, ClaimStatus, of_statuses
from rcm_billing.x12.reader import Segment, TransactionSet

RECEIVER_LEVEL = "21"
CLAIM_LEVEL = "PT"


@dataclass(frozen=True, slots=True)
class ClaimAck:
    """The decision on one claim (`claim_control` echoes CLM01), or on a whole batch (`batch` echoes
    BHT03).
    """

    claim_control: str
    batch: str
    acknowledgement: Acknowledgement


@dataclass(slots=True)
class _Level:
    kind: str
    trace: str = ""
    payer_control: str = ""
    statuses: tuple[ClaimStatus, ...] = ()


def read_277ca(transaction: TransactionSet) -> list[ClaimAck]:
    """Return a decision per claim, and per batch where the receiver level itself carries a rejection.

    Wire: TRN*2*C0123456789ABCDE~ STC*A2:20*20260928*WQ*125~ REF*1K*ICN~
    """
    found: list[ClaimAck] = []
    level: _Level | None = None
    for segment in transaction.segments:
        match segment.tag:
            case "HL":
                _close(level, found)
                level = _Level(segment.get(3))
            case "SE":
                _close(level, found)
                level = None
            case "TRN" if level is not None:
                if level.kind == CLAIM_LEVEL and level.statuses:
                    # a further claim of the same patient: loop 2200D repeats under one HL
                    _close(level, found)
                    level = _Level(CLAIM_LEVEL)
                level.trace = segment.get(2)
            case "STC" if level is not None:
                level.statuses += statuses_of(segment)
            case "REF" if level is not None and segment.get(1) == "1K":
                level.payer_control = segment.get(2)
            case _:
                pass
    _close(level, found)
    return found


def statuses_of(segment: Segment) -> tuple[ClaimStatus, ...]:
    """Return the up to three statuses of one STC segment."""
    found = []
    for index in (1, 10, 11):
        parts = [*segment.parts(index), "", "", ""]
        if parts[0]:
            found.append(ClaimStatus(parts[0], parts[1], parts[2]))
    return tuple(found)


def _close(level: _Level | None, found: list[ClaimAck]) -> None:
    if level is None or not level.statuses:
        return
    acknowledgement = of_statuses(level.statuses, level.payer_control)
    if level.kind == CLAIM_LEVEL:
        found.append(ClaimAck(level.trace, "", acknowledgement))
    elif level.kind == RECEIVER_LEVEL and acknowledgement.effect.value == "rejected":
        found.append(ClaimAck("", level.trace, acknowledgement))
