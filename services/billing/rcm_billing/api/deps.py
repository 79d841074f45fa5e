"""Who may ask, and what every answer of billing is made of."""

from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict
from rcm_shared.auth import Principal, allow
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of

from rcm_billing.handlers.deps import Deps

_READERS = ("biller", "auditor", "operations", "coder", "service")
Reader = Annotated[Principal, Depends(allow(*_READERS))]
Biller = Annotated[Principal, Depends(allow("biller"))]
Running = Annotated[Runtime, Depends(runtime_of)]
Limit = Annotated[int, Query(ge=1, le=200)]


def deps_of(request: Request) -> Deps:
    """Return what the service's handlers need besides a transaction."""
    deps: Deps = runtime_of(request).state["deps"]
    return deps


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
