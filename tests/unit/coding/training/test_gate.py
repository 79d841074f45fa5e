"""The gate before a model is used, the screen before a batch is learned from, and what is never a feature."""

import ast
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import rcm_coding
from rcm_coding.domain.learning import (
    Action,
    CoderDecision,
    Rulebook,
    dump_aliases,
    judge,
    memory_of,
    project,
)
from rcm_coding.engine.ranking.features import FEATURES
from rcm_coding.engine.ranking.memory import Lesson, learn
from rcm_coding.engine.ranking.words import Word
from rcm_coding.training.gate import (
    Answer,
    Given,
    SafetyCase,
    Trial,
    golden_hash,
    holdout_from,
    judge_model,
    learnable,
    screen,
)
from rcm_coding.training.learning_curve import answer

START = datetime(2026, 8, 3, 8, tzinfo=UTC)
SAFE = [SafetyCase(frozenset({"I10"}), denied=frozenset({"E119"}))]
CODES = ("I10", "E119", "J189", "N179", "K3580")


def trials(count: int = 120, missed: int = 0, given: Given = ()) -> list[Trial]:
    """Notes of two codes each; the model in use finds both, the candidate misses one in the first `missed`."""
    made = []
    for at in range(count):
        gold = frozenset((CODES[at % 5], CODES[(at + 1) % 5]))
        shown = gold - {CODES[at % 5]} if at < missed else gold
        made.append(Trial(f"n{at}", gold, Answer(gold), Answer(shown, given)))
    return made


def reasons(
    golden: Sequence[Trial], holdout: Sequence[Trial], safety: Sequence[SafetyCase] = SAFE
) -> set[str]:
    """The names of what stands against the candidate."""
    return {one.name for one in judge_model(golden, holdout, safety, golden_hash(golden)).reasons}


def test_an_equal_candidate_passes() -> None:
    verdict = judge_model(trials(), trials(), SAFE, golden_hash(trials()))
    assert verdict.passed
    assert verdict.figures["golden-f1"] == verdict.figures["golden-f1-before"] == 1


def test_a_drop_over_half_a_point_is_refused_on_either_set() -> None:
    assert "f1-drop" in reasons(trials(missed=4), trials())
    assert "f1-drop" in reasons(trials(), trials(missed=4))


def test_a_drop_in_one_chapter_is_refused_although_the_whole_gains() -> None:
    golden = []
    for at in range(200):
        gold = frozenset(("J189",)) if at % 3 == 0 else frozenset(("I10", "E119"))
        before = gold if at % 3 == 0 else frozenset(("I10",))
        golden.append(Trial(f"n{at}", gold, Answer(before), Answer(frozenset() if at % 30 == 0 else gold)))
    verdict = judge_model(golden, trials(), SAFE, golden_hash(golden))
    assert [(one.name, one.where) for one in verdict.reasons] == [("chapter-f1-drop", "golden J")]


def test_a_facility_that_loses_is_named_although_the_whole_gains() -> None:
    golden = [
        Trial(
            f"n{at}",
            frozenset(("I10", "E119")),
            Answer(frozenset(("I10", "E119")) if at % 4 == 0 else frozenset(("I10",))),
            Answer(frozenset(("I10",)) if at % 4 == 0 else frozenset(("I10", "E119"))),
            "north" if at % 4 == 0 else "south",
        )
        for at in range(120)
    ]
    verdict = judge_model(golden, trials(), SAFE, golden_hash(golden))
    assert [one.where for one in verdict.reasons if one.name == "facility-f1-drop"] == ["golden north"]


def test_invalid_and_denied_codes_are_refused_at_the_first_one() -> None:
    assert reasons(trials(), trials(), [replace(SAFE[0], invalid=frozenset({"I10"}))]) == {"invalid-codes"}
    assert reasons(trials(), trials(), [replace(SAFE[0], denied=frozenset({"I10"}))]) == {"denied-codes"}


def test_promises_that_do_not_hold_are_refused() -> None:
    assert "calibration" in reasons(trials(given=((0.9, True), (0.9, False))), trials())
    assert not reasons(trials(given=((0.5, True), (0.5, False))), trials())


def test_a_golden_set_that_was_changed_or_is_missing_is_refused() -> None:
    changed = [replace(trials()[0], gold=frozenset(("Z00",))), *trials()[1:]]
    names = {one.name for one in judge_model(changed, trials(), SAFE, golden_hash(trials())).reasons}
    assert "golden-set-changed" in names
    assert golden_hash(list(reversed(trials()))) == golden_hash(trials())
    assert reasons([], [], []) == {"too-few-notes"}


def test_the_verdict_is_the_same_every_time() -> None:
    first, second = (judge_model(trials(missed=2), trials(), SAFE, "") for _ in range(2))
    assert first == second


def test_the_holdout_is_the_newest_thirty_days() -> None:
    assert holdout_from(START) == START - timedelta(days=30)


def batch(facility: str, count: int = 1200, flip_every: int = 0) -> list[CoderDecision]:
    """Decisions on suggestions shown at p = .95: every twentieth is turned down; flips turn others around."""
    made = []
    for at in range(count):
        kept = at % 20 != 7
        if flip_every and at % flip_every == 0:
            kept = not kept
        code = CODES[at % 5]
        made.append(
            CoderDecision(
                facility, f"{facility}{at}", f"{facility}-{at % 3}", Action.ACCEPT if kept else Action.OVERRIDE,
                code if kept else CODES[(at + 2) % 5], (f"word{'abcde'[at % 5]}",), START + timedelta(minutes=at),
                suggested_code=code, patient=f"{facility}p{at}", position=0, model="en-1", p=0.95,
            )
        )  # fmt: skip
    return made


def test_an_honest_batch_is_learned_from() -> None:
    verdicts = screen(batch("north") + batch("south"))
    assert all(verdict.passed for verdict in verdicts.values())


@pytest.mark.parametrize("count", [300, 1200])
def test_a_batch_with_a_tenth_of_its_labels_flipped_is_blocked_and_the_other_facility_learns_the_same(
    count: int,
) -> None:
    clean, poisoned = batch("south", count), batch("north", count, flip_every=10)
    verdicts = screen(clean + poisoned)
    assert [reason.name for reason in verdicts["north"].reasons] == ["labels-contradict"]
    assert verdicts["south"].passed
    learned = project(learnable(poisoned + clean))
    assert dump_aliases(learned) == dump_aliases(project(clean))
    rulebook = Rulebook(lambda code, day: True, lambda code, other: False, lambda stem: False)
    promoted = judge(learned, rulebook, date(2026, 9, 14))
    assert len(memory_of("en", "south", promoted).phrases) == 5
    assert not memory_of("en", "north", promoted).phrases


def test_a_model_that_learned_flipped_labels_is_refused_and_names_the_facility() -> None:
    def lessons(facility: str, flipped: bool) -> list[Lesson]:
        made = []
        for at in range(300):
            phrase, code = (f"{facility}{at % 60}",), f"A{at % 60:02d}"
            if flipped and at % 60 < 6:  # a tenth of the labels, the same way each time
                code = f"B{at % 60:02d}"
            made.append(Lesson([Word(phrase[0], 0, 1)], frozenset({code}), ((phrase, code),)))
        return made

    clean = learn("en", lessons("north", False) + lessons("south", False))
    poisoned = learn("en", lessons("north", True) + lessons("south", False))
    golden = []
    for facility in ("north", "south"):
        for at, lesson in enumerate(lessons(facility, False)[:60]):
            before, after = (Answer(frozenset(answer(memory, lesson.words))) for memory in (clean, poisoned))
            golden.append(Trial(f"{facility}{at}", lesson.codes, before, after, facility))
    verdict = judge_model(golden, golden, SAFE, golden_hash(golden))
    assert {(one.name, one.where) for one in verdict.reasons} >= {
        ("f1-drop", "golden"),
        ("facility-f1-drop", "golden north"),
    }
    assert not any("south" in one.where for one in verdict.reasons)


PAYMENT = (
    "pay",
    "drg",
    "charge",
    "price",
    "cents",
    "money",
    "weight",
    "reimburse",
    "revenue",
    "rvu",
    "hcc",
    "fee",
)


def test_no_feature_is_about_payment() -> None:
    assert not [name for name in FEATURES for word in PAYMENT if word in name.lower().split()]
    assert not [name for name in FEATURES if any(word in name.lower() for word in PAYMENT)]


def test_nothing_that_builds_or_fits_rows_reaches_for_payment() -> None:
    home = Path(rcm_coding.__path__[0])
    files = [
        *(home / "engine" / "ranking").glob("*.py"),
        *(
            home / "training" / f"{name}.py"
            for name in ("fit", "lessons", "train", "gate", "trials", "refit")
        ),
        home / "domain" / "learning.py",
        home / "domain" / "decision_log.py",
        home / "handlers" / "learning.py",
        home / "repository" / "learning.py",
    ]
    assert len(files) > 8
    for path in files:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            part
            for node in ast.walk(tree)
            for part in (
                [node.module or "", *(alias.name for alias in node.names)]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.attr]
                if isinstance(node, ast.Attribute)
                else [node.id]
                if isinstance(node, ast.Name)
                else [node.arg]
                if isinstance(node, ast.arg)
                else []
            )
        }
        words = {word for part in named for word in part.lower().replace(".", "_").split("_")}
        assert not words & {*PAYMENT, "payer", "payers", "payment", "grouper", "fees", "charges"}, path.name
