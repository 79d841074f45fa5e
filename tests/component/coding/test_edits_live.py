"""Edits at coding time over HTTP on a real PostgreSQL: validating, finalising, the check before billing."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
from component.coding.test_releases_live import PAIRS, Room, cache, database, fresh, lines, room
from rcm_coding.domain.worklist import DEFAULT_POLICY
from rcm_coding.engine.evidence import Evidence, Suggestion, Suggestions
from rcm_coding.handlers import facts, routing, suggesting
from rcm_shared.ids import uuid7
from rcm_shared.messaging.decide import Moment
from unit.coding.charts import DAY, NOTE, NOW, charge, charged, completed

__all__ = ["cache", "database", "room"]


async def chart(room: Room, *lines_: str) -> UUID:
    """Put a chart with suggestions into the worklist."""
    key = uuid7()
    loaded = room.runtime.state["deps"].code_sets()
    case = facts.documentation_completed(None, completed(), Moment(NOW, key), loaded).state
    assert case is not None
    case = facts.charges_captured(case, charged(*map(charge, lines_)), Moment(NOW, key), loaded).state
    assert case is not None
    place = (Evidence(NOTE, 1, 3, 9, "assessment", "diagnosis"),)
    found = Suggestions(
        (
            Suggestion("ICD-10-CM", "J029", "Sore throat", 0.97, "first-listed", place),
            *(Suggestion("CPT", code, "", 0.96, "procedure", place) for code in lines_),
        ),
        (),
        (),
        None,
        "ICD-10-CM:2026-04-01",
        "rcm-cac/0.1",
        DAY,
    )
    read = suggesting.suggested(case, found, case.record_version).state
    assert read is not None
    async with room.runtime.background_transaction() as uow:
        await routing.save_cases(uow.conn, {key: read})
    return key


async def act(
    room: Room, key: UUID, action: str, body: Any = None, subject: str = "ann", role: str = "coder"
) -> httpx.Response:
    headers = {
        "authorization": f"Bearer {room.issuer.token(subject, [role], ('F1',))}",
        "idempotency-key": str(uuid7()),
    }
    return await room.http.post(f"/v1/cases/{key}/{action}", json=body, headers=headers)


async def accepted(room: Room, key: UUID) -> dict[str, Any]:
    started = (await act(room, key, "start")).json()
    body = {
        "decisions": [
            {"suggestion_id": item["suggestion_id"], "action": "accept"} for item in started["suggestions"]
        ]
    }
    answer = await act(room, key, "decisions", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_validating_names_what_is_not_loaded_and_an_activated_set_stops_finalising(room: Room) -> None:
    key = await chart(room, "99213", "20610")
    await accepted(room, key)
    edits = {item["rule"]: item for item in (await act(room, key, "validate")).json()["edits"]}
    assert {"NCCI-PTP", "NCCI-AOC", "MUE", "LCD", "CPT-HCPCS-validity"} <= set(edits)
    assert {edits[rule]["severity"] for rule in ("NCCI-PTP", "MUE", "LCD")} == {"not-evaluated"}

    await room.activated("ccipra-v322r0.txt", lines(fresh(PAIRS)))
    found = (await act(room, key, "validate")).json()["edits"]
    (pair,) = [item for item in found if item["rule"] == "NCCI-PTP"]
    assert (pair["severity"], pair["code"], pair["effective"]) == ("block", "20610", "2018-07-01")
    assert pair["authority"] == "CMS NCCI PTP edits"
    refused = await act(room, key, "finalise", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "edits-block")
    assert "NCCI-PTP" in refused.json()["detail"]


async def test_final_chart_says_which_sets_were_not_evaluated(room: Room) -> None:
    key = await chart(room, "99213")
    await accepted(room, key)
    await room.activated("ccipra-v322r0.txt", lines(fresh(PAIRS)))
    done = (await act(room, key, "finalise", {})).json()
    assert done["state"] == "final_coded"
    silent = done["final"]["not_evaluated"]
    assert "NCCI-PTP" not in silent
    assert {"MUE", "NCCI-AOC", "LCD"} <= set(silent)


async def test_chart_of_a_checked_work_type_is_final_only_after_somebody_else_has_looked(room: Room) -> None:
    checked = replace(DEFAULT_POLICY, prebill_qa=("professional",))
    async with room.runtime.background_transaction() as uow:
        await routing.change_policy(uow.conn, checked, "lead", NOW)
    key = await chart(room, "99213")
    await accepted(room, key)
    coded = (await act(room, key, "finalise", {})).json()
    assert (coded["state"], coded["coded_by"], coded["final"]) == ("prebill_qa", "ann", None)
    own = await act(room, key, "qa/pass", subject="ann", role="auditor")
    assert (own.status_code, own.json()["code"]) == (409, "own-check")
    assert (await act(room, key, "qa/pass")).status_code == 403
    back = await act(room, key, "qa/return", {"reason": "sequence-wrong"}, "lead", "auditor")
    assert (back.json()["state"], back.json()["assignee"]) == ("in_progress", "ann")
    await act(room, key, "finalise", {})
    done = (await act(room, key, "qa/pass", subject="lead", role="auditor")).json()
    assert (done["state"], done["final"]["finalised_by"], done["previous_coder"]) == (
        "final_coded",
        "lead",
        "ann",
    )
    async with room.runtime.pool.acquire() as conn:
        sent = await conn.fetchval(
            "SELECT count(*) FROM event_log WHERE key = $1 AND type LIKE '%finalised%'", key
        )
    assert sent == 1
