"""Composition root of billing: settings, master data, the payer exchange, consumers, work, loops and
routes.
"""

from uuid import UUID

from rcm_shared.contracts import topics
from rcm_shared.errors import RcmError
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import WorkItem, WorkKind
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.service import run_service
from rcm_shared.web.client import ServiceClient

from rcm_billing import api, consumers
from rcm_billing.domain.master import Master
from rcm_billing.gateways.coding import CodingReleases
from rcm_billing.gateways.intake import IntakeRecords
from rcm_billing.gateways.payer_exchange import PayerExchange
from rcm_billing.handlers import exchanging
from rcm_billing.handlers.building import Built, apply_builds, compute_builds
from rcm_billing.handlers.code_sets import FETCH_CODESET, LoadedCodeSets, compute_fetches
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.facts import BUILD_CLAIM
from rcm_billing.repository import StoredCodeSet
from rcm_billing.settings import BillingSettings
from rcm_billing.timers import apply_timers

BUILD_BATCH = 200  # records in one fetch from intake


class NotConfiguredError(RcmError):
    """The service lacks a setting that it cannot run without."""

    code = "not-configured"


class Billing:
    """What the running service holds; filled by `setup`, used by its work and loops."""

    deps: Deps
    coding: CodingReleases

    def __init__(self, settings: BillingSettings) -> None:
        self._settings = settings

    async def setup(self, runtime: Runtime) -> None:
        """Read master data and open the clients."""
        directory = self._settings.shared.exchange_dir
        if directory is None:
            raise NotConfiguredError(message="RCM_EXCHANGE_DIR is not set")
        client = ServiceClient(self._settings, "billing")
        self.coding = CodingReleases(client, self._settings.shared.url_of("coding"))
        self.deps = Deps(
            master=Master.model_validate_json(self._settings.master_file.read_bytes()),
            pool=runtime.pool,
            intake=IntakeRecords(client, self._settings.shared.url_of("intake")),
            exchange=PayerExchange(directory),
            batch_claims=self._settings.batch_claims,
            code_sets=LoadedCodeSets(runtime.pool),
        )

    async def compute(self, items: list[WorkItem]) -> dict[UUID, Built | Exception | None]:
        """Compute the work kind build-claim."""
        return await compute_builds(self.deps, items)

    async def compute_releases(self, items: list[WorkItem]) -> dict[UUID, StoredCodeSet | Exception]:
        """Compute the work kind fetch-codeset."""
        return await compute_fetches(self.coding, items)

    async def apply_releases(self, uow: UnitOfWork, results: dict[UUID, StoredCodeSet]) -> None:
        """Apply the work kind fetch-codeset."""
        await self.deps.code_sets.store(uow, results)

    async def freeze(self, runtime: Runtime) -> None:
        """Background: batch and freeze ready claims."""
        await exchanging.freeze_claims(self.deps, runtime.background_transaction)

    async def send(self, runtime: Runtime) -> None:
        """Background: gate and send frozen interchanges and filed appeals."""
        await exchanging.send_claims(self.deps, runtime.background_transaction)

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
        timers=apply_timers,
        work=(
            WorkKind(BUILD_CLAIM, billing.compute, apply_builds, batch=BUILD_BATCH),
            WorkKind(FETCH_CODESET, billing.compute_releases, billing.apply_releases),
        ),
        routers=api.routers,
        background=(billing.freeze, billing.send, billing.answers),
        setup=billing.setup,
    )


def run() -> int:
    """Run the service from its command line."""
    settings = BillingSettings()
    return run_service(build(settings), settings)
