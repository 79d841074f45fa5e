"""The alias memory: replay, the promotion rule one clause at a time, demotion, sharing, and what is never learned."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_coding.domain.learning import (
    Action,
    CoderDecision,
    Rulebook,
    Standing,
    dump_aliases,
    judge,
    memory_of,
    outside,
    project,
    shareable,
    wilson_lower,
)
from rcm_coding.engine.ranking.words import read_words
from rcm_coding.engine.tabular import Tabular

DAY = date(2026, 9, 14)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PHRASE = ("sugar", "disease")
OPEN = Rulebook(lambda code, day: True, lambda code, other: False, lambda stem: False)


def decision(number: int, action: Action = Action.ADD, **changes: object) -> CoderDecision:
    """One decision of encounter `number`; two coders take turns."""
    made = CoderDecision(
        "north",
        f"e{number}",
        f"c{number % 2}",
        action,
        "E119",
        PHRASE,
        START + timedelta(hours=number),
        patient=f"p{number}",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def agreed(count: int, **changes: Any) -> list[CoderDecision]:
    """That many encounters in which coders chose the code."""
    return [decision(at, **changes) for at in range(count)]


def standing(decisions: list[CoderDecision], rulebook: Rulebook = OPEN, code: str = "E119") -> Standing:
    """How the alias of a code stands."""
    return next(item for item in judge(project(decisions), rulebook, DAY) if item.alias.code == code)


decisions_strategy = st.lists(
    st.builds(
        decision,
        st.integers(0, 12),
        st.sampled_from(Action),
        facility=st.sampled_from(("north", "south")),
        code=st.sampled_from(("E119", "I10", "J189")),
        suggested_code=st.sampled_from((None, "E119", "I10")),
        phrase=st.sampled_from((PHRASE, ("pressure",), ())),
        at=st.integers(0, 3).map(lambda hours: START + timedelta(hours=hours)),
    ),
    max_size=25,
)


@given(decisions_strategy, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_same_log_in_any_order_and_repeated_gives_the_same_bytes(
    log: list[CoderDecision],
    chance: object,
) -> None:
    mixed = [*log, *log[:5]]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert dump_aliases(project(mixed)) == dump_aliases(project(log))
    assert judge(project(mixed), OPEN, DAY) == judge(project(log), OPEN, DAY)


def test_the_dump_names_no_coder_encounter_or_patient() -> None:
    written = dump_aliases(project(agreed(3, coder="CODER-X", encounter="ENC-X", patient="PAT-X"))).decode()
    assert "-X" not in written
    assert '"phrase":"sugar disease"' in written


def test_an_accepted_code_counts_as_shown_and_an_added_one_does_not() -> None:
    (alias,) = project([decision(0, Action.ACCEPT), decision(1, Action.REJECT), decision(2)]).values()
    assert (alias.shown, alias.accepted, alias.agreed) == (2, 1, 2)
    assert alias.acceptance == pytest.approx(1.3 / 3.5)


def test_an_override_speaks_against_the_suggested_code_and_for_the_chosen_one() -> None:
    found = project([decision(0, Action.OVERRIDE, code="E1165", suggested_code="E119")])
    assert {alias.code: (alias.shown, alias.agreed) for alias in found.values()} == {
        "E119": (1, 0),
        "E1165": (0, 1),
    }


def test_an_encounter_has_one_vote_and_its_last_decision_is_it() -> None:
    first, second = decision(0, Action.ACCEPT), decision(0, Action.REJECT, at=START + timedelta(days=1))
    (alias,) = project([second, first]).values()
    assert (len(alias.votes), alias.agreed) == (1, 0)


def test_six_encounters_of_two_coders_promote() -> None:
    assert standing(agreed(6)).promoted


@pytest.mark.parametrize(
    ("decisions", "reason"),
    [
        (agreed(2), "few-encounters"),
        (agreed(6, coder="c0"), "few-coders"),
        (agreed(6) + [decision(at, Action.REJECT) for at in (6, 7)], "low-precision"),
        (agreed(4), "uncertain"),
        (agreed(6, phrase=tuple("abcdef")), "long-phrase"),
        (agreed(6, phrase=("type", "2")), "digits"),
        (agreed(6, phrase=("t2dm",)), "digits"),
    ],
)
def test_each_clause_of_the_rule_has_its_name(decisions: list[CoderDecision], reason: str) -> None:
    assert reason in standing(decisions).against


def test_rising_overrides_demote_what_was_promoted() -> None:
    log = agreed(30)
    assert standing(log).promoted
    log += [decision(at, Action.REJECT) for at in (30, 31, 32)]
    fallen = standing(log)
    assert fallen.against == ("overrides-rise",)
    assert fallen.alias.precision > 0.9


def test_a_code_that_a_release_retires_is_demoted(tabular: Tabular) -> None:
    rulebook = replace(OPEN, valid=lambda code, day: tabular.billable(code))
    assert standing(agreed(6), rulebook).promoted
    assert standing(agreed(6, code="E11"), rulebook, "E11").against == ("not-in-force",)


def test_two_codes_that_exclude_each_other_wait_for_a_person() -> None:
    rulebook = replace(OPEN, exclude=lambda code, other: {code, other} == {"E119", "E109"})
    both = agreed(6) + agreed(6, code="E109")
    assert standing(both, rulebook).against == ("excludes-conflict",)
    assert standing(both, rulebook, "E109").against == ("excludes-conflict",)


def test_a_word_outside_the_medical_vocabulary_is_taken_for_a_name() -> None:
    rulebook = replace(OPEN, is_name=outside(frozenset({"sugar", "disease"})))
    assert standing(agreed(6), rulebook).promoted
    assert standing(agreed(6, phrase=("zqmoleson", "disease")), rulebook).against == ("names",)


def test_an_alias_travels_only_after_release_and_with_enough_patients() -> None:
    north = agreed(6)
    south = [replace(one, facility="south", patient=f"s{one.patient}") for one in north]
    pair = (PHRASE, "E119")
    alone = judge(project(north), OPEN, DAY)
    assert shareable(alone, frozenset({pair})) == ([], [])
    both = judge(project(north + south), OPEN, DAY)
    assert shareable(both, frozenset()) == ([], [pair])
    shared, waiting = shareable(both, frozenset({pair}))
    assert ([alias.code for alias in shared], waiting) == (["E119"], [])
    assert shared[0].patients == 12
    same = [replace(one, patient="p1") for one in north + south]
    assert shareable(judge(project(same), OPEN, DAY), frozenset({pair})) == ([], [])
    unknown = [replace(one, patient="") for one in north + south]
    assert shareable(judge(project(unknown), OPEN, DAY), frozenset({pair})) == ([], [])


def test_a_facility_uses_its_own_aliases_before_shared_ones() -> None:
    log = agreed(6) + [
        replace(one, facility=place, code="E162", patient=f"{place}{one.patient}")
        for place in ("south", "east")
        for one in agreed(6)
    ]
    standings = judge(project(log), OPEN, DAY)
    shared, _ = shareable(standings, frozenset({(PHRASE, "E162")}))
    words = read_words("He has the sugar disease.", "en")
    for facility, code in (("north", "E119"), ("south", "E162"), ("west", "E162")):
        memory = memory_of("en", facility, standings, shared)
        (found,) = memory.find(words)
        assert set(memory.phrases[found.phrase].cited) == {code}
    assert not memory_of("en", "west", standings).phrases


def test_wilson_lower_bound_is_that_of_the_textbook() -> None:
    assert wilson_lower(0, 0) == 0
    assert wilson_lower(6, 6) == pytest.approx(0.6097, abs=1e-4)
    assert wilson_lower(8, 10) == pytest.approx(0.4902, abs=1e-4)
