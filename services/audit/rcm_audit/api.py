"""HTTP in: an encounter's timeline, counts by state, the money check, and the verification of the chain."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from rcm_shared.auth import Principal, allow
from rcm_shared.clock import now as business_now
from rcm_shared.errors import NotFound
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of

from rcm_audit import repository
from rcm_audit.domain.encounter_view import TERMINAL, Waiting
from rcm_audit.handlers.cases import EncounterOut, encounter_out, load_timeline
from rcm_audit.handlers.checkpoints import Checkpoints

router = APIRouter(prefix="/v1", tags=["audit"])

READERS = ("operations", "auditor", "privacy", "admin", "service")
CHECKPOINTS = "checkpoints"  # where the service's setup puts the Checkpoints object

Reader = Annotated[Principal, Depends(allow(*READERS))]
RunningService = Annotated[Runtime, Depends(runtime_of)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class EncounterList(_Body):
    encounters: tuple[EncounterOut, ...]


class TimelineRow(_Body):
    """One event, or a marker for missing sequence numbers (`kind` "gap")."""

    kind: str
    topic: str
    time: datetime | None
    sequence: int | None
    event_id: UUID | None
    type: str
    actor: str
    caused_by: UUID | None
    causes: tuple[UUID, ...]
    trace_id: str
    summary: dict[str, str]
    gap_first: int | None
    gap_last: int | None


class TimelineOut(_Body):
    encounter: EncounterOut
    timeline: tuple[TimelineRow, ...]


class CountOut(_Body):
    encounters: int
    stuck: int
    oldest_since: datetime | None
    open_cents: int


class CountsOut(_Body):
    """Encounters by waiting state and by terminal state."""

    total: int
    waiting: dict[str, CountOut]
    terminal: dict[str, CountOut]
    stuck: int
    missing_events: int


class MoneyOut(_Body):
    """Sums in cents. `difference_cents` is 0 when every cent is accounted for."""

    encounters: int
    charged_cents: int
    paid_cents: int
    adjusted_cents: int
    patient_cents: int
    patient_open_cents: int
    balance_cents: int
    closed_accounts: int
    closed_with_difference: int
    difference_cents: int


class BreakOut(_Body):
    encounter_id: UUID
    position: int
    reason: str


class CheckpointOut(_Body):
    number: int
    taken_at: datetime
    chains: int
    records: int
    root: str
    signature_valid: bool
    root_matches: bool
    copy_matches: bool


class VerificationOut(_Body):
    verified: bool
    records: int
    chains: int
    breaks: tuple[BreakOut, ...]
    checkpoint: CheckpointOut | None


MAX_BREAKS = 20


@router.get("/encounters")
async def list_encounters(
    who: Reader,
    runtime: RunningService,
    waiting_for: Waiting | None = None,
    stuck: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> EncounterList:
    """List encounters by what they wait for, the longest waiting first."""
    now = business_now()
    async with runtime.http_pool.acquire() as conn:
        views = await repository.list_views(
            conn,
            facilities=who.facility_filter(),
            waiting=waiting_for.value if waiting_for else None,
            stuck_at=now if stuck else None,
            limit=limit,
        )
    return EncounterList(encounters=tuple(encounter_out(view, now) for view in views))


@router.get("/encounters/{encounter_id}")
async def get_encounter(encounter_id: UUID, who: Reader, runtime: RunningService) -> EncounterOut:
    """Return where one encounter stands."""
    async with runtime.http_pool.acquire() as conn:
        view = await repository.find_view(conn, encounter_id, who.facility_filter())
    if view is None:
        raise NotFound("encounter")
    return encounter_out(view, business_now())


@router.get("/encounters/{encounter_id}/timeline")
async def get_timeline(encounter_id: UUID, who: Reader, runtime: RunningService) -> TimelineOut:
    """Return every event of one encounter in time order, with causes, and markers for what is missing."""
    async with runtime.transaction(who.subject) as uow:
        view, rows = await load_timeline(uow, who, encounter_id)
    return TimelineOut(
        encounter=encounter_out(view, business_now()),
        timeline=tuple(
            TimelineRow(
                kind=row.kind,
                topic=row.topic,
                time=row.time,
                sequence=row.sequence,
                event_id=row.event_id,
                type=row.type,
                actor=row.actor,
                caused_by=row.caused_by,
                causes=row.causes,
                trace_id=row.trace_id,
                summary=dict(row.summary),
                gap_first=row.gap_first,
                gap_last=row.gap_last,
            )
            for row in rows
        ),
    )


@router.get("/counts")
async def get_counts(who: Reader, runtime: RunningService) -> CountsOut:
    """Count encounters by state."""
    async with runtime.http_pool.acquire() as conn:
        counts = await repository.count_by_state(conn, who.facility_filter(), business_now())
    shown = {
        Waiting(count.waiting): CountOut(
            encounters=count.encounters,
            stuck=count.stuck,
            oldest_since=count.oldest_since,
            open_cents=count.open_cents,
        )
        for count in counts
    }
    return CountsOut(
        total=sum(count.encounters for count in counts),
        waiting={state.value: shown[state] for state in Waiting if state in shown and state not in TERMINAL},
        terminal={state.value: shown[state] for state in Waiting if state in shown and state in TERMINAL},
        stuck=sum(count.stuck for count in counts),
        missing_events=sum(count.missing_events for count in counts),
    )


@router.get("/money")
async def get_money(who: Reader, runtime: RunningService) -> MoneyOut:
    """Sum the money of all encounters and say what is not accounted for.

    The difference is what charged minus paid, adjusted, the patient's open share and the balance leaves, plus every
    cent by which an account's closing totals differ from the postings that audit saw.
    """
    async with runtime.http_pool.acquire() as conn:
        sums = await repository.sum_money(conn, who.facility_filter())
    closing = sums.pop("closing_difference_cents")
    parts = ("paid_cents", "adjusted_cents", "patient_open_cents", "balance_cents")
    left = sums["charged_cents"] - sum(sums[part] for part in parts)
    return MoneyOut(**sums, difference_cents=abs(left) + closing)


@router.get("/chain/verify")
async def verify_chain(
    who: Annotated[Principal, Depends(allow("operations", "auditor", "privacy", "admin", "service"))],
    runtime: RunningService,
) -> VerificationOut:
    """Recompute every chain and the last checkpoint. Reads the whole journal."""
    checkpoints: Checkpoints = runtime.state[CHECKPOINTS]
    result = await checkpoints.verify(runtime.http_pool)
    report = result.checkpoint
    return VerificationOut(
        verified=result.verified,
        records=result.records,
        chains=result.chains,
        breaks=tuple(
            BreakOut(encounter_id=b.key, position=b.position, reason=b.reason)
            for b in result.breaks[:MAX_BREAKS]
        ),
        checkpoint=None
        if report is None
        else CheckpointOut(
            number=report.number,
            taken_at=report.taken_at,
            chains=report.chains,
            records=report.records,
            root=report.root,
            signature_valid=report.signature_valid,
            root_matches=report.root_matches,
            copy_matches=report.copy_matches,
        ),
    )
