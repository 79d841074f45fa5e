"""What a reader makes of one message, and the checks that all readers share."""

import hashlib
import re
from dataclasses import dataclass
from typing import NoReturn

from pydantic import ValidationError

from rcm_intake.domain.changes import EncounterMessage
from rcm_intake.domain.errors import MessageRefused

MAX_TEXT_CHARS = 1_000_000  # of one document
MAX_ID_CHARS = 80

#: C0 controls but tab and line feed, DEL, C1 controls, and the marks that turn the direction of text.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")


@dataclass(frozen=True, slots=True)
class Reading:
    """One readable message: who sent it under which id, and what it says about which encounters.

    `ignored` names the reason when the message is of a kind that intake has no use for.
    """

    facility_id: str
    source: str
    message_id: str
    source_format: str
    messages: tuple[EncounterMessage, ...] = ()
    ignored: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One message that cannot be taken: a stable code and a position, never a value."""

    code: str
    position: str = ""
    facility_id: str = ""
    source: str = ""
    message_id: str = ""
    source_format: str = ""


def clean_text(text: str, position: str) -> str:
    """Return a document's text with line feeds only.

    Raises: MessageRefused for control characters, lone surrogates or too long a text.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n")
    if len(text) > MAX_TEXT_CHARS:
        raise MessageRefused("text-too-long", position)
    refuse_controls(text, position)
    return text


def refuse_controls(text: str, position: str) -> None:
    """Refuse characters that no name, id or note needs: they reach terminals, logs and pages."""
    if _CONTROLS.search(text):
        raise MessageRefused("control-character", position)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MessageRefused("lone-surrogate", position) from None


def clean_id(value: str, position: str) -> str:
    """Return an identifier of the sender.

    Raises: MessageRefused when it is empty, too long or holds other than letters, digits and `._:/-`.
    """
    if not value:
        raise MessageRefused("missing-identifier", position)
    if len(value) > MAX_ID_CHARS or not _ID.fullmatch(value):
        raise MessageRefused("identifier-malformed", position)
    return value


def practitioner_id(npi: str, source: str, local_id: str) -> str:
    """Return the opaque id of a practitioner, the same from every source that gives the NPI."""
    name = f"npi:{npi}" if npi else f"{source}:{local_id}"
    return "prv-" + hashlib.sha256(name.encode()).hexdigest()[:12]


def content_id(raw: bytes) -> str:
    """Return the message id of a message that carries none: its content."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def refuse_invalid(error: ValidationError, position: str | None = None) -> NoReturn:
    """Turn the first validation error into a refusal with a code and a position, without values.

    The name of an unknown field is the sender's text: its place is given by its parent.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    kind, where = first["type"], list(first["loc"])
    if kind == "extra_forbidden":
        where = where[:-1]
    pointer = "".join(f"/{part}" for part in where)
    code = {"extra_forbidden": "unknown-field", "missing": "missing-field"}.get(kind, "invalid-value")
    raise MessageRefused(code, position if position is not None else pointer or "/") from None
