"""HTTP in: the check before billing, where a facility's rules ask for one."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from rcm_shared.web.app import runtime_of

from rcm_coding.api.cases import Lead, StayRules, edited, grouped, grouping_of, run_command
from rcm_coding.api.deps import Deps, deps_of
from rcm_coding.api.shapes import ReasonIn
from rcm_coding.handlers import prebill
from rcm_coding.handlers.charts import Act

router = APIRouter(prefix="/v1/cases", tags=["coding"])


@router.post("/{encounter_id}/qa/pass")
async def pass_check(encounter_id: UUID, request: Request, who: Lead) -> Response:
    """Find nothing to change: the chart is judged once more and becomes final."""
    deps = deps_of(request)
    stay = await grouping_of(runtime_of(request), who, encounter_id, deps)
    act = passing(who.subject, deps, stay)
    return await run_command(request, who, encounter_id, "qa-pass", act, judges=True)


@router.post("/{encounter_id}/qa/return")
async def return_check(encounter_id: UUID, body: ReasonIn, request: Request, who: Lead) -> Response:
    """Give the chart back to its coder with a reason."""
    return await run_command(
        request,
        who,
        encounter_id,
        "qa-return",
        lambda case, _: prebill.return_check(case, who.subject),
        reason=body.reason,
    )


def passing(who: str, deps: Deps, stay: StayRules | None) -> Act:
    """Make final what was checked."""
    return lambda case, now: prebill.pass_check(
        case,
        who,
        now.now,
        deps.code_sets().beside(now.tables),
        grouping=grouped(case, stay),
        stay_edits=edited(case, stay),
        payment_seen=now.payment_seen,
    )
