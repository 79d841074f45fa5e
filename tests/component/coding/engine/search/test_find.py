"""What a coder types finds the code: numbers in any form, words in any order, slips, everyday words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_coding.engine.search.encoder import Encoder
from rcm_coding.engine.search.find import MAX_QUERY, QueryError, clean_query, search
from rcm_coding.engine.search.index import Entry, build_index
from rcm_coding.engine.search.score import typing_distance


def shown(encoder: Encoder, text: str, limit: int = 10) -> list[str]:
    return [item.shown for item in encoder.search(text, limit).found]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("E11.9", "E11.9"),
        ("e119", "E11.9"),
        (" e11.9 ", "E11.9"),
        ("K58.9", "K58.9"),
        ("b20", "B20"),
        ("s72.001a", "S72.001A"),
        ("w19xxxa", "W19.XXXA"),
        ("QA00101", "QA0.0101"),
        ("qa0.0101", "QA0.0101"),
        ("c4a", "C4A"),
        ("E11.-", "E11"),
    ],
)
def test_code_is_found_however_it_is_written(encoder: Encoder, typed: str, first: str) -> None:
    found = encoder.search(typed).found
    assert found[0].shown == first
    assert found[0].kind == "code"


def test_start_of_a_code_lists_what_lies_below_in_order(encoder: Encoder) -> None:
    assert shown(encoder, "I50.2") == ["I50.2", "I50.20", "I50.21", "I50.22", "I50.23"]


def test_fall_is_only_usable_with_placeholders_and_a_seventh_character(encoder: Encoder) -> None:
    found = encoder.search("W19").found
    assert [(item.shown, item.billable) for item in found] == [
        ("W19", False),
        ("W19.XXXA", True),
        ("W19.XXXD", True),
        ("W19.XXXS", True),
    ]
    assert shown(encoder, "W19.XX") == ["W19.XXXA", "W19.XXXD", "W19.XXXS"]


def test_code_that_needs_a_seventh_character_lists_its_sixteen(encoder: Encoder) -> None:
    found = encoder.search("S72.001", 20).found
    assert found[0].needs_seventh
    assert not found[0].billable
    assert [item.shown[-1] for item in found[1:]] == list("ABCDEFGHJKMNPQRS")
    assert all(item.billable for item in found[1:])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("irritable bowel syndrome", "K58.9"),
        ("mole of the back", "D22.5"),
        ("heart attack", "I21.9"),
        ("heart atack", "I21.9"),
        ("high blood pressure", "I10"),
        ("afib", "I48.91"),
        ("COPD exacerbation", "J44.1"),
        ("athsma", "J45.909"),
        ("newmonia", "J18.9"),
        ("diabetus mellitis typ 2", "E11.9"),
        ("ulcer foot diab", "E11.621"),
        ("bowel irritable syndrome", "K58.9"),
        ("plantar fasciitis", "M72.2"),
        ("right knee osteoarthritis", "M17.11"),
        ("lumbago with sciatica left", "M54.42"),
        ("tummy ache", "R10.9"),
        ("Sjögren syndrome", "M35.00"),
        ("sjogren syndrome", "M35.00"),
    ],
)
def test_words_find_the_code(encoder: Encoder, words: str, code: str) -> None:
    assert code in shown(encoder, words)


def test_order_of_words_changes_nothing(encoder: Encoder) -> None:
    assert shown(encoder, "fracture femur neck right") == shown(encoder, "right neck femur fracture")


def test_the_very_title_comes_first(encoder: Encoder) -> None:
    for title in ("Melanocytic nevi of trunk", "Chronic kidney disease, stage 4 (severe)", "Sprain of ankle"):
        assert encoder.search(title).found[0].title == title


def test_of_two_equal_wordings_the_billable_code_comes_first(encoder: Encoder) -> None:
    assert shown(encoder, "asthma", 2) == ["J45.909", "J45"]


def test_answer_names_the_wording_that_fits(encoder: Encoder) -> None:
    found = encoder.search("Nontransmural myocardial infarction").found[0]
    assert (found.shown, found.kind) == ("I21.4", "inclusion")
    assert found.matched.startswith("Nontransmural")


def test_last_place_of_ten_is_for_a_category_not_seen(encoder: Encoder) -> None:
    assert len({item.code[:3] for item in encoder.search("pneumonia").found}) > 1


@pytest.mark.parametrize(
    ("typed", "near"),
    [("E1l.9", "E11.9"), ("I42.01", "I42.0"), ("Z99.999", "Z99"), ("D22.55", "D22.5"), ("I5O.9", "I50.9")],
)
def test_unknown_code_names_the_nearest(encoder: Encoder, typed: str, near: str) -> None:
    answer = encoder.search(typed)
    assert answer.found == ()
    assert near in answer.nearest
    assert near in encoder.nearest(typed)


@pytest.mark.parametrize("typed", ["xqzzkw", "the of a", "qwerty uiop"])
def test_words_that_mean_nothing_find_nothing(encoder: Encoder, typed: str) -> None:
    assert encoder.search(typed).found == ()


@pytest.mark.parametrize("typed", ["", "   ", "\x00\x07", "…!?", "x" * (MAX_QUERY + 1), "a b " * 2600])
def test_query_that_is_none_is_refused_in_a_sentence(encoder: Encoder, typed: str) -> None:
    with pytest.raises(QueryError) as refused:
        encoder.search(typed)
    assert "x" * 9 not in str(refused.value)


def test_control_characters_are_blanks() -> None:
    assert clean_query("heart\x00\x1b failure\n\u202e") == "heart failure"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.integers(-3, 200))
def test_any_text_is_answered_or_refused(encoder: Encoder, text: str, limit: int) -> None:
    try:
        answer = encoder.search(text, limit)
    except QueryError:
        return
    assert len(answer.found) <= 100
    assert len({item.code for item in answer.found}) == len(answer.found)
    assert all(0 < item.score <= 1 for item in answer.found)


@given(st.text("abcde", max_size=7), st.text("abcde", max_size=7))
def test_typing_distance_is_symmetric_and_bounded(one: str, other: str) -> None:
    distance = typing_distance(one, other, 2)
    assert distance == typing_distance(other, one, 2) <= 3
    assert (distance == 0) == (one == other)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("asthma", "asthma", 0),
        ("athsma", "asthma", 2),
        ("haert", "heart", 1),
        ("liver", "livr", 1),
        ("a", "b", 1),
    ],
)
def test_typing_distance_counts_a_swap_once(one: str, other: str, distance: int) -> None:
    assert typing_distance(one, other, 2) == distance


def test_any_code_set_can_be_searched() -> None:
    rows = (
        Entry("0FT44ZZ", "0FT44ZZ", "Resection of Gallbladder, Percutaneous Endoscopic Approach", True),
        Entry("0FT40ZZ", "0FT40ZZ", "Resection of Gallbladder, Open Approach", True),
        Entry("0DTJ4ZZ", "0DTJ4ZZ", "Resection of Appendix, Percutaneous Endoscopic Approach", True),
    )
    index = build_index("icd10pcs", "FY2026", rows)
    assert search(index, "laparoscopic cholecistectomy").found[0].code == "0FT44ZZ"
    assert search(index, "0ft4").found[0].code == "0FT44ZZ"
    assert search(index, "0FT44Z7").nearest[0] == "0FT44ZZ"
    assert search(build_index("hcpcs", "empty", ()), "wheelchair").found == ()
