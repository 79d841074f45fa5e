"""Denial cases on a real PostgreSQL: from the payer's 835 through triage, worklists and work to their end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest
from component.billing.conftest import BillingWorld
from component.billing.office import Office, open_office, with_payer
from rcm_billing import repository
from rcm_billing.domain.account import Account
from rcm_billing.domain.denial_routing import COLUMNS, BadRoute
from rcm_billing.domain.judging import Circumstances, Judging
from rcm_billing.domain.master import AppealLevel
from rcm_billing.handlers.building import frequency_of
from rcm_billing.handlers.denial_routes import load_routes
from rcm_billing.repository import denials
from rcm_billing.repository.scrub_runs import ScrubRunRow, insert_runs
from rcm_shared.money import Cents
from unit.billing import cases

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


async def test_denial_is_routed_and_attributed_when_it_opens(office: Office) -> None:
    denial = await office.denied(remarks="N115")
    row = await office.row(denial)
    assert (row["state"], row["category"], row["owner_queue"], row["action"]) == (
        "triaged",
        "medical-necessity",
        "provider",
        "clinical-appeal",
    )
    assert (row["payer_id"], row["coder"], row["provider_id"], row["code"]) == (
        "DHP01",
        "coder-1",
        "dr-1",
        "17110",
    )
    assert (row["first_cents"], row["remarks"], row["diagnoses"]) == (21000, ["N115"], ["D225"])
    detail = (await office.ask("GET", f"/v1/denials/{denial}")).json()
    assert [(m["was"], m["state"], m["actor"], m["reason"]) for m in detail["moves"]] == [
        ("", "new", "system:billing", "denied"),
        ("new", "triaged", "system:billing", "routed"),
    ]
    assert (await office.events())[-2:] == ["claim-denied", "denial-moved"]


async def test_carc_16_without_remark_and_unknown_code_wait_for_a_person(office: Office) -> None:
    bare = await office.row(await office.denied(1, "CO*16*210"))
    told = await office.row(await office.denied(2, "CO*16*210", remarks="MA27"))
    strange = await office.row(await office.denied(3, "CO*999*210"))
    assert (bare["state"], bare["owner_queue"], bare["action"]) == ("new", "biller", "find-remark")
    assert (told["state"], told["owner_queue"], told["root_cause"]) == (
        "triaged",
        "registration",
        "member-data-wrong",
    )
    assert (strange["state"], strange["category"], strange["action"]) == (
        "new",
        "unclassified",
        "look-up-reason",
    )
    body = {
        "reason": "looked-up",
        "category": "coding",
        "root_cause": "typo",
        "owner": "coder",
        "action": "fix",
    }
    assert (
        await office.ask("POST", f"/v1/denials/{strange['denial_id']}/triage", json=body)
    ).status_code == 200
    assert (await office.row(strange["denial_id"]))["owner_queue"] == "coder"


async def test_rule_that_would_have_found_it_is_named(office: Office) -> None:
    document = cases.a_claim()
    coverage = document.coverage.model_copy(update={"member_id": "P"})
    claim = await office.store(document.model_copy(update={"coverage": coverage}))
    before = Judging(cases.TODAY, cases.MASTER.payers, rules=()).scrub(document, Circumstances())
    row = ScrubRunRow(
        claim.claim_id,
        "DEMO-GENERAL",
        before.basis.digest,
        before.basis.body,
        before.circumstances.model_dump_json(),
        before.result,
        "[]",
    )
    async with office.world.begin() as uow:
        await insert_runs(uow.conn, [row])
    await office.decide(claim, "CO*16*210", status="4", remarks="MA27")
    await office.triage()
    rules = (await office.row(await office.case_of(claim)))["rules"]
    assert [one for one in rules if one.endswith(":would-have")] != []
    assert {one.partition("-")[0] for one in rules} <= {"FMT", "SUB", "PRV", "RX", "DAT", "IP", "OP"}


async def test_history_is_append_only(office: Office) -> None:
    await office.denied()
    for statement in ("UPDATE denial_move SET actor = 'x'", "DELETE FROM denial_move"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await office.world.pool.execute(statement)


async def test_worklist_pages_by_deadline_and_by_value_without_gap_or_repeat(office: Office) -> None:
    made = []
    for number, amount in enumerate((210, 90, 150, 90), 1):
        claim = await office.claim(number)
        await office.decide(claim, f"CO*50*{amount}", paid_cents=21000 - amount * 100)
        made.append(await office.case_of(claim))
        await office.pass_days(1)
    await office.triage()

    async def pages(sort: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        after: str | None = None
        while True:
            query = f"/v1/denials?state=open&sort={sort}&limit=1" + (f"&after={after}" if after else "")
            page = (await office.ask("GET", query)).json()
            found += page["denials"]
            after = page["next"]
            if after is None:
                return found

    assert [one["denial_id"] for one in await pages("deadline")] == [str(one) for one in made]
    values = await pages("value")
    assert [one["denied_cents"] for one in values] == [21000, 15000, 9000, 9000]
    assert len({one["denial_id"] for one in values}) == 4
    wrong = await office.ask("GET", "/v1/denials?sort=value&after=Zm9v")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "cursor-invalid")
    assert (await office.ask("GET", "/v1/denials", facility="ELSEWHERE")).json()["denials"] == []
    owned = (await office.ask("GET", "/v1/denials?owner=provider&category=medical-necessity")).json()
    assert len(owned["denials"]) == 4


@pytest.mark.parametrize("sort", ["deadline", "value"])
@pytest.mark.parametrize("state", ["open", "triaged", None])
async def test_worklist_reads_its_page_from_an_index(office: Office, sort: str, state: str | None) -> None:
    await office.world.pool.execute(
        "INSERT INTO denial (denial_id, encounter_id, facility_id, claim_id, state, group_code, carc, category,"
        " denied_cents, first_cents, deadline_at, denied_at) SELECT gen_random_uuid(), gen_random_uuid(),"
        " CASE WHEN i % 3 = 0 THEN 'OTHER' ELSE 'DEMO-GENERAL' END, gen_random_uuid(),"
        " CASE WHEN i % 2 = 0 THEN 'triaged' ELSE 'closed' END, 'CO', '50', 'coding', i * 7919 % 100000,"
        " i, timestamptz '2026-12-01' + i * 7919 % 5000 * interval '1 hour', timestamptz '2026-09-01'"
        " FROM generate_series(1, 8000) AS i"
    )
    owner = await asyncpg.connect(office.world.dsn.replace("_app@", "_owner@"))
    await owner.execute("ANALYZE denial")
    await owner.close()

    class Explaining:
        """Shows how the question is answered instead of its answer."""

        async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
            rows: list[asyncpg.Record] = await office.world.pool.fetch(f"EXPLAIN {query}", *arguments)
            return rows

    plan = await denials.list_denials(
        cast(Any, Explaining()), facilities=["DEMO-GENERAL"], state=state, sort=sort, limit=100
    )
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan" in text
    assert "Sort" not in text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("triage", {"reason": "x", "category": "a", "root_cause": "b", "owner": "coder", "action": "c"}),
        ("take", {"reason": "x"}),
        ("resubmit", {"reason": "x"}),
        ("recode", {"reason": "x"}),
        ("transfer", {"reason": "x"}),
        ("write-off", {"reason": "x"}),
        ("write-off/approve", None),
        ("close", {"reason": "x"}),
        ("reopen", {"reason": "x"}),
        ("appeal", {"reason_code": "x"}),
        ("appeal-draft", {"reason": "x"}),
        ("appeal-draft/withdraw", {"reason": "x"}),
    ],
)
async def test_commands_ask_for_role_facility_and_the_state_that_was_seen(
    office: Office, path: str, body: dict[str, str] | None
) -> None:
    denial = await office.denied()
    target = f"/v1/denials/{denial}/{path}"
    assert (await office.ask("POST", target, role="auditor", json=body)).status_code == 403
    assert (await office.ask("POST", target, facility="ELSEWHERE", json=body)).status_code == 404
    if body is not None and path != "appeal":
        stale = await office.ask("POST", target, json=body | {"seen_state": "in_work"})
        assert (stale.status_code, stale.json()["code"]) == (409, "denial-moved")


async def test_take_hands_over_only_when_said(office: Office) -> None:
    denial = await office.denied()
    path = f"/v1/denials/{denial}/take"
    first = await office.ask("POST", path, json={"reason": "mine"}, key="k1")
    again = await office.ask("POST", path, json={"reason": "mine"}, key="k1")
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (200, 200, "true")
    refused = await office.ask("POST", path, who="biller-2", json={"reason": "mine"})
    assert refused.json()["code"] == "denial-taken"
    taken = await office.ask("POST", path, who="biller-2", json={"reason": "holiday", "take_over": True})
    assert taken.status_code == 200
    row = await office.row(denial)
    assert (row["state"], row["assignee"]) == ("in_work", "biller-2")


async def _account(office: Office, encounter_id: str) -> Account:
    key = UUID(encounter_id)
    return (await repository.read_accounts(office.world.pool, [key]))[key]


async def test_small_write_off_is_done_at_once_as_a_balanced_transaction(office: Office) -> None:
    claim = await office.claim()
    await office.decide(claim, "CO*50*90", paid_cents=12000)
    await office.triage()
    denial = await office.case_of(claim)
    early = await office.ask("POST", f"/v1/denials/{denial}/write-off", json={"reason": "small"})
    assert early.json()["code"] == "denial-step-illegal"
    await office.ask("POST", f"/v1/denials/{denial}/take", json={"reason": "mine"})
    done = await office.ask("POST", f"/v1/denials/{denial}/write-off", json={"reason": "small"})
    account = done.json()["account"]
    assert (done.status_code, done.json()["written_off"], account["claim_state"]) == (200, True, "closed")
    assert account["charged_cents"] == account["paid_cents"] + account["adjusted_cents"]
    assert await office.world.pool.fetchval("SELECT sum(cents) FROM ledger_entry") == 0
    row = await office.row(denial)
    assert (row["state"], row["outcome"]) == ("closed", "written_off")
    again = await office.ask("POST", f"/v1/denials/{denial}/reopen", json={"reason": "found-record"})
    assert (again.json()["balance_cents"], again.json()["adjusted_cents"]) == (9000, 0)
    assert await office.world.pool.fetchval("SELECT sum(cents) FROM ledger_entry") == 0


async def test_write_off_above_the_limit_needs_another_person(office: Office) -> None:
    denial = await office.denied()
    path = f"/v1/denials/{denial}/write-off"
    await office.ask("POST", f"/v1/denials/{denial}/take", json={"reason": "mine"})
    asked = await office.ask("POST", path, json={"reason": "hopeless"})
    assert (asked.status_code, asked.json()["written_off"]) == (202, False)
    assert (await office.ask("POST", path, json={"reason": "hopeless"})).json()["code"] == "write-off-waiting"
    waiting = (await office.ask("GET", "/v1/denials/write-offs")).json()["write_offs"]
    assert [(one["cents"], one["asked_by"]) for one in waiting] == [(21000, "biller-1")]
    own = await office.ask("POST", f"{path}/approve")
    assert (own.status_code, own.json()["code"]) == (403, "own-request")
    done = await office.ask("POST", f"{path}/approve", who="biller-2")
    assert (done.status_code, done.json()["account"]["balance_cents"]) == (200, 0)
    assert (await office.ask("POST", f"{path}/approve", who="biller-2")).json()["code"] == (
        "no-write-off-waiting"
    )


async def test_two_approvals_at_once_write_off_once(office: Office) -> None:
    denial = await office.denied()
    path = f"/v1/denials/{denial}/write-off"
    await office.ask("POST", f"/v1/denials/{denial}/take", json={"reason": "mine"})
    await office.ask("POST", path, json={"reason": "hopeless"})
    answers = await asyncio.gather(
        *(office.ask("POST", f"{path}/approve", who=f"lead-{number}") for number in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    count = "SELECT count(*) FROM ledger_transaction WHERE kind = 'denial-write-off'"
    assert await office.world.pool.fetchval(count) == 1


async def test_provider_liability_is_never_moved_to_the_patient(office: Office) -> None:
    liable = await office.denied(1)
    other = await office.denied(2, "OA*119*210")
    for denial in (liable, other):
        await office.ask("POST", f"/v1/denials/{denial}/take", json={"reason": "mine"})
    refused = await office.ask("POST", f"/v1/denials/{liable}/transfer", json={"reason": "abn"})
    assert refused.json()["code"] == "provider-liability"
    moved = await office.ask("POST", f"/v1/denials/{other}/transfer", json={"reason": "benefit-used-up"})
    assert (moved.json()["patient_cents"], moved.json()["balance_cents"]) == (21000, 0)
    row = await office.row(other)
    assert (row["state"], row["outcome"]) == ("closed", "transferred_to_patient")
    cycle = "SELECT count(*) FROM timer WHERE kind = 'statement' AND key = $1"
    assert await office.world.pool.fetchval(cycle, row["encounter_id"]) == 1


async def test_corrected_claim_asks_for_a_replacement_with_the_payers_number(office: Office) -> None:
    denial = await office.denied()
    await office.ask("POST", f"/v1/denials/{denial}/take", json={"reason": "mine"})
    done = await office.ask("POST", f"/v1/denials/{denial}/resubmit", json={"reason": "modifier"})
    assert done.status_code == 202
    row = await office.row(denial)
    assert row["state"] == "corrected_resubmitted"
    account = await _account(office, str(row["encounter_id"]))
    assert account.build is not None
    frequency, reference = frequency_of(account, account.build)
    assert (frequency, reference[:3]) == ("7", "ICN")
    assert await office.world.pool.fetchval("SELECT count(*) FROM work WHERE kind = 'build-claim'") == 1


async def test_routes_are_versioned_and_refused_as_a_whole(office: Office) -> None:
    shipped = (await office.ask("GET", "/v1/denial-routes")).json()
    assert shipped["version"] == 0
    row = dict(
        zip(COLUMNS, ("DHP01", "CO", "50", "N115", "necessity", "lcd", "coder", "check-lcd"), strict=True)
    )
    alone = row | {"payer": "*", "group": "*", "rarc": "*"}
    bad = await office.ask("PUT", "/v1/denial-routes", json={"version": 0, "routes": [row, alone]})
    assert (bad.status_code, "row-2:carc-alone" in bad.json()["detail"]) == (422, True)
    text = ",".join(COLUMNS) + "\n" + ",".join(row.values()) + "\n"
    stored = await office.ask("PUT", "/v1/denial-routes", json={"version": 0, "csv": text})
    assert (stored.status_code, stored.json()["version"]) == (201, 1)
    stale = await office.ask("PUT", "/v1/denial-routes", json={"version": 0, "csv": text})
    assert stale.json()["code"] == "routes-changed"
    mine = await office.row(await office.denied(1, remarks="N115"))
    assert (mine["owner_queue"], mine["category"], mine["route_version"]) == ("coder", "necessity", 1)
    assert (await office.row(await office.denied(2)))["state"] == "new"


async def test_operators_file_of_routes_is_a_version_and_a_broken_one_is_refused(
    office: Office, tmp_path: Path
) -> None:
    path = tmp_path / "denial_routes.csv"
    path.write_text(",".join(COLUMNS) + "\n*,CO,50,*,necessity,lcd,coder,check-lcd\n")
    assert await load_routes(office.world.pool, tmp_path) == 1
    assert await load_routes(office.world.pool, tmp_path) is None
    assert (await office.row(await office.denied()))["owner_queue"] == "coder"
    path.write_text(path.read_text() + "*,*,51,*,a,b,coder,d\n")
    with pytest.raises(BadRoute) as refused:
        await load_routes(office.world.pool, tmp_path)
    assert refused.value.code == "row-2:carc-alone"
    assert await load_routes(office.world.pool, None) is None
    versions = (await office.ask("GET", "/v1/denial-routes/versions")).json()["versions"]
    assert [(one["version"], one["source"]) for one in versions] == [(1, "file")]
