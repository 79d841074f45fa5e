"""HTTP in: what a claim was judged by, and judging it again."""

import json
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from rcm_billing.api.claims import HitOut
from rcm_billing.api.deps import Body, Reader, Running, deps_of
from rcm_billing.domain.judging import Basis
from rcm_billing.handlers import rescrubbing

router = APIRouter(prefix="/v1/claims", tags=["billing"])


class RuleVersionOut(Body):
    rule_id: str
    version: int


class EditionOut(Body):
    table: str
    edition: str


class RepairOut(Body):
    """One element whose format was mended by version `version` of the list of repairs."""

    element: str
    kind: str
    version: int


class ScrubOut(Body):
    """What one claim version was judged by."""

    claim_id: UUID
    ran_on: date
    rules: tuple[RuleVersionOut, ...]
    editions: tuple[EditionOut, ...]
    not_evaluated: tuple[str, ...]
    repairs: tuple[RepairOut, ...]


class RescrubOut(Body):
    """A claim judged again. `recorded`: by the stored record of its scrub; `same`: with the same result."""

    claim_id: UUID
    as_of: date
    recorded: bool
    same: bool
    hits: tuple[HitOut, ...]
    not_evaluated: tuple[str, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    missing: tuple[str, ...]


@router.get("/{claim_id}/scrub")
async def get_scrub(claim_id: UUID, who: Reader, runtime: Running) -> ScrubOut:
    """Show the rules, versions and editions that a claim was judged by, and what was mended."""
    async with runtime.transaction(who.subject) as uow:
        found = await rescrubbing.read_run(uow, claim_id, who)
    basis = Basis.model_validate_json(found.basis)
    return ScrubOut(
        claim_id=claim_id,
        ran_on=basis.ran_on,
        rules=tuple(RuleVersionOut(rule_id=rule_id, version=version) for rule_id, version in basis.rules),
        editions=tuple(EditionOut(table=table, edition=edition) for table, edition in basis.editions),
        not_evaluated=tuple(found.not_evaluated),
        repairs=tuple(
            RepairOut(element=element, kind=kind, version=version)
            for element, kind, version in json.loads(found.repairs)
        ),
    )


@router.post("/{claim_id}/rescrub")
async def rescrub_claim(
    claim_id: UUID,
    request: Request,
    who: Reader,
    runtime: Running,
    as_of: Annotated[date | None, Query()] = None,
) -> RescrubOut:
    """Judge a stored claim again, as it was judged or as of another day; nothing changes."""
    async with runtime.transaction(who.subject) as uow:
        found = await rescrubbing.rescrub(uow, deps_of(request), claim_id, who, as_of)
    return RescrubOut(
        claim_id=found.claim_id,
        as_of=found.as_of,
        recorded=found.recorded,
        same=found.same,
        hits=tuple(HitOut(**hit._asdict()) for hit in found.run.hits),
        not_evaluated=found.run.not_evaluated,
        gone=found.gone,
        new=found.new,
        missing=found.missing,
    )
