"""The code-set routes: what is listed, who may fetch the codes, and that the hash is of what is sent."""

import hashlib
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
from rcm_coding import api
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.engine.tabular import Tabular
from rcm_shared.auth import TokenIssuer
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import ServiceSettings, SharedSettings
from rcm_shared.web.app import create_app
from rcm_testkit.services import write_keys

Get = Callable[..., Any]


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

    async def ask(path: str, role: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        headers = {"authorization": f"Bearer {issuer.token('somebody', [role])}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://coding.test") as http:
            return await http.get(path, headers=headers)

    return ask


@pytest.mark.parametrize("role", ["service", "coder", "biller", "auditor"])
async def test_releases_are_listed_with_years_and_hash(get: Get, role: str, tabular: Tabular) -> None:
    answer = await get("/v1/codesets", role)
    assert answer.status_code == 200
    assert answer.json()["codesets"] == [
        {
            "system": "ICD-10-CM",
            "edition": "2026-04-01",
            "effective_from": "2025-10-01",
            "effective_to": "2026-09-30",
            "sha256": tabular.sha256,
            "active": True,
        }
    ]


async def test_service_gets_the_billable_codes_with_their_hash(get: Get, tabular: Tabular) -> None:
    answer = (await get(f"/v1/codesets/{tabular.sha256}/billable", "service")).json()
    assert answer["codes_sha256"] == hashlib.sha256(answer["codes"].encode()).hexdigest()
    assert answer["count"] == len(answer["codes"].split("\n")) == tabular.billable_count
    assert answer["sha256"] == tabular.sha256


@pytest.mark.parametrize(
    ("path", "role", "status"),
    [
        ("/v1/codesets", "provider", 403),
        ("/v1/codesets/{known}/billable", "biller", 403),
        ("/v1/codesets/{unknown}/billable", "service", 404),
        ("/v1/codesets/x/billable", "service", 422),
    ],
)
async def test_others_and_unknown_releases_are_refused(
    get: Get, tabular: Tabular, path: str, role: str, status: int
) -> None:
    asked = path.format(known=tabular.sha256, unknown="ab" * 32)
    assert (await get(asked, role)).status_code == status
