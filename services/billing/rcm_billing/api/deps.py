"""Who may ask, and what every answer of billing is made of."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict
from rcm_shared.auth import Principal, allow
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of

_READERS = ("biller", "auditor", "operations", "coder", "service")
Reader = Annotated[Principal, Depends(allow(*_READERS))]
Biller = Annotated[Principal, Depends(allow("biller"))]
Running = Annotated[Runtime, Depends(runtime_of)]
Limit = Annotated[int, Query(ge=1, le=200)]


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
