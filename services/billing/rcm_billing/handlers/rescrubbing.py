"""Judge a stored claim again: exactly as it was judged, or as it would have been on another day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.judging import Basis, Circumstances, Judging, differences, result_digest, scrub_again
from rcm_billing.domain.payer_rule import PayerRules
from rcm_billing.domain.reference import NO_REFERENCE
from rcm_billing.domain.scrubbing import ScrubRun, hits_of
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.payer_rules import active_at, rule_of
from rcm_billing.repository import payer_rules as rules
from rcm_billing.repository import scrub_runs
from rcm_billing.repository.scrub_runs import StoredScrub


@dataclass(frozen=True, slots=True)
class Rescrubbed:
    """What a stored claim's scrub says now, and how that differs from what was stored."""

    claim_id: UUID
    as_of: date
    recorded: bool  # by the stored record; else by what is in force on `as_of`
    same: bool
    run: ScrubRun
    gone: tuple[str, ...]  # "rule place" that was found then and is not found now
    new: tuple[str, ...]
    missing: tuple[str, ...]  # editions and rule versions of the record that nobody has any more


async def read_run(uow: UnitOfWork, claim_id: UUID, who: Principal) -> StoredScrub:
    """Return the stored run of a claim that the caller may know of; the reading is written to the access log.

    Raises: NotFound.
    """
    found = await scrub_runs.find_run(uow.conn, claim_id)
    if found is None or not who.sees(found.facility_id):
        raise NotFound("claim")
    uow.record_access(encounter_id=found.encounter_id, subject=who.subject, purpose="claim", what="scrub")
    return found


async def rescrub(
    uow: UnitOfWork, deps: Deps, claim_id: UUID, who: Principal, as_of: date | None = None
) -> Rescrubbed:
    """Judge a stored document again. Without a day, or with that of the stored run: by its own record.

    Raises: NotFound.
    """
    found = await read_run(uow, claim_id, who)
    claim = ClaimDocument.model_validate_json(found.document)
    basis = Basis.model_validate_json(found.basis)
    circumstances = Circumstances.model_validate_json(found.circumstances)
    code_sets = await deps.code_sets.current()
    reference = NO_REFERENCE
    if deps.references is not None:
        reference = await deps.references.for_batch([claim], circumstances.history or ())
    versions = await rules.list_versions(uow.conn)
    missing: tuple[str, ...] = ()
    recorded = as_of is None or as_of == basis.ran_on
    if recorded:
        again = scrub_again(
            claim,
            basis,
            circumstances,
            code_sets=code_sets,
            reference=reference,
            payer_rules=[rule_of(row) for row in versions if (row.rule_id, row.version) in set(basis.rules)],
            regroup=deps.regroup,
        )
        run, missing = again.run, (*again.missing_editions, *again.missing_rules)
    else:
        day = as_of or basis.ran_on
        steps = await rules.list_steps(uow.conn)
        end = datetime.combine(day + timedelta(days=1), time.min, UTC)
        judging = Judging(
            day,
            deps.master.payers,
            code_sets=code_sets,
            reference=reference,
            payer_rules=PayerRules(tuple(rule_of(row) for row in active_at(versions, steps, end))),
            regroup=deps.regroup,
        )
        run = judging.scrub(claim, circumstances).run
    gone, new = differences(hits_of(found.hits), run.hits)
    return Rescrubbed(
        claim_id,
        as_of or basis.ran_on,
        recorded,
        result_digest(run) == found.result,
        run,
        gone,
        new,
        missing,
    )
