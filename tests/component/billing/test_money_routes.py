"""The routes of remittance and settlement over a real database: who may, what comes back, what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from component.billing.conftest import BillingWorld
from component.billing.office import Office, open_office
from rcm_billing.domain.account import Claim
from rcm_billing.handlers import exchanging
from rcm_shared.ids import uuid7
from unit.billing.remits import Line, Paid, a_file


@pytest.fixture
async def office(billing: BillingWorld, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(billing, tmp_path) as opened:
        yield opened


def decision(claim: Claim, *adjustments: tuple[str, str, int], control: str | None = None) -> Paid:
    own = "" if control else f"{claim.claim_control}L1"
    return Paid(control or claim.claim_control, (Line("17110", 21000, adjustments, own),), icn="ICN9")


async def post(office: Office, *claims: Paid, name: str = "a.x12", **more: Any) -> str:
    """Upload an 835 and let billing take it in; return its digest."""
    answer = await office.ask("POST", "/v1/payer-files", content=a_file(*claims, **more))
    assert answer.status_code == 202
    for path in sorted((office.folder / "from_payer").glob("*.x12")):
        await exchanging.take_file(office.deps, office.world.begin, path)
    return str(answer.json()["sha256"])


async def test_uploaded_file_says_what_became_of_its_claims(office: Office) -> None:
    claim = await office.claim()
    sha256 = await post(office, decision(claim, ("CO", "45", 6000)), decision(claim, control="NOBODY"))
    found = (await office.ask("GET", f"/v1/payer-files/{sha256}")).json()
    assert found["state"] == "applied"
    assert found["payments"] == [
        {"trace": "TRACE1", "payment_cents": 36000, "claims": 2, "posted": 1, "waiting": 1}
    ]
    (aside,) = found["aside"]
    assert (aside["reason"], aside["segment"]) == ("more-than-open", "CLP 2")
    assert aside["rule"]
    unknown = await office.ask("GET", f"/v1/payer-files/{'0' * 64}")
    assert unknown.status_code == 404
    empty = await office.ask("POST", "/v1/payer-files", content=b"")
    assert (empty.status_code, empty.json()["type"].rsplit(":", 1)[-1]) == (422, "empty-file")


async def test_unmatched_payment_is_attached_once_by_who_sees_the_account(office: Office) -> None:
    claim = await office.claim()
    lost = Paid("NOBODY", (Line("99999", 21000, (("CO", "45", 6000),)),), icn="Z")
    await post(office, lost)
    (row,) = (await office.ask("GET", "/v1/unmatched")).json()["unmatched"]
    path, body = f"/v1/unmatched/{row['unmatched_id']}/match", {"claim_id": str(claim.claim_id)}
    assert (await office.ask("POST", path, facility="ELSEWHERE", json=body)).status_code == 404
    assert (await office.ask("POST", path, role="coder", json=body)).status_code == 403
    key = str(uuid7())
    first = await office.ask("POST", path, json=body, key=key)
    again = await office.ask("POST", path, json=body, key=key)
    assert (first.status_code, again.json()) == (200, first.json())
    assert (await office.ask("POST", path, json=body)).status_code == 409
    account = (await office.ask("GET", f"/v1/accounts/{first.json()['encounter_id']}")).json()
    assert account["claim_state"] == "closed"
    assert (await office.ask("GET", "/v1/unmatched")).json()["unmatched"] == []


async def test_ledger_shows_every_entry_with_what_is_open_and_undo_brings_it_back(office: Office) -> None:
    claim = await office.claim()
    await post(office, decision(claim, ("CO", "45", 6000), ("PR", "3", 2000)))
    key = await office.world.pool.fetchval("SELECT encounter_id FROM claim")
    entries = (await office.ask("GET", f"/v1/accounts/{key}/ledger")).json()["entries"]
    assert [entry["receivable_cents"] for entry in entries][-1] == 2000
    assert sum(entry["cents"] for entry in entries) == 0
    posted = next(entry["transaction_id"] for entry in entries if entry["kind"] == "remittance")
    path = f"/v1/ledger/{posted}/undo"
    assert (await office.ask("POST", path, role="auditor", json={"reason": "x"})).status_code == 403
    assert (await office.ask("POST", path, json={"reason": "Not A Code"})).status_code == 422
    undone = await office.ask("POST", path, json={"reason": "posted-wrongly"})
    assert (undone.status_code, undone.json()["balance_cents"]) == (201, 21000)
    assert (await office.ask("POST", path, json={"reason": "again"})).status_code == 409
    assert (await office.ask("POST", f"/v1/ledger/{uuid7()}/undo", json={"reason": "x"})).status_code == 404
    entries = (await office.ask("GET", f"/v1/accounts/{key}/ledger")).json()["entries"]
    assert entries[-1]["receivable_cents"] == 21000
    assert {entry["actor"] for entry in entries if entry["kind"] == "undo"} == {"biller-1"}
    summary = (await office.ask("GET", "/v1/ledger/summary")).json()
    assert (summary["sum_cents"], summary["accounts"]["unapplied_payment"]) == (0, -13000)


async def test_deposit_meets_its_payment_and_both_say_so(office: Office) -> None:
    claim = await office.claim()
    await post(office, decision(claim, ("CO", "45", 6000)))
    body = {"deposit_id": "D1", "trace": "TRACE1", "amount_cents": 15000, "effective_on": "2026-09-29"}
    answer = await office.ask("POST", "/v1/deposits", json=body)
    assert (answer.status_code, answer.json()["state"]) == (201, "reconciled")
    (payment,) = (await office.ask("GET", "/v1/remittances")).json()["remittances"]
    assert (payment["deposit_state"], payment["posted"], payment["waiting"]) == ("reconciled", 1, 0)
    (deposit,) = (await office.ask("GET", "/v1/deposits?state=reconciled")).json()["deposits"]
    assert deposit["amount_cents"] == 15000
    bad = await office.ask("POST", "/v1/deposits", json={**body, "amount_cents": -1})
    assert bad.status_code == 422


async def test_deposit_file_of_the_exchange_is_taken_in(office: Office) -> None:
    claim = await office.claim()
    await post(office, decision(claim, ("CO", "45", 6000)))
    await office.take(
        "0001-1.deposit.json", '{"deposit_id":"D1","trace":"TRACE1","amount_cents":15000,"x":1}'
    )
    await office.take("0002-1.deposit.json", '{"deposit_id":"D2"}')
    states = await office.world.pool.fetch("SELECT state FROM deposit")
    assert [row["state"] for row in states] == ["reconciled"]
    assert await office.unmatched() == [("file", "apply-failed:deposit-record")]


async def test_paper_remittance_that_does_not_add_up_is_refused(office: Office) -> None:
    claim = await office.claim()
    line = {
        "code": "17110",
        "charge_cents": 21000,
        "paid_cents": 15000,
        "adjustments": [{"group": "CO", "code": "45", "cents": 6000}],
    }
    body = {
        "payer_trace_id": "1999999999",
        "trace": "CHECK77",
        "paid_on": "2026-09-20",
        "payment_cents": 15001,
        "claims": [
            {
                "claim_control": claim.claim_control,
                "status": "1",
                "charge_cents": 21000,
                "paid_cents": 15000,
                "lines": [line],
            }
        ],
    }
    refused = await office.ask("POST", "/v1/remittances/manual", json=body)
    assert refused.status_code == 422
    assert "transaction" in refused.json()["detail"]
    posted = await office.ask("POST", "/v1/remittances/manual", json={**body, "payment_cents": 15000})
    assert (posted.status_code, posted.json()["posted"], posted.json()["waiting"]) == (201, 1, 0)
    twice = await office.ask("POST", "/v1/remittances/manual", json={**body, "payment_cents": 15000})
    assert twice.status_code == 409


async def test_write_off_above_the_limit_is_posted_by_another_person(office: Office) -> None:
    claim = await office.claim()
    await post(office, decision(claim, ("CO", "45", 6000), ("PR", "1", 15000)), method="NON")
    key = await office.world.pool.fetchval("SELECT encounter_id FROM claim")
    body = {"category": "charity", "cents": 15000, "reason": "hardship"}
    asked = await office.ask("POST", f"/v1/accounts/{key}/write-offs", json=body)
    assert (asked.status_code, asked.json()["state"]) == (202, "requested")
    path = f"/v1/settlement-requests/{asked.json()['request_id']}/approve"
    assert (await office.ask("POST", path)).status_code == 403
    assert (await office.ask("POST", path, who="biller-2")).status_code == 200
    (row,) = (await office.ask("GET", "/v1/settlement-requests?state=posted")).json()["requests"]
    assert row["cents"] == 15000
    account = (await office.ask("GET", f"/v1/accounts/{key}")).json()
    assert (account["claim_state"], account["adjusted_cents"]) == ("closed", 21000)
    refund = await office.ask("POST", f"/v1/accounts/{key}/refunds", json={"cents": 1, "reason": "x"})
    assert refund.status_code == 409


async def test_statements_and_provider_adjustments_are_listed_without_a_name(office: Office) -> None:
    claim = await office.claim()
    await post(office, decision(claim, ("CO", "45", 6000), ("PR", "3", 2000)), plb=(("L6:INT", -75),))
    await office.pass_days(6)
    key = await office.world.pool.fetchval("SELECT encounter_id FROM claim")
    answer = await office.ask("GET", f"/v1/accounts/{key}/statements")
    (statement,) = answer.json()["statements"]
    assert (statement["open_cents"], statement["serial"]) == (2000, 1)
    assert sum(line["cents"] for line in statement["lines"]) == 2000
    assert "ZQ" not in answer.text
    (adjustment,) = (await office.ask("GET", "/v1/provider-adjustments")).json()["adjustments"]
    assert (adjustment["reason"], adjustment["cents"]) == ("L6", -75)
    stranger = await office.ask("GET", f"/v1/accounts/{key}/statements", facility="ELSEWHERE")
    assert stranger.status_code == 404


async def test_decisions_on_a_claim_show_their_lines_and_how_they_were_matched(office: Office) -> None:
    claim = await office.claim()
    low = decision(claim, ("CO", "45", 6000), ("PR", "3", 2000))
    await post(office, low, trace="T1")
    await post(office, low.reversed(), decision(claim, ("CO", "45", 6000)), trace="T2", isa13=2)
    path = f"/v1/claims/{claim.claim_id}/decisions"
    first, back, second = (await office.ask("GET", path)).json()["decisions"]
    assert [one["status"] for one in (first, back, second)] == ["1", "22", "1"]
    assert [one["reversed"] for one in (first, back, second)] == [True, False, False]
    assert (second["tier"], second["score"], second["trace"]) == ("control", 100, "T2")
    (line,) = first["lines"]
    assert (line["number"], line["paid_cents"]) == (1, 13000)
    assert line["adjustments"][1] == {"group": "PR", "code": "3", "cents": 2000}
    assert (await office.ask("GET", path, facility="ELSEWHERE")).status_code == 404
