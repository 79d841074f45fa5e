"""The provider's pages: everything on one screen, nothing preselected, nothing unescaped, no inline code."""

import re
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from fastapi import Request
from rcm_query import repository
from rcm_query.domain import provider_query as pq
from rcm_query.domain.provider_query import Content, Form, Option, OptionKind, Quote
from rcm_shared.settings import SharedSettings
from rcm_shared.web.pages import page

NOW = datetime(2026, 9, 28, 12, tzinfo=UTC)


def a_request(path: str) -> Request:
    """Make just enough of a request to render a page."""
    runtime = SimpleNamespace(
        spec=SimpleNamespace(name="query"), settings=SimpleNamespace(shared=SharedSettings())
    )
    return cast(
        Request,
        SimpleNamespace(
            app=SimpleNamespace(state=SimpleNamespace(runtime=runtime)),
            state=SimpleNamespace(),
            url=SimpleNamespace(path=path),
        ),
    )


def rendered(template: str, **context: Any) -> str:
    """Render a page."""
    return bytes(page(a_request("/inbox"), template, **context).body).decode()


def a_query() -> pq.ProviderQuery:
    """Make a sent query with a quote that must be escaped."""
    content = Content(
        template="t:1",
        title="Clarification",
        stem="Please clarify.",
        form=Form.MULTIPLE_CHOICE,
        purpose="missing-specificity",
        quotes=(
            Quote(
                document_id=UUID(int=1),
                version=1,
                kind="office-note",
                written_on=date(2026, 9, 10),
                start=0,
                end=9,
                text="<b>EF</b> 30%",
            ),
        ),
        options=(
            Option(key="a", label="A", statement="A.", kind=OptionKind.CLINICAL),
            Option(key="other", label="Other", statement="", kind=OptionKind.OTHER),
        ),
    )
    query = pq.draft(
        query_id=UUID(int=1),
        rule="heart-failure-type",
        provider_id="P1",
        indicators=(),
        blocks_coding=True,
        requested_by="coder:1",
        now=NOW,
    )
    return pq.send(pq.pass_lint(query, content, now=NOW, actor="s"), now=NOW, actor="s")


def test_query_page_shows_quotes_and_neutral_options() -> None:
    query = a_query()
    html = rendered("query_detail.html", query=query, content=query.content, answerable=True, problem="")
    assert "&lt;b&gt;EF&lt;/b&gt; 30%" in html
    assert "Office note, 2026-09-10" in html
    assert html.count('type="radio"') == 2
    assert "checked" not in html
    assert html.count('type="submit"') == 1
    assert all(f'for="{name}"' in html for name in re.findall(r'<(?:input|textarea)[^>]* id="([^"]+)"', html))


def test_pages_hold_no_inline_code() -> None:
    query = a_query()
    html = rendered("query_detail.html", query=query, content=query.content, answerable=True, problem="bad")
    assert not re.search(r"<style|style=|<script(?![^>]*src=)| on\w+=", html)
    assert 'role="alert"' in html


def test_answered_query_has_no_form() -> None:
    query = a_query()
    html = rendered("query_detail.html", query=query, content=query.content, answerable=False, problem="")
    assert "<fieldset" not in html


def test_inbox_lists_what_waits_first() -> None:
    line = repository.QueryLine(
        UUID(int=1), UUID(int=2), "F", "P1", "heart-failure-type", "open", 1, (), NOW, NOW
    )
    html = rendered("query_inbox.html", waiting=[line], done=[])
    assert "Heart failure type" in html
    assert "reminder 1" in html
    assert "Nothing waits" in rendered("query_inbox.html", waiting=[], done=[line])
