"""The figures of the benchmark, against values worked out by hand."""

import pytest
from rcm_coding.training.measures import Judged, as_rows, average_precision, calibration_error, report


def note(gold: str, shown: str, ranked: str = "", given: tuple[tuple[float, bool], ...] = ()) -> Judged:
    return Judged(frozenset(gold.split()), tuple(shown.split()), tuple((ranked or shown).split()), given)


def test_report_counts_codes_over_all_notes() -> None:
    found = report([note("I10 E119", "I10 J449"), note("M545", "M545")])
    assert found["notes"] == 2
    assert found["code"]["p"] == found["code"]["r"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["code"]["f1"] == pytest.approx(2 / 3, abs=1e-4)


def test_report_counts_a_category_once_a_note() -> None:
    found = report([note("E1142 E1122", "E1140 E1165")])
    assert found["code"]["f1"] == 0
    assert found["category"] == {
        "p": 1.0, "r": 1.0, "f1": 1.0, "ci": [1.0, 1.0], "p_ci": [1.0, 1.0], "r_ci": [1.0, 1.0],
    }  # fmt: skip


def test_report_intervals_hold_the_figure_and_repeat() -> None:
    judged = [note("I10", "I10") if at % 3 else note("I10", "J449") for at in range(60)]
    found = report(judged)
    low, high = found["code"]["ci"]
    assert low < found["code"]["f1"] < high
    assert report(judged) == found


def test_average_precision_takes_the_place_of_every_right_code() -> None:
    assert average_precision(["A", "X", "B"], {"A", "B"}) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(["X"], {"A"}) == 0
    assert average_precision(["X"], set()) == 0


def test_lists_of_notes_without_gold_codes_do_not_count() -> None:
    found = report([note("", "I10"), note("I10", "I10")])
    assert (found["map"], found["top_1"], found["r_at_5"]) == (1.0, 1.0, 1.0)
    assert found["code"]["p"] == 0.5


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (((0.9, True),) * 9 + ((0.9, False),), 0.0),
        (((0.9, False),) * 4, 0.9),
        (((1.0, True), (0.0, False)), 0.0),
        ((), 0.0),
    ],
)
def test_calibration_error_is_promise_minus_outcome(
    given: tuple[tuple[float, bool], ...], error: float
) -> None:
    assert calibration_error(given) == pytest.approx(error)


def test_report_without_probabilities_has_no_calibration() -> None:
    assert report([note("I10", "I10")])["ece"] is None


def test_as_rows_shows_every_set() -> None:
    row = as_rows({"one": {**report([note("I10", "I10")]), "notes_per_s": 51.2}})[0]
    assert row[0] == "one"
    assert row[-1] == "51"


def test_chance_alone_makes_an_error_that_shrinks_with_the_candidates() -> None:
    def found(count: int) -> float:
        given = tuple((0.5, at % 2 == 0) for at in range(count))
        return float(report([note("I10", "I10", given=given)])["ece_by_chance"])

    assert found(10_000) < 0.01 < found(100) < 0.1
    assert report([note("I10", "I10", given=((1.0, True), (0.0, False)))])["ece_by_chance"] == 0
