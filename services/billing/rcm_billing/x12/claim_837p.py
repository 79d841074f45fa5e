"""Write one professional claim, guide 005010X222A1, from its document. Deterministic: no clock, no numbers
of its own.
"""

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.x12.claim_loops import ClaimWire, prior_lines, prior_payer, provider, references, wire
from rcm_billing.x12.segment import amount, composite, day, identifier, segment

_ACCIDENT = {"auto": "AA", "work": "EM", "other": "OA"}


def write_claim(claim: ClaimDocument) -> ClaimWire:
    """Write loops 2000B to 2430 of one claim.

    Raises: WireRefused naming the element when an identifier or code cannot be written.
    Wire: CLM*C0123456789ABCDE*125***11:B:1*Y*A*Y*Y~
    """
    accident = _ACCIDENT.get(claim.accident, "")
    state = identifier(claim.accident_state, "CLM11-4", 2) if accident == "AA" else ""
    parts = [
        segment(
            "CLM",
            identifier(claim.claim_control, "CLM01", 20),
            amount(claim.charge_cents),
            "",
            "",
            composite(identifier(claim.facility_code, "CLM05-1", 2), "B", claim.frequency),
            "Y",
            "A",
            "Y",
            "Y",
            "",
            composite(accident, "", "", state) if accident else "",
        )
    ]
    if accident and claim.accident_date:
        parts.append(segment("DTP", "439", "D8", day(claim.accident_date)))
    parts += [
        references(claim),
        segment(
            "HI",
            *(
                composite("ABF" if position else "ABK", identifier(diagnosis.code, "HI01-2", 7))
                for position, diagnosis in enumerate(claim.diagnoses)
            ),
        ),
    ]
    referring = claim.provider("referring", "ordering")
    if referring:
        parts.append(provider("DN", referring))
    rendering = claim.provider("rendering", "attending")
    if rendering and rendering.npi != claim.billing.npi:
        parts.append(provider("82", rendering, "PE"))
    parts += [prior_payer(claim, prior) for prior in claim.prior_payers]
    for line in claim.lines:
        parts += [
            segment("LX", str(line.number)),
            segment(
                "SV1",
                composite(
                    "HC",
                    identifier(line.code, "SV101-2", 48),
                    *(identifier(modifier, "SV101-3", 2) for modifier in line.modifiers),
                ),
                amount(line.charge_cents),
                line.basis,
                str(line.units),
                "",
                "",
                composite(*(str(pointer) for pointer in line.pointers)),
            ),
            segment("DTP", "472", "D8", day(line.service_date)),
            segment("REF", "6R", identifier(line.control, "REF02", 50)),
            prior_lines(claim, line.number),
        ]
    return wire(claim, "".join(parts))
