"""The encoder's routes: found codes, one code, and clear problems for what cannot be answered."""

from collections.abc import Callable
from typing import Any

import pytest

Get = Callable[..., Any]


async def test_words_find_codes(get: Get) -> None:
    answer = await get("/v1/codes", q="heart atack", limit="3")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["system"], body["edition"]) == ("ICD-10-CM", "2026-04-01")
    assert body["found"][0]["shown"] == "I21.9"
    assert len(body["found"]) == 3


@pytest.mark.parametrize("system", ["ICD-10-CM", "icd10cm"])
async def test_code_is_shown_with_notes_and_prompts(get: Get, system: str) -> None:
    answer = await get(f"/v1/codes/{system}/s72.001", date="2026-09-14")
    assert answer.status_code == 200
    card = answer.json()["card"]
    assert (card["shown"], card["billable"], card["needs_seventh"]) == ("S72.001", False, True)
    assert len(card["seventh"]) == 16
    assert "encounter" in [prompt["axis"] for prompt in card["prompts"]]


async def test_unknown_code_names_the_nearest(get: Get) -> None:
    answer = await get("/v1/codes/ICD-10-CM/E1l.9")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "E11.9" in answer.text


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/v1/codes", {}, 422),
        ("/v1/codes", {"q": "  "}, 422),
        ("/v1/codes", {"q": "x" * 10_000}, 414),
        ("/v1/codes", {"q": "\x00\x07"}, 400),
        ("/v1/codes", {"q": "x" * 301}, 422),
        ("/v1/codes", {"q": "asthma", "limit": "0"}, 422),
        ("/v1/codes", {"q": "asthma", "date": "2031-01-01"}, 422),
        ("/v1/codes", {"q": "asthma", "date": "soon"}, 422),
        ("/v1/codes/ICD-10-CM/I10", {"date": "1999-01-01"}, 422),
        ("/v1/codes/SNOMED/I10", {}, 404),
        ("/v1/codes/ICD-10-CM/%00%00", {}, 404),
        ("/v1/codes/ICD-10-CM/" + "9" * 3000, {}, 404),
    ],
)
async def test_bad_input_is_a_problem_that_echoes_nothing(
    get: Get, path: str, query: dict[str, str], status: int
) -> None:
    answer = await get(path, **query)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "x" * 20 not in answer.text
    assert "9" * 20 not in answer.text


async def test_role_without_business_here_is_refused(get: Get) -> None:
    assert (await get("/v1/codes", "registration", q="asthma")).status_code == 403
