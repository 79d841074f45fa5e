"""Money is a whole number of cents; decimals exist only where X12 and people read or write them."""

from decimal import Decimal, InvalidOperation
from typing import NewType

Cents = NewType("Cents", int)

#: X12 R elements carry at most 18 digits; far above any claim, far below overflow of a bigint column.
MAX_ABS_CENTS = 10**15


def cents_from_decimal(text: str) -> Cents:
    """Read an X12 or JSON decimal amount such as "12.5" or "-7" as cents.

    Raises: ValueError when the text is no plain decimal, has more than two decimals or is out of range.
    """
    if not text or not text.lstrip("+-").replace(".", "", 1).isdigit() or not text.isascii():
        raise ValueError("amount is not a plain decimal")
    try:
        scaled = Decimal(text) * 100
    except InvalidOperation:
        raise ValueError("amount is not a plain decimal") from None
    if scaled != scaled.to_integral_value():
        raise ValueError("amount has fractions of a cent")
    if abs(scaled) > MAX_ABS_CENTS:
        raise ValueError("amount is out of range")
    return Cents(int(scaled))


def decimal_from_cents(cents: int) -> str:
    """Write cents as the shortest exact X12 decimal: 1250 is "12.5", 1200 is "12", -5 is "-.05" written "-0.05"."""
    sign, whole, part = "-" if cents < 0 else "", *divmod(abs(cents), 100)
    if part == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{part:02d}".rstrip("0")


def dollars(cents: int) -> str:
    """Format cents for people: 123456 is "1,234.56"."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
