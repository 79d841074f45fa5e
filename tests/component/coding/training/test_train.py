"""Learning from a small corpus: it works, repeats byte for byte, and says what it learned from."""

from pathlib import Path

import pytest
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.ranking.model import DIAGNOSES, PROCEDURES, dump_model, load_model
from rcm_coding.training.codiesp import read_corpus
from rcm_coding.training.evaluation import Bench, bench_corpus
from rcm_coding.training.train import train
from unit.coding.training.corpus import write_corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = write_corpus(tmp_path_factory.mktemp("corpus"), notes=48)
    return write_corpus(home, split="dev", notes=12)


def test_train_gives_the_same_bytes_for_the_same_notes(folder: Path, knowledge: Knowledge) -> None:
    first, second = (dump_model(train(read_corpus(f"codiesp:{folder}"), "es", knowledge)) for _ in range(2))
    assert first == second


def test_train_states_corpus_release_and_engine(folder: Path, knowledge: Knowledge) -> None:
    corpus = read_corpus(f"codiesp:{folder}")
    facts = train(corpus, "es", knowledge).facts
    assert facts["corpus_sha256"] == corpus.sha256
    assert facts["release"] == knowledge.release
    assert facts["engine"].startswith("rcm-cac/")
    assert facts["notes"] == 48


def test_a_trained_model_reads_notes_that_it_has_not_seen(folder: Path, knowledge: Knowledge) -> None:
    model = load_model(dump_model(train(read_corpus(f"codiesp:{folder}"), "es", knowledge)))
    bench = Bench(knowledge, model)
    dev = read_corpus(f"codiesp:{folder}:dev")
    found = bench_corpus(bench, dev, "es", DIAGNOSES)
    assert found is not None
    assert found["code"]["f1"] > 0.8
    assert found["notes_per_s"] > 0
    assert model.scorers.keys() == {DIAGNOSES, PROCEDURES}
    assert bench_corpus(bench, dev, "en", DIAGNOSES) is None


def test_the_rules_alone_do_not_read_spanish(folder: Path, knowledge: Knowledge) -> None:
    bench = Bench(knowledge, None)
    dev = read_corpus(f"codiesp:{folder}:dev")
    assert bench_corpus(bench, dev, "es", DIAGNOSES) is None
    found = bench_corpus(bench, dev, "en", DIAGNOSES)
    assert found is not None
    assert found["ece"] is None
