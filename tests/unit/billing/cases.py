"""Records, final codes and claims that billing's tests start from. All patients are synthetic."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

from rcm_billing.domain.account import Coding
from rcm_billing.domain.claim import claim_id_of
from rcm_billing.domain.claim_build import BuildOrder, build_claim
from rcm_billing.domain.document import ClaimDocument, PriorPayer
from rcm_billing.domain.master import Master
from rcm_billing.x12 import claim_837i, claim_837p
from rcm_billing.x12.claim_loops import ClaimWire
from rcm_billing.x12.envelope import ControlNumbers, write_interchange
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import CapturedCharge, ClaimForm, Setting
from rcm_shared.contracts.records import (
    Address,
    CoverageRecord,
    EncounterRecord,
    PatientPhi,
    ProviderRecord,
    StayRecord,
)
from rcm_shared.money import Cents

ROOT = Path(__file__).resolve().parents[3]
MASTER = Master.model_validate(
    json.loads((ROOT / "deploy" / "rcm_deploy" / "demo" / "master.json").read_text(encoding="utf-8"))
)
TODAY = date(2026, 9, 28)
NOW = datetime(2026, 9, 28, 12, 0, tzinfo=UTC)
OFFICE_DAY = date(2026, 9, 2)
NUMBERS = ControlNumbers(905, 17, 17)

PATIENT = PatientPhi(
    last_name="ZQMOLESON",
    first_name="Ann",
    birth_date=date(1981, 4, 5),
    sex="F",
    address=Address(line="1 ZQSTREET Lane", city="Springfield", state="IL", postal_code="62702"),
    medical_record_number="ZQ100",
)


def encounter_id(number: int = 1) -> UUID:
    """Return a fixed version 7 id."""
    return UUID(int=(0x0199_0000_0000 + number) << 80 | 0x7 << 76 | 0b10 << 62 | number)


def charge_id(number: int) -> UUID:
    """Return a fixed id for a charge."""
    return encounter_id(9000 + number)


def a_coverage(order: str = "P", payer_id: str = "DHP01", member_id: str = "PDZQ0001") -> CoverageRecord:
    """Return a coverage of the patient's own."""
    return CoverageRecord(
        coverage_id=encounter_id(500 + ord(order)),
        payer_id=payer_id,
        payer_name=MASTER.payers[payer_id].name,
        order=order,
        filing_indicator="CI",
        relationship="18",
        member_id=member_id,
    )


def an_office_record(number: int = 1, **changes: object) -> EncounterRecord:
    """Return the record of the mole cryoablation visit."""
    values: dict[str, object] = {
        "encounter_id": encounter_id(number),
        "facility_id": "DEMO-GENERAL",
        "source": "demo-ehr",
        "external_id": f"E{number}",
        "record_version": 3,
        "state": "documentation_complete",
        "setting": Setting.OFFICE,
        "claim_form": ClaimForm.PROFESSIONAL,
        "service_from": OFFICE_DAY,
        "service_through": OFFICE_DAY,
        "patient": PATIENT,
        "coverages": (a_coverage(),),
        "providers": (
            ProviderRecord(
                provider_id="dr-1",
                role="rendering",
                npi="1245319599",
                last_name="Skinner",
                first_name="Dana",
                taxonomy="207N00000X",
            ),
        ),
        "charges": (
            CapturedCharge(
                charge_id=charge_id(1), code="17110", charge_cents=Cents(21000), service_date=OFFICE_DAY
            ),
        ),
    }
    return EncounterRecord.model_validate(values | changes)


def an_office_coding(**changes: object) -> Coding:
    """Return the final codes of the mole cryoablation visit."""
    values: dict[str, object] = {
        "case_version": 1,
        "setting": Setting.OFFICE,
        "form": ClaimForm.PROFESSIONAL,
        "service_from": OFFICE_DAY,
        "service_through": OFFICE_DAY,
        "release": "ICD-10-CM:2026-04-01",
        "diagnoses": (FinalDiagnosis(code="D225", role="first-listed"),),
        "procedures": (FinalProcedure(system="CPT", code="17110", service_date=OFFICE_DAY, pointers=(1,)),),
    }
    return Coding.model_validate(values | changes)


def an_inpatient_record(number: int = 2, **changes: object) -> EncounterRecord:
    """Return the record of the pneumonia stay."""
    admitted, discharged = datetime(2026, 8, 10, 14, 30, tzinfo=UTC), datetime(2026, 8, 14, 11, 0, tzinfo=UTC)
    values: dict[str, object] = {
        "encounter_id": encounter_id(number),
        "facility_id": "DEMO-GENERAL",
        "source": "demo-ehr",
        "external_id": f"E{number}",
        "record_version": 5,
        "state": "documentation_complete",
        "setting": Setting.INPATIENT,
        "claim_form": ClaimForm.INSTITUTIONAL,
        "service_from": admitted.date(),
        "service_through": discharged.date(),
        "patient": PATIENT,
        "coverages": (a_coverage(member_id="PFZQ0002"),),
        "providers": (
            ProviderRecord(
                provider_id="dr-2", role="attending", npi="1234567893", last_name="Lunge", first_name="Max"
            ),
        ),
        "stay": StayRecord(
            admitted_at=admitted,
            discharged_at=discharged,
            admission_type="1",
            admission_source="1",
            discharge_status="01",
        ),
        "charges": (
            CapturedCharge(
                charge_id=charge_id(21),
                code="",
                revenue_code="0120",
                units=4,
                charge_cents=Cents(480000),
                service_date=admitted.date(),
            ),
            CapturedCharge(
                charge_id=charge_id(22),
                code="",
                revenue_code="0250",
                charge_cents=Cents(61250),
                service_date=admitted.date(),
            ),
            CapturedCharge(
                charge_id=charge_id(23),
                code="71046",
                charge_cents=Cents(16500),
                service_date=admitted.date(),
            ),
        ),
    }
    return EncounterRecord.model_validate(values | changes)


def an_inpatient_coding(**changes: object) -> Coding:
    """Return the final codes of the pneumonia stay."""
    values: dict[str, object] = {
        "case_version": 1,
        "setting": Setting.INPATIENT,
        "form": ClaimForm.INSTITUTIONAL,
        "service_from": date(2026, 8, 10),
        "service_through": date(2026, 8, 14),
        "release": "ICD-10-CM:2026-04-01",
        "diagnoses": (
            FinalDiagnosis(code="J189", role="principal", poa="Y"),
            FinalDiagnosis(code="J9601", role="secondary", poa="Y"),
            FinalDiagnosis(code="E119", role="secondary", poa="Y"),
        ),
        "procedures": (FinalProcedure(system="ICD-10-PCS", code="5A09357", service_date=date(2026, 8, 11)),),
        "drg": "193",
    }
    return Coding.model_validate(values | changes)


def a_claim(
    record: EncounterRecord | None = None,
    coding: Coding | None = None,
    *,
    order: str = "P",
    version: int = 1,
    frequency: str = "1",
    original_reference: str = "",
    prior_payers: tuple[PriorPayer, ...] = (),
    master: Master = MASTER,
) -> ClaimDocument:
    """Build a claim document; the office visit unless told otherwise."""
    record = record or an_office_record()
    document = build_claim(
        record,
        coding or an_office_coding(),
        BuildOrder(
            claim_id_of(record.encounter_id, order, version),
            order,
            version,
            frequency,
            original_reference,
            prior_payers,
        ),
        master,
    )
    assert document is not None
    return document


def wire_of(claim: ClaimDocument) -> ClaimWire:
    """Write one claim in its form."""
    if claim.form is ClaimForm.PROFESSIONAL:
        return claim_837p.write_claim(claim)
    return claim_837i.write_claim(claim)


def interchange_of(*claims: ClaimDocument, payer_id: str = "") -> bytes:
    """Write an interchange of claims of one form, to the first one's payer unless told otherwise."""
    return write_interchange(
        tuple(wire_of(claim) for claim in claims),
        form=claims[0].form,
        billing=claims[0].billing,
        submitter=MASTER.submitter,
        payer=MASTER.payers[payer_id or claims[0].coverage.payer_id],
        usage=MASTER.usage,
        numbers=NUMBERS,
        at=NOW,
    )
