"""Lines, reference tables and earlier claims that the cases of the procedure rules are made of. All are invented."""

from datetime import date, timedelta
from typing import Any

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.document import ClaimDocument, Diagnosis, ServiceLine
from rcm_billing.domain.history import PriorClaim, PriorService
from rcm_billing.domain.reference import Dated, Reference, table_of
from rcm_shared.contracts.intake import ClaimForm, Setting
from rcm_shared.money import Cents
from unit.billing import cases
from unit.billing.rules.claims import Make, office

DAY = cases.OFFICE_DAY
QUARTER = {"begins": date(2026, 7, 1), "ends": date(2026, 9, 30)}
DERMATOLOGY = "207N00000X"
RENDERING = "1245319599"


def sold(code: str, modifiers: str = "", **changes: Any) -> ServiceLine:
    """Return one line; its number is given when it gets on a claim."""
    values: dict[str, Any] = {
        "number": 0,
        "control": code,
        "code": code,
        "modifiers": tuple(modifiers.split()),
        "charge_cents": Cents(10000),
        "service_date": DAY,
        "pointers": (1,),
    }
    return ServiceLine(**(values | changes))


def billed(*lines: ServiceLine, **changes: Any) -> Make:
    """Return a maker of the office claim with these lines."""
    numbered = tuple(line.model_copy(update={"number": n}) for n, line in enumerate(lines, 1))

    def make() -> ClaimDocument:
        return office(
            lines=numbered, charge_cents=Cents(sum(line.charge_cents for line in numbered)), **changes
        )

    return make


def facility(*lines: ServiceLine, **changes: Any) -> Make:
    """Return a maker of an outpatient hospital claim with these lines."""
    values: dict[str, Any] = {
        "form": ClaimForm.INSTITUTIONAL,
        "setting": Setting.SURGERY,
        "facility_code": "13",
    }
    return billed(*lines, **(values | changes))


def medicare(make: Make, **changes: Any) -> Make:
    """Return a maker of the same claim to Medicare Part B."""

    def made() -> ClaimDocument:
        claim = make()
        values = {"payer_id": "DMC01", "filing_indicator": "MB"} | changes
        return claim.model_copy(update={"coverage": claim.coverage.model_copy(update=values)})

    return made


def of_patient(make: Make, **changes: Any) -> Make:
    """Return a maker of the same claim of another patient."""

    def made() -> ClaimDocument:
        claim = make()
        return claim.model_copy(update={"patient": claim.patient.model_copy(update=changes)})

    return made


def diagnosed_as(make: Make, *codes: str) -> Make:
    """Return a maker of the same claim with other diagnoses."""

    def made() -> ClaimDocument:
        found = tuple(Diagnosis(code=code, role="secondary") for code in codes)
        return make().model_copy(update={"diagnoses": found})

    return made


def knowing(**tables: list[Any]) -> dict[str, Any]:
    """Return a context that has these tables on every day."""
    return {"reference": Reference(**{name: table_of(name, found) for name, found in tables.items()})}


def this_quarter(name: str, *found: Any, edition: str) -> Dated[Any]:
    """Return a table that holds in the quarter of the office visit only."""
    return table_of(name, found, edition=edition, **QUARTER)


def fee(code: str, **indicators: Any) -> rows.Fee:
    """Return a row of the fee schedule."""
    return rows.Fee(code=code, **indicators)


def earlier(
    code: str,
    days: int,
    modifiers: str = "",
    *,
    npi: str = RENDERING,
    specialty: str = DERMATOLOGY,
    **changes: Any,
) -> tuple[PriorClaim, ...]:
    """Return the history of a patient who had one service so many days before the office visit."""
    day = DAY - timedelta(days=days)
    service = PriorService(
        code=code,
        modifiers=tuple(modifiers.split()),
        service_date=day,
        units=1,
        charge_cents=10000,
        npi=npi,
        specialty=specialty,
    )
    values: dict[str, Any] = {
        "claim_id": cases.encounter_id(77),
        "encounter_id": cases.encounter_id(78),
        "facility_id": "DEMO-GENERAL",
        "order": "P",
        "form": ClaimForm.PROFESSIONAL.value,
        "setting": "office",
        "service_from": day,
        "service_through": day,
        "billing_npi": "1912301953",
        "diagnoses": (),
        "services": (service,),
    }
    return (PriorClaim(**(values | changes)),)
