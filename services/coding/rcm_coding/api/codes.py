"""HTTP in: the encoder. Codes by number or words, and all about one code."""

import asyncio
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from rcm_shared.auth import Principal, allow

from rcm_coding.api.deps import READERS, Body, deps_of
from rcm_coding.engine.search.find import MAX_FOUND, Found
from rcm_coding.engine.search.tree import CodeCard
from rcm_coding.handlers.lookup import SYSTEM, code_card, search_codes

router = APIRouter(prefix="/v1/codes", tags=["coding"])

_Who = Annotated[Principal, Depends(allow(*READERS, "biller", "provider"))]
_Day = Annotated[
    date | None, Query(alias="date", description="Date of service; the newest edition when left out.")
]


class FoundOut(Body):
    """What a query found. `nearest` are codes or words to try when it found nothing."""

    system: str
    edition: str
    found: tuple[Found, ...]
    nearest: tuple[str, ...]


class CardOut(Body):
    """One code of one edition with its notes, what it leaves unsaid, and its kin."""

    system: str
    edition: str
    card: CodeCard


@router.get("")
async def find_codes(
    request: Request,
    _who: _Who,
    q: Annotated[str, Query(description="A code, how one begins, or words in any order.")] = "",
    day: _Day = None,
    limit: Annotated[int, Query(ge=1, le=MAX_FOUND)] = 10,
) -> FoundOut:
    """Look up codes by number or by words; spelling mistakes are forgiven."""
    code_sets = deps_of(request).code_sets()
    edition, answer = await asyncio.to_thread(search_codes, code_sets, q, day, limit)
    return FoundOut(system=SYSTEM, edition=edition.edition, found=answer.found, nearest=answer.nearest)


@router.get("/{system}/{code}")
async def show_code(system: str, code: str, request: Request, _who: _Who, day: _Day = None) -> CardOut:
    """Show a code with its place in the tree, inherited notes, missing axes and related codes."""
    code_sets = deps_of(request).code_sets()
    edition, card = await asyncio.to_thread(code_card, code_sets, system, code, day)
    return CardOut(system=SYSTEM, edition=edition.edition, card=card)
