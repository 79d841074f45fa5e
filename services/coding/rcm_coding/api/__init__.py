"""HTTP in: the worklist, charts and what a coder does with them; code sets for those who judge by them."""

from fastapi import APIRouter

from rcm_coding.api import cases, codes, codesets, learning, policy, prebill, releases, worklist
from rcm_coding.api.codesets import BillableOut
from rcm_coding.api.deps import Deps
from rcm_coding.api.releases import MAX_FILE, UPLOAD_PATH

__all__ = ["MAX_FILE", "UPLOAD_PATH", "BillableOut", "Deps", "router"]

router = APIRouter()
for part in (worklist, policy, cases, prebill, codesets, releases, codes, learning):
    router.include_router(part.router)
