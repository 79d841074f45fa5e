"""Base of every event, and the class of patient data that each field declares.

A fact on a topic carries ids, codes, dates of service, amounts and states. It never carries names, record or
member numbers, birth dates or free text: those stay with their owner and are fetched by id with a purpose.
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Phi(StrEnum):
    """How closely a field points at a person."""

    NONE = "none"  # says nothing about a person by itself
    INDIRECT = "indirect"  # says something about a person once the encounter is known: codes, dates, amounts
    DIRECT = "direct"  # names a person; refused in every contract by test


Plain = Annotated[T, Phi.NONE]
Linked = Annotated[T, Phi.INDIRECT]


class Event(BaseModel):
    """One past fact. Subclasses set TYPE and hold flat, frozen fields, each `Plain` or `Linked`.

    Unknown fields are ignored on read, so that a producer may add optional ones within a version.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    TYPE: ClassVar[str]

    actor: Plain[str]  # who caused it: a person's opaque subject, or "system:<service>"

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        register(cls)


_TYPES: dict[str, type[Event]] = {}


def register(cls: type[Event]) -> None:
    """Remember an event class under its type; called by `Event.__pydantic_init_subclass__`."""
    if cls.TYPE in _TYPES and _TYPES[cls.TYPE] is not cls:
        raise RuntimeError(f"two event classes claim {cls.TYPE}")
    _TYPES[cls.TYPE] = cls


def event_class(event_type: str) -> type[Event] | None:
    """Return the class that reads an event type, or None when this release does not know it."""
    return _TYPES.get(event_type)


def event_types() -> dict[str, type[Event]]:
    """Return every known event class by type."""
    return dict(_TYPES)
