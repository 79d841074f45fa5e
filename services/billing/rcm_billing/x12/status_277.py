"""Read 277 (005010X212): what a payer says of claims that it was asked about, or tells of its own accord."""

from dataclasses import dataclass

from rcm_billing.domain.acknowledgement import ClaimStatus
from rcm_billing.domain.status import Report, report_of
from rcm_billing.x12.ack_277ca import statuses_of
from rcm_billing.x12.reader import TransactionSet

CLAIM_LEVELS = frozenset({"22", "23", "PT"})


@dataclass(frozen=True, slots=True)
class ClaimReport:
    """One claim's status. `trace` echoes the inquiry's TRN02, `claim_control` our CLM01 (REF*EJ)."""

    trace: str
    claim_control: str
    report: Report


def read_277(transaction: TransactionSet) -> list[ClaimReport]:
    """Return the claims' statuses in their order; the status of a line is not the claim's.

    Wire: TRN*2*trace~ STC*P1:20*20260928**125*0~ REF*1K*ICN~ REF*EJ*C0123456789ABCDE~ SVC*..~ STC*..~
    """
    found: list[ClaimReport] = []
    level = trace = control = payer_control = ""
    statuses: tuple[ClaimStatus, ...] = ()
    in_line = False

    def close() -> None:
        if statuses:
            found.append(ClaimReport(trace, control, report_of(statuses, payer_control)))

    for segment in transaction.segments:
        match segment.tag:
            case "HL" | "SE":
                close()
                level = segment.get(3) if segment.tag == "HL" else ""
                trace = control = payer_control = ""
                statuses, in_line = (), False
            case "TRN" if level in CLAIM_LEVELS:
                close()
                trace, control, payer_control = segment.get(2), "", ""
                statuses, in_line = (), False
            case "SVC":
                in_line = True
            case "STC" if level in CLAIM_LEVELS and not in_line:
                statuses += statuses_of(segment)
            case "REF" if segment.get(1) == "1K" and not in_line:
                payer_control = segment.get(2)
            case "REF" if segment.get(1) == "EJ" and not in_line:
                control = segment.get(2)
            case _:
                pass
    return found
