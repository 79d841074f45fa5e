"""One code with what governs it. The facts are those of the April 2026 tabular list."""

import pytest
from rcm_coding.engine.search.encoder import Encoder
from rcm_coding.engine.search.targets import covers, targets_of
from rcm_coding.engine.search.tree import CodeCard, chapter_of
from rcm_coding.engine.tabular import Tabular


def card_of(encoder: Encoder, code: str) -> CodeCard:
    card = encoder.card(code)
    assert card is not None
    return card


def test_diabetes_inherits_eight_exclusions_beside_its_own(encoder: Encoder) -> None:
    notes = [item for item in card_of(encoder, "E11.9").notes if item.kind == "excludes1"]
    own = [item for item in notes if item.owner == "E11.9"]
    inherited = [item for item in notes if item.owner == "E11"]
    assert [target.shown for item in own for target in item.targets] == ["E11.A"]
    assert len(inherited) == 8
    assert all(item.inherited for item in inherited)
    named = {target.first for item in inherited for target in item.targets}
    assert named == {"E10", "E08", "E09", "O244", "P702", "E13"}


def test_use_additional_codes_are_resolved(encoder: Encoder) -> None:
    related = {item.how: [place.shown for place in item.places] for item in card_of(encoder, "e119").related}
    assert related["use-additional"] == ["Z79.85", "Z79.4", "Z79.84"]
    assert "E11.A" in related["sibling"]


def test_code_first_ranges_are_resolved(encoder: Encoder) -> None:
    notes = card_of(encoder, "D63.8").notes
    named = [target.shown for item in notes if item.kind == "code-first" for target in item.targets]
    assert "E00.0-E03.9" in named
    assert "B70.0" in named


def test_code_knows_who_names_it(encoder: Encoder) -> None:
    related = {item.how: [place.code for place in item.places] for item in card_of(encoder, "Z79.4").related}
    assert "E11" in related["named-by"]


def test_fracture_needs_one_of_sixteen_characters(encoder: Encoder) -> None:
    card = card_of(encoder, "S72.001")
    assert (card.billable, card.needs_seventh) == (False, True)
    assert "".join(character for character, _ in card.seventh) == "ABCDEFGHJKMNPQRS"
    assert card_of(encoder, "S72.001A").billable


def test_lineage_goes_from_chapter_to_category(encoder: Encoder) -> None:
    places = [item.shown for item in card_of(encoder, "S72.001A").lineage]
    assert places == ["chapter 19", "S70-S79", "S72", "S72.0", "S72.00", "S72.001"]


def test_notes_of_the_chapter_reach_its_codes(encoder: Encoder) -> None:
    owners = {item.owner for item in card_of(encoder, "S72.001A").notes}
    assert "chapter 19" in owners


def test_three_character_code_may_be_billable(encoder: Encoder) -> None:
    card = card_of(encoder, "B20")
    assert card.billable
    assert card.children == ()


def test_letters_may_stand_at_the_second_place(encoder: Encoder) -> None:
    assert card_of(encoder, "QA0.0101").billable
    assert card_of(encoder, "K58.9").title == "Irritable bowel syndrome, unspecified"


@pytest.mark.parametrize("code", ["", "W19.XXX", "S72.001X", "E11.99", "nonsense", "\x00"])
def test_unknown_code_has_no_card(encoder: Encoder, code: str) -> None:
    assert encoder.card(code) is None


@pytest.mark.parametrize(
    ("code", "chapter"),
    [
        ("A000", 1),
        ("D49", 2),
        ("D50", 3),
        ("H599", 7),
        ("H60", 8),
        ("QA00101", 17),
        ("T07", 19),
        ("U071", 22),
    ],
)
def test_chapter_follows_from_the_category(code: str, chapter: int) -> None:
    assert chapter_of(code) == f"chapter {chapter}"


def test_external_causes_and_factors_have_their_chapters() -> None:
    assert [chapter_of(item) for item in ("V00", "Y99", "Z00", "Z99")] == [
        "chapter 20",
        "chapter 20",
        "chapter 21",
        "chapter 21",
    ]


def test_every_code_has_a_card_under_its_chapters_notes(encoder: Encoder, tabular: Tabular) -> None:
    for code in list(tabular.concepts)[::97]:
        card = card_of(encoder, code)
        assert card.lineage[0].code == chapter_of(code)
        assert all(place.title for place in card.children)


def test_targets_are_codes_and_ranges_not_prose(tabular: Tabular) -> None:
    text = "poisoning (see) (T36-T50) with (Z91.12-, Z91.13-) history of fall Z91.81 (NOS)"
    assert [item.shown for item in targets_of(text, tabular)] == ["T36-T50", "Z91.12-", "Z91.13-", "Z91.81"]
    span = targets_of("(T36-T50)", tabular)[0]
    assert covers(span, "T40.1X1A", tabular)
    assert not covers(span, "T51.0X1A", tabular)
