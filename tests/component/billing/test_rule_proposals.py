"""Rules that repeated denials propose, on real claims and outcomes: tried on the past, accepted as a draft only."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from component.billing.conftest import BillingWorld
from component.billing.office import Office, open_office
from unit.billing import cases

PERIOD = {"since": "2026-09-01", "until": "2026-12-31"}


@pytest.fixture
async def office(billing: BillingWorld, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(billing, tmp_path) as opened:
        yield opened


async def history(office: Office, denied: int = 3, paid_with: int = 2, paid_without: int = 1) -> None:
    """Claims that were denied without modifier 59, paid with it, and some paid without it."""
    number = 0
    for modifiers, is_denied, count in (
        ((), True, denied),
        (("59",), False, paid_with),
        ((), False, paid_without),
    ):
        for _ in range(count):
            number += 1
            document = cases.a_claim(cases.an_office_record(number))
            line = document.lines[0].model_copy(update={"modifiers": modifiers})
            claim = await office.store(document.model_copy(update={"lines": (line, *document.lines[1:])}))
            if is_denied:
                await office.decide(claim, "CO*97*210", status="4", remarks="M15")
            else:
                await office.decide(claim, "CO*45*50", paid_cents=16000)
    await office.triage()


async def run(office: Office, **more: Any) -> list[dict[str, Any]]:
    answer = await office.ask("POST", "/v1/rule-proposals/run", json=PERIOD | more)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["proposals"])


async def test_repeated_denial_proposes_a_rule_with_its_back_test(office: Office) -> None:
    await history(office)
    [proposal] = await run(office)
    assert (proposal["payer_id"], proposal["carc"], proposal["rarc"], proposal["code"]) == (
        "DHP01",
        "97",
        "M15",
        "17110",
    )
    assert (proposal["modifiers"], proposal["denied"], proposal["denied_cents"]) == ("-59", 3, 63000)
    tested = proposal["back_test"]
    assert (tested["caught"], tested["denied"], tested["held_paid"], tested["paid"]) == (3, 3, 1, 3)
    assert (tested["claims"], tested["not_judged"], len(tested["held_paid_ids"])) == (6, 0, 1)
    assert '!("59" in l.modifiers)' in proposal["expression"]


async def test_same_rows_propose_the_same_once(office: Office) -> None:
    await history(office)
    first, second = await run(office), await run(office)
    assert first == second


async def test_too_few_denials_or_too_many_false_alarms_propose_nothing(office: Office) -> None:
    await history(office, denied=3, paid_with=0, paid_without=4)
    assert await run(office) == []
    assert await run(office, at_least=4) == []


async def test_accepting_makes_a_draft_that_judges_nothing(office: Office) -> None:
    await history(office)
    [proposal] = await run(office)
    path = f"/v1/rule-proposals/{proposal['proposal_id']}"
    assert (await office.ask("POST", f"{path}/accept", role="coder")).status_code == 403
    assert (await office.ask("POST", f"{path}/accept", facility="ELSEWHERE")).status_code == 404
    accepted = await office.ask("POST", f"{path}/accept")
    assert accepted.status_code == 201, accepted.text
    assert (accepted.json()["rule_id"], accepted.json()["version"]) == (proposal["rule_id"], 1)
    states = await office.world.pool.fetch("SELECT state FROM payer_rule_step")
    assert [row["state"] for row in states] == ["draft"]
    again = await office.ask("POST", f"{path}/accept")
    assert again.json()["code"] == "proposal-decided"
    assert await run(office) == []
    assert (await office.ask("GET", path)).json()["state"] == "accepted"


async def test_dismissed_proposal_does_not_come_back(office: Office) -> None:
    await history(office)
    [proposal] = await run(office)
    answer = await office.ask("POST", f"/v1/rule-proposals/{proposal['proposal_id']}/dismiss")
    assert answer.json()["state"] == "dismissed"
    assert await run(office) == []
    listed = (await office.ask("GET", "/v1/rule-proposals?state=dismissed")).json()["proposals"]
    assert len(listed) == 1


async def test_overturned_denials_propose_nothing(office: Office) -> None:
    await history(office)
    await office.world.pool.execute("UPDATE denial SET outcome = 'overturned'")
    assert await run(office) == []
