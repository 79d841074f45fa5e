"""Composition root of the coding service: code sets, intake's texts, the grouper, consumers, work, routes."""

import asyncio
import atexit
import gc
import os
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir

from rcm_shared.contracts import topics
from rcm_shared.errors import Transient
from rcm_shared.ids import uuid7
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.telemetry import log
from rcm_shared.web.client import ServiceClient

from rcm_coding import api, consumers, pages
from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.editions import Editions
from rcm_coding.gateways.grouper import load_grouper
from rcm_coding.gateways.intake import Intake
from rcm_coding.gateways.model_registry import ModelRegistry
from rcm_coding.gateways.serving import ServedModels
from rcm_coding.handlers import learning
from rcm_coding.handlers.following import Following
from rcm_coding.repository import learning as learning_rows
from rcm_coding.settings import CodingSettings

STORE_POLL_S = 15.0  # how soon a change in the registry of models reaches a running service
REFIT_POLL_S = 5.0  # how soon a refit that is due or asked for begins


def build(settings: CodingSettings) -> ServiceSpec:
    """Describe the service. The code set is loaded in its setup, before anything is consumed."""
    intake = Intake(ServiceClient(settings, "coding"), settings.shared.url_of("intake"))
    own = Path(gettempdir()) / f"rcm-codesets-{os.getpid()}-{uuid7().hex[-8:]}"
    mirror = CodesetStore(own)
    editions = Editions(settings.cache_dir, mirror)
    folder = CodesetStore(settings.codesets_dir) if settings.codesets_dir else None
    following = Following(editions, mirror, folder, settings.cache_dir)
    served = ServedModels(settings.model, ModelRegistry(settings.models_dir) if settings.models_dir else None)

    async def setup(runtime: Runtime) -> None:
        atexit.register(rmtree, own, ignore_errors=True)
        await following.start(runtime)
        await asyncio.to_thread(served.load)
        runtime.state["served"] = served
        gc.freeze()  # the code set never dies; later collections need not walk it
        runtime.state["deps"] = api.Deps(
            code_sets=editions.code_sets,
            intake=intake,
            group=load_grouper(),
            weigh=editions.weigh,
            follow=following.wake,
            store=mirror,
        )

    async def follow_models(runtime: Runtime) -> None:
        while served.registry is not None:
            if served.faults:
                log().error("model of the registry cannot be read", count=len(served.faults))
            while not await asyncio.to_thread(served.changed):
                await asyncio.sleep(STORE_POLL_S)
            await asyncio.to_thread(served.load)

    async def refit_when_due(runtime: Runtime) -> None:
        registry = served.registry
        if registry is None or settings.model == "none":
            return
        workshop = learning.Workshop(registry.root, settings.cache_dir, own, settings.model)
        learner = learning.Learner(intake, workshop, runtime.background_transaction)
        tried: datetime | None = None
        while True:
            await asyncio.sleep(REFIT_POLL_S)
            asked = await asyncio.to_thread(registry.refit_asked)
            async with runtime.background_transaction() as uow:
                now, runs = uow.now, await learning_rows.runs(uow.conn, 1)
            if not asked and not learning.due(settings.refit_at, now, runs, tried):
                continue
            try:
                async with runtime.pool.acquire() as turn:
                    run = await learning.run_refit(learner, turn)
            except Transient as error:
                log().warning("refit waits", code=error.code)
                continue
            tried = now
            outcome = learning.outcome(run, runs)
            log().info("refit", state="passed" if outcome["passed"] else "held", count=outcome["decisions"])
            await asyncio.to_thread(registry.answer_refit, outcome)

    return ServiceSpec(
        name="coding",
        migrations="rcm_coding.migrations",
        consumers={
            topics.ENCOUNTER: consumers.on_encounter(editions.code_sets),
            topics.QUERY: consumers.on_query,
            topics.CLAIM: consumers.on_claim,
            topics.FINDING: consumers.on_finding,
        },
        work=(
            consumers.suggest_work(
                intake, editions.on, editions.code_sets, lambda: served.live, lambda: served.shadow
            ),
        ),
        routers=(api.router, pages.router),
        body_limits={api.UPLOAD_PATH: api.MAX_FILE},
        setup=setup,
        background=(following.follow, follow_models, refit_when_due),
    )
