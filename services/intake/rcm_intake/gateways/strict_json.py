"""JSON that says one thing only: no duplicate keys, NaN, huge numbers or lone surrogates; bounded depth."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from rcm_intake.domain.errors import MessageRefused
from rcm_intake.gateways.reading import refuse_controls

MAX_NUMBER_CHARS = 40

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def load_strict(raw: bytes, *, max_bytes: int, max_depth: int) -> Any:
    """Parse JSON bytes; decimals come as Decimal.

    Raises: MessageRefused with a code such as "json-duplicate-key", "json-too-deep", "json-number".
    """
    if len(raw) > max_bytes:
        raise MessageRefused("message-too-large")
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        raise MessageRefused("charset-mismatch") from None
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > max_depth:
            raise MessageRefused("json-too-deep")
    try:
        loaded = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_decimal,
        )
    except (json.JSONDecodeError, RecursionError):
        raise MessageRefused("json-malformed") from None
    if "\\u" in text or "\x7f" in text or any("\x80" <= mark <= "\x9f" for mark in set(text)):
        _walk(loaded)
    return loaded


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MessageRefused("json-duplicate-key")
    return fields


def _refuse_constant(_name: str) -> Any:
    raise MessageRefused("json-number")


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_CHARS:
        raise MessageRefused("json-number")
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise MessageRefused("json-number") from None
    if len(text) > MAX_NUMBER_CHARS or not value.is_finite() or abs(value.adjusted()) > 20:
        raise MessageRefused("json-number")
    return value


def _walk(value: Any) -> None:
    """Refuse control characters and lone surrogates that escapes have brought in."""
    if isinstance(value, str):
        refuse_controls(value.replace("\r", ""), "")
    elif isinstance(value, dict):
        for name, item in value.items():
            refuse_controls(name, "")
            _walk(item)
    elif isinstance(value, list):
        for item in value:
            _walk(item)
