"""The merge fields of one letter, taken from the claim as it was sent, the case and the master data."""

from collections.abc import Mapping, Sequence
from datetime import date

from rcm_shared.money import dollars

from rcm_billing.domain.account import Denial
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.master import AppealLevel, Master

Fields = Mapping[str, str | Sequence[str]]


def letter_fields(
    document: ClaimDocument,
    case: Denial,
    master: Master,
    level: AppealLevel,
    *,
    payer_control: str,
    code: str,
    modifiers: Sequence[str],
    diagnoses: Sequence[str],
    argument: str,
    enclosed: Sequence[str],
    today: date,
) -> Fields:
    """Return every field that has a value; what is empty may not be shown by a template."""
    patient, billing, coverage = document.patient, document.billing, document.coverage
    address = billing.address
    return {
        "today": today.isoformat(),
        "payer_name": coverage.payer_name,
        "payer_id": coverage.payer_id,
        "provider_name": billing.name,
        "provider_npi": billing.npi,
        "provider_tax_id": billing.tax_id,
        "provider_address": f"{address.line}, {address.city}, {address.state} {address.postal_code}",
        "contact_name": master.submitter.contact_name,
        "contact_phone": master.submitter.contact_phone,
        "patient_name": " ".join(
            part for part in (patient.first_name, patient.middle_name, patient.last_name) if part
        ),
        "patient_birth_date": patient.birth_date.isoformat(),
        "member_id": coverage.member_id,
        "claim_control": document.claim_control,
        "payer_control": payer_control,
        "service_from": document.service_from.isoformat(),
        "service_through": document.service_through.isoformat()
        if document.service_through != document.service_from
        else "",
        "charge": dollars(document.charge_cents),
        "denied": dollars(case.cents),
        "denied_on": case.denied_at.date().isoformat(),
        "line": str(case.line) if case.line else "",
        "code": code,
        "modifiers": tuple(modifiers),
        "diagnoses": tuple(diagnoses),
        "group": case.group,
        "carc": case.carc,
        "remarks": case.remarks,
        "category": case.category,
        "level": str(case.level + 1),
        "level_name": level.name,
        "deadline_on": case.deadline_at.date().isoformat() if case.deadline_at else "",
        "argument": argument,
        "authorisation": coverage.authorization,
        "attachments": tuple(enclosed),
    }
