"""Which index entries become terms."""

import pytest
from rcm_coding.codesets import index_terms as chosen
from rcm_coding.codesets.alphabetic import Index, IndexTerm
from rcm_coding.codesets.index_terms import IndexTerms, index_terms, merge_terms
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.lexicon import build_lexicon
from rcm_coding.engine.tabular import Tabular


def _index(*terms: tuple[tuple[str, ...], str], kind: str = "main", see: str = "") -> Index:
    return Index(
        kind,
        2022,
        tuple(
            IndexTerm(path, (), ((1 if kind == "main" else 2, code),) if code else (), see)
            for path, code in terms
        ),
    )


def _choose(
    tabular: Tabular, *terms: tuple[tuple[str, ...], str], kind: str = "main", see: str = ""
) -> IndexTerms:
    return index_terms(_index(*terms, kind=kind, see=see), tabular)


def test_words_of_the_whole_path_become_a_term(tabular: Tabular) -> None:
    found = _choose(tabular, (("Colic(s)", "nephritic"), "N23"))
    assert [(set(stems), code) for stems, code in found.terms] == [({"colic", "nephritic"}, "N23")]


@pytest.mark.parametrize(
    ("path", "code", "reason"),
    [
        (("Deep",), "K0889", chosen.VAGUE),
        (("Appearance", "specified NEC"), "R4689", chosen.RESIDUAL),
        (("Fistula", "retired"), "A999", chosen.RETIRED),
        (("Asthma", "without attack"), "J45909", chosen.WITHOUT),
        (("Analgesia",), "R200", chosen.VAGUE),
        (("Malignancy", "growing everywhere"), "C801", chosen.VAGUE),
        (("a b", "anemia kidney liver spleen lung brain heart stomach"), "D649", chosen.LONG),
    ],
)
def test_entry_is_left_for_its_reason(
    tabular: Tabular, path: tuple[str, ...], code: str, reason: str
) -> None:
    found = _choose(tabular, (path, code))
    assert not found.terms
    assert found.left == {reason: 1}


def test_same_words_for_different_codes_are_left(tabular: Tabular) -> None:
    found = _choose(tabular, (("Cyst", "kidney"), "N281"), (("Kidney", "cyst"), "Q6100"))
    assert not found.terms
    assert found.left[chosen.CLASH] == 1


def test_reference_is_followed_to_its_codes(tabular: Tabular) -> None:
    index = Index(
        "main",
        2022,
        (
            IndexTerm(("Pain(s)", "abdominal"), (), ((1, "R109"),)),
            IndexTerm(("Abdominalgia",), (), (), "Pain(s), abdominal"),
            IndexTerm(("Nowhere",), (), (), "Elsewhere, unknown"),
        ),
    )
    found = index_terms(index, tabular)
    assert (frozenset({"abdominalgia"}), "R109") in found.terms or found.left.get(chosen.VAGUE) == 1
    assert found.left[chosen.SEE] == 1


def test_site_of_the_neoplasm_table_takes_the_behaviour_of_its_column(tabular: Tabular) -> None:
    found = _choose(tabular, (("Neoplasm, neoplastic", "pancreas"), "C259"), kind="neoplasm")
    assert found.terms == ((frozenset({"malignant", "neoplasm", "pancrea"}), "C259"),) or (
        found.terms[0][1] == "C259" and {"malignant", "neoplasm"} < found.terms[0][0]
    )


def test_first_index_wins_and_titles_win_over_all(tabular: Tabular, knowledge: Knowledge) -> None:
    one, two = (
        _choose(tabular, (("Colic", "nephritic"), "N23")),
        _choose(tabular, (("Colic", "nephritic"), "R109")),
    )
    assert merge_terms((one, two)) == one.terms
    words = frozenset({"cholera"})
    known = next((term.codes for term in knowledge.lexicon.terms if term.stems == words), None)
    enriched = build_lexicon(tabular, [(words, "J189"), *one.terms])
    by_words = {term.stems: term.codes for term in enriched.terms}
    assert by_words[one.terms[0][0]] == ("N23",)
    assert by_words[words] == (known or ("J189",))
