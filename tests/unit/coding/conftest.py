"""The installed code-set edition, compiled once for all tests of coding."""

from collections.abc import Callable
from datetime import date
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from rcm_coding import api
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.engine.evidence import Document, Suggestions
from rcm_coding.engine.knowledge import Knowledge, installed_knowledge
from rcm_coding.engine.suggest import suggest
from rcm_coding.engine.tabular import Tabular
from rcm_shared.auth import TokenIssuer
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import ServiceSettings, SharedSettings
from rcm_shared.web.app import create_app
from rcm_testkit.services import write_keys

DAY = date(2026, 9, 14)
Read = Callable[..., Suggestions]
Get = Callable[..., Any]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """The edition of the installed package with its lexicon."""
    return installed_knowledge()


@pytest.fixture(scope="session")
def tabular(knowledge: Knowledge) -> Tabular:
    """The tabular list alone."""
    return knowledge.tabular


@pytest.fixture(scope="session")
def code_sets(tabular: Tabular) -> CodeSets:
    """What the domain looks codes up in."""
    return CodeSets((tabular,))


@pytest.fixture(scope="session")
def read(knowledge: Knowledge) -> Read:
    """Run the engine over texts."""

    def run(
        *texts: str,
        setting: str = "office",
        kind: str = "office-note",
        day: date = DAY,
        claim_form: str = "837P",
    ) -> Suggestions:
        documents = [
            Document(UUID(int=at + 1), 1, "addendum" if at and kind == "office-note" else kind, text, at)
            for at, text in enumerate(texts)
        ]
        return suggest(documents, setting, day, knowledge, claim_form)

    return run


@pytest.fixture(scope="module")
def get(tmp_path_factory: pytest.TempPathFactory, code_sets: CodeSets) -> Get:
    """Ask the routes in a role; nothing is started."""
    private, public_keys = write_keys(tmp_path_factory.mktemp("keys"))
    settings = ServiceSettings(
        dsn="postgresql://nobody@127.0.0.1:1/none",
        shared=SharedSettings(auth_jwks=public_keys, auth_key=private),
    )
    runtime = Runtime(
        ServiceSpec(name="coding", migrations="rcm_coding.migrations", routers=(api.router,)), settings
    )
    runtime.state["deps"] = api.Deps(
        code_sets=lambda: code_sets, intake=cast(Any, None), group=cast(Any, None)
    )
    app = create_app(runtime)
    issuer = TokenIssuer(private)

    async def ask(path: str, role: str = "coder", **query: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        headers = {"authorization": f"Bearer {issuer.token('somebody', [role])}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://coding.test") as http:
            return await http.get(path, params=query, headers=headers)

    return ask
