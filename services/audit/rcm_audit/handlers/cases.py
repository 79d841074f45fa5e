"""One case as the API and the pages show it: where it stands, and its timeline."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound
from rcm_shared.messaging.uow import UnitOfWork

from rcm_audit import repository
from rcm_audit.domain.encounter_view import EncounterView, is_stuck, shown_claim_state
from rcm_audit.domain.timeline import TimelineEntry, timeline


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CodeOut(_Body):
    system: str
    code: str
    role: str


class QueryOut(_Body):
    query_id: UUID
    rule: str
    state: str
    level: int
    outcome: str
    due_at: datetime | None


class EncounterOut(_Body):
    """Where one encounter stands. Money in cents; `waiting_for` is null when it is at an end."""

    encounter_id: UUID
    facility_id: str
    setting: str
    source: str
    source_format: str
    claim_form: str
    service_through: date | None
    intake_state: str
    coding_state: str
    codes: tuple[CodeOut, ...]
    drg: str | None
    queries: tuple[QueryOut, ...]
    query: str | None
    claim_state: str
    acknowledgements: tuple[str, ...]
    hold_reasons: tuple[str, ...]
    owner_queue: str
    charged_cents: int
    paid_cents: int
    adjusted_cents: int
    patient_cents: int
    patient_open_cents: int
    balance_cents: int  # open with insurance: charged = paid + adjusted + patient_open + balance
    open_cents: int
    waiting_for: str | None
    waiting_since: datetime | None
    stuck: bool
    last_event: str
    last_event_at: datetime
    events: int
    missing_events: int


def encounter_out(view: EncounterView, now: datetime) -> EncounterOut:
    """Return a view as the API shows it."""
    queries = view.queries()
    return EncounterOut(
        encounter_id=view.encounter_id,
        facility_id=view.facility_id,
        setting=view.setting,
        source=view.source,
        source_format=view.source_format,
        claim_form=view.claim_form,
        service_through=view.service_through,
        intake_state=view.intake_state,
        coding_state=view.coding_state,
        codes=tuple(CodeOut(system=c.system, code=c.code, role=c.role) for c in view.codes),
        drg=view.drg,
        queries=tuple(
            QueryOut(
                query_id=q.query_id,
                rule=q.rule,
                state=q.state,
                level=q.level,
                outcome=q.outcome,
                due_at=q.due_at,
            )
            for q in queries
        ),
        query=view.query_state or None,
        claim_state=shown_claim_state(view),
        acknowledgements=view.acknowledgements,
        hold_reasons=view.hold_reasons,
        owner_queue=view.owner_queue,
        charged_cents=view.charged_cents,
        paid_cents=view.paid_cents,
        adjusted_cents=view.adjusted_cents,
        patient_cents=view.patient_cents,
        patient_open_cents=view.patient_open_cents,
        balance_cents=view.balance_cents,
        open_cents=view.open_cents,
        waiting_for=view.waiting_for,
        waiting_since=view.waiting_since,
        stuck=is_stuck(view, now),
        last_event=view.last_type,
        last_event_at=view.last_event_at,
        events=view.events,
        missing_events=sum(gap.last - gap.first + 1 for gap in view.gaps),
    )


async def load_timeline(
    uow: UnitOfWork, who: Principal, encounter_id: UUID
) -> tuple[EncounterView, tuple[TimelineEntry, ...]]:
    """Read one encounter's view and timeline, and write down who did. Raises: NotFound."""
    view = await repository.find_view(uow.conn, encounter_id, who.facility_filter())
    if view is None:
        raise NotFound("encounter")
    entries = await repository.list_journal(uow.conn, encounter_id)
    held = await repository.list_held(uow.conn, encounter_id)
    uow.record_access(encounter_id=encounter_id, subject=who.subject, purpose="operations", what="timeline")
    return view, timeline(entries, held)
