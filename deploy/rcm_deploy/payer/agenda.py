"""What waits for the virtual clock: kinds of things, the day they are due, and how a waiting payment is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from rcm_deploy.payer.claims import Claim
from rcm_deploy.payer.paying import Payable
from rcm_deploy.payer.rules import Aftermath
from rcm_deploy.payer.segments import Address

PAY = "pay"
DECIDE_AGAIN = "decide-again"
UNANSWERED = "unanswered"

#: What happens to a payment when its time has come.
AFTER: dict[Aftermath, str] = {
    Aftermath.CORRECT: "take-back-and-correct",
    Aftermath.REVERSE_THEN_CORRECT: "take-back",
    Aftermath.RECOUP: "recoup",
    Aftermath.AUDIT: "audit",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payment that is held, or a claim that is decided again."""

    address: Address
    payable: Payable | None = None
    claim: Claim | None = None


_WAITING = TypeAdapter(Waiting)


def dump_waiting(waiting: Waiting) -> str:
    """Write what waits as the text of an agenda item."""
    return _WAITING.dump_json(waiting).decode()


def read_waiting(text: str) -> Waiting:
    """Read what dump_waiting wrote."""
    return _WAITING.validate_json(text)


def days_after(day: str, days: int) -> str:
    """Return the day CCYYMMDD a number of days later."""
    moved = datetime.strptime(day, "%Y%m%d") + timedelta(days=days)  # noqa: DTZ007 (a calendar date)
    return moved.strftime("%Y%m%d")
