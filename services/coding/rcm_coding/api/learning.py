"""HTTP out: which models answer, how the shadow agrees with the one in use and with the coders, and the refits."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from rcm_shared.auth import Principal, allow
from rcm_shared.web.app import runtime_of

from rcm_coding.api.deps import LEADS, Body
from rcm_coding.gateways.serving import ServedModels
from rcm_coding.repository import learning

router = APIRouter(prefix="/v1/learning", tags=["coding"])

_Who = Annotated[Principal, Depends(allow(*LEADS, "operations"))]
_RUNS = 30


class AgreementOut(Body):
    """Diagnoses of both answers over the charts that the shadow has read, and right ones over the finished charts."""

    charts: int
    both: int
    live_only: int
    shadow_only: int
    finished: int
    final_codes: int
    live_shown: int
    shadow_shown: int
    live_right: int
    shadow_right: int


class RunOut(Body):
    """One refit: the decisions that were new to it, the facilities whose new ones it refused, and the gate's answer."""

    model: str
    against: str
    at: datetime
    first_decision: int
    last_decision: int
    decisions: int
    refused_facilities: tuple[str, ...]
    passed: bool
    reasons: tuple[dict[str, Any], ...]
    figures: dict[str, float]


class LearningOut(Body):
    """The state of learning. A model's name is empty where none answers."""

    in_use: str
    shadow: str
    agreement: AgreementOut | None
    runs: tuple[RunOut, ...]


@router.get("")
async def show_learning(request: Request, _who: _Who) -> LearningOut:
    """Show the models that answer, the shadow's agreement, and the newest refits."""
    runtime = runtime_of(request)
    served: ServedModels | None = runtime.state.get("served")
    live, shadow = (served.live, served.shadow) if served else (None, None)
    async with runtime.http_pool.acquire() as conn:
        runs = await learning.runs(conn, _RUNS)
        agreement = AgreementOut(**await learning.agreement(conn, shadow.name)) if shadow else None
    return LearningOut(
        in_use=live.name if live else "",
        shadow=shadow.name if shadow else "",
        agreement=agreement,
        runs=tuple(
            RunOut(
                model=run.model,
                against=run.against,
                at=run.at,
                first_decision=run.first,
                last_decision=run.last,
                decisions=run.decisions,
                refused_facilities=tuple(refusal.facility for refusal in run.refusals),
                passed=run.verdict["passed"],
                reasons=tuple(run.verdict["reasons"]),
                figures=run.verdict["figures"],
            )
            for run in runs
        ),
    )
