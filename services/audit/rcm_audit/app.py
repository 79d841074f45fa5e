"""Composition root of the audit service: settings, state folder, journal, checkpoints, routes."""

from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.web.client import ServiceClient

from rcm_audit import api, pages
from rcm_audit.consumers import consumers
from rcm_audit.gateways.operations import TIMEOUT_S, OperationsGateway
from rcm_audit.gateways.state_folder import StateFolder
from rcm_audit.handlers.checkpoints import Checkpoints
from rcm_audit.handlers.journal import Journal
from rcm_audit.settings import AuditSettings


def build(settings: AuditSettings) -> ServiceSpec:
    """Describe the service: it reads every other service's topic and serves the console."""
    journal = Journal()
    checkpoints = Checkpoints(
        StateFolder(settings.state_dir, settings.signing_key),
        journal,
        every_s=settings.checkpoint_every_s,
        every_records=settings.checkpoint_every_records,
    )
    operations = OperationsGateway(ServiceClient(settings, "audit", timeout_s=TIMEOUT_S), settings.shared)

    async def setup(runtime: Runtime) -> None:
        checkpoints.key()
        runtime.state[api.CHECKPOINTS] = checkpoints
        runtime.state[pages.OPERATIONS] = operations
        runtime.state[pages.TRACE_URL] = settings.trace_url

    async def keep_checkpoints(runtime: Runtime) -> None:
        await checkpoints.run(runtime.pool)

    return ServiceSpec(
        name="audit",
        migrations="rcm_audit.migrations",
        consumers=consumers(journal),
        routers=(api.router, pages.router),
        background=(keep_checkpoints,),
        setup=setup,
    )
