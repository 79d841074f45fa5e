"""The code-set routes: what is listed, who may fetch the codes, and that the hash is of what is sent."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from rcm_coding.engine.tabular import Tabular

Get = Callable[..., Any]


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
