"""The learning curve on a small invented corpus: it rises, repeats, and draws itself."""

import json
from pathlib import Path

import pytest
from lxml import etree
from rcm_coding.cli.models import bench_learning
from rcm_coding.engine.ranking.memory import Lesson, learn
from rcm_coding.engine.ranking.words import read_words
from rcm_coding.training.codiesp import read_corpus
from rcm_coding.training.learning_curve import answer, draw, learning_curve, rotated_curve
from typer import Typer
from typer.testing import CliRunner
from unit.coding.training.corpus import write_corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = write_corpus(tmp_path_factory.mktemp("corpus"), notes=60)
    return write_corpus(home, split="dev", notes=12)


def test_the_curve_starts_at_nothing_and_rises(folder: Path) -> None:
    worked, unseen = (read_corpus(f"codiesp:{folder}:{split}").notes for split in ("train", "dev"))
    points = learning_curve(worked, unseen)
    assert [point.notes for point in points] == [0, 25, 60]
    assert points[0].both.f1 == points[0].decisions == 0
    assert points[-1].both.f1 > 0.8
    assert 6 <= points[-1].aliases <= 12  # six phrases, two facilities; some are often named but not coded
    assert points[-1].kept > 0.9
    assert points == learning_curve(worked, unseen)


def test_the_longest_phrase_speaks() -> None:
    def lesson(text: str, code: str) -> Lesson:
        words = read_words(text, "en")
        return Lesson(words, frozenset({code}), ((tuple(word.key for word in words), code),))

    memory = learn("en", [lesson("heart failure", "I509"), lesson("systolic heart failure", "I5020")])
    assert answer(memory, read_words("He has systolic heart failure.", "en")) == {
        "I5020": ("systolic", "heart", "failure")
    }


def test_the_drawing_is_a_whole_picture_and_the_table_is_json(folder: Path, tmp_path: Path) -> None:
    app = Typer()
    app.command()(bench_learning)
    plot = tmp_path / "curve.svg"
    result = CliRunner().invoke(app, ["--corpus", f"codiesp:{folder}", "--plot", str(plot), "--json"])
    assert result.exit_code == 0
    body = json.loads(result.stdout)
    assert body["held_out_notes"] == 12
    assert len(body["points"]) == 3
    picture = etree.fromstring(plot.read_bytes())
    assert len(picture.findall("{*}polyline")) == 3


def test_notes_that_coders_worked_are_not_measured_on(folder: Path) -> None:
    app = Typer()
    app.command()(bench_learning)
    result = CliRunner().invoke(app, ["--corpus", f"codiesp:{folder}:train,dev"])
    assert result.exit_code == 2
    assert "--held-out" in result.stderr


def test_every_part_is_held_out_once(folder: Path) -> None:
    notes = read_corpus(f"codiesp:{folder}:train,dev").notes
    points = rotated_curve(notes, 3)
    assert [point.notes for point in points] == [0, 25, 48]
    assert points[-1].both.f1 > 0.7
    single = learning_curve([note for at, note in enumerate(notes) if at % 3], notes[::3])
    assert abs(points[1].both.f1 - single[1].both.f1) < 0.3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--folds", "1"), "--folds is at least 2"),
        (("--folds", "3", "--held-out", "codiesp:x:dev"), "without --held-out"),
        (("--folds", "500"), "60 notes do not make 500 parts"),
    ],
)
def test_folds_that_make_no_sense_are_one_sentence(
    folder: Path, arguments: tuple[str, ...], says: str
) -> None:
    app = Typer()
    app.command()(bench_learning)
    result = CliRunner().invoke(app, ["--corpus", f"codiesp:{folder}", *arguments])
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_corpus_without_notes_draws_nothing_wrong() -> None:
    points = learning_curve([], [])
    assert [point.notes for point in points] == [0]
    assert etree.fromstring(draw(points, "Empty").encode()) is not None
