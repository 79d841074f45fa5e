"""Server-rendered pages: Jinja2 with autoescape, one layout and one navigation over all services."""

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound
from rcm_shared.money import dollars

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

#: (title, service that owns the page, path)
NAVIGATION = (
    ("Operations", "audit", "/operations"),
    ("Worklist", "coding", "/worklist"),
    ("Inbox", "query", "/inbox"),
    ("Billing", "billing", "/billing"),
)


@cache
def _environment(package: str) -> Environment:
    module = sys.modules[package]
    folders = [Path(__file__).parent / "templates"]
    if module.__file__:
        folders.insert(0, Path(module.__file__).parent / "pages" / "templates")
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
    )
    environment.filters["dollars"] = dollars
    return environment


def asset_of(package: Path, name: str, types: Mapping[str, str]) -> FileResponse:
    """Give one of the listed files of a `pages` package's folder assets.

    Raises: NotFound for any other name.
    """
    if name not in types:
        raise NotFound("file")
    headers = {"Cache-Control": "max-age=300"}
    return FileResponse(package / "assets" / name, media_type=types[name], headers=headers)


def page(request: Request, template: str, *, status_code: int = 200, **context: Any) -> HTMLResponse:
    """Render a template of the service's `pages/templates` (or of the shared ones) inside the layout."""
    runtime = request.app.state.runtime
    package = f"rcm_{runtime.spec.name}"
    principal: Principal | None = getattr(request.state, "principal", None)
    shared = runtime.settings.shared
    navigation = [
        (title, path if owner == runtime.spec.name else f"{shared.url_of(owner)}{path}")
        for title, owner, path in NAVIGATION
    ]
    html = (
        _environment(package if package in sys.modules else "rcm_shared")
        .get_template(template)
        .render(
            service=runtime.spec.name,
            subject=principal.subject if principal else None,
            navigation=navigation,
            here=request.url.path,
            embedded=shared.environment == "embedded",
            **context,
        )
    )
    return HTMLResponse(
        html, status_code=status_code, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    )
