"""rcm demo: publish the shipped encounters, play the people, and account for every cent.

Every encounter must end in a terminal or a named waiting state, with the codes its chart supports, and
charged = paid + adjusted + patient's share + balance; the ledger must sum to zero and the audit chain verify.
"""

import asyncio
import json as jsonlib
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

from rcm_shared.money import dollars

from rcm_deploy.cli.output import table
from rcm_deploy.demo.people import BILLER, CODER, OPERATOR, GaveUp, Person, ask_provider, code_chart
from rcm_deploy.demo.publish import manifest, publish_sample
from rcm_deploy.engines import signals
from rcm_deploy.engines.failures import EngineError
from rcm_deploy.engines.home import Home, default_home, home_at
from rcm_deploy.engines.system import System, running_system

#: where each sample's account must end: (waiting_for, claim states that go with it)
ENDS = {"closed": None, "patient-open": "patient_open", "appealed": "appealed"}


def main(*, json: bool = False) -> int:
    """Run the demo and return 0 only if everything holds."""
    try:
        return signals.run(_run(json))
    except EngineError as error:
        print(f"rcm: {error}", file=sys.stderr)
        return 3


async def _run(as_json: bool) -> int:
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {text}", file=sys.stderr, flush=True)

    home = home_at(default_home().root / "demo")
    _clear(home)
    async with running_system(home.root, say=say) as system:
        say("every service is ready; publishing the sample encounters")
        people = People(system)
        try:
            rows = await _all_encounters(system, people, say)
            await _settle(people)
            ledger = await people.operator.look("billing", "/v1/ledger/summary")
            chain = await people.operator.look("audit", "/v1/chain/verify")
        finally:
            await people.close()
        result = {
            "ok": all(not row["faults"] for row in rows) and ledger["sum_cents"] == 0 and chain["verified"],
            "seconds": round(time.monotonic() - started, 1),
            "encounters": rows,
            "ledger_sum_cents": ledger["sum_cents"],
            "chain_verified": chain["verified"],
        }
        say("done; stopping")
    _show(result, as_json)
    return 0 if result["ok"] else 1


def _clear(home: Home) -> None:
    """Begin with empty databases and an empty log, unless a demo runs there now."""
    with home.locked():
        for path in home.contents():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


class People:
    """Everybody who works in the demo."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.coder = Person(system, CODER, "coder")
        self.biller = Person(system, BILLER, "biller", "registration")
        self.operator = Person(system, OPERATOR, "operations", "auditor", facility="*")
        self._providers: list[Person] = []

    def provider(self, provider_id: str) -> Person:
        """Return a provider, signed in."""
        person = Person(self.system, provider_id, "provider")
        self._providers.append(person)
        return person

    async def close(self) -> None:
        """Everybody leaves."""
        for person in (self.coder, self.biller, self.operator, *self._providers):
            await person.close()


async def _all_encounters(system: System, people: People, say: Any) -> list[dict[str, Any]]:
    samples = manifest()["samples"]
    tasks = [asyncio.create_task(_encounter(system, people, sample, say)) for sample in samples]
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, timeout=2.5)
        if not done and pending:
            say(f"{len(tasks) - len(pending)} of {len(tasks)} encounters are at their end")
    return [task.result() for task in tasks]


async def _encounter(system: System, people: People, sample: dict[str, Any], say: Any) -> dict[str, Any]:
    """Take one encounter from publication to its end; a fault becomes part of its row."""
    row: dict[str, Any] = {
        "encounter_id": None,
        "sample": sample["sample"],
        "setting": sample["setting"],
        "source_format": sample["source_format"],
        "codes": [],
        "query": None,
        "drg": None,
        "claim_state": None,
        "acknowledgements": [],
        "charged_cents": 0,
        "paid_cents": 0,
        "adjusted_cents": 0,
        "patient_cents": 0,
        "balance_cents": 0,
        "waiting_for": "received",
        "faults": [],
    }
    name = sample["sample"]
    try:
        encounter_id = row["encounter_id"] = await publish_sample(system, name)
        say(f"{name}: registered from {sample['source_format']}")
        if not sample["precoded"]:
            row["query"] = await _coding(people, encounter_id, sample, say)
        await _billing(people, encounter_id, sample, say)
        account = await _end(people, encounter_id, sample)
        say(f"{name}: {account['claim_state']}, {account['waiting_for'] or 'nothing open'}")
    except (GaveUp, RuntimeError) as error:
        row["faults"].append(str(error))
        say(f"{name}: {error}")
    if row["encounter_id"]:
        account = await people.biller.look("billing", f"/v1/accounts/{row['encounter_id']}")
        if account:
            row |= {key: account[key] for key in row if key in account and key not in {"setting", "faults"}}
    row["codes"] = [{key: code[key] for key in ("system", "code", "role")} for code in row["codes"]]
    row["faults"] += _faults(row, sample)
    return row


async def _coding(people: People, encounter_id: str, sample: dict[str, Any], say: Any) -> str | None:
    """The coder works the chart, with a provider query where the record needs one."""
    coder, name, outcome = people.coder, sample["sample"], None
    chart = f"/v1/cases/{encounter_id}"
    await coder.wait("coding", chart, lambda case: bool(case["suggested"]), "suggestions")
    await coder.do("coding", f"{chart}/start", {})
    if sample["query"]:
        provider = people.provider(sample["query"]["provider"])
        outcome = await ask_provider(coder, provider, encounter_id, sample["query"])
        say(f"{name}: the provider answered ({outcome})")
    await code_chart(coder, encounter_id, sample["expected"])
    say(f"{name}: coded")
    return outcome


async def _billing(people: People, encounter_id: str, sample: dict[str, Any], say: Any) -> None:
    """The biller does what the sample's story needs."""
    biller, account, name = people.biller, f"/v1/accounts/{encounter_id}", sample["sample"]
    for action in sample["actions"]:
        if action["do"] == "correct-member-id":
            await biller.wait("billing", account, lambda a: a["claim_state"] == "rejected", "the rejection")
            say(f"{name}: rejected at 277CA; the biller corrects the member id")
            await biller.do(
                "intake",
                f"/v1/encounters/{encounter_id}/coverages/{action['order']}",
                {"member_id": action["member_id"]},
                method="PUT",
            )
        elif action["do"] == "resubmit":
            found = await biller.look("billing", account)
            claim = next(claim for claim in found["claims"] if claim["state"] == "rejected")
            await biller.do("billing", f"/v1/claims/{claim['claim_id']}/correct", {})
        elif action["do"] == "appeal":
            await biller.wait("billing", account, lambda a: a["claim_state"] == "denied", "the denial")
            listed = await biller.look("billing", "/v1/denials")
            for denial in listed["denials"]:
                if denial["encounter_id"] == encounter_id and denial["state"] in {"new", "triaged"}:
                    await biller.do(
                        "billing",
                        f"/v1/denials/{denial['denial_id']}/appeal",
                        {"reason_code": "medical-necessity-documented"},
                    )
            say(f"{name}: denied; the biller appeals")
        elif action["do"] == "pay-share":
            found = await biller.wait(
                "billing", account, lambda a: a["waiting_for"] == "patient_open", "the patient's share"
            )
            await biller.do("billing", f"{account}/payments", {"amount_cents": found["patient_cents"]})


async def _end(people: People, encounter_id: str, sample: dict[str, Any]) -> dict[str, Any]:
    wanted = ENDS[sample["ends"]]

    def there(account: dict[str, Any]) -> bool:
        if wanted is None:
            return account["waiting_for"] is None and account["claim_state"] == "closed"
        return bool(account["waiting_for"] == wanted)

    account: dict[str, Any] = await people.biller.wait(
        "billing", f"/v1/accounts/{encounter_id}", there, f"the end ({sample['ends']})"
    )
    return account


def _faults(row: dict[str, Any], sample: dict[str, Any]) -> list[str]:
    """Return what is wrong with an encounter's end."""
    faults = []
    expected = sample["expected"]
    wanted = {item["code"] for item in (*expected["diagnoses"], *expected["procedures"])}
    got = {item["code"] for item in row["codes"]}
    if got != wanted:
        faults.append(f"codes {sorted(got)} instead of {sorted(wanted)}")
    if expected["drg"] != row["drg"]:
        faults.append(f"DRG {row['drg']} instead of {expected['drg']}")
    parts = sum(row[f"{part}_cents"] for part in ("paid", "adjusted", "patient", "balance"))
    if row["charged_cents"] != parts or row["charged_cents"] != expected["charged_cents"]:
        faults.append(f"charged {row['charged_cents']} cents, accounted for {parts}")
    return faults


async def _settle(people: People) -> None:
    """Wait until every event has reached audit, so that the last figures are about everything."""
    for service in people.system.urls:
        await people.operator.wait(
            service,
            "/ops/status",
            lambda now: now["outbox"] == 0 and all(c["lag"] == 0 for c in now["consumers"]),
            f"{service} to be quiet",
        )


def _show(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        shown = [
            {key: value for key, value in row.items() if key != "faults"} for row in result["encounters"]
        ]
        print(jsonlib.dumps(result | {"encounters": shown}), flush=True)
        return
    heads = (
        "encounter",
        "setting",
        "from",
        "codes",
        "query",
        "claim",
        "acks",
        "charged",
        "paid",
        "adjusted",
        "patient",
        "balance",
        "waiting for",
    )
    table(heads, [_cells(row) for row in result["encounters"]])
    print()
    total = {part: sum(row[f"{part}_cents"] for row in result["encounters"]) for part in _PARTS}
    print("  ".join(f"{part} {dollars(cents)}" for part, cents in total.items()))
    print(
        f"charged = paid + adjusted + patient + balance; ledger sum {dollars(result['ledger_sum_cents'])};"
        f" audit chain {'verified' if result['chain_verified'] else 'BROKEN'}; {result['seconds']} s"
    )
    for row in result["encounters"]:
        for fault in row["faults"]:
            print(f"{row['sample']}: {fault}")


_PARTS: Sequence[str] = ("charged", "paid", "adjusted", "patient", "balance")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    codes = " ".join(code["code"] for code in row["codes"])
    drg = f" DRG {row['drg']}" if row["drg"] else ""
    return (
        row["sample"],
        row["setting"],
        row["source_format"],
        f"{codes}{drg}",
        row["query"] or "-",
        row["claim_state"] or "-",
        " ".join(row["acknowledgements"]),
        *(dollars(row[f"{part}_cents"]) for part in _PARTS),
        row["waiting_for"] or "-",
    )
