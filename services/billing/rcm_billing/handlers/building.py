"""Build claims: fetch the records, build, scrub and write outside any transaction; apply the result in
one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from rcm_shared import clock
from rcm_shared.contracts.intake import ClaimForm
from rcm_shared.contracts.records import EncounterRecord
from rcm_shared.errors import Transient
from rcm_shared.messaging.work import WorkItem

from rcm_billing import repository
from rcm_billing.domain.account import Account, Build, BuildReason
from rcm_billing.domain.claim import (
    ORIGINAL,
    REPLACEMENT,
    VOID,
    claim_id_of,
)
from rcm_billing.domain.claim_build import BuildOrder, build_claim, prior_coverages, void_of
from rcm_billing.domain.cob import prior_payer
from rcm_billing.domain.document import ClaimDocument, PriorPayer
from rcm_billing.domain.errors import BillingError, WireRefused
from rcm_billing.domain.history import PriorClaim
from rcm_billing.domain.judging import Circumstances, Judging, Scrubbed
from rcm_billing.domain.payer_rule import NO_PAYER_RULES
from rcm_billing.domain.reference import NO_REFERENCE
from rcm_billing.domain.repair import Repair, repair
from rcm_billing.domain.rules import RULES
from rcm_billing.domain.scrubbing import (
    Rule,
    ScrubRun,
    hit,
)
from rcm_billing.domain.timely_filing import filing_window
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.history import histories
from rcm_billing.x12 import claim_837i, claim_837p
from rcm_billing.x12.claim_loops import ClaimWire

BY_ID: dict[str, Rule] = {rule.rule_id: rule for rule in RULES}
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
    scrubbed: Scrubbed  # the run of the rules alone, with what they judged by
    filing: tuple[date, date] | None = None  # warning day and last day of the payer's filing window
    repairs: tuple[Repair, ...] = ()


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
    taken_back = await _taken_back(deps, wanted)
    documents: dict[UUID, ClaimDocument] = {}
    prints: dict[UUID, bytes] = {}
    repairs: dict[UUID, tuple[Repair, ...]] = {}
    for key, account in wanted.items():
        record = records.get(key)
        if record is None:
            results[key] = Transient("record-not-there")
            continue
        document = _document(account, record, deps, decisions, taken_back)
        if document is None:
            results[key] = BillingError("no-coverage-in-order")
            continue
        document, repairs[key] = repair(document)
        documents[key] = document
        prints[key] = fingerprint(document)
    duplicates = await repository.list_duplicates(deps.pool, prints) if prints else set()
    duplicates |= _twins(prints)
    code_sets = await deps.code_sets.current()
    priors = await histories(deps.pool, documents)
    reference = NO_REFERENCE
    if deps.references is not None:
        before = (prior for known in priors.values() for prior in known)
        reference = await deps.references.for_batch(list(documents.values()), before)
    judging = Judging(
        clock.today(),
        deps.master.payers,
        code_sets=code_sets,
        reference=reference,
        payer_rules=await deps.payer_rules.current() if deps.payer_rules is not None else NO_PAYER_RULES,
        regroup=deps.regroup,
    )
    for key, document in documents.items():
        results[key] = finish(
            wanted[key],
            document,
            deps,
            judging=judging,
            duplicate=key in duplicates,
            fingerprint=prints[key],
            history=priors[key],
            repairs=repairs[key],
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


async def _taken_back(deps: Deps, wanted: Mapping[UUID, Account]) -> dict[UUID, ClaimDocument]:
    """Return what the payer decided, for claims that are to be voided: a void repeats it, whatever changed since."""
    decided: dict[UUID, UUID] = {}
    for key, account in wanted.items():
        if account.build is not None and account.build.reason is BuildReason.VOIDED:
            versions = reversed(account.claims_of(account.build.order))
            claim = next((claim for claim in versions if claim.adjudicated), None)
            if claim is not None:
                decided[key] = claim.claim_id
    if not decided:
        return {}
    stored = await repository.get_documents(deps.pool, list(decided.values()))
    return {key: ClaimDocument.model_validate_json(stored[claim_id]) for key, claim_id in decided.items()}


def _document(
    account: Account,
    record: EncounterRecord,
    deps: Deps,
    decisions: Mapping[UUID, list[repository.RemittedClaim]],
    taken_back: Mapping[UUID, ClaimDocument],
) -> ClaimDocument | None:
    build, coding = account.build, account.coding
    if build is None or coding is None:
        return None
    version = len(account.claims_of(build.order)) + 1
    claim_id = claim_id_of(account.encounter_id, build.order, version)
    frequency, original = frequency_of(account, build)
    if build.reason is BuildReason.VOIDED:
        former = taken_back.get(account.encounter_id)
        return void_of(former, claim_id, version, original) if former else None
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

    A rejected claim was never filed, so its correction is an original (1); once the payer has decided any version,
    what follows is a replacement (7) or a void (8) of the newest that it decided.
    """
    decided = next((c for c in reversed(account.claims_of(build.order)) if c.adjudicated), None)
    if decided is None:
        return ORIGINAL, ""
    return VOID if build.reason is BuildReason.VOIDED else REPLACEMENT, decided.payer_control


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
    judging: Judging,
    duplicate: bool,
    fingerprint: bytes,
    history: tuple[PriorClaim, ...],
    repairs: tuple[Repair, ...] = (),
) -> Built:
    """Scrub and write a document; a value that X12 cannot carry becomes a hit."""
    build = account.build
    scrubbed = judging.scrub(
        document,
        Circumstances.model_construct(
            open_queries=len(account.open_queries),
            recoding=account.recoding,
            duplicate=duplicate,
            history=history,
        ),
    )
    run = scrubbed.run
    wire = NO_WIRE
    try:
        professional = document.form is ClaimForm.PROFESSIONAL
        wire = (claim_837p if professional else claim_837i).write_claim(document)
    except WireRefused as error:
        run = ScrubRun((*run.hits, hit(BY_ID["FMT-01"], error.code)), run.not_evaluated)
    case_version = account.coding.case_version if account.coding else 0
    payer = deps.master.payers.get(document.coverage.payer_id)
    filing = filing_window(document, payer) if payer else None
    serial = build.serial if build else 0
    return Built(serial, document, run, wire, fingerprint, case_version, scrubbed, filing, repairs)
