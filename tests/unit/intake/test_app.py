"""The service as it is put together: every route has its rule, every topic its reader, the README its headings."""

from pathlib import Path

from fastapi import FastAPI
from rcm_intake import consumers
from rcm_intake.app import build
from rcm_intake.settings import IntakeSettings
from rcm_shared.contracts import topics
from rcm_shared.web.app import check_rules

SERVICE = Path(__file__).resolve().parents[3] / "services" / "intake"


def test_every_route_declares_its_rule() -> None:
    spec = build(IntakeSettings(dsn="postgresql://nowhere/intake"))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for router in spec.routers:
        app.include_router(router)
    check_rules(app)


def test_consumers_are_those_of_the_topics_table() -> None:
    assert set(consumers.CONSUMERS) == set(topics.read_by("intake"))


def test_readme_has_the_headings_of_the_house() -> None:
    lines = (SERVICE / "README.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# intake",
        "## Owns",
        "## Consumes",
        "## Emits",
        "## Tables",
        "## Invariants",
        "## How to replay",
    ]
