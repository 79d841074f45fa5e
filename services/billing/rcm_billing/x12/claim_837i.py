"""Write one institutional claim, guide 005010X223A2, from its document. Deterministic: no clock, no
numbers of its own.
"""

from collections.abc import Iterable

from rcm_shared.contracts.intake import Setting

from rcm_billing.domain.document import ClaimDocument, Diagnosis
from rcm_billing.x12.claim_loops import ClaimWire, prior_lines, prior_payer, provider, references, wire
from rcm_billing.x12.segment import amount, composite, day, identifier, minute, segment

EXTERNAL_CAUSE = "external-cause"
REASON_FOR_VISIT = "reason-for-visit"
POA_EXEMPT = "1"
_UNSCHEDULED = frozenset({"1", "2", "5"})  # admission types that ask for the patient's reason for the visit


def write_claim(claim: ClaimDocument) -> ClaimWire:
    """Write loops 2000B to 2430 of one claim.

    Raises: WireRefused naming the element when an identifier or code cannot be written.
    Wire: CLM*C0123456789ABCDE*8412.5***11:A:1**A*Y*Y~
    """
    inpatient = claim.setting is Setting.INPATIENT
    stay = claim.stay
    parts = [
        segment(
            "CLM",
            identifier(claim.claim_control, "CLM01", 20),
            amount(claim.charge_cents),
            "",
            "",
            composite(identifier(claim.facility_code, "CLM05-1", 2), "A", claim.frequency),
            "",
            "A",
            "Y",
            "Y",
        )
    ]
    if inpatient and stay and stay.discharged_at and claim.discharge_status != "30":
        parts.append(segment("DTP", "096", "TM", minute(stay.discharged_at)))
    parts.append(segment("DTP", "434", "RD8", f"{day(claim.service_from)}-{day(claim.service_through)}"))
    if inpatient and stay and stay.admitted_at:
        parts.append(segment("DTP", "435", "DT", day(stay.admitted_at) + minute(stay.admitted_at)))
    parts += [
        segment(
            "CL1",
            identifier(claim.admission_type, "CL101", 1),
            identifier(claim.admission_source, "CL102", 1),
            identifier(claim.discharge_status, "CL103", 2),
        ),
        references(claim),
        _health_information(claim, inpatient),
    ]
    attending = claim.provider("attending", "rendering")
    if attending:
        parts.append(provider("71", attending, "AT"))
    operating = claim.provider("operating", "surgeon")
    if operating:
        parts.append(provider("72", operating))
    rendering = claim.provider("rendering")
    if rendering and attending and rendering.npi != attending.npi:
        parts.append(provider("82", rendering))
    referring = claim.provider("referring")
    if referring and attending and referring.npi != attending.npi:
        parts.append(provider("DN", referring))
    parts += [prior_payer(claim, prior) for prior in claim.prior_payers]
    for line in claim.lines:
        procedure = ""
        if line.code:
            procedure = composite(
                "HC",
                identifier(line.code, "SV202-2", 48),
                *(identifier(modifier, "SV202-3", 2) for modifier in line.modifiers),
            )
        parts += [
            segment("LX", str(line.number)),
            segment(
                "SV2",
                identifier(line.revenue_code, "SV201", 4),
                procedure,
                amount(line.charge_cents),
                line.basis,
                str(line.units),
            ),
            segment("DTP", "472", "D8", day(line.service_date)),
            segment("REF", "6R", identifier(line.control, "REF02", 50)),
            prior_lines(claim, line.number),
        ]
    return wire(claim, "".join(parts))


def _diagnosis(qualifier: str, diagnosis: Diagnosis, inpatient: bool) -> str:
    code = identifier(diagnosis.code, "HI01-2", 7)
    poa = diagnosis.poa if inpatient and diagnosis.poa != POA_EXEMPT else None
    return composite(qualifier, code, "", "", "", "", "", "", poa or "")


def _health_information(claim: ClaimDocument, inpatient: bool) -> str:
    """Write the HI segments in the guide's order: principal, admitting or reason, external cause, DRG,
    others, PCS.
    """
    if not claim.diagnoses:
        return ""
    first = next(
        (d for d in claim.diagnoses if d.role not in (EXTERNAL_CAUSE, REASON_FOR_VISIT)), claim.diagnoses[0]
    )
    external = [d for d in claim.diagnoses if d is not first and d.role == EXTERNAL_CAUSE]
    reasons = [d for d in claim.diagnoses if d is not first and d.role == REASON_FOR_VISIT]
    others = [d for d in claim.diagnoses if d is not first and d not in external and d not in reasons]
    parts = [segment("HI", _diagnosis("ABK", first, inpatient))]
    if inpatient and claim.admitting:
        parts.append(segment("HI", composite("ABJ", identifier(claim.admitting, "HI01-2", 7))))
    elif not inpatient and (reasons or claim.admission_type in _UNSCHEDULED):
        parts.append(segment("HI", *(_diagnosis("APR", d, False) for d in (reasons or [first])[:3])))
    parts += _repeat([_diagnosis("ABN", d, inpatient) for d in external])
    if inpatient and claim.drg:
        parts.append(segment("HI", composite("DR", identifier(claim.drg, "HI01-2", 4))))
    parts += _repeat([_diagnosis("ABF", d, inpatient) for d in others])
    if claim.procedures:
        codes = [
            composite("BBQ" if n else "BBR", identifier(p.code, "HI01-2", 7), "D8", day(p.service_date))
            for n, p in enumerate(claim.procedures)
        ]
        parts.append(segment("HI", codes[0]))
        parts += _repeat(codes[1:])
    return "".join(parts)


def _repeat(codes: Iterable[str]) -> list[str]:
    """Fill HI segments with at most twelve codes each."""
    every = list(codes)
    return [segment("HI", *every[start : start + 12]) for start in range(0, len(every), 12)]
