"""No sequence of commands reaches a state outside the table, loses history, or changes an old object."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rcm_query.domain import provider_query as pq
from rcm_query.domain.provider_query import (
    NEXT,
    Answer,
    Content,
    Form,
    Option,
    OptionKind,
    Outcome,
    QueryState,
)
from rcm_shared.errors import Refused

START = datetime(2026, 9, 28, 12, tzinfo=UTC)
CONTENT = Content(
    template="t:1",
    title="t",
    stem="s",
    form=Form.MULTIPLE_CHOICE,
    purpose="missing-specificity",
    quotes=(),
    options=(
        Option(key="a", label="A", statement="It is A.", kind=OptionKind.CLINICAL),
        Option(key="no", label="No", statement="Not present.", kind=OptionKind.DISAGREE),
        Option(key="ns", label="NS", statement="Not significant.", kind=OptionKind.NOT_SIGNIFICANT),
        Option(key="other", label="Other", statement="", kind=OptionKind.OTHER),
        Option(key="unable", label="Unable", statement="Unable.", kind=OptionKind.UNABLE),
    ),
)


def a_draft() -> pq.ProviderQuery:
    """Make a draft."""
    return pq.draft(
        query_id=UUID(int=1),
        rule="heart-failure-type",
        provider_id="P1",
        indicators=(),
        blocks_coding=True,
        requested_by="coder:1",
        now=START,
    )


def an_open_query() -> pq.ProviderQuery:
    """Make a sent query."""
    return pq.send(pq.pass_lint(a_draft(), CONTENT, now=START, actor="s"), now=START, actor="s")


def an_answer(now: datetime = START) -> Answer:
    """Make an answer."""
    return Answer(
        answer_id=UUID(int=2),
        option="a",
        outcome=Outcome.AGREED,
        sha256="0",
        provider_id="P1",
        answered_at=now,
    )


class QueryLife(RuleBasedStateMachine):
    """Tries every command in every state."""

    @initialize()
    def begin(self) -> None:
        self.query = a_draft()
        self.now = START
        self.before = [self.query]

    def _try(self, command: str) -> None:
        old, frozen = self.query, self.query.model_dump_json()
        now = self.now
        try:
            match command:
                case "pass":
                    self.query = pq.pass_lint(old, CONTENT, now=now, actor="s")
                case "fail":
                    self.query = pq.fail_lint(old, None, ("Q1",), now=now, actor="s")
                case "send":
                    self.query = pq.send(old, now=now, actor="s")
                case "view":
                    self.query = pq.view(old, now=now, actor="P1")
                case "overdue":
                    self.query = pq.overdue(old, now=now, actor="s")
                case "answer":
                    self.query = pq.record_answer(old, an_answer(now))
                case "close":
                    self.query = pq.close(old, now=now, actor="s")
                case "retract":
                    self.query = pq.retract(old, "r", now=now, actor="s")
        except Refused:
            assert self.query is old
        assert old.model_dump_json() == frozen
        self.before.append(self.query)

    @rule(command=st.sampled_from(["pass", "fail", "send", "view", "overdue", "answer", "close", "retract"]))
    def command(self, command: str) -> None:
        self._try(command)

    @rule(hours=st.integers(1, 80))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @invariant()
    def every_step_is_in_the_table(self) -> None:
        if not hasattr(self, "before"):
            return
        for old, new in pairwise(self.before):
            assert new.state is old.state or new.state in NEXT[old.state]
            assert new.history[: len(old.history)] == old.history

    @invariant()
    def clock_runs_exactly_while_waiting(self) -> None:
        if hasattr(self, "query"):
            assert (self.query.due_at is not None) == (self.query.state in pq.WAITING)
            assert (self.query.answer is not None) == (
                self.query.state in (QueryState.ANSWERED, QueryState.CLOSED)
            )
            assert 0 <= self.query.level <= pq.LAST_LEVEL


TestQueryLife = QueryLife.TestCase
TestQueryLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_unanswered_query_is_escalated_three_times_and_expires() -> None:
    query, now, levels = an_open_query(), START, []
    assert query.due_at == START + timedelta(hours=72)
    while query.state in pq.WAITING:
        assert query.due_at is not None
        now = query.due_at
        query = pq.overdue(query, now=now, actor="s")
        levels.append(query.level)
    assert levels == [1, 2, 3, 3]
    assert query.state is QueryState.EXPIRED
    assert now == START + timedelta(hours=72 + 3 * 24)


def test_query_before_its_time_is_left_alone() -> None:
    query = an_open_query()
    assert pq.overdue(query, now=START + timedelta(hours=71), actor="s") is query


def test_late_answer_to_an_expired_query_is_taken() -> None:
    query = an_open_query().model_copy(update={"state": QueryState.EXPIRED, "due_at": None})
    assert pq.record_answer(query, an_answer()).state is QueryState.ANSWERED


@pytest.mark.parametrize(
    ("option", "text", "outcome", "statement"),
    [
        ("a", "", Outcome.AGREED, "It is A."),
        ("a", " as seen ", Outcome.AGREED, "It is A. as seen"),
        ("no", "", Outcome.DISAGREED, "Not present."),
        ("ns", "", Outcome.NOT_SIGNIFICANT, "Not significant."),
        ("other", "Something else.", Outcome.OTHER_DOCUMENTED, "Something else."),
        ("unable", "", Outcome.UNABLE_TO_DETERMINE, "Unable."),
        (None, "My words.", Outcome.OTHER_DOCUMENTED, "My words."),
    ],
)
def test_answer_maps_to_its_outcome(option: str | None, text: str, outcome: Outcome, statement: str) -> None:
    assert pq.check_answer(an_open_query(), option, text) == (outcome, statement)


@pytest.mark.parametrize(
    ("option", "text", "code"),
    [
        ("zzz", "", "unknown-option"),
        ("other", " ", "answer-empty"),
        (None, "", "answer-empty"),
        ("a", "x" * 4001, "answer-too-long"),
    ],
)
def test_bad_answer_is_refused(option: str | None, text: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        pq.check_answer(an_open_query(), option, text)
    assert caught.value.code == code


def test_second_answer_is_refused() -> None:
    query = pq.record_answer(an_open_query(), an_answer())
    with pytest.raises(Refused):
        pq.check_answer(query, "a", "")
