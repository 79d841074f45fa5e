"""Load the set, decide each event, save the set: the one shape of every event handler.

A decide function is pure: `(state or None, event, moment) -> Decision`. It must not depend on the order in which
different topics arrive; order holds only within one topic and key.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg

from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.event import Event, event_class
from rcm_shared.errors import Transient
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import CancelTimer, SetTimer, UnitOfWork, Work

__all__ = [
    "CancelTimer",
    "Decision",
    "FiredTimer",
    "Moment",
    "SetTimer",
    "Work",
    "fold",
    "fold_timers",
]

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Moment:
    """When and about what a decision is taken. `cause` is None for a timer or a person's command."""

    now: datetime
    key: UUID
    cause: Envelope | None = None


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """What follows from an event: a new state (None = unchanged), facts to publish, timers, work."""

    state: S | None = None
    events: Sequence[Event] = ()
    timers: Sequence[SetTimer | CancelTimer] = ()
    work: Sequence[Work] = ()


@dataclass(frozen=True, slots=True)
class FiredTimer:
    """A timer whose time has come."""

    key: UUID
    kind: str
    due_at: datetime
    payload: Mapping[str, Any]


Decide = Callable[[S | None, Any, Moment], Decision[S]]
Load = Callable[[asyncpg.Connection, list[UUID]], Awaitable[dict[UUID, S]]]
Save = Callable[[asyncpg.Connection, dict[UUID, S]], Awaitable[None]]


def record(uow: UnitOfWork, moment: Moment, decision: Decision[Any]) -> None:
    """Hand a decision's events, timers and work to the unit of work."""
    for event in decision.events:
        uow.emit(moment.key, event, moment.cause)
    for timer in decision.timers:
        if isinstance(timer, SetTimer):
            uow.set_timer(moment.key, timer)
        else:
            uow.cancel_timer(moment.key, timer.kind)
    for work in decision.work:
        uow.add_work(moment.key, work, moment.cause)


async def fold(
    uow: UnitOfWork,
    deliveries: Sequence[Delivery],
    *,
    table: Mapping[type[Event], Decide[S]],
    load: Load[S],
    save: Save[S],
) -> None:
    """Apply a batch: one load, one decision per event in order, one save.

    An event whose decision fails is set aside with its key; the others of the batch go on. Types outside the table
    are ignored (their position advances all the same).
    """
    decide_by_type = {cls.TYPE: decide for cls, decide in table.items()}
    relevant: list[Delivery] = []
    for delivery in deliveries:
        if delivery.envelope.key in uow.blocked:
            uow.park(delivery)
        elif delivery.envelope.type in decide_by_type:
            relevant.append(delivery)
        elif event_class(delivery.envelope.type) is None:
            uow.unknown_types += 1
    if not relevant:
        return
    states = await load(uow.conn, sorted({delivery.envelope.key for delivery in relevant}))
    changed: dict[UUID, S] = {}
    for delivery in relevant:
        key = delivery.envelope.key
        if key in uow.blocked:
            uow.park(delivery)
            continue
        moment = Moment(uow.now, key, delivery.envelope)
        try:
            decision = decide_by_type[delivery.envelope.type](states.get(key), delivery.event(), moment)
        except Transient:
            raise
        except Exception as error:
            uow.set_aside(delivery, error)
            continue
        record(uow, moment, decision)
        if decision.state is not None:
            states[key] = changed[key] = decision.state
    if changed:
        await save(uow.conn, changed)


async def fold_timers(
    uow: UnitOfWork,
    fired: Sequence[FiredTimer],
    *,
    table: Mapping[str, Decide[S]],
    load: Load[S],
    save: Save[S],
) -> None:
    """Apply fired timers: one load, one decision each, one save. Their rows go in the same transaction."""
    states = await load(uow.conn, sorted({timer.key for timer in fired}))
    live = await take_timers(uow.conn, fired)
    changed: dict[UUID, S] = {}
    for timer in live:
        moment = Moment(uow.now, timer.key)
        decision = table[timer.kind](states.get(timer.key), timer, moment)
        record(uow, moment, decision)
        if decision.state is not None:
            states[timer.key] = changed[timer.key] = decision.state
    if changed:
        await save(uow.conn, changed)


async def take_timers(conn: asyncpg.Connection, fired: Sequence[FiredTimer]) -> list[FiredTimer]:
    """Delete the rows of fired timers and return those that were still live: each fires exactly once."""
    rows = await conn.fetch(
        "DELETE FROM timer USING unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS f(key, kind, due_at)"
        " WHERE timer.key = f.key AND timer.kind = f.kind AND timer.due_at = f.due_at"
        " RETURNING timer.key, timer.kind, timer.due_at, timer.payload",
        [timer.key for timer in fired],
        [timer.kind for timer in fired],
        [timer.due_at for timer in fired],
    )
    return sorted(
        (FiredTimer(row["key"], row["kind"], row["due_at"], json.loads(row["payload"])) for row in rows),
        key=lambda timer: (timer.key, timer.due_at, timer.kind),
    )
