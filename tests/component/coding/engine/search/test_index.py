"""The index as an artefact: what it holds, that it is small and quick, and that a damaged one is refused."""

import time

import pytest
from rcm_coding.engine.search.find import search
from rcm_coding.engine.search.index import SearchIndex, dump_index, icd10cm_index, load_index
from rcm_coding.engine.tabular import BadCodeSetError, Tabular


def test_artefact_gives_the_same_answers(index: SearchIndex, tabular: Tabular) -> None:
    body = dump_index(index)
    begun = time.perf_counter()
    again = load_index(body)
    assert time.perf_counter() - begun < 2
    assert len(body) < 10_000_000
    for words in ("heart atack", "S72", "fracture wrist left"):
        assert search(again, words, 10, tabular) == search(index, words, 10, tabular)


@pytest.mark.parametrize(
    "spoil", [lambda body: body[: len(body) // 2], lambda body: b"", lambda body: body[100:]]
)
def test_damaged_artefact_is_refused(index: SearchIndex, spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(BadCodeSetError):
        load_index(spoil(dump_index(index)))


def test_terms_of_an_alphabetic_index_are_found(tabular: Tabular) -> None:
    added = icd10cm_index(tabular, [("Grandmother's elbow", "M7710"), ("of no code", "XXXX")])
    found = search(added, "grandmothers elbow", 1, tabular).found[0]
    assert (found.shown, found.kind, found.matched) == ("M77.10", "index", "Grandmother's elbow")


def test_held_out_wordings_are_not_in_the_index(tabular: Tabular) -> None:
    term = "ollier's disease"
    assert any(text.lower() == term for text in icd10cm_index(tabular).texts)
    assert not any(text.lower() == term for text in icd10cm_index(tabular, without=frozenset({term})).texts)


def test_words_that_go_together_are_learned_from_the_set(index: SearchIndex) -> None:
    partners = {index.stems[number] for _, number in index.companions["splinter"]}
    assert {"foreign", "body"} <= partners
