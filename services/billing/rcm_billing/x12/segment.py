"""Write segments so that no value can end an element, a segment or an interchange.

Free text (names, streets) is brought to the X12 extended character set, with delimiters taken out.
Identifiers and codes are never repaired: a foreign character is refused.
"""

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from rcm_shared.money import decimal_from_cents

from rcm_billing.domain.errors import WireRefused

ELEMENT = "*"
COMPONENT = ":"
REPETITION = "^"
TERMINATOR = "~"
END = TERMINATOR + "\n"

# the X12 basic and extended character sets without our four delimiters
_PLAIN_TEXT = re.compile(r"""[A-Z0-9 !"&'()+,\-./;?=%@\[\]_{}\\|<>#$]*""")
_NOT_TEXT = re.compile(r"""[^A-Z0-9 !"&'()+,\-./;?=%@\[\]_{}\\|<>#$]+""")
_QUANTITY_DIGITS = 15
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .\-/_]*")


@lru_cache(maxsize=8192)
def text(value: str, limit: int = 60) -> str:
    """Return free text in capitals without accents, control characters and delimiters, cut to the
    element's length.
    """
    if not (value.isascii() and _PLAIN_TEXT.fullmatch(value)):
        folded = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode("ascii").upper()
        value = _NOT_TEXT.sub(" ", folded)
    return " ".join(value.split())[:limit].rstrip()


def identifier(value: str, element: str, limit: int = 80) -> str:
    """Return an identifier or code unchanged; empty stays empty.

    Raises: WireRefused naming the element when a character is foreign or the value too long (permanent).
    """
    if not writable(value, limit):
        raise WireRefused(f"element-{element}")
    return value


def writable(value: str, limit: int = 80) -> bool:
    """Return whether an identifier can be written unchanged; the empty one can."""
    if not value or (len(value) <= limit and value.isalnum() and value.isascii()):
        return True
    return len(value) <= limit and _IDENTIFIER.fullmatch(value) is not None


def name(value: str, element: str, limit: int = 60) -> str:
    """Return free text that must be there, cleaned.

    Raises: WireRefused naming the element when nothing is left that X12 can carry (permanent).
    """
    written = text(value, limit)
    if not written:
        raise WireRefused(f"element-{element}")
    return written


def segment(tag: str, *elements: str) -> str:
    """Join cleaned elements to one segment; empty ones at the end are left out."""
    last = len(elements)
    while last and not elements[last - 1]:
        last -= 1
    return ELEMENT.join((tag, *elements[:last])) + END


def composite(*components: str) -> str:
    """Join components; empty ones at the end are left out."""
    return COMPONENT.join(components).rstrip(COMPONENT)


def day(value: date) -> str:
    """Write a date as D8."""
    return f"{value.year:04d}{value.month:02d}{value.day:02d}"


def minute(value: datetime) -> str:
    """Write an instant's time of day as HHMM."""
    return f"{value.hour:02d}{value.minute:02d}"


def quantity(value: Decimal, element: str) -> str:
    """Write a quantity exactly, without an exponent.

    Raises: WireRefused when it is no number or longer than the element (permanent).
    """
    written = f"{value:f}" if value.is_finite() else ""
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    if not written or sum(map(str.isdigit, written)) > _QUANTITY_DIGITS:
        raise WireRefused(f"element-{element}")
    return written


def amount(cents: int) -> str:
    """Write cents as an exact decimal."""
    return decimal_from_cents(cents)
