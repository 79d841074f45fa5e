"""Composition root of the coding service: code sets, intake's texts, the grouper, consumers, work, routes."""

import asyncio
import gc
from uuid import NAMESPACE_URL, UUID, uuid5

from rcm_shared.contracts import topics
from rcm_shared.contracts.coding import CodesetReleaseActivated
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.web.client import ServiceClient

from rcm_coding import api, consumers, pages, repository
from rcm_coding.codesets.releases import Release
from rcm_coding.domain.case import SYSTEM
from rcm_coding.engine.ranking.model import Model
from rcm_coding.engine.tabular import Tabular
from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.editions import Editions
from rcm_coding.gateways.grouper import load_grouper
from rcm_coding.gateways.intake import Intake
from rcm_coding.gateways.models import choose_model
from rcm_coding.handlers.codesets import record_releases
from rcm_coding.settings import CodingSettings

STORE_POLL_S = 15.0  # how soon an activation in the store of files reaches a running service


def build(settings: CodingSettings) -> ServiceSpec:
    """Describe the service. The code set is loaded in its setup, before anything is consumed."""
    intake = Intake(ServiceClient(settings, "coding"), settings.shared.url_of("intake"))
    store = CodesetStore(settings.codesets_dir) if settings.codesets_dir else None
    editions = Editions(settings.cache_dir, store)
    models: list[Model | None] = []

    async def setup(runtime: Runtime) -> None:
        releases = await asyncio.to_thread(editions.load)
        models.append(await asyncio.to_thread(choose_model, settings.model))
        gc.freeze()  # the code set never dies; later collections need not walk it
        await activate_all(runtime, releases)
        runtime.state["deps"] = api.Deps(code_sets=editions.code_sets, intake=intake, group=load_grouper())

    async def activate_all(runtime: Runtime, releases: tuple[Release, ...]) -> None:
        for edition in editions.code_sets().editions:
            await activate(runtime, edition)
        async with runtime.background_transaction() as uow:
            await record_releases(uow, releases)

    async def follow_store(runtime: Runtime) -> None:
        while store is not None:
            await asyncio.sleep(STORE_POLL_S)
            if await asyncio.to_thread(editions.changed):
                await activate_all(runtime, await asyncio.to_thread(editions.load))

    return ServiceSpec(
        name="coding",
        migrations="rcm_coding.migrations",
        consumers={
            topics.ENCOUNTER: consumers.on_encounter(editions.code_sets),
            topics.QUERY: consumers.on_query,
            topics.CLAIM: consumers.on_claim,
            topics.FINDING: consumers.on_finding,
        },
        work=(consumers.suggest_work(intake, editions.on, editions.code_sets, lambda: models[0]),),
        routers=(api.router, pages.router),
        setup=setup,
        background=(follow_store,),
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
