"""One hop of the transport benchmark: the platform library alone with the smallest handler that keeps its promises.

Each of the five services reads the topic before it in the chain, writes one row an event and publishes one event on
its own topic; the last publishes nothing.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from pydantic_settings import SettingsConfigDict
from rcm_shared.contracts import topics
from rcm_shared.contracts.audit import FindingIssued
from rcm_shared.contracts.billing import ClaimSubmitted
from rcm_shared.contracts.coding import SuggestionsProposed
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.query import QuerySent
from rcm_shared.contracts.topics import Topic
from rcm_shared.messaging import consumer
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import ServiceSettings
from rcm_shared.telemetry import configure_logging

FACILITY = "BENCH"
SENT = datetime(2026, 9, 1, tzinfo=UTC)

#: service -> (topic it reads, how it makes the next event or None for the last hop)
CHAIN: dict[str, tuple[Topic, Callable[[UUID], Event] | None]] = {
    "coding": (
        topics.ENCOUNTER,
        lambda key: SuggestionsProposed(
            actor="system:coding",
            facility_id=FACILITY,
            case_version=1,
            release="ICD-10-CM:2026-04-01",
            engine="1",
            suggested=3,
            suppressed=1,
            gaps=0,
        ),
    ),
    "query": (
        topics.CHART,
        lambda key: QuerySent(
            actor="system:query",
            facility_id=FACILITY,
            query_id=key,
            rule="heart-failure-type",
            provider_id="provider-1",
            due_at=SENT,
        ),
    ),
    "billing": (
        topics.QUERY,
        lambda key: ClaimSubmitted(
            actor="system:billing",
            facility_id=FACILITY,
            claim_id=key,
            version=1,
            attempt_id=key,
            claim_control="C000000000001",
            interchange_control="000000001",
        ),
    ),
    "audit": (
        topics.CLAIM,
        lambda key: FindingIssued(
            actor="system:audit", facility_id=FACILITY, review_id=key, finding_class="added"
        ),
    ),
    "intake": (topics.FINDING, None),
}


class HopSettings(ServiceSettings):
    """Settings of a hop, from the variables of the service whose place it takes."""

    model_config = SettingsConfigDict(env_prefix="RCM_HOP_", frozen=True, extra="ignore")

    single: bool = False  # one event a poll, and so one transaction an event


def hop(service: str) -> ServiceSpec:
    """Build the hop that takes a service's place in the chain."""
    topic, make = CHAIN[service]

    async def apply(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            delivery.event()
        await uow.conn.execute(
            "INSERT INTO hop (key, sequence, sent_at, applied_at)"
            " SELECT *, clock_timestamp() FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[])",
            [delivery.envelope.key for delivery in deliveries],
            [delivery.envelope.sequence for delivery in deliveries],
            [delivery.envelope.time for delivery in deliveries],
        )
        if make is not None:
            for delivery in deliveries:
                uow.emit(delivery.envelope.key, make(delivery.envelope.key), delivery.envelope)

    return ServiceSpec(name=service, migrations="rcm_deploy.bench.migrations", consumers={topic: apply})


async def run(service: str) -> None:
    """Run a hop until it is told to stop."""
    settings = HopSettings()
    configure_logging(service, settings.shared.log_level)
    if settings.single:
        consumer.MAX_RECORDS = 1
    runtime = Runtime(hop(service), settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await runtime.start()
    while runtime.not_ready():
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    await stop.wait()
    await runtime.stop()


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    """Run the hop named by the first argument."""
    import uvloop

    uvloop.run(run(arguments[0]))


if __name__ == "__main__":
    main()
