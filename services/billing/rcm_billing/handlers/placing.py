"""Put built claims in their place: store them with what they were judged by, book the charge, release or hold each."""

import json
from uuid import UUID

from rcm_shared.contracts.billing import (
    ClaimDrafted,
    ClaimHeld,
    ClaimReleased,
    PaymentPosted,
    RecodeRequested,
)
from rcm_shared.ids import derived_uuid
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents

from rcm_billing import repository
from rcm_billing.domain.account import Account, Build, Claim, book_charge, recode_digest
from rcm_billing.domain.claim import (
    DECIDED,
    UNSENT,
    VOID,
    ClaimState,
)
from rcm_billing.domain.denial_attribution import coder_of, provider_of
from rcm_billing.domain.denial_cases import resubmit_cases
from rcm_billing.domain.errors import OutOfBalance
from rcm_billing.domain.scrubbing import (
    CHART_OPEN,
    Hit,
    Owner,
    hit,
    reasons_for_coder,
)
from rcm_billing.domain.submission import SYSTEM
from rcm_billing.handlers.building import BY_ID, Built
from rcm_billing.handlers.history import history_rows
from rcm_billing.repository.denial_reports import Author, insert_authors
from rcm_billing.repository.references import insert_history
from rcm_billing.repository.scrub_runs import ScrubRunRow, insert_runs


async def apply_builds(uow: UnitOfWork, results: dict[UUID, Built | None]) -> None:
    """Store the built versions, book the charge, and release or hold each claim."""
    accounts = await repository.load_accounts(uow.conn, sorted(results))
    changed: dict[UUID, Account] = {}
    rows: list[repository.ClaimRow] = []
    authors: list[Author] = []
    for key, built in results.items():
        account = accounts.get(key)
        if built is None or account is None or account.build is None or account.build.serial != built.serial:
            continue  # withdrawn or asked for anew meanwhile
        changed[key], row = _place(uow, account, built, account.build)
        rows.append(row)
        coder, provider = coder_of(account, built.case_version), provider_of(built.document)
        authors.append(Author(row.claim_id, row.facility_id, row.payer_id, coder, provider))
        uow.record_access(
            encounter_id=key, subject=SYSTEM, purpose="claim", what=f"claim-{built.document.version}"
        )
    if rows:
        await repository.insert_claims(uow.conn, rows)
        new = {row.claim_id for row in rows}
        placed = [built for built in results.values() if built and built.document.claim_id in new]
        await insert_history(uow.conn, history_rows(built.document for built in placed))
        await insert_runs(uow.conn, [_scrub_row(built) for built in placed])
        await insert_authors(uow.conn, authors)
        await repository.save_accounts(uow.conn, changed)


def _scrub_row(built: Built) -> ScrubRunRow:
    scrubbed, document = built.scrubbed, built.document
    return ScrubRunRow(
        document.claim_id,
        document.facility_id,
        scrubbed.basis.digest,
        scrubbed.basis.body,
        scrubbed.circumstances.model_dump_json(),
        scrubbed.result,
        json.dumps(built.repairs),
    )


def _place(
    uow: UnitOfWork, account: Account, built: Built, build: Build
) -> tuple[Account, repository.ClaimRow]:
    document, run = built.document, built.run
    reasons, owner, hits = run.reasons, run.owner, list(run.hits)
    waits = (account.open_queries or account.recoding) and document.frequency != VOID
    if waits and CHART_OPEN not in reasons:
        # it opened while the claim was being built
        reasons, owner = (*reasons, CHART_OPEN), owner or Owner.CODER.value
        hits.append(hit(BY_ID[CHART_OPEN], "query" if account.open_queries else "coding"))
    charge_id = derived_uuid(document.claim_id, "charge")
    booked = account
    if build.order == "P":
        try:
            booked = book_charge(account, charge_id, document.charge_cents, document.claim_id)
        except OutOfBalance:
            # the former charge is settled in part: the difference waits until the payer reverses its decision
            reasons, owner = (*reasons, "FMT-02"), owner or Owner.BILLER.value
            hits.append(hit(BY_ID["FMT-02"], "booked-charge"))
    difference = booked.totals.charged - account.totals.charged
    previous = account.latest(build.order)
    if previous is not None and previous.state in UNSENT | DECIDED | {
        ClaimState.REJECTED,
        ClaimState.REVERSED,
    }:
        booked = booked.with_claim(previous.move(ClaimState.REPLACED))
        booked, resubmitted = resubmit_cases(booked, previous.claim_id, now=uow.now, actor=build.actor)
        for event in resubmitted:
            uow.emit(account.encounter_id, event)
    claim = Claim(
        claim_id=document.claim_id,
        order=build.order,
        payer_id=document.coverage.payer_id,
        version=document.version,
        frequency=document.frequency,
        form=document.form,
        state=ClaimState.HELD if reasons else ClaimState.READY,
        claim_control=document.claim_control,
        charge_cents=document.charge_cents,
        case_version=built.case_version,
        reasons=reasons,
        owner_queue=owner,
    )
    account = booked.with_claim(claim).but(build=None)
    _announce(uow, account, claim, build, charge_id, difference)
    account = _ask_coder(uow, account, claim, hits)
    row = repository.ClaimRow(
        claim.claim_id,
        account.encounter_id,
        account.facility_id,
        claim.payer_id,
        claim.order,
        claim.version,
        claim.form.value,
        claim.frequency,
        claim.claim_control,
        claim.charge_cents,
        document.model_dump_json(),
        built.wire.subscriber,
        built.wire.dependent,
        json.dumps([found._asdict() for found in hits]),
        list(run.not_evaluated),
        built.fingerprint,
        claim.state.value,
        claim.owner_queue,
        *(built.filing or (None, None)),
    )
    return account, row


def _ask_coder(uow: UnitOfWork, account: Account, claim: Claim, hits: list[Hit]) -> Account:
    """Send the chart back when the claim waits for its coder; never twice about the same codes and reasons.

    A coder who finalises the same codes again has answered: asking again would go round in circles. A chart that
    is open already needs no request: its next final codes are scrubbed anew.
    """
    if claim.owner_queue != Owner.CODER or CHART_OPEN in claim.reasons or account.coding is None:
        return account
    reasons = reasons_for_coder(hits)
    digest = recode_digest(account.coding, reasons)
    if not reasons or digest in account.recodes_asked:
        return account
    uow.emit(
        account.encounter_id,
        RecodeRequested(
            actor=SYSTEM, facility_id=account.facility_id, claim_id=claim.claim_id, reasons=reasons
        ),
    )
    return account.but(recodes_asked=(*account.recodes_asked, digest))


def _announce(
    uow: UnitOfWork, account: Account, claim: Claim, build: Build, charge_id: UUID, difference: int
) -> None:
    key, facility = account.encounter_id, account.facility_id
    uow.emit(
        key,
        ClaimDrafted(
            actor=build.actor,
            facility_id=facility,
            claim_id=claim.claim_id,
            version=claim.version,
            payer_id=claim.payer_id,
            payer_order=claim.order,
            form=claim.form.value,
            frequency=claim.frequency,
            charge_cents=claim.charge_cents,
        ),
    )
    if difference:
        uow.emit(
            key,
            PaymentPosted(
                actor=SYSTEM,
                facility_id=facility,
                transaction_id=charge_id,
                source="charge",
                paid_cents=Cents(0),
                charged_cents=Cents(difference),
            ),
        )
    if claim.state is ClaimState.HELD:
        uow.emit(
            key,
            ClaimHeld(
                actor=SYSTEM,
                facility_id=facility,
                claim_id=claim.claim_id,
                reasons=claim.reasons,
                owner_queue=claim.owner_queue,
            ),
        )
    else:
        uow.emit(
            key,
            ClaimReleased(actor=SYSTEM, facility_id=facility, claim_id=claim.claim_id, version=claim.version),
        )
