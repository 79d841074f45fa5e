"""Decisions of the query service: what is sent, retracted, escalated, answered, and in any order of topics."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from rcm_query import consumers, handlers
from rcm_query.domain.composition import Document, Record
from rcm_query.domain.provider_query import EncounterQueries, ProviderQuery, QueryState
from rcm_query.handlers import Composed
from rcm_shared.contracts.coding import Indicator, QueryRequested
from rcm_shared.contracts.intake import DocumentationAmended, EncounterCancelled, EncountersMerged
from rcm_shared.contracts.query import QueryAnswered, QueryEscalated, QueryExpired, QueryRetracted, QuerySent
from rcm_shared.contracts.records import DocumentKey, DocumentText, EncounterRecord
from rcm_shared.contracts.topics import read_by
from rcm_shared.errors import Refused
from rcm_shared.messaging.decide import CancelTimer, FiredTimer, Moment, SetTimer
from rcm_shared.messaging.work import WorkItem

KEY, OTHER, QUERY, DOCUMENT = (UUID(int=n) for n in range(1, 5))
NOW = datetime(2026, 9, 28, 12, tzinfo=UTC)
MOMENT = Moment(NOW, KEY)
NOTE = "Follow-up of heart failure. Ejection fraction 30%. Trace edema."


def requested(
    query_id: UUID = QUERY, *, rule: str = "heart-failure-type", provider: str | None = "P1"
) -> QueryRequested:
    return QueryRequested(
        actor="coder:1",
        facility_id="F",
        query_id=query_id,
        rule=rule,
        indicators=(Indicator(DOCUMENT, 1, 0, 12),),
        provider_id=provider,
    )


def a_record(*, provider: str = "P1") -> Record:
    document = Document(KEY, DOCUMENT, 1, "office-note", date(2026, 9, 10), provider, NOTE)
    return Record(KEY, (document,), frozenset({provider}))


def a_draft_state(event: QueryRequested | None = None) -> EncounterQueries:
    state = handlers.decide_query_requested(None, event or requested(), MOMENT).state
    assert state is not None
    return state


def composed(state: EncounterQueries, record: Record | None = None) -> list[Composed]:
    return [handlers.compose_query(query, record or a_record()) for query in state.drafts()]


def an_open_state() -> EncounterQueries:
    state = a_draft_state()
    after = handlers.decide_composed(state, composed(state), MOMENT).state
    assert after is not None
    return after


def the_query(state: EncounterQueries | None, query_id: UUID = QUERY) -> ProviderQuery:
    query = state.find(query_id) if state else None
    assert query is not None
    return query


def test_request_makes_a_draft_and_its_work() -> None:
    decision = handlers.decide_query_requested(None, requested(), MOMENT)
    assert the_query(decision.state).state is QueryState.DRAFT
    assert [work.kind for work in decision.work] == ["compose"]
    assert decision.events == ()


def test_second_delivery_of_a_request_changes_nothing() -> None:
    assert handlers.decide_query_requested(an_open_state(), requested(), MOMENT).state is None


def test_two_requests_share_one_work_row() -> None:
    decision = handlers.decide_query_requested(a_draft_state(), requested(UUID(int=50)), MOMENT)
    assert len(decision.work[0].payload["queries"]) == 2


def test_compliant_draft_is_sent_with_deadline_and_timer() -> None:
    state = a_draft_state()
    decision = handlers.decide_composed(state, composed(state), MOMENT)
    due_at = NOW + timedelta(hours=72)
    assert [type(event) for event in decision.events] == [QuerySent]
    assert isinstance(decision.events[0], QuerySent)
    assert decision.events[0].due_at == due_at
    assert decision.timers == (SetTimer("due", due_at),)
    assert the_query(decision.state).state is QueryState.OPEN


@pytest.mark.parametrize(
    ("event", "record", "findings"),
    [
        (requested(provider=None), a_record(), ("Q10",)),
        (requested(), a_record(provider="P2"), ("Q10",)),
        (requested(), Record(KEY, (), frozenset({"P1"})), ("Q1",)),
        (requested(rule="no-such-rule"), a_record(), ("no-template",)),
    ],
)
def test_draft_that_breaks_a_rule_is_never_sent(
    event: QueryRequested, record: Record, findings: tuple[str, ...]
) -> None:
    state = a_draft_state(event)
    decision = handlers.decide_composed(state, composed(state, record), MOMENT)
    assert decision.events == []
    assert the_query(decision.state).state is QueryState.NEEDS_REVIEW
    assert the_query(decision.state).findings == findings


def test_cancelled_encounter_retracts_and_stops_the_clock() -> None:
    event = EncounterCancelled(actor="a", facility_id="F", reason="cancelled")
    decision = handlers.decide_cancelled(an_open_state(), event, MOMENT)
    assert [type(event) for event in decision.events] == [QueryRetracted]
    assert decision.timers == (CancelTimer("due"),)
    assert the_query(decision.state).content is not None


def test_request_after_the_cancellation_is_retracted_at_once() -> None:
    event = EncounterCancelled(actor="a", facility_id="F", reason="cancelled")
    stopped = handlers.decide_cancelled(None, event, MOMENT).state
    decision = handlers.decide_query_requested(stopped, requested(), MOMENT)
    assert the_query(decision.state).state is QueryState.RETRACTED
    assert [type(event) for event in decision.events] == [QueryRetracted]
    assert decision.work == ()


def test_result_for_a_retracted_draft_is_dropped() -> None:
    state = a_draft_state()
    results = composed(state)
    event = EncounterCancelled(actor="a", facility_id="F", reason="cancelled")
    stopped = handlers.decide_cancelled(state, event, MOMENT).state
    assert handlers.decide_composed(stopped, results, MOMENT).events == []


def test_merge_stops_the_record_that_went_away_only() -> None:
    event = EncountersMerged(actor="a", facility_id="F", survivor_id=OTHER, merged_id=KEY)
    assert handlers.decide_merged(an_open_state(), event, MOMENT).events
    survivor = EncountersMerged(actor="a", facility_id="F", survivor_id=KEY, merged_id=OTHER)
    assert handlers.decide_merged(an_open_state(), survivor, MOMENT).state is None


def test_due_timer_escalates_then_expires() -> None:
    state, now, seen = an_open_state(), NOW, []
    for _ in range(4):
        due_at = state.next_due_at()
        assert due_at is not None
        now = due_at
        decision = handlers.decide_due(state, FiredTimer(KEY, "due", now, {}), Moment(now, KEY))
        seen += [(type(event), getattr(event, "level", None)) for event in decision.events]
        assert decision.state is not None
        state = decision.state
    assert seen == [(QueryEscalated, 1), (QueryEscalated, 2), (QueryEscalated, 3), (QueryExpired, None)]
    assert decision.timers == (CancelTimer("due"),)


def test_answer_is_hashed_published_and_closed_by_its_addendum() -> None:
    state = an_open_state()
    answered = handlers.answer_query(
        state, the_query(state), option="chronic-systolic", text="", provider_id="P1", moment=MOMENT
    )
    event = answered.decision.events[0]
    assert isinstance(event, QueryAnswered)
    assert (event.outcome, event.answer_sha256) == ("agreed", answered.answer.sha256)
    assert answered.text == "Chronic systolic heart failure."
    assert answered.decision.timers == (CancelTimer("due"),)
    amended = DocumentationAmended(
        actor="system:intake",
        facility_id="F",
        record_version=2,
        reason="query-answer",
        documents=(),
        query_id=QUERY,
    )
    closed = handlers.decide_amended(answered.decision.state, amended, MOMENT)
    assert the_query(closed.state).state is QueryState.CLOSED
    assert handlers.decide_amended(None, amended, MOMENT).state is None


def test_answered_query_cannot_be_retracted() -> None:
    state = an_open_state()
    answered = handlers.answer_query(
        state, the_query(state), option="unable-to-determine", text="", provider_id="P1", moment=MOMENT
    )
    after = answered.decision.state
    assert after is not None
    with pytest.raises(Refused):
        handlers.retract_query(after, the_query(after), reason="mistake", actor="coder:1", moment=MOMENT)


def test_events_carry_no_word_of_the_record() -> None:
    state = a_draft_state()
    decision = handlers.decide_composed(state, composed(state), MOMENT)
    assert not any("30%" in event.model_dump_json() for event in decision.events)
    work = handlers.decide_query_requested(None, requested(), MOMENT).work[0]
    assert "heart failure" not in str(work.payload)


def test_topics_table_names_what_is_read() -> None:
    assert {*consumers.ON_ENCOUNTER, *consumers.ON_CHART} <= {
        event for topic in read_by("query") for event in topic.events
    }


def a_text(written_at: datetime | None, author: str | None) -> DocumentText:
    return DocumentText(
        encounter_id=KEY,
        document_id=DOCUMENT,
        version=1,
        kind="office-note",
        sha256="0",
        media_type="text/plain",
        signed=True,
        author_id=author,
        written_at=written_at,
        text=NOTE,
    )


@pytest.mark.parametrize(
    ("text", "encounters_asked"), [(a_text(NOW, "P1"), 0), (a_text(NOW, "P2"), 1), (a_text(None, "P1"), 1)]
)
async def test_compose_work_asks_for_the_encounter_only_when_needed(
    text: DocumentText, encounters_asked: int
) -> None:
    asked: list[UUID] = []

    async def documents(_keys: object) -> list[DocumentText]:
        return [text]

    async def encounters(keys: list[UUID] | tuple[UUID, ...]) -> list[EncounterRecord]:
        asked.extend(keys)
        return []

    kind = consumers.compose_work(documents, encounters)  # type: ignore[arg-type]  # narrower fakes
    payload = handlers.decide_query_requested(None, requested(), MOMENT).work[0].payload
    results = await kind.compute([WorkItem(KEY, "compose", 1, payload, 0)])
    assert len(asked) == encounters_asked
    assert [result.query_id for result in results[KEY]] == [QUERY]


async def test_compose_work_fetches_in_chunks() -> None:
    sizes: list[int] = []

    async def documents(keys: tuple[DocumentKey, ...]) -> list[DocumentText]:
        sizes.append(len(keys))
        return []

    async def encounters(_keys: object) -> list[EncounterRecord]:
        return []

    kind = consumers.compose_work(documents, encounters)  # type: ignore[arg-type]  # narrower fakes
    items = []
    for number in range(250):
        event = requested(uuid5(KEY, str(number)))
        indicator = Indicator(uuid5(DOCUMENT, str(number)), 1, 0, 5)
        payload = (
            handlers.decide_query_requested(
                None, event.model_copy(update={"indicators": (indicator,)}), MOMENT
            )
            .work[0]
            .payload
        )
        items.append(WorkItem(uuid5(OTHER, str(number)), "compose", 1, payload, 0))
    results = await kind.compute(items)
    assert sizes == [200, 50]
    assert len(results) == 250
