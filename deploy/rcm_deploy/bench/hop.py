"""One hop of the transport benchmark: the platform library alone with the smallest handler that keeps its promises.

Each of the five services reads the topic before it in the chain, writes one row an event and publishes one event on
its own topic; the last publishes nothing.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from pydantic_settings import SettingsConfigDict
from rcm_shared.contracts import topics
from rcm_shared.contracts.audit import FindingIssued
from rcm_shared.contracts.billing import AppliedAdjustment, PaymentPosted
from rcm_shared.contracts.coding import CodingFinalised, FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.intake import CapturedCharge, ChargesCaptured, ClaimForm, Setting
from rcm_shared.contracts.query import QuerySent
from rcm_shared.contracts.topics import Topic
from rcm_shared.ids import uuid7
from rcm_shared.messaging import consumer
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import ServiceSettings
from rcm_shared.telemetry import configure_logging

FACILITY = "BENCH"
DAY = date(2026, 9, 1)
DUE = datetime(2026, 9, 4, tzinfo=UTC)


def charges_captured(key: UUID) -> ChargesCaptured:
    """Return what the driver publishes as intake: three charge lines."""
    lines = tuple(
        CapturedCharge(
            charge_id=key,
            code=code,
            charge_cents=Cents(cents),
            service_date=DAY,
            modifiers=modifiers,
            revenue_code="0450",
            diagnoses=("S52532A", "W010XXA"),
        )
        for code, cents, modifiers in (
            ("99283", 42_000, ("25",)),
            ("25605", 98_000, ("LT",)),
            ("73110", 25_000, ()),
        )
    )
    return ChargesCaptured(
        actor="system:intake",
        facility_id=FACILITY,
        record_version=3,
        charges=lines,
        total_cents=Cents(165_000),
    )


def coding_finalised(_key: UUID) -> Event:
    """Return three diagnoses and three procedures."""
    return CodingFinalised(
        actor="coder-7",
        facility_id=FACILITY,
        case_version=4,
        setting=Setting.ED,
        claim_form=ClaimForm.INSTITUTIONAL,
        service_from=DAY,
        service_through=DAY,
        release="ICD-10-CM:2026-04-01",
        diagnoses=tuple(
            FinalDiagnosis(code=code, role=role)
            for code, role in (
                ("S52532A", "first-listed"),
                ("W010XXA", "external-cause"),
                ("I10", "secondary"),
            )
        ),
        procedures=tuple(
            FinalProcedure(
                system="CPT", code=code, service_date=DAY, pointers=(1, 2), charge_cents=Cents(cents)
            )
            for code, cents in (("99283", 42_000), ("25605", 98_000), ("73110", 25_000))
        ),
    )


def query_sent(key: UUID) -> Event:
    """Return a query."""
    return QuerySent(
        actor="system:query",
        facility_id=FACILITY,
        query_id=key,
        rule="heart-failure-type",
        provider_id="prv-9dcbf0fb5b03",
        due_at=DUE,
    )


def payment_posted(key: UUID) -> Event:
    """Return a payment with its adjustments."""
    return PaymentPosted(
        actor="system:billing",
        facility_id=FACILITY,
        transaction_id=key,
        source="835",
        paid_cents=Cents(123_750),
        adjustments=tuple(
            AppliedAdjustment(group=group, code=code, cents=Cents(cents))
            for group, code, cents in (("CO", "45", 33_000), ("PR", "2", 8_250))
        ),
        to_patient_cents=Cents(8_250),
    )


def finding_issued(key: UUID) -> Event:
    """Return a reviewer's finding."""
    return FindingIssued(actor="auditor-2", facility_id=FACILITY, review_id=key, finding_class="added")


#: service -> (topic it reads, how it makes the next event or None for the last hop)
CHAIN: dict[str, tuple[Topic, Callable[[UUID], Event] | None]] = {
    "coding": (topics.ENCOUNTER, coding_finalised),
    "query": (topics.CHART, query_sent),
    "billing": (topics.QUERY, payment_posted),
    "audit": (topics.CLAIM, finding_issued),
    "intake": (topics.FINDING, None),
}


class HopSettings(ServiceSettings):
    """Settings of a hop, from the variables of the service whose place it takes."""

    model_config = SettingsConfigDict(env_prefix="RCM_HOP_", frozen=True, extra="ignore")

    single: bool = False  # one event a poll, and so one transaction an event


def hop(service: str) -> ServiceSpec:
    """Build the hop that takes a service's place in the chain."""
    topic, make = CHAIN[service]
    fact = make(uuid7()) if make else None  # what a service would say is its own work, not the transport's

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
        if fact is not None:
            for delivery in deliveries:
                uow.emit(delivery.envelope.key, fact, delivery.envelope)

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
