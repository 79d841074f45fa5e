"""From final codes, captured charges, coverage, the encounter's record and master data to one claim document.

Never adds, drops or changes a final code. What the record lacks becomes a gap, which the scrubber turns
into a hit.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from rcm_shared.contracts.coding import FinalProcedure
from rcm_shared.contracts.intake import CapturedCharge, ClaimForm, Setting
from rcm_shared.contracts.records import Address, CoverageRecord, EncounterRecord, ProviderRecord
from rcm_shared.money import Cents

from rcm_billing.domain.account import Coding
from rcm_billing.domain.claim import VOID, claim_control_of
from rcm_billing.domain.document import ClaimDocument, Diagnosis, Drug, PriorPayer, Procedure, ServiceLine
from rcm_billing.domain.master import BillingProvider, Facility, Master

NO_BILLING = BillingProvider(
    name="", npi="", tax_id="", taxonomy="", address=Address(line="", city="", state="", postal_code="")
)
NO_FACILITY = Facility(billing=NO_BILLING, place_of_service={}, bill_type={})
_CPT_LENGTH = 5
_DAY_REVENUE = ("010", "011", "012", "013", "014", "015", "016", "017", "018", "019", "020", "021")


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """Which version of which claim to build."""

    claim_id: UUID
    order: str
    version: int
    frequency: str = "1"
    original_reference: str = ""
    prior_payers: tuple[PriorPayer, ...] = ()


def build_claim(
    record: EncounterRecord, coding: Coding, order: BuildOrder, master: Master
) -> ClaimDocument | None:
    """Build the document, or None when the record has no coverage in that order."""
    coverage = next((c for c in record.coverages if c.order == order.order), None)
    if coverage is None:
        return None
    control = claim_control_of(order.claim_id)
    gaps: list[str] = []
    facility = master.facilities.get(record.facility_id)
    if facility is None:
        gaps.append("facility")
        facility = NO_FACILITY
    professional = coding.form is ClaimForm.PROFESSIONAL
    lines, unbilled = (_professional if professional else _institutional)(
        record, coding, control, master, gaps
    )
    inpatient = coding.setting is Setting.INPATIENT
    stay = record.stay
    places = facility.place_of_service if professional else facility.bill_type
    payer = master.payers.get(coverage.payer_id)
    return ClaimDocument.model_construct(
        claim_id=order.claim_id,
        encounter_id=record.encounter_id,
        facility_id=record.facility_id,
        claim_control=control,
        version=order.version,
        frequency=order.frequency,
        original_reference=order.original_reference,
        trace=control if payer is not None and payer.trace else "",
        form=coding.form,
        setting=coding.setting,
        service_from=coding.service_from,
        service_through=coding.service_through,
        facility_code=places.get(coding.setting.value, ""),
        patient=record.patient,
        coverage=coverage,
        prior_payers=order.prior_payers,
        billing=facility.billing,
        providers=record.providers,
        diagnoses=tuple(
            Diagnosis.model_construct(
                code=d.code.replace(".", ""),
                role=d.role,
                poa=d.poa,
                uncertain=d.uncertain,
                supported=d.supported,
            )
            for d in coding.diagnoses
            if d.role != "admitting"
        ),
        admitting=_admitting(record, coding) if inpatient else "",
        procedures=tuple(
            Procedure.model_construct(code=p.code, service_date=p.service_date)
            for p in coding.procedures
            if p.system == "ICD-10-PCS"
        ),
        lines=tuple(lines),
        stay=stay,
        admission_type=(stay.admission_type if stay else "")
        or facility.admission_type.get(coding.setting.value, ""),
        admission_source=(stay.admission_source if stay else "") or facility.admission_source,
        discharge_status=(stay.discharge_status if stay else "")
        or ("" if inpatient else facility.outpatient_discharge_status),
        drg=coding.drg,
        accident=record.accident,
        accident_state=record.accident_state,
        accident_date=record.accident_date,
        charge_cents=Cents(sum(line.charge_cents for line in lines)),
        release=coding.release,
        automatic=coding.automatic,
        gaps=tuple(gaps),
        facts=record.claim,
        unbilled=tuple(unbilled),
    )


def void_of(decided: ClaimDocument, claim_id: UUID, version: int, original_reference: str) -> ClaimDocument:
    """Return the claim that takes a decided one back: the same services under new control numbers, frequency 8."""
    control = claim_control_of(claim_id)
    return decided.model_copy(
        update={
            "claim_id": claim_id,
            "claim_control": control,
            "version": version,
            "frequency": VOID,
            "original_reference": original_reference,
            "lines": tuple(
                line.model_copy(update={"control": f"{control}L{line.number}"}) for line in decided.lines
            ),
        }
    )


def prior_coverages(record: EncounterRecord, order: str) -> tuple[CoverageRecord, ...]:
    """Return the coverages that decide before this order, first to last."""
    return tuple(sorted((c for c in record.coverages if c.order < order), key=lambda c: c.order))


def _admitting(record: EncounterRecord, coding: Coding) -> str:
    """The admitting diagnosis: as coded, else the one the admission came with, else the principal."""
    for diagnosis in coding.diagnoses:
        if diagnosis.role == "admitting":
            return diagnosis.code.replace(".", "")
    if record.diagnoses:
        return record.diagnoses[0].replace(".", "")
    return coding.diagnoses[0].code.replace(".", "") if coding.diagnoses else ""


def _take(charges: list[CapturedCharge], code: str, on: date) -> CapturedCharge | None:
    """Take the captured charge that belongs to a final code: same day first, then any day."""
    for same_day in (True, False):
        for index, charge in enumerate(charges):
            if charge.code == code and (charge.service_date == on or not same_day):
                return charges.pop(index)
    return None


def _line(
    number: int,
    procedure: FinalProcedure,
    charge: CapturedCharge | None,
    positions: dict[str, int],
    control: str,
    record: EncounterRecord,
    master: Master,
    gaps: list[str],
) -> ServiceLine:
    row = master.price(procedure.code, procedure.service_date)
    cents = procedure.charge_cents
    if cents is None and charge is not None:
        # the captured amount covers the captured units; another count is priced by the unit
        cents = charge.charge_cents if charge.units == procedure.units else None
    if cents is None and row is not None:
        cents = Cents(row.charge_cents * procedure.units)
    if cents is None and charge is not None:
        cents = charge.charge_cents
    if cents is None:
        gaps.append(f"price:line-{number}")
        cents = Cents(0)
    pointers = procedure.pointers
    if not pointers and charge is not None and charge.diagnoses:
        linked = (positions.get(code.replace(".", "")) for code in charge.diagnoses)
        pointers = tuple(position for position in linked if position)[:4]
    if not pointers and len(positions) == 1:
        pointers = (1,)
    revenue = (
        procedure.revenue_code
        or (charge.revenue_code if charge else None)
        or (row.revenue_code if row else "")
    )
    minutes = charge.minutes if charge else None
    units = minutes if minutes and _is_anaesthesia(procedure.code) else None
    return ServiceLine.model_construct(
        number=number,
        control=f"{control}L{number}",
        code=procedure.code,
        modifiers=procedure.modifiers or (charge.modifiers if charge else ()),
        revenue_code=revenue or "",
        charge_cents=cents,
        units=units or procedure.units,
        basis="MJ" if units else "UN",
        service_date=procedure.service_date,
        pointers=pointers,
        rendering=_rendering(number, charge, record, gaps) if charge and charge.rendering_npi else None,
        drug=_drug(charge) if charge and charge.ndc else None,
        minutes=minutes,
        supported=procedure.supported,
    )


def _is_anaesthesia(code: str) -> bool:
    """Tell whether a code is of the section that is billed by the minute (CPT 00100 to 01999)."""
    return len(code) == _CPT_LENGTH and code.isdigit() and "00100" <= code <= "01999"


def _drug(charge: CapturedCharge) -> Drug:
    return Drug.model_construct(ndc=charge.ndc, quantity=charge.ndc_quantity, unit=charge.ndc_unit)


def _rendering(
    number: int, charge: CapturedCharge, record: EncounterRecord, gaps: list[str]
) -> ProviderRecord | None:
    """Return the line's own provider; None when it is the claim's. A number that the record has no name for is
    a gap.
    """
    claimed = next(
        (p for role in ("rendering", "attending") for p in record.providers if p.role == role), None
    )
    if claimed is not None and claimed.npi == charge.rendering_npi:
        return None
    found = next((p for p in record.providers if p.npi == charge.rendering_npi), None)
    if found is None:
        gaps.append(f"rendering:line-{number}")
    return found


def _positions(coding: Coding) -> dict[str, int]:
    """Map a code to its place in the claim's list (admitting diagnoses stand outside that list)."""
    listed = [d.code.replace(".", "") for d in coding.diagnoses if d.role != "admitting"]
    return {code: place for place, code in reversed(list(enumerate(listed, 1)))}


def _professional(
    record: EncounterRecord, coding: Coding, control: str, master: Master, gaps: list[str]
) -> tuple[list[ServiceLine], list[UUID]]:
    charges = list(record.charges)
    positions = _positions(coding)
    lines: list[ServiceLine] = []
    for procedure in coding.procedures:
        if procedure.system == "ICD-10-PCS":
            continue
        charge = _take(charges, procedure.code, procedure.service_date)
        lines.append(_line(len(lines) + 1, procedure, charge, positions, control, record, master, gaps))
    return lines, [charge.charge_id for charge in charges]


def _needs_coder(code: str) -> bool:
    """Surgery and evaluation codes are billed only when the coder finalised them; the rest is driven by
    the charge.
    """
    return code.isdigit() and ("10004" <= code <= "69999" or "99202" <= code <= "99499")


def _institutional(
    record: EncounterRecord, coding: Coding, control: str, master: Master, gaps: list[str]
) -> tuple[list[ServiceLine], list[UUID]]:
    charges = list(record.charges)
    positions = _positions(coding)
    lines: list[ServiceLine] = []
    unbilled: list[UUID] = []
    inpatient = coding.setting is Setting.INPATIENT
    if not inpatient:
        for procedure in coding.procedures:
            if procedure.system == "ICD-10-PCS":
                continue
            charge = _take(charges, procedure.code, procedure.service_date)
            line = _line(len(lines) + 1, procedure, charge, positions, control, record, master, gaps)
            if not line.revenue_code:
                gaps.append(f"revenue-code:line-{line.number}")
            lines.append(line)
    for charge in charges:
        if not inpatient and charge.code and _needs_coder(charge.code):
            unbilled.append(charge.charge_id)
            continue
        number = len(lines) + 1
        revenue = charge.revenue_code or ""
        if not revenue and charge.code:
            row = master.price(charge.code, charge.service_date)
            revenue = row.revenue_code if row else ""
        if not revenue:
            gaps.append(f"revenue-code:line-{number}")
        lines.append(
            ServiceLine.model_construct(
                number=number,
                control=f"{control}L{number}",
                code="" if inpatient else charge.code,
                modifiers=() if inpatient else charge.modifiers,
                revenue_code=revenue,
                charge_cents=charge.charge_cents,
                units=charge.units,
                basis="DA" if revenue.startswith(_DAY_REVENUE) else "UN",
                service_date=charge.service_date,
                pointers=(),
                rendering=_rendering(number, charge, record, gaps) if charge.rendering_npi else None,
                drug=_drug(charge) if charge.ndc else None,
                minutes=charge.minutes,
            )
        )
    return lines, unbilled
