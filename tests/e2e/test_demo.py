"""The demo, on a real Kafka and PostgreSQL: every sample reaches its end, and every cent is accounted for."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from rcm_deploy.demo.publish import manifest
from rcm_deploy.demo.run import ENDS
from rcm_testkit.system import Played, Running

SAMPLES = {sample["sample"]: sample for sample in manifest()["samples"]}
ROW = {
    "encounter_id",
    "sample",
    "setting",
    "source_format",
    "codes",
    "query",
    "drg",
    "claim_state",
    "acknowledgements",
    "charged_cents",
    "paid_cents",
    "adjusted_cents",
    "patient_cents",
    "balance_cents",
    "waiting_for",
}
#: sample -> (codes without modifiers, paid, adjusted, patient's share still open, balance)
ENDINGS = {
    "mole-cryoablation": ("D225 17110", 11840, 3700, 2960, 0),
    "office-visit-25": ("M1711 I10 99214 20610", 27720, 6930, 0, 0),
    "ed-wrist-fracture": ("S52532A W010XXA 99283 25605", 123750, 41250, 0, 0),
    "lap-chole-hernia": ("K8010 K429 47562 49591", 840000, 280000, 0, 0),
    "inpatient-pneumonia": ("J189 J9601 E119 5A09357", 518130, 172710, 0, 0),
    "chest-ct": ("R911 71260", 40960, 12800, 10240, 0),
    "heart-failure-query": ("I5022 99214", 13350, 4450, 0, 0),
    "rejected-277ca": ("J029 99213", 9900, 3300, 0, 0),
    "denied-appealed": ("M5450 99213", 0, 0, 0, 13200),
    "secondary-payer": ("J449 99213", 10560, 2640, 0, 0),
    "superbill": ("I10 99213", 9900, 3300, 0, 0),
}
ACCEPTED = ["TA1:A", "999:A", "277CA:A2"]


def test_json_result_has_the_promised_shape(played: Played) -> None:
    result = played.result
    assert played.status == 0
    assert set(result) == {"ok", "seconds", "encounters", "ledger_sum_cents", "chain_verified"}
    assert result["ok"] is True
    assert result["ledger_sum_cents"] == 0
    assert result["chain_verified"] is True
    assert isinstance(result["seconds"], float)
    assert [row["sample"] for row in result["encounters"]] == list(SAMPLES)
    for row in result["encounters"]:
        assert set(row) == ROW
        assert all(set(code) == {"system", "code", "role"} for code in row["codes"])
    assert len(played.stdout.splitlines()) == 1, "progress belongs on stderr"


@pytest.mark.parametrize("sample", ENDINGS)
def test_sample_ends_coded_and_paid_as_its_chart_and_payer_say(played: Played, sample: str) -> None:
    row, told = played.row(sample), SAMPLES[sample]
    codes, paid, adjusted, patient, balance = ENDINGS[sample]
    assert sorted(code["code"] for code in row["codes"]) == sorted(codes.split())
    assert row["codes"][0]["code"] == codes.split()[0], "the first-listed diagnosis leads"
    assert (row["setting"], row["source_format"]) == (told["setting"], told["source_format"])
    assert row["drg"] == ("193" if sample == "inpatient-pneumonia" else None)
    assert row["query"] == ("agreed" if sample == "heart-failure-query" else None)
    assert row["waiting_for"] == ENDS[told["ends"]]
    assert (row["claim_state"] == "closed") == (told["ends"] == "closed")
    rejected_first = ["277CA:A7"] if sample == "rejected-277ca" else []
    assert [ack for ack in row["acknowledgements"] if ack != "277CA:A7"] == ACCEPTED
    assert [ack for ack in row["acknowledgements"] if ack == "277CA:A7"] == rejected_first
    money = tuple(row[f"{part}_cents"] for part in ("paid", "adjusted", "patient", "balance"))
    assert money == (paid, adjusted, patient, balance)
    assert row["charged_cents"] == sum(money) == told["expected"]["charged_cents"]


async def test_claims_carry_the_modifiers_forms_and_payers_of_their_story(
    running: Running, played: Played
) -> None:
    async with running.client("billing", "biller") as biller:
        accounts = {
            row["sample"]: (await biller.get(f"/v1/accounts/{row['encounter_id']}")).json()
            for row in played.result["encounters"]
        }
    modifiers = {
        (name, code["code"]): code["modifiers"]
        for name, account in accounts.items()
        for code in account["codes"]
        if code["role"] == "procedure"
    }
    assert modifiers["office-visit-25", "99214"] == ["25"]
    assert modifiers["office-visit-25", "20610"] == ["RT"]
    assert modifiers["ed-wrist-fracture", "25605"] == ["LT"]
    assert {name: account["form"] for name, account in accounts.items()} == {
        name: sample["claim_form"] for name, sample in SAMPLES.items()
    }
    rejected = accounts["rejected-277ca"]["claims"]
    assert len({claim["frequency"] for claim in rejected}) == 1, (
        "a corrected reject goes again as an original"
    )
    payers = [(claim["order"], claim["payer_id"]) for claim in accounts["secondary-payer"]["claims"]]
    assert payers == [("P", "DMC01"), ("S", "SUP01")]


async def test_ledger_sums_to_zero_and_each_account_agrees_with_it(running: Running, played: Played) -> None:
    conn = await asyncpg.connect(running.system.dsn("billing"))
    try:
        total, transactions = await conn.fetchrow(
            "SELECT coalesce(sum(cents), 0), count(DISTINCT transaction_id) FROM ledger_entry"
        )
        crooked = await conn.fetchval(
            "SELECT count(*) FROM (SELECT transaction_id FROM ledger_entry GROUP BY 1 HAVING sum(cents) <> 0) x"
        )
        charged = await conn.fetch("SELECT encounter_id, charged_cents FROM account WHERE body <> ''")
    finally:
        await conn.close()
    assert (total, crooked) == (0, 0)
    assert transactions >= len(SAMPLES)
    known = {str(row["encounter_id"]): row["charged_cents"] for row in charged}
    assert all(known[row["encounter_id"]] == row["charged_cents"] for row in played.result["encounters"])


async def test_audit_knows_the_same_money_and_codes_as_billing(running: Running, played: Played) -> None:
    async with running.client("audit", "auditor", facility="*") as auditor:
        for row in played.result["encounters"]:
            seen = (await auditor.get(f"/v1/encounters/{row['encounter_id']}")).json()
            same = ("charged_cents", "paid_cents", "adjusted_cents", "balance_cents", "drg", "setting")
            assert {name: seen[name] for name in same} == {name: row[name] for name in same}, row["sample"]
            assert seen["patient_open_cents"] == row["patient_cents"], row["sample"]
            assert seen["acknowledgements"] == row["acknowledgements"], row["sample"]
            assert seen["waiting_for"] == row["waiting_for"], row["sample"]
            shown, known = ([code["code"] for code in codes] for codes in (seen["codes"], row["codes"]))
            assert sorted(shown) == sorted(known), row["sample"]
        money = (await auditor.get("/v1/money")).json()
    assert money["difference_cents"] == 0
    assert money["closed_with_difference"] == 0


async def test_timelines_are_gapless_and_every_cause_is_an_event_of_the_case(
    running: Running, played: Played
) -> None:
    async with running.client("audit", "auditor", facility="*") as auditor:
        for row in played.result["encounters"]:
            answer = (await auditor.get(f"/v1/encounters/{row['encounter_id']}/timeline")).json()
            _check_timeline(answer, row)


def _check_timeline(answer: dict[str, Any], row: dict[str, Any]) -> None:
    sample, timeline = row["sample"], answer["timeline"]
    assert answer["encounter"]["missing_events"] == 0
    assert not [entry for entry in timeline if entry["kind"] == "gap"], sample
    sequences: dict[str, list[int]] = {}
    for entry in timeline:
        sequences.setdefault(entry["topic"], []).append(entry["sequence"])
    for topic, found in sequences.items():
        assert sorted(found) == list(range(1, len(found) + 1)), (sample, topic)
    assert {"rcm.intake.encounter", "rcm.coding.chart", "rcm.billing.claim"} <= set(sequences), sample
    ids = {entry["event_id"] for entry in timeline}
    assert all(entry["caused_by"] in ids for entry in timeline if entry["caused_by"]), sample
    uncaused = {e["type"] for e in timeline if not e["caused_by"] and e["actor"].startswith("system:billing")}
    assert uncaused == set(), sample
    assert timeline[0]["type"] == "rcm.intake.encounter-registered.v1"
    if row["claim_state"] == "closed":
        assert timeline[-1]["type"] == "rcm.billing.account-closed.v1"


async def test_chain_verifies_with_a_record_for_every_event(running: Running, played: Played) -> None:
    _ = played
    await running.until_quiet()
    published: set[UUID] = set()
    for service in ("intake", "coding", "query", "billing"):
        published |= await _column(running, service, "SELECT id FROM event_log")
    recorded = await _column(running, "audit", "SELECT event_id FROM journal")
    async with running.client("audit", "auditor", facility="*") as auditor:
        verified = (await auditor.get("/v1/chain/verify")).json()
    assert verified["verified"] is True
    assert verified["breaks"] == []
    assert verified["records"] == len(recorded)
    assert published
    assert published <= recorded


async def _column(running: Running, service: str, select: str) -> set[UUID]:
    conn = await asyncpg.connect(running.system.dsn(service))
    try:
        return {row[0] for row in await conn.fetch(select)}
    finally:
        await conn.close()
