"""What intake does with the facts of coding, billing and query, and with the hospitals' own topic."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from rcm_intake import consumers
from rcm_intake.domain.account import Account
from rcm_intake.gateways.reading import Reading, Refusal
from rcm_intake.handlers import Outcome, Submission
from rcm_shared.contracts.billing import AccountClosed, ClaimSubmitted
from rcm_shared.contracts.coding import CodingReopened, CodingStarted
from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.query import QueryAnswered
from rcm_shared.contracts.records import Answers, AnswerText
from rcm_shared.errors import Poison, Transient
from rcm_shared.messaging.decide import Moment
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import WorkItem
from rcm_shared.money import Cents
from rcm_shared.runtime import Runtime
from rcm_shared.web.client import ServiceClient
from unit.intake.messages import ID, NOW, OTHER_ID, as_bytes, canonical

ANSWER, QUERY = UUID(int=1), UUID(int=2)


def a_delivery(event: Event, key: UUID = ID, body: bytes | None = None) -> Delivery:
    envelope = Envelope(UUID(int=9), event.TYPE, "query", key, NOW, 1, UUID(int=9), None, "F1")
    return Delivery(envelope, body or event.model_dump_json().encode(), "topic", 0, 1)


def an_answer(answer_id: UUID = ANSWER) -> QueryAnswered:
    return QueryAnswered(
        actor="dr-1",
        facility_id="F1",
        query_id=QUERY,
        outcome="agreed",
        answer_id=answer_id,
        answer_sha256="0" * 64,
        provider_id="prv-1",
    )


def a_unit() -> UnitOfWork:
    return UnitOfWork(cast(Any, None), now=NOW, service="intake", topic="rcm.intake.encounter")


def test_account_follows_both_topics_in_any_order() -> None:
    facts: list[Event] = [
        CodingStarted(actor="a", facility_id="F1", case_version=1),
        AccountClosed(
            actor="a",
            facility_id="F1",
            charged_cents=Cents(1),
            paid_cents=Cents(1),
            adjusted_cents=Cents(0),
        ),
    ]
    tables = consumers.CHART_TABLE | consumers.CLAIM_TABLE
    results = []
    for order in (facts, facts[::-1]):
        account: Account | None = None
        for fact in order:
            account = tables[type(fact)](account, fact, Moment(NOW, ID)).state or account
        results.append(account)
    assert results == [Account(facility_id="F1", coding="started", claim="closed")] * 2
    assert set(consumers.CHART_TABLE) >= {CodingReopened}
    assert set(consumers.CLAIM_TABLE) >= {ClaimSubmitted}


async def test_two_answers_of_one_encounter_are_both_filed() -> None:
    uow = a_unit()
    second = UUID(int=7)
    await consumers.apply_query(uow, [a_delivery(an_answer()), a_delivery(an_answer(second))])
    assert {key for key, _ in uow._work} == {ANSWER, second}


async def test_unreadable_answer_is_set_aside_and_its_key_parked() -> None:
    uow = a_unit()
    await consumers.apply_query(
        uow,
        [a_delivery(an_answer(), body=b"{"), a_delivery(an_answer()), a_delivery(an_answer(), OTHER_ID)],
    )
    assert [letter.state for letter in uow.dead] == ["dead", "parked"]
    assert len(uow._work) == 1


class FakeClient:
    def __init__(self, *answers: AnswerText) -> None:
        self.answers = answers

    async def post(self, _base: str, path: str, body: Any, _model: Any) -> Answers:
        assert path == "/v1/answers/fetch"
        assert body.purpose == "treatment"
        return Answers(answers=self.answers)


def an_answer_text(encounter_id: UUID) -> AnswerText:
    return AnswerText(
        answer_id=ANSWER,
        query_id=QUERY,
        encounter_id=encounter_id,
        provider_id="prv-1",
        answered_at=datetime(2026, 9, 28, tzinfo=UTC),
        sha256="0" * 64,
        text="Chronic systolic heart failure.",
    )


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((an_answer_text(ID),), AnswerText),
        ((an_answer_text(OTHER_ID),), Poison),
        ((), Transient),
    ],
)
async def test_answer_is_fetched_by_id_and_belongs_to_its_encounter(
    answers: tuple[AnswerText, ...], expected: type
) -> None:
    kind = consumers.file_answer_work(cast(ServiceClient, FakeClient(*answers)), "http://query")
    item = WorkItem(ANSWER, "file-answer", 1, {"encounter_id": str(ID), "query_id": str(QUERY)}, 0)
    assert isinstance((await kind.compute([item]))[ANSWER], expected)


class FakeDesk:
    def __init__(self) -> None:
        self.taken: list[Submission] = []

    async def submit(self, *submissions: Submission) -> list[Outcome]:
        self.taken.extend(submissions)
        return [Outcome("accepted") for _ in submissions]


async def test_inbound_records_are_judged_and_refusals_get_a_dead_letter() -> None:
    desk = FakeDesk()
    runtime = SimpleNamespace(state={"desk": desk, "feed_facilities": frozenset({"F1"})})

    def a_record(value: bytes | None, key: bytes | None = b"ehr") -> Any:
        return SimpleNamespace(key=key, value=value, headers=(), topic="t", partition=0, offset=1)

    records = [
        a_record(as_bytes(canonical())),
        a_record(as_bytes(canonical()), key=b"another"),
        a_record(as_bytes(canonical(facility_id="F9"))),
        a_record(None),
        a_record(b"\x00\xff", key=b"\xff"),
    ]
    await consumers.apply_inbound(cast(Runtime, runtime), records)
    first, *rest = desk.taken
    assert isinstance(first.judged, Reading)
    assert first.judged.messages[0].source_format == "kafka"
    codes = [submission.judged.code for submission in rest if isinstance(submission.judged, Refusal)]
    assert codes == ["source-mismatch", "facility-unknown", "json-malformed", "charset-mismatch"]
    assert all(submission.on_refused for submission in desk.taken)
