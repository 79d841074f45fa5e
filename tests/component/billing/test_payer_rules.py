"""Payer rules on a real PostgreSQL and over HTTP: written, activated by another person, judging builds, and a claim
judged again by the rules of its own day after a later version came into force.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest
from component.billing.conftest import BillingWorld
from component.billing.office import Office, open_office
from rcm_billing import repository
from rcm_billing.domain.account import Account, BuildReason
from rcm_billing.domain.code_set import CodeSets
from rcm_billing.domain.scrubbing import ScrubRun
from rcm_billing.handlers.building import Built, compute_builds
from rcm_billing.handlers.payer_rules import LoadedPayerRules
from rcm_billing.handlers.placing import apply_builds
from rcm_billing.handlers.references import LoadedReferences
from rcm_shared import clock
from rcm_shared.contracts.intake import CoverageRef
from rcm_shared.contracts.records import EncounterRecord
from rcm_shared.messaging.work import WorkItem
from rcm_shared.money import Cents
from unit.billing import cases
from unit.billing.rules.claims import EDITION

RULE = {
    "rule_id": "PR-DHP01-WART",
    "title": "wart destruction wants an authorisation",
    "expression": "authorization == '' && lines.exists(l, l.code == '17110')",
    "severity": "H",
    "owner": "registration",
    "authority": "Demo Health Plan manual 4.2",
    "fix": "Get the payer's authorisation number.",
    "effective_from": "2026-01-01",
    "payers": ["DHP01"],
    "facility_id": "DEMO-GENERAL",
}
PATH = "/v1/payer-rules/PR-DHP01-WART/versions"


class Records:
    """Intake's answers: the office visit, its member id written with blanks."""

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, EncounterRecord]:
        coverage = cases.a_coverage(member_id="PD ZQ 0001")
        return {key: cases.an_office_record(key.int & 0xFFFF, coverages=(coverage,)) for key in ids}


class Editions:
    """The ICD-10-CM editions at hand."""

    sets = CodeSets((EDITION,))

    async def current(self) -> CodeSets:
        return self.sets


@pytest.fixture
async def office(
    billing: BillingWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    monkeypatch.setattr(clock, "today", lambda: billing.now.date())
    (tmp_path / "tables").mkdir()
    async with open_office(billing, tmp_path) as opened:
        deps: Any = opened.deps
        deps.intake, deps.code_sets, deps.regroup, deps.four_eyes = Records(), Editions(), None, True
        deps.payer_rules = LoadedPayerRules(billing.pool, monotonic=_Counter())
        deps.references = LoadedReferences(billing.pool, tmp_path / "tables", monotonic=_Counter())
        yield opened


class _Counter:
    """A clock on which a day passes between two looks."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        self.at += 86_400.0
        return self.at


async def build(office: Office, number: int = 1) -> tuple[UUID, ScrubRun]:
    """Build the claim of one encounter as the service does; return its id and run."""
    key = cases.encounter_id(number)
    account = Account(
        encounter_id=key,
        facility_id="DEMO-GENERAL",
        captured_cents=Cents(21000),
        coverages=(CoverageRef(cases.encounter_id(50), "DHP01", "P"),),
        coding=cases.an_office_coding(),
    ).request_build("P", BuildReason.CODED, "system:billing")
    async with office.world.begin() as uow:
        await repository.open_accounts(uow.conn, [key])
        await repository.save_accounts(uow.conn, {key: account})
    results = await compute_builds(office.deps, [WorkItem(key, "build-claim", 1, {}, 0)])
    built = results[key]
    assert isinstance(built, Built), built
    async with office.world.begin() as uow:
        await apply_builds(uow, cast(Any, results))
    return built.document.claim_id, built.run


def found(run: ScrubRun) -> list[tuple[str, int]]:
    """Return the hits of payer rules with their versions."""
    return [(hit.rule_id, hit.rule_version) for hit in run.hits if hit.rule_id.startswith("PR-")]


async def activated(office: Office, version: int = 1, **changes: Any) -> None:
    """Write a version and have another person activate it."""
    drafted = await office.ask("POST", "/v1/payer-rules", json=RULE | changes)
    assert (drafted.status_code, drafted.json()["version"], drafted.json()["state"]) == (
        201,
        version,
        "draft",
    )
    answer = await office.ask("POST", f"{PATH}/{version}/activate", who="biller-2", json={"reason": "manual"})
    assert (answer.status_code, answer.json()["state"]) == (200, "active")


async def test_draft_judges_nothing_until_another_person_activates_it(office: Office) -> None:
    assert (await office.ask("POST", "/v1/payer-rules", json=RULE)).status_code == 201
    claim, run = await build(office)
    assert found(run) == []
    tried = await office.ask("POST", f"{PATH}/1/test", json={"claim_id": str(claim)})
    assert tried.json() == {"hit": True, "places": ["claim"], "evaluated": True, "reason": ""}
    own = await office.ask("POST", f"{PATH}/1/activate", json={})
    assert (own.status_code, own.json()["code"]) == (409, "four-eyes")
    assert (await office.ask("POST", f"{PATH}/1/activate", who="biller-2", json={})).status_code == 200
    _, run = await build(office, 2)
    assert found(run) == [("PR-DHP01-WART", 1)]
    shown = (await office.ask("GET", "/v1/payer-rules/PR-DHP01-WART")).json()["rules"][0]
    assert [(step["state"], step["by"]) for step in shown["steps"]] == [
        ("draft", "biller-1"),
        ("active", "biller-2"),
    ]


async def test_author_activates_where_the_installation_says_so(office: Office) -> None:
    cast(Any, office.deps).four_eyes = False
    await office.ask("POST", "/v1/payer-rules", json=RULE)
    assert (await office.ask("POST", f"{PATH}/1/activate", json={})).status_code == 200


async def test_stored_claim_is_judged_again_as_it_was_after_a_later_version(office: Office) -> None:
    tables = office.folder.parent / "tables"
    (tables / "enrolments.csv").write_text("payer,npi,transaction\nDHP01,1245319599,provider\n")
    await activated(office)
    claim, run = await build(office)
    assert found(run) == [("PR-DHP01-WART", 1)]
    assert "PRV-05" not in run.not_evaluated
    cast(Any, office.deps.code_sets).sets = CodeSets((EDITION, _next(EDITION)))
    office.world.now += timedelta(days=1)
    await activated(office, 2, expression="false")
    _, today = await build(office, 2)
    assert found(today) == []

    for path in (f"/v1/claims/{claim}/rescrub", f"/v1/claims/{claim}/rescrub?as_of=2026-09-28"):
        again = (await office.ask("POST", path)).json()
        assert (again["same"], again["recorded"], again["gone"], again["new"]) == (True, True, [], [])
        assert again["missing"] == []
        assert [hit["rule_id"] for hit in again["hits"]] == [hit.rule_id for hit in run.hits]
        assert tuple(again["not_evaluated"]) == run.not_evaluated

    later = (await office.ask("POST", f"/v1/claims/{claim}/rescrub?as_of=2026-09-29")).json()
    assert (later["same"], later["recorded"]) == (False, False)
    assert later["gone"] == ["PR-DHP01-WART claim"]


def _next(edition: Any) -> Any:
    return type(edition)("2026-07-01", edition.effective_from, edition.effective_to, frozenset({"Z000"}))


async def test_scrub_shows_versions_editions_and_repairs_without_values(office: Office) -> None:
    await activated(office)
    claim, _ = await build(office)
    shown = (await office.ask("GET", f"/v1/claims/{claim}/scrub")).json()
    assert {"rule_id": "PR-DHP01-WART", "version": 1} in shown["rules"]
    assert {"rule_id": "FMT-01", "version": 1} in shown["rules"]
    assert {"table": "ICD-10-CM", "edition": "2026-04-01"} in shown["editions"]
    assert shown["repairs"] == [
        {"element": "coverage.member_id", "kind": "blanks-in-identifier", "version": 1}
    ]
    assert "ZQ" not in str(shown)


async def test_failing_rule_is_not_evaluated_and_the_claim_goes_on(office: Office) -> None:
    await activated(office, expression="lines[1].units > 5")
    claim, run = await build(office)
    assert (found(run), "PR-DHP01-WART" in run.not_evaluated) == ([], True)
    tried = (await office.ask("POST", f"{PATH}/1/test", json={"claim_id": str(claim)})).json()
    assert tried == {"hit": False, "places": [], "evaluated": False, "reason": "no-such-entry"}


async def test_retired_rule_judges_no_more_and_cannot_come_back(office: Office) -> None:
    await activated(office)
    retired = await office.ask("POST", f"{PATH}/1/retire", json={"reason": "payer dropped it"})
    assert retired.json()["state"] == "retired"
    _, run = await build(office)
    assert found(run) == []
    back = await office.ask("POST", f"{PATH}/1/activate", who="biller-2", json={})
    assert back.json()["code"] == "rule-state"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"expression": "lines.exists(l, l.cod == 'x')"}, "expression-name-unknown"),
        ({"expression": "age > '5'"}, "expression-wrong-type"),
        ({"rule_id": "DX-01"}, "rule-id"),
        ({"effective_to": "2025-01-01"}, "rule-dates"),
    ],
)
async def test_bad_draft_is_refused_with_its_place(
    office: Office, changes: dict[str, Any], code: str
) -> None:
    answer = await office.ask("POST", "/v1/payer-rules", json=RULE | changes)
    assert (answer.status_code in (409, 422), answer.json()["code"]) == (True, code)


async def test_rules_of_other_facilities_do_not_exist(office: Office) -> None:
    await office.ask("POST", "/v1/payer-rules", json=RULE)
    stranger: dict[str, Any] = {"who": "biller-9", "facility": "ELSEWHERE"}
    assert (await office.ask("GET", "/v1/payer-rules", **stranger)).json() == {"rules": []}
    assert (await office.ask("GET", "/v1/payer-rules/PR-DHP01-WART", **stranger)).status_code == 404
    taken = await office.ask("POST", "/v1/payer-rules", json=RULE | {"facility_id": "ELSEWHERE"}, **stranger)
    assert taken.json()["code"] == "rule-id-taken"
    everywhere = await office.ask("POST", "/v1/payer-rules", json=RULE | {"facility_id": ""}, **stranger)
    assert everywhere.json()["code"] == "facility-not-yours"


async def test_versions_steps_and_runs_are_append_only(office: Office) -> None:
    await activated(office)
    await build(office)
    for table in ("payer_rule", "payer_rule_step", "scrub_run"):
        with pytest.raises(asyncpg.PostgresError):
            await office.world.pool.execute(f"DELETE FROM {table}")
