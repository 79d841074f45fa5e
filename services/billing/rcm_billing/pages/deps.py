"""Who may look and who may act, and how a form's fields come in."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request
from pydantic import ValidationError
from rcm_shared.auth import Principal, Role, allow
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of

Looker = Annotated[Principal, Depends(allow("biller", "auditor"))]
Biller = Annotated[Principal, Depends(allow("biller"))]
Running = Annotated[Runtime, Depends(runtime_of)]
LINES = 50
MAX_FIELD = 500


def acts(who: Principal) -> bool:
    """Tell whether the page offers its forms to this person."""
    return Role.BILLER in who.roles


async def fields_of(request: Request) -> Mapping[str, str]:
    """Return the filled fields of a posted form; files and overlong values are left out."""
    return {
        name: value.strip()
        for name, value in (await request.form()).items()
        if isinstance(value, str) and 0 < len(value.strip()) <= MAX_FIELD
    }


def said_of(fault: ValidationError) -> str:
    """Return what is wrong with a form, by the names of its fields."""
    fields = ", ".join(sorted({str(error["loc"][-1]) for error in fault.errors() if error["loc"]}))
    return f"this is not complete or not in the form that is asked: {fields}"
