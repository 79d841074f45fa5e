"""Write one institutional claim, guide 005010X223A2, from its document. Deterministic: no clock, no
numbers of its own.
"""

from rcm_shared.contracts.intake import Setting

from rcm_billing.domain.document import ClaimDocument, Diagnosis, ServiceLine
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
from rcm_billing.x12.segment import amount, composite, day, identifier, minute, segment

EXTERNAL_CAUSE = "external-cause"
REASON_FOR_VISIT = "reason-for-visit"
POA_EXEMPT = "1"
STILL_PATIENT = "30"
INTERIM = frozenset({"2", "3"})  # frequencies of a stay that goes on
_UNSCHEDULED = frozenset({"1", "2", "5"})  # admission types that ask for the patient's reason for the visit
_REASONS = 3


def write_claim(claim: ClaimDocument) -> ClaimWire:
    """Write loops 2000B to 2430 of one claim.

    Raises: WireRefused naming the element when an identifier or code cannot be written.
    Wire: CLM*C0123456789ABCDE*8412.5***11:A:1**A*Y*Y~
    """
    inpatient = claim.setting is Setting.INPATIENT
    parts = [
        _claim(claim),
        _dates(claim, inpatient),
        segment(
            "CL1",
            identifier(claim.admission_type, "CL101", 1),
            identifier(claim.admission_source, "CL102", 1),
            identifier(claim.discharge_status, "CL103", 2),
        ),
        attachments(claim),
        references(claim),
        note(claim),
        *_coded(claim, inpatient),
        *_reported(claim),
        _providers(claim),
        prior_payers(claim),
    ]
    parts += [_line(claim, line) for line in claim.lines]
    return wire(claim, "".join(parts))


def _claim(claim: ClaimDocument) -> str:
    late = delay_reason(claim)
    return segment(
        "CLM",
        identifier(claim.claim_control, "CLM01", 20),
        amount(claim.charge_cents),
        "",
        "",
        composite(
            identifier(claim.facility_code, "CLM05-1", 2), "A", identifier(claim.frequency, "CLM05-3", 1)
        ),
        "",
        "A",
        "Y",
        "Y",
        *(("", "", *late) if late else ()),
    )


def _dates(claim: ClaimDocument, inpatient: bool) -> str:
    """Write discharge hour (of a stay that has ended), statement dates, admission."""
    stay = claim.stay if inpatient else None
    parts = []
    ended = claim.discharge_status != STILL_PATIENT and claim.frequency not in INTERIM
    if stay and stay.discharged_at and ended:
        parts.append(segment("DTP", "096", "TM", minute(stay.discharged_at)))
    parts.append(segment("DTP", "434", "RD8", f"{day(claim.service_from)}-{day(claim.service_through)}"))
    if stay and stay.admitted_at:
        parts.append(segment("DTP", "435", "DT", day(stay.admitted_at) + minute(stay.admitted_at)))
    return "".join(parts)


def _diagnosis(qualifier: str, diagnosis: Diagnosis, inpatient: bool) -> str:
    code = identifier(diagnosis.code, "HI01-2", 7)
    poa = diagnosis.poa if inpatient and diagnosis.poa != POA_EXEMPT else None
    return composite(qualifier, code, "", "", "", "", "", "", identifier(poa or "", "HI01-9", 1))


def _coded(claim: ClaimDocument, inpatient: bool) -> list[str]:
    """Write the codes in the guide's order: principal, admitting or reason for visit, external cause, DRG,
    others, procedures.
    """
    if not claim.diagnoses:
        return []
    first = next(
        (d for d in claim.diagnoses if d.role not in (EXTERNAL_CAUSE, REASON_FOR_VISIT)), claim.diagnoses[0]
    )
    external = [d for d in claim.diagnoses if d is not first and d.role == EXTERNAL_CAUSE]
    reasons = [d for d in claim.diagnoses if d is not first and d.role == REASON_FOR_VISIT]
    others = [d for d in claim.diagnoses if d is not first and d not in external and d not in reasons]
    parts = [segment("HI", _diagnosis("ABK", first, inpatient))]
    if inpatient and claim.admitting:
        parts.append(segment("HI", composite("ABJ", identifier(claim.admitting, "HI01-2", 7))))
    elif not inpatient:
        parts += _reasons_for_visit(claim, first, reasons)
    parts += information([_diagnosis("ABN", d, inpatient) for d in external], "ABN", 1)
    if inpatient and claim.drg:
        parts.append(segment("HI", composite("DR", identifier(claim.drg, "HI01-2", 4))))
    parts += information([_diagnosis("ABF", d, inpatient) for d in others], "ABF", 2)
    if claim.procedures:
        codes = [
            composite("BBQ" if n else "BBR", identifier(p.code, "HI01-2", 7), "D8", day(p.service_date))
            for n, p in enumerate(claim.procedures)
        ]
        parts.append(segment("HI", codes[0]))
        parts += information(codes[1:], "BBQ", 2)
    return parts


def _reasons_for_visit(claim: ClaimDocument, first: Diagnosis, coded: list[Diagnosis]) -> list[str]:
    """Write the patient's reasons for an outpatient visit: as registered, else as coded, else, when nobody
    scheduled the visit, the first diagnosis.
    """
    codes = [code.replace(".", "") for code in claim.facts.reasons_for_visit] or [d.code for d in coded]
    if not codes and claim.admission_type in _UNSCHEDULED:
        codes = [first.code]
    return information(
        [composite("APR", identifier(code, "HI01-2", 7)) for code in codes[:_REASONS]], "APR", 1
    )


def _reported(claim: ClaimDocument) -> list[str]:
    """Write the UB-04 codes in the guide's order: occurrence spans, occurrences, values, conditions."""
    facts = claim.facts
    spans = [
        composite("BI", identifier(o.code, "HI-BI", 2), "RD8", f"{day(o.on)}-{day(o.through)}")
        for o in facts.occurrences
        if o.through is not None
    ]
    occurrences = [
        composite("BH", identifier(o.code, "HI-BH", 2), "D8", day(o.on))
        for o in facts.occurrences
        if o.through is None
    ]
    values = [
        composite("BE", identifier(v.code, "HI-BE", 2), "", "", amount(v.hundredths)) for v in facts.values
    ]
    conditions = [composite("BG", identifier(code, "HI-BG", 2)) for code in facts.condition_codes]
    return [
        *information(spans, "BI", 2),
        *information(occurrences, "BH", 2),
        *information(values, "BE", 2),
        *information(conditions, "BG", 2),
    ]


def _providers(claim: ClaimDocument) -> str:
    """Write loops 2310A to 2310F: attending, operating, other operating, rendering, facility, referring."""
    attending = claim.provider("attending", "rendering")
    parts = []
    if attending:
        parts.append(provider("71", attending, "AT"))
    for role, who in (
        ("72", claim.provider("operating", "surgeon")),
        ("ZZ", claim.provider("other-operating")),
    ):
        if who:
            parts.append(provider(role, who))
    rendering = claim.provider("rendering")
    if rendering and attending and rendering.npi != attending.npi:
        parts.append(provider("82", rendering))
    parts.append(service_facility(claim.facts.service_facility, claim.billing.npi, claim.billing.address))
    referring = claim.provider("referring")
    if referring and attending and referring.npi != attending.npi:
        parts.append(provider("DN", referring))
    return "".join(parts)


def _line(claim: ClaimDocument, line: ServiceLine) -> str:
    """Write loops 2400 to 2430 of one line. Wire: SV2*0450*HC:99283:25*540*UN*1~"""
    procedure = ""
    if line.code:
        procedure = composite(
            "HC",
            identifier(line.code, "SV202-2", 48),
            *(identifier(modifier, "SV202-3", 2) for modifier in line.modifiers),
        )
    return "".join(
        (
            segment("LX", str(line.number)),
            segment(
                "SV2",
                identifier(line.revenue_code, "SV201", 4),
                procedure,
                amount(line.charge_cents),
                identifier(line.basis, "SV204", 2),
                str(line.units),
            ),
            segment("DTP", "472", "D8", day(line.service_date)),
            segment("REF", "6R", identifier(line.control, "REF02-6R", 50)),
            drug(line.drug),
            provider("82", line.rendering) if line.rendering else "",
            prior_lines(claim, line.number),
        )
    )
