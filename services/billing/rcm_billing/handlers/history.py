"""What a batch's patients had before: one question for all of them, and what new claims leave for later ones."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

import asyncpg

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.history import PriorClaim, PriorService
from rcm_billing.domain.rules.lines import provider_of, years_before
from rcm_billing.repository import references
from rcm_billing.repository.references import HistoryRow

_FIRST = "P"  # services are remembered once, from the claim to the first payer


def patient_key(document: ClaimDocument) -> bytes:
    """Return a digest that is the same for every claim of one patient of the installation."""
    patient = document.patient
    known = patient.medical_record_number or document.coverage.member_id
    return hashlib.sha256(f"{known}\n{patient.birth_date}".encode()).digest()


def history_rows(documents: Iterable[ClaimDocument]) -> list[HistoryRow]:
    """Return what is remembered of new claims."""
    return [
        HistoryRow(document.claim_id, patient_key(document), document.service_through, _body(document))
        for document in documents
        if document.coverage.order == _FIRST
    ]


def _body(document: ClaimDocument) -> str:
    return json.dumps(
        [
            document.claim_id.hex,
            document.encounter_id.hex,
            document.facility_id,
            document.coverage.order,
            document.form.value,
            document.setting.value,
            document.service_from.isoformat(),
            document.service_through.isoformat(),
            document.billing.npi,
            [diagnosis.code for diagnosis in document.diagnoses],
            [
                [
                    line.code,
                    line.modifiers,
                    line.service_date.isoformat(),
                    line.units,
                    line.charge_cents,
                    *provider_of(document, line),
                ]
                for line in document.lines
                if line.code
            ],
        ],
        separators=(",", ":"),
    )


def read_body(body: str, *, billed: bool) -> PriorClaim:
    """Return what `history_rows` remembered."""
    claim, encounter, facility, order, form, setting, first, last, billing, diagnoses, services = json.loads(
        body
    )
    return PriorClaim(
        claim_id=UUID(claim),
        encounter_id=UUID(encounter),
        facility_id=facility,
        order=order,
        form=form,
        setting=setting,
        service_from=date.fromisoformat(first),
        service_through=date.fromisoformat(last),
        billing_npi=billing,
        diagnoses=tuple(diagnoses),
        services=tuple(
            PriorService(
                code=code,
                modifiers=tuple(modifiers),
                service_date=date.fromisoformat(day),
                units=units,
                charge_cents=cents,
                npi=npi,
                specialty=specialty,
            )
            for code, modifiers, day, units, cents, npi, specialty in services
        ),
        billed=billed,
    )


async def histories(
    pool: asyncpg.Pool, documents: Mapping[UUID, ClaimDocument]
) -> dict[UUID, tuple[PriorClaim, ...]]:
    """Return the other encounters' claims of each document's patient within three years, this batch's included."""
    if not documents:
        return {}
    keys = {encounter: patient_key(document) for encounter, document in documents.items()}
    since = years_before(min(document.service_from for document in documents.values()))
    known: dict[bytes, dict[UUID, PriorClaim]] = defaultdict(dict)
    for row in await references.list_history(pool, sorted(set(keys.values())), since):
        prior = read_body(row["body"], billed=row["billed"])
        known[row["patient"]][prior.claim_id] = prior
    sharing: dict[bytes, list[UUID]] = defaultdict(list)
    for encounter, key in keys.items():
        sharing[key].append(encounter)
    for key, encounters in sharing.items():
        if len(encounters) < 2:
            continue
        for encounter in encounters:
            document = documents[encounter]
            if document.coverage.order != _FIRST:
                continue
            # a new version takes the place of the encounter's stored one
            known[key] = {
                claim: prior for claim, prior in known[key].items() if prior.encounter_id != encounter
            }
            known[key][document.claim_id] = read_body(_body(document), billed=False)
    return {
        encounter: tuple(prior for prior in known[key].values() if prior.encounter_id != encounter)
        for encounter, key in keys.items()
    }
