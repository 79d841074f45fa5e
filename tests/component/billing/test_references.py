"""Reference tables on a real PostgreSQL: loaded page by page, found for a batch, judged by the date of service."""

import asyncio
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from component.billing.conftest import BillingWorld
from rcm_billing import repository
from rcm_billing.domain.account import Account, BuildReason, Coding
from rcm_billing.domain.code_set import NO_CODE_SETS
from rcm_billing.domain.errors import BadCodeSetError
from rcm_billing.gateways import reference_rows
from rcm_billing.gateways.reference_rows import ReleasedRows
from rcm_billing.handlers.building import Built, compute_builds
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.placing import apply_builds
from rcm_billing.handlers.references import LoadedReferences, compute_reference_fetches
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import CapturedCharge
from rcm_shared.contracts.records import CoverageRecord, EncounterRecord
from rcm_shared.errors import Transient
from rcm_shared.messaging.work import WorkItem
from rcm_shared.money import Cents
from unit.billing import cases

DAY = cases.OFFICE_DAY  # 2026-09-02
PTP = "\n".join(
    (
        "column1\tcolumn2\teffective\tdeleted\tmodifier",
        "17110\t99213\t2020-01-01\t\t1",
        "20610\t17110\t2020-01-01\t\t0",
        "20610\t99214\t2020-01-01\t2026-08-31\t0",
        "71260\t99213\t2026-07-01\t2026-07-01\t0",
        "99999\t99213\t2020-01-01\t\t0",
        "",
    )
)
MUE = "code\tunits\tmai\n17110\t1\t2\n20610\t2\t1\n"
ARTICLES = "\n".join(
    (
        "article\tversion\teffective\tended\tkind\tcode\tgrp",
        "54602\t7\t2026-01-01\t\tprocedure\t17110\t",
        "54602\t7\t2026-01-01\t\tcovered\tB079\t1",
        "54602\t7\t2026-01-01\t\tcovered\tD225\t1",
        "54602\t6\t2024-01-01\t2025-12-31\tprocedure\t17110\t",
        "54602\t6\t2024-01-01\t2025-12-31\tcovered\tZ999\t1",
        "",
    )
)
FEES = "\n".join(
    (
        "code\tmodifier\tstatus\twork\tpe_office\tpe_facility\tmalpractice\tpctc\tglobal_days\tmultiple\tbilateral"
        "\tassistant\tcosurgeon\tteam\tfactor\tadded_later",
        "17110\t\tA\t0.7\t2\t1\t0.1\t0\t010\t2\t0\t1\t0\t0\t33.4\tx",
        "",
    )
)


class CodingService:
    """Coding's answers, a page of at most three rows at a time; after `broken_after` pages it is away."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.broken_after: int | None = None
        self.asked: list[str] = []

    async def get_text(self, _base_url: str, path: str) -> tuple[str, dict[str, str]]:
        if self.broken_after is not None and len(self.asked) >= self.broken_after:
            raise Transient("http-503")
        self.asked.append(path)
        query = dict(part.split("=") for part in path.partition("?")[2].split("&"))
        system, offset = query["system"], int(query["offset"])
        heads, *lines = self.files[system].removesuffix("\n").split("\n")
        page = lines[offset : offset + 3]
        headers = {"x-release": f"{system}:2026Q3"}
        if offset + 3 < len(lines):
            headers["x-next-offset"] = str(offset + 3)
        return "".join(f"{line}\n" for line in (heads, *page)), headers


def wanted(system: str, number: int = 1, **changes: Any) -> WorkItem:
    """Return the work that an activated release asks for."""
    payload = {
        "system": system,
        "edition": "2026Q3",
        "effective_from": "2026-07-01",
        "effective_to": "2026-09-30",
        "sha256": f"{number:064x}",
        "activated_at": "2026-06-20T08:00:00+00:00",
    }
    return WorkItem(UUID(int=number), "fetch-reference", 1, payload | changes, 0)


class Records:
    """Intake's answers."""

    def __init__(self) -> None:
        self.kept: dict[UUID, EncounterRecord] = {}

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, EncounterRecord]:
        return {key: self.kept[key] for key in ids if key in self.kept}


class _NoCodeSets:
    async def current(self) -> Any:
        return NO_CODE_SETS


class Desk:
    """Billing with its tables, and encounters that wait for their claims."""

    def __init__(self, world: BillingWorld, files: dict[str, str], directory: Path | None = None) -> None:
        self.world = world
        self.coding = CodingService(files)
        self.clock = 0.0
        self.references = LoadedReferences(world.pool, directory, monotonic=lambda: self.clock)
        self.intake = Records()
        known = SimpleNamespace(
            master=cases.MASTER,
            pool=world.pool,
            intake=self.intake,
            code_sets=_NoCodeSets(),
            references=self.references,
            payer_rules=None,
            regroup=None,
        )
        self.deps = cast(Deps, known)

    async def load(self, *items: WorkItem) -> None:
        """Fetch releases and put them in use."""
        for item in items:
            found = await compute_reference_fetches(
                ReleasedRows(cast(Any, self.coding), "http://coding"), self.world.pool, [item]
            )
            result = found[item.key]
            if isinstance(result, Exception):
                raise result
            async with self.world.begin() as uow:
                await self.references.complete(uow, {item.key: result})
        self.clock += 100.0

    async def add(
        self,
        number: int,
        *codes: str,
        day: date = DAY,
        diagnosis: str = "D225",
        payer: str = "DHP01",
        patient: str = "",
        units: int = 1,
    ) -> UUID:
        """Let an encounter with these procedures wait for its claim."""
        procedures, charges = [], []
        for place, spelled in enumerate(codes):
            code, *modifiers = spelled.split("-")
            procedures.append(
                FinalProcedure(
                    system="CPT",
                    code=code,
                    service_date=day,
                    units=units,
                    modifiers=tuple(modifiers),
                    pointers=(1,),
                )
            )
            charges.append(
                CapturedCharge(
                    charge_id=cases.charge_id(100 * number + place),
                    code=code,
                    charge_cents=Cents(10000),
                    units=units,
                    service_date=day,
                )
            )
        coverage = CoverageRecord.model_validate(
            cases.a_coverage(payer_id=payer).model_dump()
            | {"filing_indicator": "MB" if payer == "DMC01" else "CI"}
        )
        person = cases.PATIENT.model_copy(update={"medical_record_number": patient or f"P{number}"})
        record = cases.an_office_record(
            number,
            service_from=day,
            service_through=day,
            charges=tuple(charges),
            coverages=(coverage,),
            patient=person,
        )
        coded: Coding = cases.an_office_coding(
            service_from=day,
            service_through=day,
            release="",
            diagnoses=(FinalDiagnosis(code=diagnosis, role="first-listed"),),
            procedures=tuple(procedures),
        )
        key = record.encounter_id
        account = Account(encounter_id=key, facility_id="DEMO-GENERAL", coding=coded)
        self.intake.kept[key] = record
        async with self.world.begin() as uow:
            await repository.open_accounts(uow.conn, [key])
            asked = account.request_build("P", BuildReason.CODED, "system:billing")
            await repository.save_accounts(uow.conn, {key: asked})
        return key

    async def build(self, *keys: UUID, apply: bool = False) -> dict[UUID, Built]:
        """Build the claims of one batch."""
        items = [WorkItem(key, "build-claim", 1, {}, 0) for key in keys]
        results = await compute_builds(self.deps, items)
        built: dict[UUID, Built] = {}
        for key, result in results.items():
            assert isinstance(result, Built), result
            built[key] = result
        if apply:
            async with self.world.begin() as uow:
                await apply_builds(uow, dict(built))
        return built


def hits(built: Built, *rules: str) -> list[tuple[str, str, str]]:
    """Return rule, place and edition of the hits of some rules."""
    return [(hit.rule_id, hit.where, hit.edition) for hit in built.run.hits if hit.rule_id in rules]


FILES = {"ncci-ptp": PTP, "ncci-mue": MUE, "mcd-articles": ARTICLES, "mpfs-rvu": FEES}
ALL = tuple(wanted(system, number) for number, system in enumerate(FILES, 1))


async def test_claims_of_a_batch_are_judged_by_the_editions_of_their_own_dates(billing: BillingWorld) -> None:
    desk = Desk(billing, FILES)
    await desk.load(*ALL)
    never = await desk.add(1, "20610", "17110-59", "17110-XS")
    ended = await desk.add(2, "20610", "99214-25", day=DAY)
    lived = await desk.add(3, "20610", "99214-25", day=date(2026, 8, 31))
    uncovered = await desk.add(4, "17110", diagnosis="Z0000", payer="DMC01")
    covered = await desk.add(5, "17110", payer="DMC01")
    built = await desk.build(never, ended, lived, uncovered, covered)

    rules = ("PX-02", "PX-03", "MN-01")
    ptp, mue, mcd = "ncci-ptp:2026Q3", "ncci-mue:2026Q3", "mcd-articles:2026Q3"
    assert hits(built[never], *rules) == [
        ("PX-02", "line-2-beside-line-1", ptp),
        ("PX-02", "line-3-beside-line-1", ptp),
        ("PX-03", "line-2", mue),
        ("PX-03", "line-3", mue),
    ]
    assert hits(built[ended], *rules) == []
    assert hits(built[lived], *rules) == [("PX-02", "line-2-beside-line-1", ptp)]
    assert hits(built[uncovered], *rules) == [("MN-01", "line-1", mcd)]
    assert hits(built[covered], *rules) == []
    for one in built.values():
        assert not {"PX-02", "PX-03"} & set(one.run.not_evaluated)
    assert "MN-01" not in built[covered].run.not_evaluated


async def test_without_the_set_nothing_is_clean(billing: BillingWorld) -> None:
    desk = Desk(billing, {})
    key = await desk.add(1, "20610", "17110", payer="DMC01")
    built = await desk.build(key)
    assert {"PX-02", "PX-03", "MN-01"} <= set(built[key].run.not_evaluated)
    assert hits(built[key], "PX-02", "PX-03", "MN-01") == []


async def test_edition_of_another_quarter_does_not_judge(billing: BillingWorld) -> None:
    desk = Desk(billing, FILES)
    await desk.load(*ALL)
    before = await desk.add(1, "20610", "17110", day=date(2026, 6, 30))
    inside = await desk.add(2, "20610", "17110", day=date(2026, 7, 1))
    built = await desk.build(before, inside)
    assert {"PX-02", "PX-03"} <= set(built[before].run.not_evaluated)
    assert hits(built[before], "PX-02") == []
    assert hits(built[inside], "PX-02") == [("PX-02", "line-2-beside-line-1", "ncci-ptp:2026Q3")]


async def test_rows_come_once_though_the_other_side_goes_away(
    billing: BillingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_rows, "PAGE", 3)
    desk = Desk(billing, FILES)
    desk.coding.broken_after = 1
    with pytest.raises(Transient, match="http-503"):
        await desk.load(wanted("ncci-ptp"))
    releases, _, _ = await desk.references.overview()
    assert [(release.loaded, release.complete) for release in releases] == [(3, False)]
    key = await desk.add(1, "20610", "17110")
    assert "PX-02" in (await desk.build(key))[key].run.not_evaluated  # half a table is none

    desk.coding.broken_after = None
    both = [desk.load(wanted("ncci-ptp")), desk.load(wanted("ncci-ptp"))]
    await asyncio.gather(*both)
    # the pair that ended on the day it began is not kept
    assert await billing.pool.fetchval("SELECT count(*) FROM ptp_pair") == 4
    assert await billing.pool.fetchval("SELECT loaded FROM reference_release") == 5
    assert hits((await desk.build(key))[key], "PX-02")


async def test_rows_of_another_release_are_refused(billing: BillingWorld) -> None:
    desk = Desk(billing, FILES)
    with pytest.raises(BadCodeSetError, match="code-set-release"):
        await desk.load(wanted("ncci-ptp", edition="2026Q4"))
    desk.coding.files = {"ncci-mue": "code\tunits\tmai\n17110\tmany\t2\n"}
    with pytest.raises(BadCodeSetError, match="reference-row"):
        await desk.load(wanted("ncci-mue"))
    assert await billing.pool.fetchval("SELECT count(*) FROM reference_release WHERE complete") == 0


async def test_older_announcement_changes_nothing(billing: BillingWorld) -> None:
    desk = Desk(billing, FILES)
    await desk.load(wanted("ncci-mue", effective_to="2026-09-15", activated_at="2026-08-01T08:00:00+00:00"))
    await desk.load(wanted("ncci-mue"))
    (release,), _, _ = await desk.references.overview()
    assert (release.effective_to, release.complete) == (date(2026, 9, 15), True)
    assert await billing.pool.fetchval("SELECT count(*) FROM reference_row") == 2


async def test_edition_that_is_published_again_judges_from_then_on(billing: BillingWorld) -> None:
    desk = Desk(billing, FILES)
    await desk.load(wanted("ncci-mue", 1))
    desk.coding.files = {"ncci-mue": "code\tunits\tmai\n17110\t9\t2\n"}
    await desk.load(wanted("ncci-mue", 2, activated_at="2026-07-15T08:00:00+00:00"))
    key = await desk.add(1, "17110", units=10)
    again = f"ncci-mue:2026Q3+{2:064x}"[: len("ncci-mue:2026Q3+") + 8]
    assert hits((await desk.build(key))[key], "PX-03") == [("PX-03", "line-1", again)]


async def test_what_the_patient_had_before_is_known(billing: BillingWorld) -> None:
    desk = Desk(billing, FILES)
    await desk.load(*ALL)
    operation = await desk.add(1, "17110", day=DAY - timedelta(days=5), patient="ZQ1")
    stranger = await desk.add(2, "99213", day=DAY - timedelta(days=5), patient="ZQ2")
    await desk.build(operation, stranger, apply=True)
    follow_up = await desk.add(3, "99213", patient="ZQ1")
    new = await desk.add(4, "99203", patient="ZQ1", day=DAY + timedelta(days=30))
    other = await desk.add(5, "99203", patient="ZQ3")
    same_day = await desk.add(6, "99213", patient="ZQ1")
    built = await desk.build(follow_up, new, other, same_day)
    assert hits(built[follow_up], "PX-10", "PX-15", "PX-16") == [
        ("PX-10", "line-1", "mpfs-rvu:2026Q3"),
        ("PX-16", "line-1", ""),
    ]
    assert hits(built[new], "PX-10", "PX-15") == [("PX-15", "line-1", "")]
    assert hits(built[other], "PX-10", "PX-15", "PX-16") == []
    assert hits(built[same_day], "PX-16") == [("PX-16", "line-1", "")]
    assert not {"PX-10", "PX-15", "PX-16"} & set(built[other].run.not_evaluated)

    beside = await desk.add(7, "99213", patient="ZQ1", day=DAY - timedelta(days=5))
    assert hits((await desk.build(beside))[beside], "PX-02") == [
        ("PX-02", "line-1-beside-another-claim", "ncci-ptp:2026Q3")
    ]

    stored = await billing.pool.fetch("SELECT patient, body FROM claim_history")
    assert len(stored) == 2
    for row in stored:
        assert len(row["patient"]) == 32
        for secret in ("ZQ", cases.PATIENT.last_name, "1981", "PDZQ"):
            assert secret not in row["body"]
        json.loads(row["body"])


async def test_replaced_claims_are_no_history(billing: BillingWorld) -> None:
    desk = Desk(billing, FILES)
    await desk.load(*ALL)
    key = await desk.add(1, "17110", day=DAY - timedelta(days=5), patient="ZQ1")
    await desk.build(key, apply=True)
    await billing.pool.execute("UPDATE claim SET state = 'voided'")
    later = await desk.add(2, "99213", patient="ZQ1")
    assert hits((await desk.build(later))[later], "PX-10") == []


async def test_operators_files_are_read_again_when_they_change(billing: BillingWorld, tmp_path: Path) -> None:
    desk = Desk(billing, {}, tmp_path)
    file = tmp_path / "enrolments.csv"
    file.write_text("payer,npi,transaction\nDHP01,1912301953,837P\n")
    key = await desk.add(1, "17110")

    async def found() -> list[str]:
        desk.clock += 100.0
        run = (await desk.build(key))[key].run
        if "PAY-01" in run.not_evaluated:
            return ["not evaluated"]
        return [hit.where for hit in run.hits if hit.rule_id == "PAY-01"]

    assert await found() == ["NM109*85:835"]
    file.write_text("payer,npi,transaction\nDHP01,1912301953,837P\nDHP01,1912301953,835\n")
    assert await found() == []
    file.write_text("payer,npi\nDHP01,1912301953\n")
    assert await found() == []  # a broken file changes nothing
    _, tables, refused = await desk.references.overview()
    assert [(table.name.partition(":")[0], len(table.rows)) for table in tables] == [("enrolments", 2)]
    assert [(error.name, error.line, error.reason) for error in refused] == [
        ("enrolments.csv", 1, "no column transaction")
    ]
    file.unlink()
    assert await found() == ["not evaluated"]
    assert (await desk.references.overview())[1:] == ([], [])
