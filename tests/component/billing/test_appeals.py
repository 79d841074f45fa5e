"""Appeals on a real PostgreSQL: letters, levels, time limits, what the payer answers, and reports of all that."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from component.billing.conftest import BillingWorld
from component.billing.office import Office, open_office, with_payer
from rcm_billing import repository
from rcm_billing.domain.account import Account
from rcm_billing.domain.master import AppealLevel
from rcm_billing.handlers import appealing
from rcm_shared.money import Cents

LEVELS = (
    AppealLevel(name="redetermination", days=120),
    AppealLevel(name="reconsideration", days=180),
    AppealLevel(name="hearing", days=60, floor_cents=Cents(100_000)),
)


@pytest.fixture
async def office(billing: BillingWorld, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(billing, tmp_path) as opened:
        with_payer(opened, "DHP01", appeal_levels=LEVELS)
        yield opened


async def _account(office: Office, encounter_id: str) -> Account:
    key = UUID(encounter_id)
    return (await repository.read_accounts(office.world.pool, [key]))[key]


async def test_appeal_in_one_request_walks_the_machine_and_hands_letter_and_file_over(office: Office) -> None:
    denial = await office.denied(remarks="N115")
    answer = await office.ask("POST", f"/v1/denials/{denial}/appeal", json={"reason_code": "documented"})
    assert (answer.status_code, answer.json()["claim_state"]) == (201, "appealed")
    detail = (await office.ask("GET", f"/v1/denials/{denial}")).json()
    assert [m["state"] for m in detail["moves"]] == [
        "new",
        "triaged",
        "in_work",
        "appeal_drafted",
        "appeal_submitted",
    ]
    assert await appealing.send_appeals(office.deps) == 1
    assert await appealing.send_appeals(office.deps) == 0
    sent = {path.name: path for path in (office.folder / "to_payer").iterdir()}
    appeal = json.loads(next(p for name, p in sent.items() if name.endswith(".appeal.json")).read_bytes())
    pdf = sent[appeal["letter"]["name"]].read_bytes()
    assert pdf.startswith(b"%PDF")
    assert hashlib.sha256(pdf).hexdigest() == appeal["letter"]["sha256"]
    assert (appeal["level"], appeal["level_name"], appeal["carc"]) == (1, "redetermination", "50")
    listed = (await office.ask("GET", f"/v1/denials/{denial}/appeals")).json()["appeals"]
    assert [(one["level"], one["state"], one["template_name"]) for one in listed] == [
        (1, "sent", "medical-necessity")
    ]
    letter = await office.ask("GET", f"/v1/appeals/{listed[0]['appeal_id']}/letter.txt")
    assert "ZQMOLESON" in letter.text
    assert (
        await office.ask("GET", f"/v1/appeals/{listed[0]['appeal_id']}/letter.pdf", facility="ELSEWHERE")
    ).status_code == 404
    events = await office.events()
    assert "ZQ" not in json.dumps([row["body"].decode() for row in await office.world.events()])
    assert events.count("appeal-filed") == 1


async def test_upheld_goes_to_the_next_level_until_none_is_left(office: Office) -> None:
    denial = await office.denied()
    await office.ask("POST", f"/v1/denials/{denial}/appeal", json={"reason_code": "documented"})
    control = await office.world.pool.fetchval("SELECT claim_control FROM claim")
    letter = {"claim_control": control, "level": 1, "outcome": "upheld"}
    await office.pass_days(30)
    await office.take("a.appeal-answer.json", json.dumps(letter))
    row = await office.row(denial)
    assert (row["state"], row["outcome"], row["level"]) == ("upheld", "upheld", 1)
    assert (row["deadline_at"] - office.world.now).days == 180
    await office.ask("POST", f"/v1/denials/{denial}/appeal", json={"reason_code": "documented"})
    await office.take("b.appeal-answer.json", json.dumps(letter | {"level": 2}))
    assert (await office.row(denial))["level"] == 2
    floor = await office.ask("POST", f"/v1/denials/{denial}/appeal", json={"reason_code": "documented"})
    assert floor.json()["code"] == "below-amount-floor"
    await office.take("c.appeal-answer.json", json.dumps(letter | {"level": 7}))
    await office.take("d.appeal-answer.json", "{")
    assert await office.unmatched() == [
        ("appeal-answer", "unknown-appeal"),
        ("appeal-answer", "appeal-answer-unreadable"),
    ]


async def test_payment_after_an_appeal_overturns_and_closing_ends_it(office: Office) -> None:
    denial = await office.denied()
    await office.ask("POST", f"/v1/denials/{denial}/appeal", json={"reason_code": "documented"})
    claim = (await office.world.pool.fetchrow("SELECT claim_id FROM denial"))["claim_id"]
    account = (await office.ask("GET", f"/v1/denials/{denial}")).json()
    stored = next(c for c in (await _account(office, account["encounter_id"])).claims if c.claim_id == claim)
    await office.decide(stored, "CO*45*50", paid_cents=16000)
    assert (await office.row(denial))["state"] == "overturned"
    closed = await office.ask("POST", f"/v1/denials/{denial}/close", json={"reason": "paid"})
    assert closed.json()["claim_state"] == "closed"
    row = await office.row(denial)
    assert (row["state"], row["outcome"], row["resolved_at"] is not None) == ("closed", "overturned", True)


async def test_deadline_is_warned_of_once_then_expires_and_ends_the_right_to_appeal(office: Office) -> None:
    denial = await office.denied()
    await office.pass_days(105)
    assert not (await office.row(denial))["warned"]
    await office.pass_days(1)
    await office.pass_days(1)
    row = await office.row(denial)
    assert (row["warned"], row["expired"]) == (True, False)
    await office.pass_days(14)
    assert (await office.row(denial))["expired"]
    told = [
        json.loads(row["body"])["reason"]
        for row in await office.world.events()
        if row["type"].endswith("denial-moved.v1")
    ]
    assert told == ["routed", "deadline-warned", "deadline-expired"]
    late = await office.ask("POST", f"/v1/denials/{denial}/appeal", json={"reason_code": "documented"})
    assert late.json()["code"] == "appeal-deadline-passed"


async def test_letter_with_a_missing_field_is_refused_and_templates_are_versioned(office: Office) -> None:
    denial = await office.denied()
    template = {
        "version": 0,
        "category": "medical-necessity",
        "subject": "S",
        "body": "{{ argument }} {{ denied }}",
    }
    stored = await office.ask("PUT", "/v1/letter-templates/ours", json=template)
    assert (stored.status_code, stored.json()["version"]) == (201, 1)
    bad = await office.ask("PUT", "/v1/letter-templates/x", json=template | {"body": "{{ patient.ssn }}"})
    assert (bad.status_code, "line-1" in bad.json()["detail"]) == (422, True)
    stale = await office.ask("PUT", "/v1/letter-templates/ours", json=template)
    assert stale.json()["code"] == "template-changed"
    silent = await office.ask("POST", f"/v1/denials/{denial}/appeal-draft", json={"reason": "why"})
    assert "field-missing:argument" in silent.json()["detail"]
    assert (await office.row(denial))["state"] == "triaged"
    body = {
        "reason": "why",
        "argument": "Failed 6 weeks of therapy.",
        "attachments": [{"document_id": str(denial), "kind": "note", "label": "Progress note"}],
    }
    drafted = await office.ask("POST", f"/v1/denials/{denial}/appeal-draft", json=body)
    letter = await office.ask("GET", f"/v1/appeals/{drafted.json()['appeal_id']}/letter.txt")
    assert letter.text == "S\n\nFailed 6 weeks of therapy. 210.00\n"
    again = await office.ask("POST", f"/v1/denials/{denial}/appeal-draft", json=body)
    assert again.status_code == 201
    back = await office.ask("POST", f"/v1/denials/{denial}/appeal-draft/withdraw", json={"reason": "no"})
    assert back.status_code == 200
    listed = (await office.ask("GET", f"/v1/denials/{denial}/appeals")).json()["appeals"]
    assert [one["state"] for one in listed] == ["withdrawn", "withdrawn"]
    assert (await office.row(denial))["state"] == "in_work"


async def test_late_filing_denial_sends_the_proof_with_its_appeal(office: Office) -> None:
    denial = await office.denied(1, "CO*29*210")
    filed = await office.ask("POST", f"/v1/denials/{denial}/appeal", json={"reason_code": "filed-in-time"})
    assert filed.status_code == 201
    await appealing.send_appeals(office.deps)
    names = sorted(path.name.partition(".")[2] for path in (office.folder / "to_payer").iterdir())
    assert names == ["appeal.json", "appeal.pdf", "proof-of-timely-filing.zip"]


async def test_report_counts_and_leads_to_its_rows(office: Office) -> None:
    denial = await office.denied(1)
    await office.decide(await office.claim(2, coder="coder-2"), "CO*45*50", paid_cents=16000)
    await office.pass_days(10)
    await office.ask("POST", f"/v1/denials/{denial}/appeal", json={"reason_code": "documented"})
    await office.pass_days(20)
    stored = (await _account(office, str((await office.row(denial))["encounter_id"]))).claims[0]
    await office.decide(stored, "CO*45*50", paid_cents=16000)
    period = "from=2026-09-01&to=2026-12-31"
    lines = (await office.ask("GET", f"/v1/denials/report?by=coder&{period}")).json()["lines"]
    by_coder = {line["value"]: line for line in lines}
    first, second = by_coder["coder-1"], by_coder["coder-2"]
    assert (first["cases"], first["denied_cents"], first["adjudicated"]) == (1, 21000, 1)
    assert (first["overturn_rate"], first["overturned_cents"], first["denial_rate"]) == (1.0, 21000, 1.0)
    assert (first["to_appeal"]["mean_days"], first["to_resolution"]["median_days"]) == (10.0, 30.0)
    assert (second["cases"], second["adjudicated"], second["denial_rate"]) == (0, 1, 0.0)
    rows = (await office.ask("GET", f"/v1/denials/report/rows?by=coder&value=coder-1&{period}")).json()
    assert [row["denial_id"] for row in rows["cases"]] == [str(denial)]
    for by in ("provider", "rule", "payer", "carc"):
        assert (await office.ask("GET", f"/v1/denials/report?by={by}&{period}")).json()["lines"]
    elsewhere = await office.ask("GET", f"/v1/denials/report?by=coder&{period}", facility="ELSEWHERE")
    assert elsewhere.json()["lines"] == []
    assert (await office.ask("GET", f"/v1/denials/report?by=coder&{period}", role="coder")).status_code == 403


async def test_decision_of_a_claim_that_is_being_appealed_waits_for_the_command(office: Office) -> None:
    denial = await office.denied()
    row = await office.row(denial)
    claim = (await _account(office, str(row["encounter_id"]))).claims[0]
    appeal = office.ask("POST", f"/v1/denials/{denial}/appeal", json={"reason_code": "documented"})
    answer, _ = await asyncio.gather(appeal, office.decide(claim, "CO*45*50", paid_cents=16000))
    assert answer.status_code in (201, 409)
    states = [step["state"] for step in (await office.ask("GET", f"/v1/denials/{denial}")).json()["moves"]]
    assert states[-1] == "overturned"
    assert ("appeal_submitted" in states) == (answer.status_code == 201)
