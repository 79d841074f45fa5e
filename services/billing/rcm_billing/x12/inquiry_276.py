"""Write 276 (005010X212): ask one payer for the status of claims. Deterministic like the claims themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.master import BillingProvider, Payer, Submitter
from rcm_billing.x12.claim_loops import SELF
from rcm_billing.x12.envelope import ControlNumbers, close_interchange, open_interchange
from rcm_billing.x12.segment import END, amount, day, identifier, minute, segment, text

GUIDE = "005010X212"


@dataclass(frozen=True, slots=True)
class Question:
    """One claim to ask about; `trace` comes back in the answer."""

    trace: str
    claim: ClaimDocument
    payer_control: str = ""


def write_inquiries(
    questions: Sequence[Question],
    *,
    billing: BillingProvider,
    submitter: Submitter,
    payer: Payer,
    payer_id: str,
    usage: str,
    numbers: ControlNumbers,
    at: datetime,
) -> bytes:
    """Write one interchange of questions of one billing provider to one payer.

    Raises: WireRefused naming the element that cannot be written.
    Wire: TRN*1*trace~ REF*1K*ICN~ REF*EJ*C0123456789ABCDE~ AMT*T3*125~ DTP*472*D8*20260915~
    """
    parts = [
        segment("BHT", "0010", "13", numbers.bht03, day(at), minute(at)),
        segment("HL", "1", "", "20", "1"),
        segment("NM1", "PR", "2", text(payer.name), "", "", "", "", "PI", identifier(payer_id, "NM109")),
        segment("HL", "2", "1", "21", "1"),
        segment(
            "NM1", "41", "2", text(submitter.name), "", "", "", "", "46", identifier(submitter.etin, "NM109")
        ),
        segment("HL", "3", "2", "19", "1"),
        segment(
            "NM1", "1P", "2", text(billing.name), "", "", "", "", "XX", identifier(billing.npi, "NM109", 10)
        ),
    ]
    level = 3
    for question in questions:
        level, asked = _question(question, level + 1)
        parts.append(asked)
    content = "".join(parts)
    opening = open_interchange(
        "HR", GUIDE, submitter=submitter, payer=payer, usage=usage, numbers=numbers, at=at
    )
    return "".join(
        (
            opening,
            segment("ST", "276", numbers.st02, GUIDE),
            content,
            segment("SE", str(content.count(END) + 2), numbers.st02),
            close_interchange(1, numbers),
        )
    ).encode("ascii")


def _question(question: Question, level: int) -> tuple[int, str]:
    """Return the last HL number used, and the loops of one claim."""
    claim = question.claim
    own = claim.coverage.relationship == SELF or claim.coverage.subscriber is None
    subscriber = claim.patient if own else claim.coverage.subscriber or claim.patient
    parts = [segment("HL", str(level), "3", "22", "0" if own else "1")]
    if own:
        parts.append(segment("DMG", "D8", day(subscriber.birth_date), _sex(subscriber.sex)))
    parts.append(
        segment(
            "NM1",
            "IL",
            "1",
            text(subscriber.last_name),
            text(subscriber.first_name, 35),
            text(subscriber.middle_name, 25),
            "",
            "",
            "MI",
            identifier(claim.coverage.member_id, "NM109"),
        )
    )
    if not own:
        patient = claim.patient
        parts += [
            segment("HL", str(level + 1), str(level), "23"),
            segment("DMG", "D8", day(patient.birth_date), _sex(patient.sex)),
            segment("NM1", "QC", "1", text(patient.last_name), text(patient.first_name, 35)),
        ]
        level += 1
    parts.append(segment("TRN", "1", identifier(question.trace, "TRN02", 50)))
    if question.payer_control:
        parts.append(segment("REF", "1K", identifier(question.payer_control, "REF02", 50)))
    if claim.form is ClaimForm.INSTITUTIONAL:
        parts.append(segment("REF", "BLT", f"{claim.facility_code}{claim.frequency}"))
    parts += [
        segment("REF", "EJ", identifier(claim.claim_control, "REF02", 20)),
        segment("AMT", "T3", amount(claim.charge_cents)),
        _dates(claim),
    ]
    return level, "".join(parts)


def _dates(claim: ClaimDocument) -> str:
    if claim.service_from == claim.service_through:
        return segment("DTP", "472", "D8", day(claim.service_from))
    return segment("DTP", "472", "RD8", f"{day(claim.service_from)}-{day(claim.service_through)}")


def _sex(code: str) -> str:
    return code if code in ("F", "M") else ""  # the guide has no code for unknown
