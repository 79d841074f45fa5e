"""Billing reads a table from a running coding service: the published file in, hits of its edition out."""

from datetime import date
from typing import Any, cast

import httpx
from component.billing.conftest import BillingWorld
from component.billing.test_references import Desk, hits
from component.coding.test_releases_live import MUE, PAIRS, Room, cache, database, fresh, lines, room
from rcm_billing.gateways.reference_rows import ReleasedRows
from rcm_billing.handlers.code_sets import activated
from rcm_billing.handlers.references import compute_reference_fetches
from rcm_shared.contracts.coding import CodesetReleaseActivated
from rcm_shared.messaging.decide import Moment
from rcm_shared.messaging.work import WorkItem
from rcm_shared.web.client import ServiceClient
from unit.billing import cases

__all__ = ["cache", "database", "room"]


class ToCoding(ServiceClient):
    """The client of billing's own, on the running service's application."""

    def __init__(self, running: Room) -> None:
        self._running = running

    async def _send(self, method: str, url: str, **content: Any) -> httpx.Response:
        answer = await self._running.ask(method, url, "service", **content)
        answer.raise_for_status()
        return answer


async def fetched(desk: Desk, running: Room, release: dict[str, Any]) -> int:
    """Take a release as billing does when coding announces it; return how many rows it has here."""
    event = CodesetReleaseActivated(
        actor="system:coding",
        system=release["system"],
        edition=release["label"],
        effective_from=date.fromisoformat(release["effective_from"]),
        effective_to=date.fromisoformat(release["effective_to"]),
        sha256=release["sha256"],
    )
    key = cases.encounter_id(int(release["sha256"][:6], 16))
    (work,) = activated(None, event, Moment(cases.NOW, key)).work
    item = WorkItem(key, work.kind, 1, work.payload, 0)
    found = await compute_reference_fetches(ReleasedRows(ToCoding(running), ""), desk.world.pool, [item])
    async with desk.world.begin() as uow:
        await desk.references.complete(uow, {key: cast(int, found[key])})
    desk.clock += 100.0
    releases, _, _ = await desk.references.overview()
    return next(known.loaded for known in releases if known.sha256 == release["sha256"])


async def test_published_files_judge_claims(billing: BillingWorld, room: Room) -> None:
    desk = Desk(billing, {})
    span = {"from": "2026-07-01", "to": "2026-09-30", "label": "2026Q3"}
    pairs = await room.activated("pairs.txt", lines(fresh(PAIRS)), system="ncci-ptp", **span)
    limits = await room.activated("MCR_MUE.csv", lines(fresh(MUE)), system="ncci-mue", **span)
    assert await fetched(desk, room, pairs) == 2
    assert await fetched(desk, room, limits) == 1

    key = await desk.add(1, "99213", "20610", "99213")
    built = (await desk.build(key))[key]
    assert hits(built, "PX-02", "PX-03") == [
        ("PX-02", "line-2-beside-line-1", "ncci-ptp:2026Q3"),
        ("PX-03", "line-1", "ncci-mue:2026Q3"),
        ("PX-03", "line-3", "ncci-mue:2026Q3"),
    ]
