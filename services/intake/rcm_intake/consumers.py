"""Kafka in: what coding, query and billing say, and the hospitals' own inbound topic."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from rcm_shared.contracts import billing, coding, topics
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.query import QueryAnswered
from rcm_shared.contracts.records import Answers, AnswerText, FetchAnswers, Purpose
from rcm_shared.errors import Poison, Transient
from rcm_shared.messaging.apply import Apply
from rcm_shared.messaging.dead_letter import put_inbound
from rcm_shared.messaging.decide import Decision, Moment, Work, fold
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import WorkItem, WorkKind
from rcm_shared.runtime import Runtime
from rcm_shared.web.client import ServiceClient

from rcm_intake import repository
from rcm_intake.domain.account import Account
from rcm_intake.gateways.readers import read_message
from rcm_intake.gateways.reading import Reading, Refusal
from rcm_intake.handlers import GroupCommit, Submission, file_answers

FILE_ANSWER = "file-answer"


def _coding(word: str) -> Any:
    def decide(account: Account | None, event: Any, _moment: Moment) -> Decision[Account]:
        known = account or Account(facility_id=event.facility_id)
        return Decision(known.model_copy(update={"coding": word})) if known.coding != word else Decision()

    return decide


def _claim(word: str) -> Any:
    def decide(account: Account | None, event: Any, _moment: Moment) -> Decision[Account]:
        known = account or Account(facility_id=event.facility_id)
        return Decision(known.model_copy(update={"claim": word})) if known.claim != word else Decision()

    return decide


CHART_TABLE: dict[type[Event], Any] = {
    coding.CodingStarted: _coding("started"),
    coding.CodingFinalised: _coding("finalised"),
    coding.CodingReopened: _coding("reopened"),
}
CLAIM_TABLE: dict[type[Event], Any] = {
    billing.ClaimSubmitted: _claim("billed"),
    billing.AccountClosed: _claim("closed"),
}


async def apply_chart(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Note how far coding has come."""
    await fold(
        uow, deliveries, table=CHART_TABLE, load=repository.load_accounts, save=repository.save_accounts
    )


async def apply_claim(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Note how far billing has come."""
    await fold(
        uow, deliveries, table=CLAIM_TABLE, load=repository.load_accounts, save=repository.save_accounts
    )


async def apply_query(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Queue the filing of each answer under its own id, so that two answers never replace each other."""
    for delivery in deliveries:
        if delivery.envelope.key in uow.blocked:
            uow.park(delivery)
        elif delivery.envelope.type == QueryAnswered.TYPE:
            try:
                event = delivery.event()
            except Poison as error:
                uow.set_aside(delivery, error)
                continue
            if isinstance(event, QueryAnswered):
                payload = {"encounter_id": str(delivery.envelope.key), "query_id": str(event.query_id)}
                uow.add_work(event.answer_id, Work(FILE_ANSWER, payload))


CONSUMERS: dict[topics.Topic, Apply] = {
    topics.CHART: apply_chart,
    topics.QUERY: apply_query,
    topics.CLAIM: apply_claim,
}


def file_answer_work(client: ServiceClient, query_url: str) -> WorkKind:
    """Fetch answers from query by id and file them as addenda."""

    async def compute(items: list[WorkItem]) -> dict[UUID, AnswerText | Exception]:
        body = FetchAnswers(answer_ids=tuple(item.key for item in items), purpose=Purpose.TREATMENT)
        answers = await client.post(query_url, "/v1/answers/fetch", body, Answers)
        found: dict[UUID, AnswerText | Exception] = {answer.answer_id: answer for answer in answers.answers}
        for item in items:
            answer = found.get(item.key)
            if answer is None:
                found[item.key] = Transient("answer-not-there-yet")
            elif isinstance(answer, AnswerText) and str(answer.encounter_id) != item.payload["encounter_id"]:
                found[item.key] = Poison("answer-of-another-encounter")
        return found

    async def apply(uow: UnitOfWork, results: dict[UUID, AnswerText]) -> None:
        await file_answers(uow, list(results.values()))

    return WorkKind(FILE_ANSWER, compute, apply, batch=50)


async def apply_inbound(runtime: Runtime, records: Sequence[Any]) -> None:
    """Take in encounters that hospitals publish on Kafka; a refusal becomes a dead letter of intake.

    At-least-once: a record that comes again is recognised by its message id.
    """
    desk: GroupCommit = runtime.state["desk"]
    allowed: frozenset[str] = runtime.state["feed_facilities"]
    await desk.submit(*(_inbound(record, allowed) for record in records))


def _inbound(record: Any, allowed: frozenset[str]) -> Submission:
    raw = record.value or b""
    try:
        source = (record.key or b"").decode("ascii")
    except UnicodeDecodeError:
        source = ""
    judged = read_message(raw, "json", source=source)
    if isinstance(judged, Reading):
        if source and judged.source != source:
            judged = Refusal("source-mismatch", "/source", source=source, source_format="json")
        elif allowed and judged.facility_id not in allowed:
            judged = Refusal("facility-unknown", "/facility_id", source=source, source_format="json")
        else:
            messages = tuple(replace(message, source_format="kafka") for message in judged.messages)
            judged = replace(judged, messages=messages, source_format="kafka")

    async def dead_letter(uow: UnitOfWork, code: str) -> None:
        await put_inbound(uow, record, code)

    return Submission(raw, judged, "kafka", on_refused=dead_letter)
