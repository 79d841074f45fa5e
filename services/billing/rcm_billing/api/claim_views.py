"""HTTP in: one claim version as a whole: codes, lines, prior payers, hits, attempts. Without the patient."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import TypeAdapter, ValidationError
from rcm_shared.errors import NotFound

from rcm_billing import repository
from rcm_billing.api.accounts import AttemptOut, account_out
from rcm_billing.api.claims import HitOut
from rcm_billing.api.deps import Body, Reader, Running
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.scrubbing import hits_of

router = APIRouter(prefix="/v1", tags=["billing"])
Reference = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,40}$")]
_ID: TypeAdapter[UUID] = TypeAdapter(UUID)


class LineView(Body):
    """One line as it is billed."""

    number: int
    control: str
    code: str
    modifiers: tuple[str, ...]
    revenue_code: str
    units: int
    basis: str
    charge_cents: int
    service_date: date
    pointers: tuple[int, ...]
    ndc: str
    ndc_quantity: Decimal | None


class DiagnosisView(Body):
    """One diagnosis with its role and whether it was present on admission."""

    code: str
    role: str
    poa: str | None


class PriorView(Body):
    """What a payer before this one decided."""

    order: str
    payer_id: str
    paid_cents: int
    remaining_cents: int
    adjudicated_on: date


class ClaimView(Body):
    """One claim version, its money and its way. The account's amounts are the encounter's."""

    claim_id: UUID
    encounter_id: UUID
    facility_id: str
    claim_control: str
    payer_control: str
    payer_id: str
    order: str
    version: int
    frequency: str
    form: str
    state: str
    owner_queue: str
    service_from: date
    service_through: date
    facility_code: str
    charge_cents: int
    diagnoses: tuple[DiagnosisView, ...]
    procedures: tuple[str, ...]
    drg: str | None
    lines: tuple[LineView, ...]
    prior_payers: tuple[PriorView, ...]
    hits: tuple[HitOut, ...]
    not_evaluated: tuple[str, ...]
    attempts: tuple[AttemptOut, ...]
    claim_state: str
    waiting_for: str | None
    charged_cents: int
    paid_cents: int
    adjusted_cents: int
    patient_cents: int
    balance_cents: int


@router.get("/claim-views/{reference}")
async def get_claim_view(reference: Reference, who: Reader, runtime: Running) -> ClaimView:
    """Show a claim version by its id, our control number or the payer's."""
    pool = runtime.http_pool
    claim_id = _as_id(reference)
    if claim_id is None:
        ours, theirs = await repository.find_claims(pool, [reference], [reference])
        found = [ours[reference]] if reference in ours else theirs.get(reference, [])
        if not found:
            raise NotFound("claim")
        claim_id = found[-1][0]
    row = await repository.find_claim(pool, claim_id)
    if row is None or not who.sees(row["facility_id"]):
        raise NotFound("claim")
    account = (await repository.read_accounts(pool, [row["encounter_id"]]))[row["encounter_id"]]
    controls = [attempt.interchange_control for claim in account.claims for attempt in claim.attempts]
    shown = account_out(account, await repository.list_sent(pool, controls) if controls else set())
    document = ClaimDocument.model_validate_json((await repository.get_documents(pool, [claim_id]))[claim_id])
    return ClaimView(
        claim_id=claim_id,
        encounter_id=row["encounter_id"],
        facility_id=row["facility_id"],
        claim_control=row["claim_control"],
        payer_control=row["payer_control"],
        payer_id=row["payer_id"],
        order=row["payer_order"],
        version=row["version"],
        frequency=row["frequency"],
        form=row["form"],
        state=row["state"],
        owner_queue=row["owner_queue"],
        service_from=document.service_from,
        service_through=document.service_through,
        facility_code=document.facility_code,
        charge_cents=row["charge_cents"],
        diagnoses=tuple(DiagnosisView(code=d.code, role=d.role, poa=d.poa) for d in document.diagnoses),
        procedures=tuple(procedure.code for procedure in document.procedures),
        drg=document.drg,
        lines=_lines(document),
        prior_payers=tuple(
            PriorView(
                order=prior.coverage.order,
                payer_id=prior.coverage.payer_id,
                paid_cents=prior.paid_cents,
                remaining_cents=prior.remaining_cents,
                adjudicated_on=prior.adjudicated_on,
            )
            for prior in document.prior_payers
        ),
        hits=tuple(HitOut(**hit._asdict()) for hit in hits_of(row["hits"])),
        not_evaluated=tuple(row["not_evaluated"]),
        attempts=next((claim.attempts for claim in shown.claims if claim.claim_id == claim_id), ()),
        claim_state=shown.claim_state,
        waiting_for=shown.waiting_for,
        charged_cents=shown.charged_cents,
        paid_cents=shown.paid_cents,
        adjusted_cents=shown.adjusted_cents,
        patient_cents=shown.patient_cents,
        balance_cents=shown.balance_cents,
    )


def _lines(document: ClaimDocument) -> tuple[LineView, ...]:
    return tuple(
        LineView(
            number=line.number,
            control=line.control,
            code=line.code,
            modifiers=line.modifiers,
            revenue_code=line.revenue_code,
            units=line.units,
            basis=line.basis,
            charge_cents=line.charge_cents,
            service_date=line.service_date,
            pointers=line.pointers,
            ndc=line.drug.ndc if line.drug else "",
            ndc_quantity=line.drug.quantity if line.drug else None,
        )
        for line in document.lines
    )


def _as_id(reference: str) -> UUID | None:
    try:
        return _ID.validate_python(reference)
    except ValidationError:
        return None
