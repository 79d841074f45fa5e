"""Build claims: fetch the records, build, scrub and write outside any transaction; apply the result in
one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from rcm_shared import clock
from rcm_shared.contracts.billing import (
    ClaimDrafted,
    ClaimHeld,
    ClaimReleased,
    PaymentPosted,
    RecodeRequested,
)
from rcm_shared.contracts.intake import ClaimForm
from rcm_shared.contracts.records import EncounterRecord
from rcm_shared.errors import Transient
from rcm_shared.ids import derived_uuid
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import WorkItem
from rcm_shared.money import Cents

from rcm_billing import repository
from rcm_billing.domain.account import Account, Build, Claim, book_charge, recode_digest
from rcm_billing.domain.claim import DECIDED, UNSENT, ClaimState, claim_id_of
from rcm_billing.domain.claim_build import BuildOrder, build_claim, prior_coverages
from rcm_billing.domain.cob import prior_payer
from rcm_billing.domain.code_set import CodeSets
from rcm_billing.domain.document import ClaimDocument, PriorPayer
from rcm_billing.domain.errors import BillingError, OutOfBalance, WireRefused
from rcm_billing.domain.rules import RULES
from rcm_billing.domain.scrubbing import (
    CHART_OPEN,
    Hit,
    Owner,
    Rule,
    ScrubContext,
    ScrubRun,
    hit,
    reasons_for_coder,
    scrub,
)
from rcm_billing.domain.submission import SYSTEM
from rcm_billing.handlers.deps import Deps
from rcm_billing.x12 import claim_837i, claim_837p
from rcm_billing.x12.claim_loops import ClaimWire

_BY_ID: dict[str, Rule] = {rule.rule_id: rule for rule in RULES}
NO_WIRE = ClaimWire("")


@dataclass(frozen=True, slots=True)
class Built:
    """A built claim version with its scrub run, for one build request."""

    serial: int
    document: ClaimDocument
    run: ScrubRun
    wire: ClaimWire
    fingerprint: bytes
    case_version: int


async def compute_builds(deps: Deps, items: list[WorkItem]) -> dict[UUID, Built | Exception | None]:
    """Build every claim that is still asked for; one fetch for all of them.

    Shape: encounter -> built claim, error, or None where the request was withdrawn meanwhile.
    """
    accounts = await repository.read_accounts(deps.pool, [item.key for item in items])
    wanted = {
        key: account
        for key, account in accounts.items()
        if account.build is not None and account.coding is not None
    }
    results: dict[UUID, Built | Exception | None] = {
        item.key: None for item in items if item.key not in wanted
    }
    if not wanted:
        return results
    records = await deps.intake.fetch(sorted(wanted))
    decisions = await _decisions(deps, wanted)
    documents: dict[UUID, ClaimDocument] = {}
    prints: dict[UUID, bytes] = {}
    for key, account in wanted.items():
        record = records.get(key)
        if record is None:
            results[key] = Transient("record-not-there")
            continue
        document = _document(account, record, deps, decisions)
        if document is None:
            results[key] = BillingError("no-coverage-in-order")
            continue
        documents[key] = document
        prints[key] = fingerprint(document)
    duplicates = await repository.list_duplicates(deps.pool, prints) if prints else set()
    duplicates |= _twins(prints)
    code_sets = await deps.code_sets.current()
    today = clock.today()
    for key, document in documents.items():
        results[key] = finish(
            wanted[key],
            document,
            deps,
            today=today,
            duplicate=key in duplicates,
            fingerprint=prints[key],
            code_sets=code_sets,
        )
    return results


async def _decisions(
    deps: Deps, wanted: Mapping[UUID, Account]
) -> dict[UUID, list[repository.RemittedClaim]]:
    """Return what prior payers decided, for claims that go to a later payer."""
    earlier = [
        claim.claim_id
        for account in wanted.values()
        if account.build is not None and account.build.order != "P"
        for claim in account.claims
        if claim.order < account.build.order
    ]
    found: dict[UUID, list[repository.RemittedClaim]] = {}
    for decision in await repository.list_decisions(deps.pool, earlier) if earlier else ():
        found.setdefault(decision.encounter_id, []).append(decision)
    return found


def _document(
    account: Account,
    record: EncounterRecord,
    deps: Deps,
    decisions: Mapping[UUID, list[repository.RemittedClaim]],
) -> ClaimDocument | None:
    build, coding = account.build, account.coding
    if build is None or coding is None:
        return None
    version = len(account.claims_of(build.order)) + 1
    claim_id = claim_id_of(account.encounter_id, build.order, version)
    frequency, original = frequency_of(account, build)
    order = BuildOrder(claim_id, build.order, version, frequency, original)
    document = build_claim(record, coding, order, deps.master)
    if document is None or build.order == "P":
        return document
    priors = _prior_payers(record, document, decisions.get(account.encounter_id, []))
    return document.model_copy(update={"prior_payers": priors})


def _prior_payers(
    record: EncounterRecord, document: ClaimDocument, decided: list[repository.RemittedClaim]
) -> tuple[PriorPayer, ...]:
    priors = []
    for coverage in prior_coverages(record, document.coverage.order):
        for decision in reversed(decided):
            if decision.payer_order == coverage.order:
                paid_on = decision.paid_on or document.service_through
                priors.append(prior_payer(decision.paid, coverage, document.lines, paid_on))
                break
    return tuple(priors)


def frequency_of(account: Account, build: Build) -> tuple[str, str]:
    """Return the frequency and the payer's claim number it refers to.

    A rejected claim was never filed, so its correction is an original (1); after a decision it is a
    replacement (7).
    """
    latest = account.latest(build.order)
    if latest is not None and latest.state in DECIDED | {ClaimState.REVERSED}:
        return "7", latest.payer_control
    return "1", ""


def fingerprint(document: ClaimDocument) -> bytes:
    """Return what makes two claims the same service: patient, payer order, billing and rendering, lines."""
    rendering = document.provider("rendering", "attending")
    parts = [
        document.patient.medical_record_number or document.coverage.member_id,
        document.patient.birth_date.isoformat(),
        document.coverage.order,
        document.billing.npi,
        rendering.npi if rendering else "",
    ]
    parts += sorted(
        f"{line.code}|{line.revenue_code}|{line.modifiers}|{line.service_date}|{line.units}|{line.charge_cents}"
        for line in document.lines
    )
    return hashlib.sha256("\n".join(parts).encode()).digest()


def _twins(prints: Mapping[UUID, bytes]) -> set[UUID]:
    """Return the encounters of this batch that repeat an earlier one of it."""
    seen: set[bytes] = set()
    twins: set[UUID] = set()
    for key in sorted(prints):
        if prints[key] in seen:
            twins.add(key)
        seen.add(prints[key])
    return twins


def finish(
    account: Account,
    document: ClaimDocument,
    deps: Deps,
    *,
    today: date,
    duplicate: bool,
    fingerprint: bytes,
    code_sets: CodeSets,
) -> Built:
    """Scrub and write a document; a value that X12 cannot carry becomes a hit."""
    build = account.build
    context = ScrubContext(
        today=today,
        payer=deps.master.payers.get(document.coverage.payer_id),
        code_sets=code_sets,
        open_queries=len(account.open_queries),
        recoding=account.recoding,
        duplicate=duplicate,
    )
    run = scrub(document, context, RULES)
    wire = NO_WIRE
    try:
        professional = document.form is ClaimForm.PROFESSIONAL
        wire = (claim_837p if professional else claim_837i).write_claim(document)
    except WireRefused as error:
        run = ScrubRun((*run.hits, hit(_BY_ID["FMT-01"], error.code)), run.not_evaluated)
    case_version = account.coding.case_version if account.coding else 0
    return Built(build.serial if build else 0, document, run, wire, fingerprint, case_version)


async def apply_builds(uow: UnitOfWork, results: dict[UUID, Built | None]) -> None:
    """Store the built versions, book the charge, and release or hold each claim."""
    accounts = await repository.load_accounts(uow.conn, sorted(results))
    changed: dict[UUID, Account] = {}
    rows: list[repository.ClaimRow] = []
    for key, built in results.items():
        account = accounts.get(key)
        if built is None or account is None or account.build is None or account.build.serial != built.serial:
            continue  # withdrawn or asked for anew meanwhile
        changed[key], row = _place(uow, account, built, account.build)
        rows.append(row)
        uow.record_access(
            encounter_id=key, subject=SYSTEM, purpose="claim", what=f"claim-{built.document.version}"
        )
    if rows:
        await repository.insert_claims(uow.conn, rows)
        await repository.save_accounts(uow.conn, changed)


def _place(
    uow: UnitOfWork, account: Account, built: Built, build: Build
) -> tuple[Account, repository.ClaimRow]:
    document, run = built.document, built.run
    reasons, owner, hits = run.reasons, run.owner, list(run.hits)
    if (account.open_queries or account.recoding) and CHART_OPEN not in reasons:
        # it opened while the claim was being built
        reasons, owner = (*reasons, CHART_OPEN), owner or Owner.CODER.value
        hits.append(hit(_BY_ID[CHART_OPEN], "query" if account.open_queries else "coding"))
    charge_id = derived_uuid(document.claim_id, "charge")
    booked = account
    if build.order == "P":
        try:
            booked = book_charge(account, charge_id, document.charge_cents, document.claim_id)
        except OutOfBalance:
            # the former charge is settled in part: the difference waits until the payer reverses its decision
            reasons, owner = (*reasons, "FMT-02"), owner or Owner.BILLER.value
            hits.append(hit(_BY_ID["FMT-02"], "booked-charge"))
    difference = booked.totals.charged - account.totals.charged
    previous = account.latest(build.order)
    if previous is not None and previous.state in UNSENT | DECIDED | {
        ClaimState.REJECTED,
        ClaimState.REVERSED,
    }:
        booked = booked.with_claim(previous.move(ClaimState.REPLACED))
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


def hits_of(stored: str) -> list[Hit]:
    """Read the hits that were stored with a claim."""
    return [Hit(**found) for found in json.loads(stored)]
