"""What the phrase memory gains with every note that coders work: simulated coders of two facilities, a held-out set.

A simulated coder keeps what is right of what the memory shows, turns the rest down, and adds what is missing with the
words that the corpus cites for it. The memory is learned from that log's notes alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from rcm_coding.domain.learning import (
    Action,
    CoderDecision,
    Rulebook,
    judge,
    memory_of,
    project,
    shareable,
)
from rcm_coding.engine.ranking.memory import Lesson, Phrase, PhraseMemory, learn
from rcm_coding.engine.ranking.model import DIAGNOSES
from rcm_coding.engine.ranking.words import Language, Word
from rcm_coding.training.codiesp import CodedNote
from rcm_coding.training.lessons import carrier, teach_cases

CHECKPOINTS = (0, 25, 100, 250, 500, 750)
FACILITIES = ("north", "south")
_CODERS = 2  # in each facility
_SURE = 0.5
_START = datetime(2026, 1, 5, 8, tzinfo=UTC)
_EACH = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision, recall and F1 of exact codes over the held-out notes."""

    p: float
    r: float
    f1: float


@dataclass(frozen=True, slots=True)
class Point:
    """The state after a number of worked notes.

    `alone`: a facility that learns from its own notes only (the mean of the two); `promoted`: only aliases that the
    promotion rule lets through, all released; `kept`: the share of a coder's codes that were shown before they were
    asked for, over the notes worked since the point before.
    """

    notes: int
    decisions: int
    phrases: int
    aliases: int
    both: Figures
    alone: Figures
    promoted: Figures
    kept: float


def learning_curve(
    worked: Sequence[CodedNote], held_out: Sequence[CodedNote], language: Language = "es"
) -> list[Point]:
    """Work the notes in their order and measure on the held-out ones at every checkpoint that they reach."""
    lessons = [note.lesson for note in teach_cases(worked, language, DIAGNOSES, carrier(worked, language))]
    unseen = [note.lesson for note in teach_cases(held_out, language, DIAGNOSES, carrier(held_out, language))]
    marks = [mark for mark in CHECKPOINTS if mark < len(lessons)] + [len(lessons)]
    log: list[CoderDecision] = []
    memory = learn(language, ())
    points = [_point(language, lessons, 0, log, memory, unseen, 0.0)]
    for before, mark in pairwise(marks):
        kept = total = 0
        for at in range(before, mark):
            decisions = _work(at, lessons[at], memory)
            log += decisions
            kept += sum(item.action is Action.ACCEPT for item in decisions)
            total += len(lessons[at].codes)
        memory = learn(language, lessons[:mark])
        points.append(_point(language, lessons, mark, log, memory, unseen, kept / max(total, 1)))
    return points


def rotated_curve(notes: Sequence[CodedNote], folds: int, language: Language = "es") -> list[Point]:
    """Hold every part out in turn while coders work the rest in its order; the means over the parts.

    So every note is measured once, by a memory that has never seen it. The last point is at all notes but a part.
    """
    curves = [
        learning_curve(
            [note for at, note in enumerate(notes) if at % folds != fold], notes[fold::folds], language
        )
        for fold in range(folds)
    ]
    return [_averaged(points) for points in zip(*curves, strict=True)]


def _averaged(points: Sequence[Point]) -> Point:
    count = len(points)

    def mean(value: Callable[[Point], int]) -> int:
        return round(sum(value(point) for point in points) / count)

    return Point(
        mean(lambda point: point.notes),
        mean(lambda point: point.decisions),
        mean(lambda point: point.phrases),
        mean(lambda point: point.aliases),
        _mean([point.both for point in points]),
        _mean([point.alone for point in points]),
        _mean([point.promoted for point in points]),
        round(sum(point.kept for point in points) / count, 4),
    )


def answer(memory: PhraseMemory, words: Sequence[Word], sure: float = _SURE) -> dict[str, Phrase]:
    """Return the codes that the memory alone would show for a note, each with the phrase that speaks for it.

    Of phrases that stand within each other the longest speaks. A code is shown when its phrase meant it in more than
    `sure` of the notes where it stood.
    """
    shown: dict[str, tuple[float, Phrase]] = {}
    covered = [0] * (len(words) + 1)
    for found in sorted(memory.find(words), key=lambda one: (one.first - one.last, one.first)):
        if any(covered[found.first : found.last]):
            continue
        covered[found.first : found.last] = [1] * (found.last - found.first)
        known = memory.phrases[found.phrase]
        for code in known.cited:
            share = (known.right[code] + 0.3) / (known.notes + 0.6)
            if share >= sure:
                shown[code] = max(shown.get(code, (0.0, ())), (share, found.phrase))
    return {code: phrase for code, (_, phrase) in shown.items()}


def _work(at: int, lesson: Lesson, memory: PhraseMemory) -> list[CoderDecision]:
    """Return what the coder on duty decides about one note."""
    facility = FACILITIES[at % len(FACILITIES)]
    coder = f"{facility}-{at // len(FACILITIES) % _CODERS}"
    shown = answer(memory, lesson.words)
    moment = _START + at * _EACH

    def decided(action: Action, code: str, phrase: Phrase, position: int | None = None) -> CoderDecision:
        return CoderDecision(
            facility, f"e{at}", coder, action, code, phrase, moment, patient=f"p{at}", position=position
        )

    decisions = [
        decided(Action.ACCEPT if code in lesson.codes else Action.REJECT, code, phrase, place)
        for place, (code, phrase) in enumerate(sorted(shown.items()))
    ]
    added = {(phrase, code) for phrase, code in lesson.cited if phrase and code not in shown}
    return decisions + [decided(Action.ADD, code, phrase) for phrase, code in sorted(added)]


def _point(
    language: Language,
    lessons: Sequence[Lesson],
    mark: int,
    log: Sequence[CoderDecision],
    memory: PhraseMemory,
    unseen: Sequence[Lesson],
    kept: float,
) -> Point:
    alone = [_figures(learn(language, lessons[start:mark:2]), unseen) for start in range(len(FACILITIES))]
    # The corpus is of another edition and language than the installed code set: the rule's counts are measured alone.
    rulebook = Rulebook(lambda code, day: True, lambda code, other: False, lambda stem: False)
    standings = judge(project(log), rulebook, date(2026, 9, 14))
    promoted = [item for item in standings if item.promoted]
    pairs = frozenset((item.alias.phrase, item.alias.code) for item in promoted)
    shared, _ = shareable(promoted, pairs)
    lenses = [_figures(memory_of(language, facility, promoted, shared), unseen) for facility in FACILITIES]
    return Point(
        mark,
        len(log),
        len(memory.phrases),
        len(promoted),
        _figures(memory, unseen),
        _mean(alone),
        _mean(lenses),
        round(kept, 4),
    )


def _figures(memory: PhraseMemory, unseen: Sequence[Lesson]) -> Figures:
    right = shown = gold = 0
    for lesson in unseen:
        codes = answer(memory, lesson.words).keys()
        right += len(codes & lesson.codes)
        shown += len(codes)
        gold += len(lesson.codes)
    return Figures(
        round(right / shown, 4) if shown else 0.0,
        round(right / gold, 4) if gold else 0.0,
        round(2 * right / (shown + gold), 4) if shown + gold else 0.0,
    )


def _mean(figures: Sequence[Figures]) -> Figures:
    count = len(figures)
    return Figures(
        round(sum(one.p for one in figures) / count, 4),
        round(sum(one.r for one in figures) / count, 4),
        round(sum(one.f1 for one in figures) / count, 4),
    )


_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 400, 60, 50, 150, 50
_LINES: tuple[tuple[str, str, Callable[[Point], float]], ...] = (
    ("all notes", "#1f5fa8", lambda point: point.both.f1),
    ("own facility only", "#c26a1b", lambda point: point.alone.f1),
    ("promoted aliases", "#3b7d3b", lambda point: point.promoted.f1),
)


def draw(points: Sequence[Point], title: str) -> str:
    """Return the curve as an SVG picture."""
    most = max(points[-1].notes, 1)
    top = max(0.1, *(round(value(point) + 0.05, 1) for _, _, value in _LINES for point in points))

    def x(notes: int) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * notes / most, 1)

    def y(value: float) -> float:
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-size="13"'
        ' font-family="system-ui, sans-serif">',
        f"<title>{title}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="26" font-size="16">{title}</text>',
    ]
    for tenth in range(int(top * 10 + 0.001) + 1):
        at = y(tenth / 10)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{at + 4}" text-anchor="end">{tenth / 10:.1f}</text>')
    for point in points:
        parts.append(
            f'<text x="{x(point.notes)}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{point.notes}</text>'
        )
    middle = x(most // 2)
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">notes worked by coders</text>')
    for name, colour, value in _LINES:
        path = " ".join(f"{x(point.notes)},{y(value(point))}" for point in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in points:
            parts.append(f'<circle cx="{x(point.notes)}" cy="{y(value(point))}" r="3.5" fill="{colour}"/>')
        end = value(points[-1])
        parts.append(
            f'<text x="{_WIDTH - _RIGHT + 8}" y="{y(end) + 4}" fill="{colour}">{name} {end:.2f}</text>'
        )
    return "\n".join((*parts, "</svg>", ""))
