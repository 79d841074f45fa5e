"""The first page: what waits for a biller, and where the claims stand."""

from datetime import timedelta
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from rcm_shared import clock
from rcm_shared.web.pages import asset_of, page

from rcm_billing.pages.deps import Looker, Running
from rcm_billing.repository import workplace

router = APIRouter(include_in_schema=False)

SOON = timedelta(days=14)
ASSETS = {"billing.css": "text/css"}
#: pile -> (title, what to do, where)
PILES = {
    "held": ("Held claims", "Correct them, or release them after a look", "/billing/claims?state=held"),
    "rejected": ("Rejected claims", "Never filed: correct and send again", "/billing/claims?state=rejected"),
    "filing": ("Filing limit near", "No payer has accepted them", "/billing/claims?view=filing"),
    "denials": ("Open denials", "To triage, resubmit or appeal, and appeals that run", "/billing/denials"),
    "denials-due": (
        "Denials due in 14 days",
        "The payer's time limit ends",
        "/billing/denials?sort=deadline",
    ),
    "unmatched": (
        "Unmatched from payers",
        "Match or dismiss with a reason",
        "/billing/remittances#unmatched",
    ),
    "variances": ("Not paid as the contract says", "Dispute or accept", "/billing/remittances#variances"),
    "requests": ("Waiting for approval", "Refunds and write-offs", "/billing/receivables#requests"),
}


@router.get("/billing")
async def show_home(request: Request, who: Looker, runtime: Running) -> HTMLResponse:
    """Show every pile of work with its money, and the claims by state."""
    now = clock.now()
    async with runtime.http_pool.acquire() as conn:
        waiting = await workplace.count_waiting(
            conn, facilities=who.facility_filter(), today=now.date(), soon=now + SOON
        )
        states = await workplace.count_claims(conn, who.facility_filter())
    return page(request, "billing.html", piles=[(*PILES[pile.what], pile) for pile in waiting], states=states)


@router.get("/billing/assets/{name}")
async def asset(name: str, _who: Looker) -> Response:
    """Give the pages' own style."""
    return asset_of(Path(__file__).parent, name, ASSETS)
