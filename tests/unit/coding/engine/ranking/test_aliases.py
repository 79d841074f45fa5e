"""A facility's aliases in a record: where they speak, where the record's own word or a guideline stands."""

from collections import Counter
from datetime import date
from uuid import UUID

import pytest
from rcm_coding.engine.evidence import Document, Suggestions
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.ranking.aliases import RULE
from rcm_coding.engine.ranking.memory import Known, PhraseMemory
from rcm_coding.engine.ranking.model import Model, dump_model, load_model
from rcm_coding.engine.suggest import suggest
from rcm_coding.gateways.models import default_model

HEAD = "ASSESSMENT:\n1. "


def memory(*aliases: tuple[str, str], votes: int = 9, agreed: int = 9) -> PhraseMemory:
    """A memory in which words meant codes in so many of the votes."""
    phrases = {
        tuple(words.split()): Known(votes, 0, Counter({code: agreed}), Counter({code: agreed}))
        for words, code in aliases
    }
    return PhraseMemory("en", phrases, Counter(code for _, code in aliases), votes)


def model(*aliases: tuple[str, str], votes: int = 9, against: int = 0) -> Model:
    shipped = default_model()
    assert shipped is not None
    return Model(
        "en-test", "en", shipped.scorers, {}, {"F1": memory(*aliases, votes=votes, agreed=votes - against)}
    )


def read(knowledge: Knowledge, text: str, used: Model, facility: str = "F1") -> Suggestions:
    note = Document(UUID(int=1), 1, "office-note", text)
    return suggest([note], "office", date(2026, 9, 14), knowledge, "837P", model=used, facility=facility)


def shown(found: Suggestions) -> dict[str, tuple[str, ...]]:
    return {item.code: item.rules for item in found.suggestions if item.system == "ICD-10-CM"}


FASCIITIS = ("plantar fasciitis", "M722")
ARCH = model(("painful arch syndrome", "M722"))


def test_an_alias_adds_its_code_with_its_words(knowledge: Knowledge) -> None:
    text = f"{HEAD}Painful arch syndrome, better."
    found = read(knowledge, text, ARCH)
    (item,) = [item for item in found.suggestions if item.code == "M722"]
    assert item.rules == (RULE,)
    assert item.score == pytest.approx(9.3 / 9.6, abs=1e-4)
    assert [text[place.start : place.end] for place in item.evidence] == ["Painful arch syndrome"]


@pytest.mark.parametrize(
    ("text", "facility"),
    [
        (f"{HEAD}Painful arch syndrome, better.", "F2"),
        (f"{HEAD}Painful arch syndrome, better.", ""),
        (f"{HEAD}No painful arch syndrome.", "F1"),
        (f"{HEAD}Possible painful arch syndrome.", "F1"),
        ("FAMILY HISTORY: painful arch syndrome in her mother.", "F1"),
        ("MEDICATIONS: cream for painful arch syndrome.", "F1"),
        (f"{HEAD}Painful. Arch syndrome.", "F1"),
        ("", "F1"),
    ],
)
def test_an_alias_is_silent(knowledge: Knowledge, text: str, facility: str) -> None:
    assert "M722" not in shown(read(knowledge, text, ARCH, facility))


def test_an_alias_of_a_code_that_is_not_in_force_is_silent(knowledge: Knowledge) -> None:
    used = model(("painful arch syndrome", "M72"))
    assert "M72" not in shown(read(knowledge, f"{HEAD}Painful arch syndrome.", used))


@pytest.mark.parametrize("again", ["", "\n2. Hypertension."])
def test_what_the_rules_hold_back_stays_held_back(knowledge: Knowledge, again: str) -> None:
    text = f"{HEAD}Hypertension with chronic kidney disease stage 3a.{again}"
    before = shown(read(knowledge, text, model()))
    assert "I10" not in before
    assert shown(read(knowledge, text, model(("hypertension", "I10")))).keys() == before.keys()


def test_an_alias_raises_what_is_shown_and_never_lowers_it(knowledge: Knowledge) -> None:
    text = "HPI: cough for a week, plantar fasciitis.\n\nPLAN: rest."
    scores = [
        next(item.score for item in read(knowledge, text, used).suggestions if item.code == "M722")
        for used in (
            model(),
            model(FASCIITIS, votes=400),
            model(FASCIITIS, against=6),
        )
    ]
    assert scores[1] > scores[0] == scores[2]


def test_the_longest_alias_speaks(knowledge: Knowledge) -> None:
    used = model(("arch syndrome", "M7660"), ("painful arch syndrome", "M722"))
    assert shown(read(knowledge, f"{HEAD}Painful arch syndrome.", used)).keys() == {"M722"}


def test_an_alias_takes_the_place_of_a_vaguer_code(knowledge: Knowledge) -> None:
    text = f"{HEAD}Mole with halo."
    assert "D229" in shown(read(knowledge, text, model()))
    codes = shown(read(knowledge, text, model(("mole halo", "D225"))))
    assert "D225" in codes
    assert "D229" not in codes


def test_aliases_are_kept_with_the_model() -> None:
    data = dump_model(ARCH)
    again = load_model(data)
    assert dump_model(again) == data
    assert again.aliases["F1"].phrases == ARCH.aliases["F1"].phrases
    bare = Model("en-test", "en", ARCH.scorers, {})
    assert b"aliases" not in dump_model(bare)
