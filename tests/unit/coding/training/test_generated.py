"""Generated notes: gold is valid, parts share no sentence, and the engine reads the held-out part."""

from dataclasses import fields
from uuid import UUID

from rcm_coding.engine.evidence import Document
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.suggest import suggest
from rcm_coding.engine.tabular import Tabular
from rcm_coding.training.generated import generated_notes
from rcm_coding.training.generated_wording import TEST, TRAIN


def test_same_seed_gives_the_same_notes() -> None:
    assert generated_notes("test", 60, 3) == generated_notes("test", 60, 3)
    assert generated_notes("test", 60, 3) != generated_notes("test", 60, 4)


def test_parts_share_no_sentence() -> None:
    for field in fields(TRAIN):
        assert not set(getattr(TRAIN, field.name)) & set(getattr(TEST, field.name)), field.name


def test_gold_codes_are_billable_and_never_forbidden(tabular: Tabular) -> None:
    for part in ("train", "test"):
        for note in generated_notes(part, 400, 1):
            assert note.gold
            assert all(tabular.billable(code) for code in note.gold)
            assert not any(code.startswith(tuple(note.forbidden)) for code in note.gold if note.forbidden)


def test_engine_reads_the_held_out_part(knowledge: Knowledge) -> None:
    right = wrong = missed = 0
    for note in generated_notes("test", 240, 11):
        document = Document(UUID(int=1), 1, note.kind, note.text)
        found = suggest([document], note.setting, note.service_date, knowledge, "837P")
        got = {item.code for item in found.suggestions if item.system == "ICD-10-CM"}
        assert not [code for code in got if note.forbidden and code.startswith(tuple(note.forbidden))]
        right += len(got & note.gold)
        wrong += len(got - note.gold)
        missed += len(note.gold - got)
    assert 2 * right / (2 * right + wrong + missed) >= 0.97
