"""Judge a message without a system: the one entry to all readers, of every transport and of a dry run."""

from collections.abc import Callable

from pydantic import ValidationError
from rcm_shared.telemetry import log

from rcm_intake.domain.errors import MessageRefused
from rcm_intake.gateways.canonical_json import read_canonical_json
from rcm_intake.gateways.fhir_r4 import read_fhir_r4
from rcm_intake.gateways.hl7v2 import read_hl7v2
from rcm_intake.gateways.hl7v2_syntax import peek_header
from rcm_intake.gateways.reading import Reading, Refusal, refuse_invalid

READERS: dict[str, Callable[..., Reading]] = {
    "hl7v2": read_hl7v2,
    "fhir": read_fhir_r4,
    "json": read_canonical_json,
}


def read_message(
    raw: bytes, source_format: str, *, source: str = "", facility: str = ""
) -> Reading | Refusal:
    """Read one message of a format ("hl7v2", "fhir", "json"), or say why it cannot be taken. Never raises.

    `source` and `facility` serve where the message itself names none.
    """
    try:
        try:
            return READERS[source_format](raw, source=source, facility=facility)
        except ValidationError as error:
            refuse_invalid(error)
    except MessageRefused as refused:
        return _refusal(raw, source_format, refused.code, refused.position, source, facility)
    except Exception as error:
        # Whatever a hostile message provokes in a parser is the message's fault and must not stop the feed.
        log().warning("reader failed", kind=source_format, error=type(error).__name__)
        return _refusal(raw, source_format, "unreadable", "", source, facility)


def _refusal(raw: bytes, source_format: str, code: str, position: str, source: str, facility: str) -> Refusal:
    """Complete a refusal with an HL7 message's identity, so that its feed can be counted and answered."""
    message_id = ""
    if source_format == "hl7v2":
        header = peek_header(raw)
        source, facility = header.application or source, header.facility or facility
        message_id = header.control_id
    return Refusal(code, position, facility[:80], source[:80], message_id[:80], source_format)
