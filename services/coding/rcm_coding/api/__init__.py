"""HTTP in: the worklist, charts and what a coder does with them; code sets for those who judge by them."""

from fastapi import APIRouter

from rcm_coding.api import cases, codes, codesets, worklist
from rcm_coding.api.codesets import BillableOut
from rcm_coding.api.deps import Deps

__all__ = ["BillableOut", "Deps", "router"]

router = APIRouter()
for part in (worklist, cases, codesets, codes):
    router.include_router(part.router)
