"""The claim as payer rules see it: a list of typed fields, each with what it means.

Names, addresses and free text are not in it. Dates are text, `2026-09-02`, and compare as text; money is cents.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.rules.diagnosis import age_on
from rcm_billing.domain.rules.inpatient import days_of

Read = Callable[[ClaimDocument, date], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its type, what it means, how it is read; a list of entries has members with types of their own."""

    type: str
    text: str
    read: Read
    members: Mapping[str, str] | None = None


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _line(claim: ClaimDocument, line: ServiceLine) -> dict[str, Any]:
    rendering = line.rendering or claim.provider("rendering")
    codes = claim.diagnoses
    return {
        "number": line.number,
        "code": line.code,
        "modifiers": list(line.modifiers),
        "revenue_code": line.revenue_code,
        "charge_cents": int(line.charge_cents),
        "units": line.units,
        "basis": line.basis,
        "date": _day(line.service_date),
        "diagnoses": [codes[n - 1].code for n in line.pointers if 1 <= n <= len(codes)],
        "place": line.place_of_service or claim.facility_code,
        "ndc": line.drug.ndc if line.drug else "",
        "minutes": line.minutes or 0,
        "rendering_npi": rendering.npi if rendering else "",
        "rendering_taxonomy": rendering.taxonomy if rendering else "",
    }


_LINE = {
    "number": "int",
    "code": "text",
    "modifiers": "list of text",
    "revenue_code": "text",
    "charge_cents": "int",
    "units": "int",
    "basis": "text: UN, MJ (minutes), DA (days)",
    "date": "date",
    "diagnoses": "list of text: the codes that the line points to",
    "place": "text: place of service, or the first digits of the type of bill",
    "ndc": "text",
    "minutes": "int, 0 when not timed",
    "rendering_npi": "text",
    "rendering_taxonomy": "text",
}
_DIAGNOSIS = {"number": "int", "code": "text, without dot", "role": "text", "poa": "text"}
_PROCEDURE = {"code": "text, ICD-10-PCS", "date": "date"}
_PROVIDER = {"role": "text", "npi": "text", "taxonomy": "text"}
_VALUE = {"code": "text", "hundredths": "int"}

#: Every field that an expression may name.
VIEW: Mapping[str, Field] = {
    "form": Field("text", "837P or 837I", lambda c, _: c.form.value),
    "setting": Field("text", "office, ed, surgery, inpatient, imaging, lab", lambda c, _: c.setting.value),
    "facility_id": Field("text", "the facility that bills", lambda c, _: c.facility_id),
    "place": Field(
        "text", "place of service, or the first digits of the type of bill", lambda c, _: c.facility_code
    ),
    "frequency": Field("text", "1 original, 7 replacement, 8 void, …", lambda c, _: c.frequency),
    "version": Field("int", "of this claim, from 1", lambda c, _: c.version),
    "payer_id": Field("text", "the payer of this claim", lambda c, _: c.coverage.payer_id),
    "payer_order": Field("text", "P, S or T", lambda c, _: c.coverage.order),
    "filing_indicator": Field(
        "text", "kind of plan (SBR09), such as CI or MB", lambda c, _: c.coverage.filing_indicator
    ),
    "relationship": Field(
        "text", "of the patient to the subscriber; 18 is self", lambda c, _: c.coverage.relationship
    ),
    "member_id": Field("text", "the subscriber's member id", lambda c, _: c.coverage.member_id),
    "group_number": Field("text", "of the plan", lambda c, _: c.coverage.group_number),
    "authorization": Field("text", "the payer's authorisation number", lambda c, _: c.coverage.authorization),
    "referral": Field("text", "the referral number", lambda c, _: c.facts.referral),
    "prior_payers": Field(
        "list of text",
        "payers that decided before",
        lambda c, _: [p.coverage.payer_id for p in c.prior_payers],
    ),
    "age": Field(
        "int",
        "completed years on the first day of service",
        lambda c, _: age_on(c.patient.birth_date, c.service_from),
    ),
    "sex": Field("text", "M, F or U", lambda c, _: c.patient.sex),
    "patient_state": Field(
        "text", "two letters", lambda c, _: c.patient.address.state if c.patient.address else ""
    ),
    "service_from": Field("date", "first day of service", lambda c, _: _day(c.service_from)),
    "service_through": Field("date", "last day of service", lambda c, _: _day(c.service_through)),
    "scrubbed_on": Field("date", "the day on which the claim is judged", lambda _, today: _day(today)),
    "days": Field("int", "days of the statement period", lambda c, _: days_of(c)),
    "charge_cents": Field("int", "the claim's total", lambda c, _: int(c.charge_cents)),
    "drg": Field("text", "of a stay", lambda c, _: c.drg or ""),
    "admission_type": Field("text", "UB-04", lambda c, _: c.admission_type),
    "admission_source": Field("text", "UB-04 point of origin", lambda c, _: c.admission_source),
    "discharge_status": Field("text", "UB-04", lambda c, _: c.discharge_status),
    "admitting": Field("text", "admitting diagnosis", lambda c, _: c.admitting),
    "accident": Field("text", "auto, work, other or nothing", lambda c, _: c.accident),
    "accident_state": Field("text", "two letters", lambda c, _: c.accident_state),
    "condition_codes": Field("list of text", "UB-04", lambda c, _: list(c.facts.condition_codes)),
    "occurrence_codes": Field(
        "list of text", "UB-04, spans included", lambda c, _: [o.code for o in c.facts.occurrences]
    ),
    "attachments": Field(
        "list of text", "report types (PWK01)", lambda c, _: [a.report_type for a in c.facts.attachments]
    ),
    "clia": Field("text", "the laboratory's CLIA number", lambda c, _: c.facts.clia),
    "delay_reason": Field("text", "of a late claim (CLM20)", lambda c, _: c.facts.delay_reason),
    "has_note": Field("bool", "the claim carries a note", lambda c, _: bool(c.facts.note)),
    "billing_npi": Field("text", "the billing provider's NPI", lambda c, _: c.billing.npi),
    "billing_taxonomy": Field("text", "the billing provider's taxonomy", lambda c, _: c.billing.taxonomy),
    "providers": Field(
        "list",
        "everybody named on the claim",
        lambda c, _: [{"role": p.role, "npi": p.npi, "taxonomy": p.taxonomy} for p in c.providers],
        _PROVIDER,
    ),
    "diagnoses": Field(
        "list",
        "in the order of the claim",
        lambda c, _: [
            {"number": n, "code": d.code, "role": d.role, "poa": d.poa or ""}
            for n, d in enumerate(c.diagnoses, 1)
        ],
        _DIAGNOSIS,
    ),
    "procedures": Field(
        "list",
        "of a stay",
        lambda c, _: [{"code": p.code, "date": _day(p.service_date)} for p in c.procedures],
        _PROCEDURE,
    ),
    "values": Field(
        "list",
        "UB-04 value codes",
        lambda c, _: [{"code": v.code, "hundredths": v.hundredths} for v in c.facts.values],
        _VALUE,
    ),
    "lines": Field("list", "service lines", lambda c, _: [_line(c, line) for line in c.lines], _LINE),
}

#: Fields with the members of their entries, as the expression compiler wants them.
NAMES: Mapping[str, tuple[str, ...]] = {name: tuple(field.members or ()) for name, field in VIEW.items()}


def read_fields(
    claim: ClaimDocument, today: date, names: frozenset[str], members: frozenset[str] | None = None
) -> dict[str, Any]:
    """Return the values of some fields of a claim, judged on a day; of entries only these members."""
    values = {name: VIEW[name].read(claim, today) for name in names}
    if members is not None:
        for name in names:
            if VIEW[name].members is not None:
                values[name] = [{m: entry[m] for m in entry if m in members} for entry in values[name]]
    return values


def longest_list(claim: ClaimDocument) -> int:
    """Return the entries of the claim's longest list."""
    return max(len(claim.lines), len(claim.diagnoses), len(claim.procedures), len(claim.facts.values), 4)
