"""What audit does with a batch of events: chain and keep every one, fold it into its encounter's view."""

import hashlib
from typing import Any

from rcm_shared.contracts.event import Event
from rcm_shared.errors import Poison
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.telemetry import log

from rcm_audit import repository
from rcm_audit.domain.encounter_view import COUNTED_ONLY, NOT_ABOUT_ENCOUNTERS, Fact, apply_fact
from rcm_audit.domain.journal import ChainHead, canonical, link


class Journal:
    """Appends batches to the journal. `appended` counts since the last checkpoint of this process."""

    def __init__(self) -> None:
        self.appended = 0

    async def take(self, uow: UnitOfWork, deliveries: list[Delivery]) -> None:
        """Keep a batch: one lock, one copy, one update, whatever its size.

        A body that cannot be read is kept and chained like any other; only the view does without it.
        """
        rows = await repository.lock_encounters(uow.conn, {d.envelope.key for d in deliveries})
        records: list[tuple[Any, ...]] = []
        unreadable = 0
        for delivery in deliveries:
            envelope = delivery.envelope
            row = rows[envelope.key]
            digest = hashlib.sha256(delivery.body).digest()
            position = row.head.length + 1
            record = canonical(
                envelope.key,
                position,
                envelope.id,
                envelope.type,
                envelope.source,
                envelope.time,
                envelope.sequence,
                envelope.correlation_id,
                envelope.causation_id,
                envelope.facility_id,
                envelope.traceparent,
                delivery.topic,
                uow.now,
                digest,
            )
            row.head = ChainHead(position, link(row.head.hash, record))
            records.append(
                (
                    envelope.key,
                    position,
                    envelope.id,
                    envelope.type,
                    envelope.source,
                    envelope.time,
                    envelope.sequence,
                    envelope.correlation_id,
                    envelope.causation_id,
                    envelope.facility_id,
                    envelope.traceparent,
                    delivery.topic,
                    uow.now,
                    delivery.body,
                    digest,
                    row.head.hash,
                )
            )
            if envelope.type not in NOT_ABOUT_ENCOUNTERS:
                event: Event | None = None
                if envelope.type not in COUNTED_ONLY:
                    try:
                        event = delivery.event()
                    except Poison:
                        unreadable += 1
                fact = Fact(
                    envelope.type,
                    delivery.topic,
                    envelope.sequence,
                    envelope.time,
                    envelope.facility_id,
                    event,
                )
                row.view = apply_fact(row.view, envelope.key, fact, now=uow.now)
        await repository.append(uow.conn, records)
        await repository.save_encounters(uow.conn, rows)
        self.appended += len(records)
        if unreadable:
            log().warning("kept events whose bodies cannot be read", count=unreadable)
