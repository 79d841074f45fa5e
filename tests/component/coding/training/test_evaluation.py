"""The sets of the benchmark that need no corpus."""

from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.training.evaluation import Bench, bench_generated, bench_mole


def test_the_mole_note_has_its_codes_and_words(knowledge: Knowledge) -> None:
    found = bench_mole(Bench(knowledge, None))
    assert found["code"]["f1"] == 1
    assert found["first"] == "D225"
    assert found["spans"] == {"lesion": True, "site": True, "agent": True}


def test_generated_notes_keep_their_target(knowledge: Knowledge) -> None:
    found = bench_generated(Bench(knowledge, None), 120)
    assert found["notes"] == 120
    assert found["code"]["f1"] >= 0.95
    assert found["forbidden"] == 0
    assert len(found["families"]) >= 10
