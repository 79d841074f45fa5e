"""HTTP in: the code-set releases, and their codes for those who judge by them."""

import asyncio
import hashlib
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from rcm_shared.auth import Principal, allow
from rcm_shared.errors import NotFound

from rcm_coding.api.deps import Body, deps_of
from rcm_coding.gateways.releases import billable_codes

router = APIRouter(prefix="/v1", tags=["coding"])

ICD10CM = "ICD-10-CM"
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


class ReleaseOut(Body):
    """One loaded code-set release. `active`: a chart whose date lies in its years is coded by it."""

    system: str
    edition: str
    effective_from: date
    effective_to: date
    sha256: str
    active: bool


class ReleaseList(Body):
    codesets: tuple[ReleaseOut, ...]


class BillableOut(Body):
    """The codes of one release that may stand on a claim, one a line, without dots and with 7th characters.

    `sha256` names the release; `codes_sha256` is over `codes` in UTF-8, for the reader to verify.
    """

    system: str
    edition: str
    effective_from: date
    effective_to: date
    sha256: str
    codes_sha256: str
    count: int
    codes: str


@router.get("/codesets")
async def list_codesets(
    request: Request,
    _who: Annotated[Principal, Depends(allow("service", "coder", "biller", "auditor"))],
) -> ReleaseList:
    """List the code-set releases that this service codes by."""
    code_sets = deps_of(request).code_sets()
    return ReleaseList(
        codesets=tuple(
            ReleaseOut(
                system=ICD10CM,
                edition=edition.edition,
                effective_from=edition.effective_from,
                effective_to=edition.effective_to,
                sha256=edition.sha256,
                active=code_sets.on(edition.effective_to) is edition,
            )
            for edition in code_sets.editions
        )
    )


@router.get("/codesets/{sha256}/billable")
async def get_billable(
    sha256: Sha256,
    request: Request,
    _who: Annotated[Principal, Depends(allow("service"))],
) -> BillableOut:
    """Give another service the billable codes of one release."""
    found = (edition for edition in deps_of(request).code_sets().editions if edition.sha256 == sha256)
    edition = next(found, None)
    if edition is None:
        raise NotFound("code set")
    codes = await asyncio.to_thread(billable_codes, edition)
    return BillableOut(
        system=ICD10CM,
        edition=edition.edition,
        effective_from=edition.effective_from,
        effective_to=edition.effective_to,
        sha256=edition.sha256,
        codes_sha256=hashlib.sha256(codes.encode()).hexdigest(),
        count=edition.billable_count,
        codes=codes,
    )
