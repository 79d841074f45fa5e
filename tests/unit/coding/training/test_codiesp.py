"""The corpus reader: what it reads, and one clear sentence for what it cannot."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rcm_coding.engine.ranking.model import DIAGNOSES, PROCEDURES
from rcm_coding.training.codiesp import CorpusError, parse_source, read_corpus
from unit.coding.training.corpus import write_corpus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


def test_read_corpus_gives_codes_by_system_without_dots(folder: Path) -> None:
    first = read_corpus(f"codiesp:{folder}").notes[0]
    assert first.codes == {DIAGNOSES: frozenset({"I10", "J45909"}), PROCEDURES: frozenset({"BW20"})}
    assert first.text("en").startswith("A 40 year old")


def test_read_corpus_spans_are_characters_of_the_spanish_text(folder: Path) -> None:
    for note in read_corpus(f"codiesp:{folder}").notes:
        for citation in note.citations:
            ((start, end),) = citation.spans
            assert note.spanish[start - 9 : start] == "Presenta "
            assert note.spanish[end] == "."


def test_read_corpus_hash_follows_every_file(folder: Path) -> None:
    before = read_corpus(f"codiesp:{folder}").sha256
    assert read_corpus(f"codiesp:{folder}:train").sha256 == before
    text = folder / "train" / "text_files_en" / "S0003-1.txt"
    text.write_text(text.read_text() + " ")
    assert read_corpus(f"codiesp:{folder}").sha256 != before


def test_read_corpus_joins_splits(folder: Path) -> None:
    for table in (folder / "train").glob("text_files*/S*"):
        table.rename(table.with_name(f"T{table.name}"))
    write_corpus(folder, split="dev", notes=6)
    assert len(read_corpus(f"codiesp:{folder}:train,dev").notes) == 30


@pytest.mark.parametrize("source", ["", "codiesp", "codiesp:", "mimic:here", ":here"])
def test_parse_source_refuses_what_is_no_corpus(source: str) -> None:
    with pytest.raises(CorpusError, match="a corpus is written"):
        parse_source(source)


def _cut_table(home: Path) -> None:
    (home / "trainX.tsv").write_text("S0000-1\tDIAGNOSTICO\tI10\n")


def _bad_span(home: Path) -> None:
    (home / "trainX.tsv").write_text("S0000-1\tDIAGNOSTICO\tI10\twords\t12 x\n")


def _bad_kind(home: Path) -> None:
    (home / "trainX.tsv").write_text("S0000-1\tOTRO\tI10\twords\t12 14\n")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda home: (home / "trainD.tsv").unlink(), "trainD.tsv"),
        (lambda home: (home / "text_files_en" / "S0001-1.txt").unlink(), "text_files_en has no S0001-1.txt"),
        (lambda home: [path.unlink() for path in (home / "text_files").iterdir()], "holds no notes"),
        (_cut_table, "trainX.tsv line 1 has 3 cells"),
        (_bad_span, "trainX.tsv line 1"),
        (_bad_kind, "unknown kind"),
    ],
)
def test_read_corpus_names_what_is_wrong(folder: Path, harm: Callable[[Path], object], says: str) -> None:
    harm(folder / "train")
    with pytest.raises(CorpusError, match=says):
        read_corpus(f"codiesp:{folder}")


def test_read_corpus_names_a_missing_split_and_folder(folder: Path) -> None:
    with pytest.raises(CorpusError, match="no split dev"):
        read_corpus(f"codiesp:{folder}:dev")
    with pytest.raises(CorpusError, match="there is no folder"):
        read_corpus(f"codiesp:{folder}-absent")
