"""The compiled artefact says the same as the edition that it was made from."""

import pytest
from rcm_coding.engine.knowledge import Knowledge, dump_knowledge, load_knowledge
from rcm_coding.engine.lexicon import curated_terms
from rcm_coding.engine.tabular import BadCodeSetError

MAX_ARTEFACT_BYTES = 10_000_000


def test_artefact_round_trips_and_is_small(knowledge: Knowledge) -> None:
    artefact = dump_knowledge(knowledge)
    again = load_knowledge(artefact)
    assert len(artefact) < MAX_ARTEFACT_BYTES
    assert again.tabular == knowledge.tabular
    assert dump_knowledge(again) == artefact


@pytest.mark.parametrize("artefact", [b"", b"{", b"{}", b'{"engine": "other"}'])
def test_damaged_artefact_is_refused(artefact: bytes) -> None:
    with pytest.raises(BadCodeSetError):
        load_knowledge(artefact)


def test_every_curated_term_names_a_code_of_the_edition(knowledge: Knowledge) -> None:
    assert [code for _, code in curated_terms() if code not in knowledge.tabular.concepts] == []
