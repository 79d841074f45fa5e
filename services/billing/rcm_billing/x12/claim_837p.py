"""Write one professional claim, guide 005010X222A1, from its document. Deterministic: no clock, no numbers
of its own.
"""

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.x12.claim_cob import prior_lines, prior_payers
from rcm_billing.x12.claim_loops import (
    ClaimWire,
    attachments,
    delay_reason,
    drug,
    information,
    note,
    references,
    wire,
)
from rcm_billing.x12.claim_parties import provider, service_facility
from rcm_billing.x12.segment import amount, composite, day, identifier, segment

_ACCIDENT = {"auto": "AA", "work": "EM", "other": "OA"}
_INPATIENT_PLACES = frozenset({"21", "51", "61"})  # places of service that ask for the admission date
_CONDITION_SEGMENTS = 2


def write_claim(claim: ClaimDocument) -> ClaimWire:
    """Write loops 2000B to 2430 of one claim.

    Raises: WireRefused naming the element when an identifier or code cannot be written.
    Wire: CLM*C0123456789ABCDE*125***11:B:1*Y*A*Y*Y~
    """
    parts = [_claim(claim), _dates(claim), attachments(claim), references(claim), note(claim)]
    parts.append(
        segment(
            "HI",
            *(
                composite("ABF" if position else "ABK", identifier(diagnosis.code, "HI01-2", 7))
                for position, diagnosis in enumerate(claim.diagnoses)
            ),
        )
    )
    conditions = [composite("BG", identifier(c, "HI-BG", 2)) for c in claim.facts.condition_codes]
    parts += information(conditions, "BG", _CONDITION_SEGMENTS)
    referring = claim.provider("referring")
    if referring:
        parts.append(provider("DN", referring))
    rendering = claim.provider("rendering", "attending")
    if rendering and rendering.npi != claim.billing.npi:
        parts.append(provider("82", rendering, "PE"))
    parts.append(service_facility(claim.facts.service_facility, claim.billing.npi, claim.billing.address))
    supervising = claim.provider("supervising")
    if supervising:
        parts.append(provider("DQ", supervising))
    parts.append(prior_payers(claim))
    ordering = claim.provider("ordering")
    ordered = ""
    if ordering and not (rendering and ordering.npi == rendering.npi):
        ordered = provider("DK", ordering)  # the guide has the ordering provider on lines only
    parts += [_line(claim, line, ordered) for line in claim.lines]
    return wire(claim, "".join(parts))


def _claim(claim: ClaimDocument) -> str:
    accident = _ACCIDENT.get(claim.accident, "")
    state = identifier(claim.accident_state, "CLM11-4", 2) if accident == "AA" else ""
    return segment(
        "CLM",
        identifier(claim.claim_control, "CLM01", 20),
        amount(claim.charge_cents),
        "",
        "",
        composite(
            identifier(claim.facility_code, "CLM05-1", 2), "B", identifier(claim.frequency, "CLM05-3", 1)
        ),
        "Y",
        "A",
        "Y",
        "Y",
        "",
        composite(accident, "", "", state) if accident else "",
        *delay_reason(claim),
    )


def _dates(claim: ClaimDocument) -> str:
    """Write the claim's DTP segments in the guide's order."""
    facts, stay = claim.facts, claim.stay
    inpatient = stay if stay is not None and claim.facility_code in _INPATIENT_PLACES else None
    found = (
        ("431", facts.onset_on),
        ("454", facts.initial_treatment_on),
        ("439", claim.accident_date if claim.accident in _ACCIDENT else None),
        ("484", facts.last_menstrual_period_on),
        ("435", inpatient.admitted_at if inpatient else None),
        ("096", inpatient.discharged_at if inpatient else None),
    )
    return "".join(segment("DTP", qualifier, "D8", day(on)) for qualifier, on in found if on is not None)


def _line(claim: ClaimDocument, line: ServiceLine, ordered: str) -> str:
    """Write loops 2400 to 2430 of one line. Wire: SV1*HC:17110:25*210*UN*1*11**1~"""
    place = line.place_of_service if line.place_of_service != claim.facility_code else ""
    return "".join(
        (
            segment("LX", str(line.number)),
            segment(
                "SV1",
                composite(
                    "HC",
                    identifier(line.code, "SV101-2", 48),
                    *(identifier(modifier, "SV101-3", 2) for modifier in line.modifiers),
                ),
                amount(line.charge_cents),
                identifier(line.basis, "SV103", 2),
                str(line.units),
                identifier(place, "SV105", 2),
                "",
                composite(*(str(pointer) for pointer in line.pointers)),
            ),
            segment("DTP", "472", "D8", day(line.service_date)),
            segment("REF", "6R", identifier(line.control, "REF02-6R", 50)),
            drug(line.drug),
            provider("82", line.rendering, "PE") if line.rendering else "",
            ordered,
            prior_lines(claim, line.number),
        )
    )
