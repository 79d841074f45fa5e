"""The biller's pages over a real database: every one empty and filled, who may look, claims and denials at work."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from component.billing.browsing import decision, done, look, refused, remit, send
from component.billing.conftest import BillingWorld
from component.billing.office import Office, open_office, with_payer
from rcm_billing.domain.claim import ClaimState
from rcm_billing.domain.denial import CLOCKED, OPEN
from rcm_billing.repository import workplace
from rcm_shared.ids import uuid7
from unit.billing import cases

HITS = (
    '[{"rule_id":"SUB-01","rule_version":1,"severity":"R","where":"subscriber","fix":"Ask for the card.",'
    '"owner":"registration","authority":"guide"},{"rule_id":"DX-11","rule_version":1,"severity":"H",'
    '"where":"diagnosis-1","fix":"Look at the words.","owner":"coder","authority":"guideline"}]'
)
LOOK = HITS.replace('"severity":"R"', '"severity":"H"')
LISTS = (
    "/billing",
    "/billing/claims",
    "/billing/claims?state=held&queue=biller&payer=DHP01",
    "/billing/claims?view=filing",
    "/billing/claims?state=&queue=&payer=",
    "/billing/denials",
    "/billing/denials?sort=deadline&state=open&owner=",
    "/billing/denials?state=new&owner=biller&mine=true&sort=value",
    "/billing/remittances",
    "/billing/receivables",
    "/billing/receivables?debtor=patient",
)
PHI = cases.PATIENT.last_name


@pytest.fixture
async def office(billing: BillingWorld, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(billing, tmp_path) as opened:
        yield opened


async def filled(office: Office) -> dict[str, str]:
    """Fill every table that the pages show; return the pages of single things."""
    held = await office.claim(1, hits=HITS, state=ClaimState.HELD, queue="registration")
    claim = await office.claim(2)
    await office.decide(claim, "CO*50*210", status="4", remarks="N115")
    await office.triage()
    paid = await office.claim(3)
    lost = decision(paid, ("CO", "45", 6000), control="NOBODY")
    await remit(office, decision(paid, ("CO", "45", 6000), ("PR", "3", 2000)), lost)
    denial = await office.case_of(claim)
    key = await office.world.pool.fetchval(
        "SELECT encounter_id FROM claim WHERE claim_id = $1", paid.claim_id
    )
    return {
        "held": f"/billing/claims/{held.claim_id}",
        "claim": f"/billing/claims/{claim.claim_id}",
        "denial": f"/billing/denials/{denial}",
        "account": f"/billing/accounts/{key}",
    }


# --- looking -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", LISTS)
async def test_page_of_empty_tables_says_that_nothing_is_there(office: Office, path: str) -> None:
    text = await look(office, path)
    assert re.search(r"\b(No|Nothing|Everything|None)\b", text)


async def test_filled_pages_show_piles_claims_cases_payments_and_money(office: Office) -> None:
    pages = await filled(office)
    for path in LISTS:
        assert PHI not in await look(office, path), path
    home = await look(office, "/billing")
    assert "Held claims 1 $210.00" in home
    assert "Open denials 1 $210.00" in home
    assert "Unmatched from payers 1 $150.00" in home
    held = await look(office, "/billing/claims?state=held")
    assert "SUB-01: Ask for the card. and 1 more" in held
    assert "registration" in held
    assert "CO 50 N115" in await look(office, "/billing/denials")
    remittances = await look(office, "/billing/remittances")
    assert "no claim" in remittances.lower() or "NOBODY" in remittances
    claim = await look(office, pages["held"])
    assert PHI in claim
    assert "Ask for the card." in claim
    assert "must be corrected" in claim
    assert "CO 50" in await look(office, pages["claim"])
    account = await look(office, pages["account"])
    assert "contractual" in account
    assert "$20.00" in account
    assert "medical necessity" in await look(office, pages["denial"])


async def test_auditor_reads_without_forms_and_others_are_refused(office: Office) -> None:
    pages = await filled(office)
    for path in (*LISTS, *pages.values()):
        answer = await office.ask("GET", path, who="auditor-1", role="auditor")
        assert answer.status_code == 200, path
        assert 'method="post" class' not in answer.text, path
        assert 'name="action"' not in answer.text, path
        for role in ("coder", "provider", "integration", "operations"):
            assert (await office.ask("GET", path, role=role)).status_code == 403, (path, role)
    for path in (*pages.values(), "/billing/remittances", "/billing/receivables"):
        for role in ("auditor", "coder"):
            assert (await send(office, path, role=role, action="x")).status_code == 403, (path, role)
    assert (await office.http.get("/billing")).status_code in (303, 401)


async def test_other_facilities_see_nothing_of_it(office: Office) -> None:
    pages = await filled(office)
    for path in pages.values():
        assert (await office.ask("GET", path, facility="ELSEWHERE")).status_code == 404, path
        answer = await send(office, path, facility="ELSEWHERE", action="correct", reason="x")
        assert answer.status_code == 404, path
    home = await look(office, "/billing", facility="ELSEWHERE")
    assert "Held claims 0" in home
    assert "No claim was built yet." in home
    for path in ("/billing/claims", "/billing/denials"):
        assert re.search(r"No (claim|case) here", await look(office, path, facility="ELSEWHERE"))
    assert "Nothing is open with anybody." in await look(office, "/billing/receivables", facility="ELSEWHERE")


@pytest.mark.parametrize("what", ["claim", "denial"])
async def test_looking_at_a_patients_data_is_logged(office: Office, what: str) -> None:
    pages = await filled(office)
    before = await office.world.pool.fetchval("SELECT count(*) FROM access_log")
    for path in (*LISTS, pages["account"]):
        await look(office, path)
    assert await office.world.pool.fetchval("SELECT count(*) FROM access_log") == before
    await look(office, pages[what])
    rows = await office.world.pool.fetch(
        "SELECT subject, purpose, what FROM access_log ORDER BY at DESC OFFSET $1", before
    )
    assert [tuple(row) for row in rows] == [("biller-1", "claim", f"{what}-page")]


async def test_unknown_things_are_not_found_and_odd_questions_refused(office: Office) -> None:
    for kind in ("claims", "denials", "accounts"):
        assert (await office.ask("GET", f"/billing/{kind}/{uuid7()}")).status_code == 404
        assert (await send(office, f"/billing/{kind}/{uuid7()}", action="correct")).status_code in (404, 422)
    assert (await office.ask("GET", "/billing/claims?state=<b>")).status_code == 422
    assert (await office.ask("GET", "/billing/denials?sort=name")).status_code == 422
    assert (
        (await office.ask("GET", "/billing/assets/billing.css"))
        .headers["content-type"]
        .startswith("text/css")
    )
    assert (await office.ask("GET", "/billing/assets/other.css")).status_code == 404


async def test_lists_go_on_without_gap_or_repeat(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("claims", "denials", "accounts"):
        monkeypatch.setattr(f"rcm_billing.pages.{module}.LINES", 2)
    for number in range(1, 6):
        claim = await office.claim(number)
        await office.decide(claim, "CO*50*210", status="4")
    await office.triage()
    for path, link in (
        ("/billing/claims", r'href="/billing/claims/([0-9a-f-]{36})"'),
        ("/billing/denials", r'href="/billing/denials/([0-9a-f-]{36})"'),
        ("/billing/denials?sort=value", r'href="/billing/denials/([0-9a-f-]{36})"'),
        ("/billing/receivables", r'href="/billing/accounts/([0-9a-f-]{36})"'),
    ):
        seen: list[str] = []
        following: str | None = path
        while following:
            text = (await office.ask("GET", following)).text
            seen += re.findall(link, text)
            found = re.search(r'rel="next" href="([^"]*)"', text)
            following = found.group(1).replace("&amp;", "&") if found else None
        assert (len(seen), len(set(seen))) == (5, 5), path


# --- claims ------------------------------------------------------------------------------------------------------


async def test_held_claim_is_corrected_or_released_and_says_why_not(office: Office) -> None:
    hard = await office.claim(1, hits=HITS, state=ClaimState.HELD, queue="registration")
    path = f"/billing/claims/{hard.claim_id}"
    assert "Release after a look" not in await look(office, path)
    await refused(office, path, 409, "the payer would reject this claim", action="release")
    await refused(office, path, 422, "no such action", action="burn")
    assert "A new version is being built" in await done(office, path, action="correct")
    work = await office.world.pool.fetchval("SELECT count(*) FROM work WHERE kind = 'build-claim'")
    assert work == 1
    soft = await office.claim(2, hits=LOOK, state=ClaimState.HELD, queue="coder")
    text = await done(office, f"/billing/claims/{soft.claim_id}", action="release")
    assert "The claim was released." in text
    assert (await office.events()).count("claim-released") == 1
    await refused(office, f"/billing/claims/{soft.claim_id}", 409, "not held", action="release")
    await refused(
        office, f"/billing/claims/{soft.claim_id}", 409, "only a held or rejected", action="correct"
    )


async def test_decided_claim_is_replaced_or_taken_back(office: Office) -> None:
    for number, (action, said) in enumerate(
        (("replace", "A replacement"), ("void", "take the claim back")), 1
    ):
        claim = await office.claim(number)
        path = f"/billing/claims/{claim.claim_id}"
        assert "Replace or take back" not in await look(office, path)
        await refused(office, path, 409, "only a claim that its payer has decided", action=action)
        await office.decide(claim, "CO*45*210")
        assert "Replace or take back" in await look(office, path)
        assert said in await done(office, path, action=action)


async def test_payer_is_asked_only_where_it_answers(office: Office) -> None:
    claim = await office.claim(1)
    path = f"/billing/claims/{claim.claim_id}"
    assert "Ask the payer" not in await look(office, path)
    await refused(office, path, 409, "", action="ask")
    with_payer(office, "DHP01", inquire_after_days=14)
    assert "Ask the payer" in await look(office, path)
    assert "The payer is asked" in await done(office, path, action="ask")
    assert "Questions to the payer" in await look(office, path)


# --- denials -----------------------------------------------------------------------------------------------------


async def test_case_goes_from_triage_to_a_filed_appeal(office: Office) -> None:
    path = f"/billing/denials/{await office.denied(1, 'CO*16*210')}"
    assert "Triage" in await look(office, path)
    await refused(office, path, 422, "owner", action="triage", category="medical-necessity", reason="seen")
    text = await done(
        office,
        path,
        action="triage",
        category="medical-necessity",
        root_cause="documentation",
        owner="biller",
        action_first="appeal",
        reason="looked-at",
    )
    assert "documentation" in text
    await refused(office, path, 409, "meanwhile", action="take", reason="mine", seen_state="new")
    assert "biller: biller-1" in await done(office, path, action="take", reason="mine")
    text = await done(office, path, action="draft", reason="documentation-supports")
    assert "The drafted letter" in text
    assert PHI in text
    assert "Take it up" not in text
    assert "The drafted letter" not in await done(office, path, action="withdraw", reason="not-yet")
    text = await done(office, path, action="appeal", reason="documentation-supports")
    assert "appeal submitted" in text
    assert "The payer decides now." in text
    assert (await office.events()).count("appeal-filed") == 1
    await refused(office, path, 409, "", action="write-off", reason="too-late")
    await refused(office, path, 422, "no such action", action="burn", reason="why")


async def test_case_is_sent_again_or_written_off_by_two_people(office: Office) -> None:
    path = f"/billing/denials/{await office.denied(1)}"
    await done(office, path, action="take", reason="mine")
    assert "corrected resubmitted" in await done(office, path, action="resubmit", reason="modifier-added")
    path = f"/billing/denials/{await office.denied(2)}"
    await done(office, path, action="take", reason="mine")
    text = await done(office, path, action="write-off", reason="hopeless")
    assert "A write-off waits for another person" in text
    assert "$210.00" in text
    assert "write-off, denial" in await look(office, "/billing/receivables")
    assert "Waiting for approval 1 $210.00" in await look(office, "/billing")
    await refused(office, path, 409, "already", action="write-off", reason="hopeless")
    await refused(office, path, 403, "another person", action="approve")
    answer = await send(office, path, action="approve", who="biller-2")
    assert answer.status_code == 303
    assert "written off" in await look(office, path)
    assert "reopened" in await done(office, path, action="reopen", reason="record-found")


async def test_piles_count_what_the_domain_calls_open(office: Office) -> None:
    denial: UUID = await office.denied()
    for state in (*OPEN, "closed", "written_off", "corrected_resubmitted"):
        await office.world.pool.execute("UPDATE denial SET state = $2 WHERE denial_id = $1", denial, state)
        async with office.world.pool.acquire() as conn:
            waiting = await workplace.count_waiting(
                conn,
                facilities=None,
                today=office.world.now.date(),
                soon=office.world.now + timedelta(days=5000),
            )
        found = {one.what: one.items for one in waiting}
        assert (found["denials"], found["denials-due"]) == (state in OPEN, state in CLOCKED), state
