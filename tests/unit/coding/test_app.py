"""The service as composed: what it reads agrees with the topic table, every route declares its roles."""

from fastapi import FastAPI
from rcm_coding import consumers
from rcm_coding.app import build
from rcm_coding.settings import CodingSettings
from rcm_shared.contracts import topics
from rcm_shared.web.app import check_rules


def test_service_reads_the_topics_of_the_table() -> None:
    spec = build(CodingSettings(dsn="postgresql://unused"))
    assert set(spec.consumers) == set(topics.read_by("coding"))
    assert [kind.kind for kind in spec.work] == ["suggest"]
    app = FastAPI()
    for router in spec.routers:
        app.include_router(router)
    check_rules(app)


def test_every_decided_event_belongs_to_its_topic() -> None:
    assert set(consumers.ON_QUERY) <= set(topics.QUERY.events)
    assert set(consumers.ON_CLAIM) <= set(topics.CLAIM.events)
    assert set(consumers.ON_FINDING) <= set(topics.FINDING.events)
