"""Composition root of the coding service: code sets, intake's texts, the grouper, consumers, work, routes."""

import asyncio
import gc
from uuid import NAMESPACE_URL, UUID, uuid5

from rcm_shared.contracts import topics
from rcm_shared.contracts.coding import CodesetReleaseActivated
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.web.client import ServiceClient

from rcm_coding import api, consumers, repository
from rcm_coding.domain.case import SYSTEM
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.tabular import Tabular
from rcm_coding.gateways.grouper import load_grouper
from rcm_coding.gateways.intake import Intake
from rcm_coding.gateways.releases import load_installed
from rcm_coding.settings import CodingSettings


def build(settings: CodingSettings) -> ServiceSpec:
    """Describe the service. The code set is loaded in its setup, before anything is consumed."""
    intake = Intake(ServiceClient(settings, "coding"), settings.shared.url_of("intake"))
    loaded: list[Knowledge] = []

    def knowledge() -> Knowledge:
        return loaded[0]

    def code_sets() -> CodeSets:
        return CodeSets(tuple(item.tabular for item in loaded))

    async def setup(runtime: Runtime) -> None:
        loaded.append(await asyncio.to_thread(load_installed, settings.cache_dir))
        gc.freeze()  # the code set never dies; later collections need not walk it
        await activate(runtime, knowledge().tabular)
        runtime.state["deps"] = api.Deps(code_sets=code_sets, intake=intake, group=load_grouper())

    return ServiceSpec(
        name="coding",
        migrations="rcm_coding.migrations",
        consumers={
            topics.ENCOUNTER: consumers.on_encounter(code_sets),
            topics.QUERY: consumers.on_query,
            topics.CLAIM: consumers.on_claim,
            topics.FINDING: consumers.on_finding,
        },
        work=(consumers.suggest_work(intake, knowledge),),
        routers=(api.router,),
        setup=setup,
    )


async def activate(runtime: Runtime, edition: Tabular) -> None:
    """Record the edition as active and say so once, under an id that follows from the file itself."""
    release_id = release_key(edition.sha256)
    async with runtime.background_transaction() as uow:
        if await repository.activate_release(uow.conn, release_id, edition, uow.now):
            uow.emit(
                release_id,
                CodesetReleaseActivated(
                    actor=SYSTEM,
                    system="ICD-10-CM",
                    edition=edition.edition,
                    effective_from=edition.effective_from,
                    effective_to=edition.effective_to,
                    sha256=edition.sha256,
                ),
            )


def release_key(sha256: str) -> UUID:
    """Return the id of a release: the same file has the same id everywhere."""
    return uuid5(NAMESPACE_URL, f"urn:claimstream:codeset:{sha256}")
