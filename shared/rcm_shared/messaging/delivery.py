"""One received event: its envelope, its raw body, and where it lay on the topic."""

from typing import NamedTuple

from pydantic import ValidationError

from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.event import Event, event_class
from rcm_shared.errors import Poison

__all__ = ["Delivery", "Envelope"]


class Delivery(NamedTuple):
    """A record whose headers were readable. The body is decoded only by those who need it."""

    envelope: Envelope
    body: bytes
    topic: str
    partition: int
    offset: int

    def event(self) -> Event:
        """Decode the body.

        Raises: Poison("unknown-type") or Poison("body-invalid"); the message never carries a value.
        """
        cls = event_class(self.envelope.type)
        if cls is None:
            raise Poison("unknown-type")
        try:
            return cls.model_validate_json(self.body)
        except ValidationError:
            raise Poison("body-invalid") from None
