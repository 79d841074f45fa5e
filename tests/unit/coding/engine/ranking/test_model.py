"""The ranker at run time: plain numbers in, probabilities out, and nothing about money among them."""

import json
import re
from uuid import UUID

import pytest
from rcm_coding.engine.evidence import Document
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.ranking.features import FEATURES, VERDICTS, candidates
from rcm_coding.engine.ranking.memory import Lesson, learn
from rcm_coding.engine.ranking.model import (
    DIAGNOSES,
    BadModelError,
    Model,
    Scorer,
    dump_model,
    load_model,
)
from rcm_coding.engine.ranking.trees import Calibration, Forest, Tree
from rcm_coding.engine.ranking.words import read_words
from rcm_coding.engine.suggest import consider, suggest
from unit.coding.conftest import DAY

_SHARE = FEATURES.index("share right")
_SCORE = FEATURES.index("score")
# right when the memory or the rules are sure
FOREST = Forest(
    (
        Tree((_SHARE, -1, -1), (0.5, 0.0, 0.0), (2, 0, 0), (0.0, 0.1, 0.9)),
        Tree((_SCORE, -1, -1), (0.5, 0.0, 0.0), (2, 0, 0), (0.0, 0.1, 0.9)),
    )
)
RISING = Calibration((0.0, 0.5, 1.0), (0.0, 0.7, 1.0))
LEARNED = learn(
    "en",
    [
        Lesson(
            read_words(text, "en"),
            frozenset({code}),
            ((tuple(word.key for word in read_words(text, "en")), code),),
        )
        for text, code in (
            ("sugar sickness", "E119"),
            ("tired heart", "I509"),
            ("old swelling disease", "R609X"),
        )
    ],
)
_MONEY = re.compile(
    r"pay|payer|drg|rvu|hcc|weight|price|money|charge|reimburs|fee|insur|cost|dollar", re.IGNORECASE
)


def model(threshold: float = 0.3) -> Model:
    return Model("en-test", "en", {DIAGNOSES: Scorer(FOREST, RISING, threshold, threshold, LEARNED)}, {})


def document(text: str) -> Document:
    return Document(UUID(int=1), 1, "office-note", text)


def test_forest_goes_left_at_the_threshold_and_takes_the_mean() -> None:
    rows = [[0.0] * len(FEATURES) for _ in range(4)]
    for row, share in zip(rows, (0.0, 0.5, 0.51, 0.51), strict=True):
        row[_SHARE] = share
    rows[3][_SCORE] = 1.0
    assert FOREST.probabilities(rows) == pytest.approx([0.1, 0.1, 0.5, 0.9])
    assert FOREST.probabilities([]) == []


@pytest.mark.parametrize(
    ("given", "observed"), [(-1, 0), (0, 0), (0.25, 0.35), (0.5, 0.7), (0.75, 0.85), (2, 1)]
)
def test_calibration_is_linear_between_points_and_flat_beyond(given: float, observed: float) -> None:
    assert RISING(given) == pytest.approx(observed)


def test_no_feature_speaks_of_money() -> None:
    assert not [name for name in (*FEATURES, *VERDICTS) if _MONEY.search(name)]


def test_candidates_take_nothing_that_could_carry_money() -> None:
    assert set(candidates.__annotations__) == {
        "documents", "memory", "record", "suggestions", "suppressed", "tabular", "role", "return",
    }  # fmt: skip


def test_every_candidate_has_every_feature(knowledge: Knowledge) -> None:
    record, said, held = consider(
        [document("Assessment:\n1. Hypertension\n2. Sugar sickness\nNo heart failure.")], "office", knowledge
    )
    found = candidates(
        record.documents, LEARNED, record=record, suggestions=said, suppressed=held, tabular=knowledge.tabular
    )
    assert {"I10", "E119"} <= {item.code for item in found}
    assert [item.code for item in found] == sorted(item.code for item in found)
    assert {len(item.row) for item in found} == {len(FEATURES)}


def test_suggest_adds_what_the_memory_knows_with_its_words(knowledge: Knowledge) -> None:
    text = "Assessment:\n1. Hypertension\n2. Sugar sickness\n"
    found = suggest([document(text)], "office", DAY, knowledge, model=model())
    by_code = {item.code: item for item in found.suggestions}
    place = by_code["E119"].evidence[0]
    assert text[place.start : place.end] == "Sugar sickness"
    assert by_code["E119"].description
    assert "I10" in by_code


def test_suggest_shows_nothing_that_the_note_denies(knowledge: Knowledge) -> None:
    found = suggest(
        [document("Assessment:\n1. Hypertension\n\nReview: no sugar sickness. Father had tired heart.\n")],
        "office", DAY, knowledge, model=model(0.05),
    )  # fmt: skip
    assert not {"E119", "I509"} & {item.code for item in found.suggestions}


def test_suggest_holds_back_codes_that_are_not_in_force(knowledge: Knowledge) -> None:
    found = suggest(
        [document("Assessment:\n1. Old swelling disease\n")], "office", DAY, knowledge, model=model(0.05)
    )
    assert "R609X" not in {item.code for item in found.suggestions}
    assert ("R609X", "not-in-force") in {(item.code, item.why) for item in found.suppressed}


def test_dump_and_load_give_the_same_bytes() -> None:
    data = dump_model(model())
    assert dump_model(load_model(data)) == data


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"\x80\x04K\x01.", b'{"format":1,"features":3}', b"\xff"]
)
def test_load_model_refuses_what_is_no_model(data: bytes) -> None:
    with pytest.raises(BadModelError):
        load_model(data)


def test_load_model_refuses_other_features_in_one_sentence() -> None:
    body = json.loads(dump_model(model()))
    body["features"] = body["features"][1:]
    with pytest.raises(BadModelError, match="train it again"):
        load_model(json.dumps(body).encode())


def test_a_tree_of_one_leaf_gives_its_share() -> None:
    assert Forest((Tree((-1,), (0.0,), (0,), (0.25,)),)).probabilities([[1.0], [2.0]]) == [0.25, 0.25]
