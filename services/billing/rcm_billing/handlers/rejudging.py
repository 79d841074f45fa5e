"""Would the scrubber of today have found it: denied claims judged by the rules and tables in force now, each as of the
day on which it was built, so that nothing is late that was not.
"""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.judging import Basis, Circumstances, Judging
from rcm_billing.domain.payer_rule import NO_PAYER_RULES
from rcm_billing.domain.reference import NO_REFERENCE
from rcm_billing.domain.scrubbing import Hit
from rcm_billing.handlers.deps import Deps
from rcm_billing.repository.denials import Judged


async def judge_again(
    deps: Deps, judged: Mapping[UUID, Judged], documents: Mapping[UUID, ClaimDocument]
) -> dict[UUID, tuple[Hit, ...]]:
    """Return the hits of today's rules, by claim; a claim without a record of its scrub is left out."""
    recorded = {key: one for key, one in judged.items() if one.basis and one.circumstances}
    if not recorded:
        return {}
    known = {key: Circumstances.model_validate_json(one.circumstances) for key, one in recorded.items()}
    code_sets = await deps.code_sets.current()
    rules = await deps.payer_rules.current() if deps.payer_rules is not None else NO_PAYER_RULES
    reference = NO_REFERENCE
    if deps.references is not None:
        before = (prior for one in known.values() for prior in one.history or ())
        reference = await deps.references.for_batch([documents[key] for key in recorded], before)
    by_day: dict[date, Judging] = {}
    found: dict[UUID, tuple[Hit, ...]] = {}
    for key, one in recorded.items():
        day = Basis.model_validate_json(one.basis).ran_on
        if day not in by_day:
            by_day[day] = Judging(
                day,
                deps.master.payers,
                code_sets=code_sets,
                reference=reference,
                payer_rules=rules,
                regroup=deps.regroup,
            )
        found[key] = by_day[day].scrub(documents[key], known[key]).run.hits
    return found
