"""Composition root of billing: settings, master data, the payer exchange, consumers, work, loops and
routes.
"""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from rcm_shared.contracts import topics
from rcm_shared.errors import RcmError
from rcm_shared.messaging.decide import FiredTimer
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import WorkItem, WorkKind
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.service import run_service
from rcm_shared.web.client import ServiceClient

from rcm_billing import api, consumers, pages
from rcm_billing.domain.master import Master
from rcm_billing.domain.settling import Limits
from rcm_billing.domain.statement import Cycle
from rcm_billing.gateways.channels import HttpChannel, SftpChannel, carry, read_channels
from rcm_billing.gateways.coding import CodingReleases
from rcm_billing.gateways.connections import connector
from rcm_billing.gateways.grouper import load_grouper
from rcm_billing.gateways.intake import IntakeRecords
from rcm_billing.gateways.payer_exchange import PayerExchange
from rcm_billing.gateways.reference_rows import ReleasedRows
from rcm_billing.handlers import exchanging, tracking
from rcm_billing.handlers.building import Built, compute_builds
from rcm_billing.handlers.code_sets import FETCH_CODESET, LoadedCodeSets, compute_fetches
from rcm_billing.handlers.denial_routes import load_routes
from rcm_billing.handlers.denial_triage import TRIAGE_DENIALS, Triaged, apply_triage, compute_triage
from rcm_billing.handlers.deps import Deps, MoneyPolicy
from rcm_billing.handlers.facts import BUILD_CLAIM
from rcm_billing.handlers.payer_rules import LoadedPayerRules
from rcm_billing.handlers.placing import apply_builds
from rcm_billing.handlers.references import FETCH_REFERENCE, LoadedReferences, compute_reference_fetches
from rcm_billing.repository import StoredCodeSet
from rcm_billing.settings import BillingSettings
from rcm_billing.timers import apply_timers
from rcm_billing.x12.reader import MAX_BYTES

BUILD_BATCH = 200  # records in one fetch from intake


class NotConfiguredError(RcmError):
    """The service lacks a setting that it cannot run without."""

    code = "not-configured"


class Billing:
    """What the running service holds; filled by `setup`, used by its work and loops."""

    deps: Deps
    coding: CodingReleases
    tables: ReleasedRows
    references: LoadedReferences
    channels: Mapping[str, SftpChannel | HttpChannel]

    def __init__(self, settings: BillingSettings) -> None:
        self._settings = settings

    async def setup(self, runtime: Runtime) -> None:
        """Read master data and open the clients."""
        self.channels = read_channels(self._settings.channels_file)
        directory = self._settings.shared.exchange_dir
        if directory is None:
            raise NotConfiguredError(message="RCM_EXCHANGE_DIR is not set")
        client = ServiceClient(self._settings, "billing")
        self.coding = CodingReleases(client, self._settings.shared.url_of("coding"))
        rows = ServiceClient(self._settings, "billing", timeout_s=30.0)
        self.tables = ReleasedRows(rows, self._settings.shared.url_of("coding"))
        self.references = LoadedReferences(runtime.pool, self._settings.reference_dir)
        self.deps = Deps(
            master=Master.model_validate_json(self._settings.master_file.read_bytes()),
            pool=runtime.pool,
            intake=IntakeRecords(client, self._settings.shared.url_of("intake")),
            exchange=PayerExchange(directory),
            batch_claims=self._settings.batch_claims,
            code_sets=LoadedCodeSets(runtime.pool),
            policy=self._policy,
            references=self.references,
            payer_rules=LoadedPayerRules(runtime.pool),
            regroup=load_grouper(),
            four_eyes=self._settings.payer_rule_four_eyes,
        )
        await load_routes(runtime.pool, self._settings.reference_dir)
        runtime.state["deps"] = self.deps

    @property
    def _policy(self) -> MoneyPolicy:
        settings = self._settings
        return MoneyPolicy(
            Limits(settings.alone_cents, settings.small_balance_cents),
            Cycle(
                settings.statement_first_days,
                settings.statement_days,
                settings.statement_count,
                settings.statement_due_days,
            ),
        )

    async def timers(self, uow: UnitOfWork, fired: list[FiredTimer]) -> None:
        """Apply timers whose time has come."""
        await apply_timers(uow, fired, self.deps.policy.statements)

    async def compute(self, items: list[WorkItem]) -> dict[UUID, Built | Exception | None]:
        """Compute the work kind build-claim."""
        return await compute_builds(self.deps, items)

    async def compute_releases(self, items: list[WorkItem]) -> dict[UUID, StoredCodeSet | Exception]:
        """Compute the work kind fetch-codeset."""
        return await compute_fetches(self.coding, items)

    async def apply_releases(self, uow: UnitOfWork, results: dict[UUID, StoredCodeSet]) -> None:
        """Apply the work kind fetch-codeset."""
        await self.deps.code_sets.store(uow, results)

    async def compute_tables(self, items: list[WorkItem]) -> dict[UUID, int | Exception]:
        """Compute the work kind fetch-reference."""
        return await compute_reference_fetches(self.tables, self.deps.pool, items)

    async def apply_tables(self, uow: UnitOfWork, results: dict[UUID, int]) -> None:
        """Apply the work kind fetch-reference."""
        await self.references.complete(uow, results)

    async def compute_triage(self, items: list[WorkItem]) -> dict[UUID, Triaged | Exception | None]:
        """Compute the work kind triage-denials."""
        return await compute_triage(self.deps, items)

    async def apply_triage(self, uow: UnitOfWork, results: dict[UUID, Triaged | None]) -> None:
        """Apply the work kind triage-denials."""
        await apply_triage(self.deps, uow, results)

    async def freeze(self, runtime: Runtime) -> None:
        """Background: batch and freeze ready claims."""
        await exchanging.freeze_claims(self.deps, runtime.background_transaction)

    async def send(self, runtime: Runtime) -> None:
        """Background: gate and send frozen interchanges and filed appeals."""
        await exchanging.send_claims(self.deps, runtime.background_transaction)

    async def watch(self, runtime: Runtime) -> None:
        """Background: warn of filing windows, ask payers about undecided claims."""
        await tracking.watch(self.deps, runtime.background_transaction)

    async def transfer(self, _runtime: Runtime) -> None:
        """Background: carry files between the exchange folders and the partners of the channels."""
        self.deps.exchange.prepare()
        async with asyncio.TaskGroup() as group:
            for name, settings in self.channels.items():
                group.create_task(carry(name, connector(settings), self.deps.exchange, settings.poll_seconds))

    async def answers(self, runtime: Runtime) -> None:
        """Background: take in what payers answer."""
        await exchanging.take_answers(self.deps, runtime.background_transaction)


def build(settings: BillingSettings) -> ServiceSpec:
    """Return what the service is made of."""
    billing = Billing(settings)
    return ServiceSpec(
        name="billing",
        migrations="rcm_billing.migrations",
        consumers={
            topics.ENCOUNTER: consumers.on_encounter,
            topics.CHART: consumers.on_chart,
            topics.QUERY: consumers.on_query,
        },
        timers=billing.timers,
        work=(
            WorkKind(BUILD_CLAIM, billing.compute, apply_builds, batch=BUILD_BATCH),
            WorkKind(FETCH_CODESET, billing.compute_releases, billing.apply_releases),
            WorkKind(FETCH_REFERENCE, billing.compute_tables, billing.apply_tables, batch=1),
            WorkKind(TRIAGE_DENIALS, billing.compute_triage, billing.apply_triage, batch=BUILD_BATCH),
        ),
        routers=(*api.routers, *pages.routers),
        background=(billing.freeze, billing.send, billing.answers, billing.watch, billing.transfer),
        setup=billing.setup,
        body_limits={"/v1/payer-files": MAX_BYTES, "/v1/denial-routes": api.denial_routes.MAX_BODY_BYTES},
    )


def run() -> int:
    """Run the service from its command line."""
    settings = BillingSettings()
    return run_service(build(settings), settings)
