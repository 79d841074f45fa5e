"""Payers' requests for records and audits on a real PostgreSQL: in by file, letter or status, out with evidence."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from component.billing.conftest import BillingWorld
from component.billing.office import Office, an_interchange, open_office
from rcm_billing.handlers import payer_requests
from rcm_shared.ids import uuid7

DOCUMENT = "0199f000-0000-7000-8000-000000000001"


@pytest.fixture
async def office(billing: BillingWorld, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(billing, tmp_path) as opened:
        yield opened


async def ask_by_file(office: Office, name: str = "RQ1", **changes: Any) -> dict[str, Any]:
    """Store a claim and let its payer ask for records; return the open request."""
    claim = await office.claim()
    request = {
        "request_id": name,
        "claim_control": claim.claim_control,
        "payer_control": "",
        "kind": "medical-records",
        "due_on": "2026-10-28",
        "reason_code": "297",
    }
    await office.take(f"{name}.request.json", json.dumps(request | changes))
    listed = (await office.ask("GET", "/v1/payer-requests?state=open")).json()["requests"]
    return dict(listed[0]) if listed else {}


async def test_request_file_opens_a_case_once_with_its_checklist_and_due_day(office: Office) -> None:
    request = await ask_by_file(office)
    assert (request["reference"], request["kind"], request["due_on"], request["state"]) == (
        "RQ1",
        "medical-records",
        "2026-10-28",
        "received",
    )
    assert request["missing"] == ["clinical-note"]
    assert "claim" in [entry["kind"] for entry in request["checklist"]]
    text = (office.folder / "from_payer" / "archive" / "RQ1.request.json").read_text()
    await office.take("again.request.json", text + " ")
    assert await office.world.pool.fetchval("SELECT count(*) FROM payer_request") == 1
    assert (await office.events()).count("payer-request-received") == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"claim_control": "NOBODY"}, "unknown-claim"),
        ({"kind": "love-letter"}, "request-unreadable"),
        ({"request_id": ""}, "request-unreadable"),
    ],
)
async def test_request_that_fits_nothing_waits_for_a_person(
    office: Office, changes: dict[str, str], reason: str
) -> None:
    assert await ask_by_file(office, **changes) == {}
    assert await office.unmatched() == [("payer-request", reason)]


async def test_request_is_answered_with_its_evidence_byte_for_byte(office: Office) -> None:
    request = await ask_by_file(office)
    path = f"/v1/payer-requests/{request['request_id']}"
    assert (await office.ask("POST", f"{path}/take", json={"reason": "mine"})).status_code == 200
    early = await office.ask("POST", f"{path}/answer", json={"reason": "sent"})
    assert early.json()["code"] == "evidence-missing"
    both = {"kind": "order", "document_id": DOCUMENT, "unavailable": "lost"}
    assert (await office.ask("POST", f"{path}/evidence", json=both)).status_code == 422
    note = {"kind": "clinical-note", "document_id": DOCUMENT, "sha256": "a" * 64}
    assert (await office.ask("POST", f"{path}/evidence", json=note)).json()["missing"] == []
    await office.ask("POST", f"{path}/evidence", json={"kind": "order", "unavailable": "never-written"})
    done = await office.ask("POST", f"{path}/answer", json={"reason": "sent"})
    assert (done.status_code, done.json()["state"]) == (202, "answered")
    assert await payer_requests.send_answers(office.deps) == 1
    assert await payer_requests.send_answers(office.deps) == 0
    sent = next((office.folder / "to_payer").glob("*.response.json")).read_bytes()
    answer = json.loads(sent)
    assert (answer["request_id"], answer["answered_on"]) == ("RQ1", "2026-09-28")
    assert {"kind": "clinical-note", "document_id": DOCUMENT, "sha256": "a" * 64} in answer["evidence"]
    closed = await office.ask("POST", f"{path}/close", json={"reason": "letter", "outcome": "accepted"})
    assert closed.json()["outcome"] == "accepted"
    detail = (await office.ask("GET", path)).json()
    assert [step["state"] for step in detail["steps"]] == ["received", "in_work", "answered", "closed"]
    assert detail["answers"][0]["sha256"] == hashlib.sha256(sent).hexdigest()


async def test_due_day_is_warned_of_once_and_told_when_it_is_over(office: Office) -> None:
    request = await ask_by_file(office)
    await office.pass_days(22)
    alert = "SELECT alert FROM payer_request"
    assert await office.world.pool.fetchval(alert) == ""
    await office.pass_days(1)
    assert await office.world.pool.fetchval(alert) == "warned"
    await office.pass_days(8)
    assert await office.world.pool.fetchval(alert) == "expired"
    await office.pass_days(1)
    steps = (await office.ask("GET", f"/v1/payer-requests/{request['request_id']}")).json()["steps"]
    assert [step["reason"] for step in steps] == ["file", "due-warned", "due-expired"]


async def test_letter_is_entered_by_a_person_with_role_and_facility(office: Office) -> None:
    claim = await office.claim()
    body = {
        "claim_id": str(claim.claim_id),
        "reference": "ADR-77",
        "kind": "audit",
        "due_on": "2026-11-30",
    }
    assert (await office.ask("POST", "/v1/payer-requests", role="coder", json=body)).status_code == 403
    assert (await office.ask("POST", "/v1/payer-requests", facility="ELSE", json=body)).status_code == 404
    made = await office.ask("POST", "/v1/payer-requests", json=body, key="k")
    again = await office.ask("POST", "/v1/payer-requests", json=body, key="k")
    assert (made.status_code, again.json()) == (201, made.json())
    known = await office.ask("POST", "/v1/payer-requests", json=body)
    assert known.json()["code"] == "request-known"
    path = f"/v1/payer-requests/{made.json()['request_id']}"
    assert (await office.ask("GET", path, facility="ELSE")).status_code == 404
    stale = await office.ask("POST", f"{path}/answer", json={"reason": "sent"})
    assert stale.json()["code"] == "evidence-missing"
    assert (
        await office.ask("POST", f"{path}/take", facility="ELSE", json={"reason": "x"})
    ).status_code == 404


async def test_status_that_asks_for_more_opens_a_case_which_the_letter_completes(office: Office) -> None:
    claim = await office.claim()
    async with office.world.begin() as uow:
        await payer_requests.open_from_status(uow, [(claim.claim_id, "294"), (claim.claim_id, "294")])
    assert await office.world.pool.fetchval("SELECT count(*) FROM payer_request") == 1
    asked = {
        "request_id": "RQ9",
        "claim_control": claim.claim_control,
        "kind": "audit",
        "due_on": "2026-10-10",
    }
    await office.take("RQ9.request.json", json.dumps(asked))
    rows = await office.world.pool.fetch("SELECT reference, kind, source, due_on FROM payer_request")
    assert [(row["reference"], row["kind"], row["source"], str(row["due_on"])) for row in rows] == [
        ("RQ9", "audit", "file", "2026-10-10")
    ]


async def test_277_that_asks_for_records_opens_a_case(office: Office) -> None:
    claim = await office.claim()
    await office.world.pool.execute(
        "WITH sent AS (INSERT INTO interchange (interchange_id, isa13, gs06, st02, bht03, facility_id, payer_id, form,"
        " claims, body, sha256, state) VALUES (gen_random_uuid(), '000000905', '17', '0001', 'B1', 'DEMO-GENERAL',"
        " 'DHP01', '837P', 1, '', '', 'sent') RETURNING interchange_id)"
        " INSERT INTO submission_attempt (attempt_id, interchange_id, claim_id, encounter_id)"
        " SELECT $1, interchange_id, $2, encounter_id FROM sent, claim WHERE claim_id = $2",
        claim.attempts[0].attempt_id,
        claim.claim_id,
    )
    body = [
        "ST*277*0001*005010X212",
        "BHT*0010*08*R1*20260930*1200*DG",
        "HL*1**20*1",
        "NM1*PR*2*PAYER*****PI*DHP01",
        "HL*2*1*21*1",
        "NM1*41*2*CLINIC*****46*DEMOGENERAL",
        "HL*3*2*19*1",
        "NM1*1P*2*CLINIC*****XX*1912301953",
        "HL*4*3*22*0",
        "NM1*IL*1*X*Y****MI*Z",
        "TRN*2*T1",
        "STC*R4:294*20260930**210*0",
        "REF*1K*ICN1",
        f"REF*EJ*{claim.claim_control}",
    ]
    await office.take("r4-277.x12", an_interchange(body, "HN", "005010X212"))
    assert await office.unmatched() == []
    [request] = (await office.ask("GET", "/v1/payer-requests?state=open")).json()["requests"]
    assert (request["kind"], request["reason_code"], request["source"], request["due_on"]) == (
        "medical-records",
        "294",
        "277",
        "2026-10-28",
    )


async def test_requests_page_by_due_day_without_gap_or_repeat(office: Office) -> None:
    claim = await office.claim()
    days = ["2026-11-03", "2026-11-01", "2026-11-03", "2026-11-02"]
    for number, day in enumerate(days):
        body = {"claim_id": str(claim.claim_id), "reference": f"R{number}", "kind": "audit", "due_on": day}
        assert (await office.ask("POST", "/v1/payer-requests", json=body)).status_code == 201
    found: list[str] = []
    query = "/v1/payer-requests?limit=1"
    while True:
        page = (await office.ask("GET", query)).json()
        found += [one["due_on"] for one in page["requests"]]
        if page["next"] is None:
            break
        due, request_id = page["next"]
        assert UUID(request_id)
        query = f"/v1/payer-requests?limit=1&after_due={due}&after_id={request_id}"
    assert found == sorted(days)
    half = await office.ask("GET", f"/v1/payer-requests?after_id={uuid7()}")
    assert half.json()["code"] == "cursor-invalid"
