"""The operations pages: complete with every service down, drill-down links, gaps marked, no inline code."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import Request
from rcm_audit.domain.encounter_view import Fact, apply_fact
from rcm_audit.domain.timeline import TimelineEntry
from rcm_audit.gateways.operations import OperationsGateway, ServiceReport
from rcm_audit.handlers.cases import encounter_out
from rcm_audit.repository import StateCount
from rcm_shared.errors import Poison, Transient
from rcm_shared.settings import SharedSettings
from rcm_shared.web.client import ServiceClient
from rcm_shared.web.pages import page

NOW = datetime(2026, 9, 28, 12, tzinfo=UTC)
KEY = UUID(int=7)
MONEY = {
    "charged_cents": 123456,
    "paid_cents": 1,
    "adjusted_cents": 0,
    "patient_open_cents": 0,
    "balance_cents": 123455,
    "closed_with_difference": 0,
}
UP = ServiceReport(
    "query",
    {
        "ready": True,
        "outbox": 3,
        "outbox_age_s": 1.25,
        "dead": 1,
        "consumers": [{"group": "query.coding-chart", "topic": "rcm.coding.chart", "lag": 5, "idle_s": 0.1}],
    },
    [{"consumer": "query.coding-chart", "error_class": "Poison", "error_code": "body-invalid", "dead": 1}],
)
DOWN = ServiceReport("coding", None, None)
FLOW = [
    ("coding", False, StateCount("coding", 4, 1, NOW, 500, 0)),
    ("closed", True, StateCount("closed", 9, 0, NOW, 0, 0)),
]


def rendered(template: str, **context: Any) -> str:
    """Render a page of audit."""
    runtime = SimpleNamespace(
        spec=SimpleNamespace(name="audit"), settings=SimpleNamespace(shared=SharedSettings())
    )
    request = SimpleNamespace(
        app=SimpleNamespace(state=SimpleNamespace(runtime=runtime)),
        state=SimpleNamespace(),
        url=SimpleNamespace(path="/operations"),
    )
    return bytes(page(cast(Request, request), template, **context).body).decode()


def test_operations_page_links_every_number_and_shows_who_is_down() -> None:
    html = rendered("operations.html", flow=FLOW, money=MONEY, reports=[DOWN, UP])
    assert 'href="/operations/encounters?waiting_for=coding"' in html
    assert 'href="/operations/encounters?waiting_for=coding&amp;stuck=true"' in html
    assert "not reachable" in html
    assert "body-invalid" in html
    assert "1,234.56" in html
    assert not re.search(r"<style|style=|<script(?![^>]*src=)| on\w+=", html)


def test_operations_page_without_any_data() -> None:
    html = rendered("operations.html", flow=[], money=MONEY, reports=[DOWN])
    assert "No encounter has arrived yet" in html
    assert "Nothing is set aside" in html


def test_case_page_shows_money_causes_and_gaps() -> None:
    view = apply_fact(None, KEY, Fact("t", "rcm.intake.encounter", 1, NOW, "F", None), now=NOW)
    rows = (
        TimelineEntry(
            "event",
            "rcm.intake.encounter",
            time=NOW,
            sequence=1,
            event_id=UUID(int=1),
            type="rcm.intake.encounter-registered.v1",
            summary=(("charge_cents", "17800"), ("codes", "I10")),
            trace_id="0af7651916cd43dd8448eb211c80319c",
        ),
        TimelineEntry("gap", "rcm.coding.chart", gap_first=1, gap_last=2),
        TimelineEntry(
            "event", "rcm.coding.chart", time=NOW, sequence=3, event_id=UUID(int=2), caused_by=UUID(int=1)
        ),
    )
    html = rendered(
        "operations_encounter.html",
        encounter=encounter_out(view, NOW + timedelta(days=9)),
        rows=rows,
        numbers={UUID(int=1): 1, UUID(int=2): 3},
        trace_url="http://traces/{trace_id}",
    )
    assert "rcm.coding.chart: sequence 1 to 2" in html
    assert 'href="#event-1"' in html
    assert "charge 178.00" in html
    assert "http://traces/0af7651916cd43dd8448eb211c80319c" in html


def test_list_of_encounters_links_to_cases() -> None:
    view = apply_fact(None, KEY, Fact("t", "rcm.intake.encounter", 3, NOW, "F", None), now=NOW)
    html = rendered(
        "operations_encounters.html",
        encounters=[encounter_out(view, NOW)],
        waiting_for="received",
        stuck=False,
        limit=200,
    )
    assert f'href="/operations/encounters/{KEY}"' in html
    assert '<span class="badge bad">2</span>' in html


class FakeClient:
    """Answers, or fails, as each service's base URL says."""

    async def get_json(self, base_url: str, path: str) -> Any:
        if base_url.endswith("8101"):
            raise Transient("http-ConnectError")
        if base_url.endswith("8102"):
            raise Poison("http-403")
        if base_url.endswith("8103"):
            raise ValueError("no json")
        return {"groups": [{"dead": 1}]} if path.endswith("dead-letters") else {"ready": True}


@pytest.mark.parametrize(
    ("service", "reachable"), [("intake", False), ("coding", False), ("query", False), ("audit", True)]
)
async def test_gateway_reports_failures_as_not_reachable(service: str, reachable: bool) -> None:
    gateway = OperationsGateway(cast(ServiceClient, FakeClient()), SharedSettings())
    report = next(report for report in await gateway.reports() if report.service == service)
    assert (report.status is not None) is reachable
    assert (report.dead_letters is not None) is reachable
