"""Money: whole cents in, exact decimals out."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_shared.money import MAX_ABS_CENTS, cents_from_decimal, decimal_from_cents, dollars

AMOUNTS = st.integers(-MAX_ABS_CENTS, MAX_ABS_CENTS)


@given(AMOUNTS)
def test_decimal_written_from_cents_reads_back_as_the_same_cents(cents: int) -> None:
    assert cents_from_decimal(decimal_from_cents(cents)) == cents


@given(AMOUNTS)
def test_written_decimal_is_exact_and_has_no_idle_zeros(cents: int) -> None:
    text = decimal_from_cents(cents)
    assert Decimal(text) * 100 == cents
    assert "." not in text or not text.endswith(("0", "."))


@given(AMOUNTS)
def test_dollars_show_two_decimals_and_the_sign(cents: int) -> None:
    text = dollars(cents)
    assert text[-3] == "."
    assert Decimal(text.replace(",", "")) * 100 == cents


@pytest.mark.parametrize(
    ("text", "cents"),
    [("12.5", 1250), ("-7", -700), ("+7", 700), ("0", 0), ("-0", 0), (".5", 50), ("007.10", 710)],
)
def test_decimal_is_read_as_cents(text: str, cents: int) -> None:
    assert cents_from_decimal(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1,000",
        "1.234",
        "1e3",
        "NaN",
        "Infinity",
        "--1",
        "+-1",
        "1.2.3",
        ".",
        "٣",
        "1_000",
        "9" * 5_000,
        "0x1",
    ],
)
def test_text_that_is_no_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        cents_from_decimal(text)


def test_amount_out_of_range_is_refused() -> None:
    assert cents_from_decimal(decimal_from_cents(MAX_ABS_CENTS)) == MAX_ABS_CENTS
    with pytest.raises(ValueError, match="out of range"):
        cents_from_decimal(decimal_from_cents(MAX_ABS_CENTS + 1))


@given(st.text(max_size=30))
def test_any_text_gives_cents_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert abs(cents_from_decimal(text)) <= MAX_ABS_CENTS
