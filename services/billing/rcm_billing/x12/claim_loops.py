"""The loops around a claim that both 837 guides share, and a claim's wire form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.document import ClaimDocument, Drug
from rcm_billing.domain.errors import WireRefused
from rcm_billing.x12.claim_parties import address, demographics, payer, person
from rcm_billing.x12.segment import day, identifier, quantity, segment, text, writable

SELF = "18"
BESIDE_CLAIM = "AA"  # PWK02: available on request, so that no control number joins it
MAX_ATTACHMENTS = 10
CODES_IN_HI = 12


@dataclass(frozen=True, slots=True)
class ClaimWire:
    """One claim as segments, but for its HL segments, whose numbers depend on its place in the batch."""

    subscriber: str  # loops 2000B on, after HL; with loop 2300 when the patient is the subscriber
    dependent: str = ""  # loops 2000C on, after HL

    def subscriber_loop(self, level: int) -> str:
        """Return loop 2000B under the billing provider (level 1)."""
        return segment("HL", str(level), "1", "22", "1" if self.dependent else "0") + self.subscriber

    def dependent_loop(self, level: int, parent: int) -> str:
        """Return loop 2000C under its subscriber."""
        return segment("HL", str(level), str(parent), "23", "0") + self.dependent


def wire(claim: ClaimDocument, claim_loop: str) -> ClaimWire:
    """Put loop 2300 (already written) below the subscriber, or below the dependent when there is one."""
    coverage = claim.coverage
    own = coverage.relationship == SELF
    subscriber = coverage.subscriber if not own and coverage.subscriber else claim.patient
    parts = [
        segment(
            "SBR",
            identifier(coverage.order, "SBR01", 1),
            SELF if own else "",
            identifier(coverage.group_number, "SBR03", 50),
            "",
            "",
            "",
            "",
            "",
            identifier(coverage.filing_indicator, "SBR09", 2),
        )
    ]
    if own:
        parts.append(_died(claim, ""))
    parts.append(person("IL", subscriber, identifier(coverage.member_id, "NM109")))
    if own:
        parts += [address(subscriber.address), demographics(subscriber)]
    parts.append(payer(coverage))
    if own:
        return ClaimWire("".join(parts) + claim_loop)
    relationship = identifier(coverage.relationship, "PAT01", 2)
    patient = [
        _died(claim, relationship) or segment("PAT", relationship),
        person("QC", claim.patient, ""),
        address(claim.patient.address),
        demographics(claim.patient),
        claim_loop,
    ]
    return ClaimWire("".join(parts), "".join(patient))


def _died(claim: ClaimDocument, relationship: str) -> str:
    """Write PAT with the date of death, which only the professional guide has."""
    died = claim.patient.death_date
    if died is None or claim.form is not ClaimForm.PROFESSIONAL:
        return ""
    return segment("PAT", relationship, "", "", "", "D8", day(died))


def attachments(claim: ClaimDocument) -> str:
    """Write PWK of the documents that go to the payer beside the claim.

    Raises: WireRefused for more than ten, and for one that is sent without a control number to join it by.
    Wire: PWK*OZ*EL***AC*A100~
    """
    found = claim.facts.attachments
    if len(found) > MAX_ATTACHMENTS:
        raise WireRefused("element-PWK")
    parts = []
    for attachment in found:
        control = identifier(attachment.control, "PWK06", 50)
        transmission = identifier(attachment.transmission, "PWK02", 2)
        if not control and transmission != BESIDE_CLAIM:
            raise WireRefused("element-PWK06")
        joined = ("", "", "AC", control) if control else ()
        parts.append(segment("PWK", identifier(attachment.report_type, "PWK01", 2), transmission, *joined))
    return "".join(parts)


def references(claim: ClaimDocument) -> str:
    """Write the claim's REF segments in the guides' order: referral 9F, authorisation G1, the payer's number
    F8, CLIA X4 (837P), our trace D9, state of the accident LU (837I), medical record EA.
    """
    professional = claim.form is ClaimForm.PROFESSIONAL
    record_number = claim.patient.medical_record_number
    found = (
        ("9F", claim.facts.referral),
        ("G1", claim.coverage.authorization),
        ("F8", claim.original_reference),
        ("X4", claim.facts.clia if professional else ""),
        ("D9", claim.trace),
        ("LU", "" if professional or claim.accident != "auto" else claim.accident_state),
        # for the payer's convenience only: one that X12 cannot carry is left out, the claim is not held for it
        ("EA", record_number if writable(record_number, 50) else ""),
    )
    return "".join(
        segment("REF", qualifier, identifier(value, f"REF02-{qualifier}", 50))
        for qualifier, value in found
        if value
    )


def note(claim: ClaimDocument) -> str:
    """Write NTE, cut to the guide's 80 characters."""
    written = text(claim.facts.note, 80)
    return segment("NTE", "ADD", written) if written else ""


def delay_reason(claim: ClaimDocument) -> tuple[str, ...]:
    """Return CLM12 to CLM20 when the claim says why it is late, else nothing."""
    if not claim.facts.delay_reason:
        return ()
    return (*[""] * 8, identifier(claim.facts.delay_reason, "CLM20", 2))


def drug(given: Drug | None) -> str:
    """Write loop 2410.

    Raises: WireRefused when quantity or unit is missing; the guide has no drug without them.
    Wire: LIN**N4*00071015523~ CTP****2.5*ML~
    """
    if given is None:
        return ""
    if given.quantity is None or given.quantity <= Decimal(0):
        raise WireRefused("element-CTP04")
    if not given.unit:
        raise WireRefused("element-CTP05")
    return segment("LIN", "", "N4", identifier(given.ndc, "LIN03", 48)) + segment(
        "CTP", "", "", "", quantity(given.quantity, "CTP04"), identifier(given.unit, "CTP05-1", 2)
    )


def information(codes: Sequence[str], element: str, segments: int) -> list[str]:
    """Fill HI segments with at most twelve codes each.

    Raises: WireRefused naming the list when the guide has no room for so many.
    """
    if len(codes) > segments * CODES_IN_HI:
        raise WireRefused(f"element-HI-{element}")
    starts: Iterable[int] = range(0, len(codes), CODES_IN_HI)
    return [segment("HI", *codes[start : start + CODES_IN_HI]) for start in starts]
