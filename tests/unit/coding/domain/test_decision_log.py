"""The decision log as learning reads it."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from rcm_coding.domain.decision_log import Logged, Refusal, decisions, leading
from rcm_coding.domain.learning import Action
from rcm_coding.engine.evidence import Evidence

LINE = Logged(
    7, "F1", "e1", "ann", "accepted", "I10", "I10", "cac", ("hypertension",),
    datetime(2026, 9, 14, tzinfo=UTC), 1, "en-1", 0.9,
)  # fmt: skip


def test_every_choice_of_a_person_is_an_action() -> None:
    lines = [
        replace(LINE, choice=choice)
        for choice in ("accepted", "overridden", "rejected", "added", "suggested")
    ]
    assert [item.action for item in decisions(lines)] == [
        Action.ACCEPT,
        Action.OVERRIDE,
        Action.REJECT,
        Action.ADD,
    ]


def test_what_the_provider_brought_was_not_shown() -> None:
    (found,) = decisions([replace(LINE, source="provider")])
    assert found.action is Action.ADD


def test_only_a_model_promises_a_probability() -> None:
    assert [item.p for item in decisions([LINE, replace(LINE, model="")])] == [0.9, None]


def test_a_refused_batch_teaches_nothing() -> None:
    refusal = Refusal("F1", 5, 7, ("labels-contradict",))
    lines = [LINE, replace(LINE, number=8), replace(LINE, facility="F2"), replace(LINE, number=4)]
    assert len(decisions(lines, [refusal])) == 3


def test_the_words_of_the_condition_lead() -> None:
    side = Evidence(UUID(int=1), 1, 0, 4, "assessment", "side")
    words = replace(side, start=5, end=12, role="diagnosis")
    assert leading((side, words)) == words
    assert leading((side,)) == side
    assert leading(()) is None
