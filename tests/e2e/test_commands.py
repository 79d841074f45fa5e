"""The command line as a person uses it: a process of its own, beside a system that runs."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from rcm_deploy.superbills import superbill
from rcm_shared.contracts.billing import AppealFiled
from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.intake import DocumentationAmended
from rcm_shared.contracts.topics import ENCOUNTER
from rcm_shared.ids import uuid7
from rcm_shared.messaging.headers import to_headers
from rcm_testkit.system import Running

SERVICES = ["intake", "coding", "query", "billing", "audit"]
PATIENT = re.compile("ZQ", re.IGNORECASE)  # part of every name, number and address of a test patient


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Return the one line of JSON on stdout."""
        (line,) = self.stdout.splitlines()
        return json.loads(line)


@dataclass(frozen=True)
class Terminal:
    """A shell in which RCM_HOME names one home."""

    home: Path

    def rcm(self, *arguments: str, typed: str = "") -> Answer:
        """Run a command; no command may show a traceback or anything of a patient."""
        done = subprocess.run(
            [sys.executable, "-m", "rcm_deploy.cli.main", *arguments],
            env={**os.environ, "RCM_HOME": str(self.home)},
            input=typed,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert "Traceback" not in done.stderr
        assert not PATIENT.search(done.stdout + done.stderr)
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def terminal(running: Running) -> Terminal:
    return Terminal(running.system.home.root)


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    """A file with a precoded encounter that nobody has sent before."""
    file = tmp_path / "bill.json"
    file.write_bytes(superbill(3, prefix=uuid7().hex[-10:].upper()))
    return file


def test_status_shows_every_part_ready(terminal: Terminal) -> None:
    told = terminal.rcm("status", "--json")
    assert told.status == 0
    assert told.json["ready"] is True
    assert {*SERVICES, "payer"} <= {part["name"] for part in told.json["parts"] if part["ready"]}
    shown = terminal.rcm("status")
    assert shown.status == 0
    assert shown.stdout.splitlines()[0].split() == ["part", "process", "state", "address", "restarts"]
    assert len(shown.stdout.splitlines()) == 1 + len(told.json["parts"])


def test_doctor_finds_the_system(terminal: Terminal) -> None:
    told = terminal.rcm("doctor", "--json")
    checks = {check["name"]: check for check in told.json["checks"]}
    assert told.status == (0 if all(check["ok"] for check in checks.values()) else 1)
    assert checks["system"]["detail"].startswith("runs (process ")
    assert "PROBLEM" in terminal.rcm("doctor").stdout or told.status == 0


def test_running_system_refuses_up_and_reset_and_is_migrated_already(terminal: Terminal) -> None:
    for arguments in (("up",), ("up", "--detach"), ("reset", "--yes")):
        answer = terminal.rcm(*arguments)
        assert (answer.status, answer.stdout) == (4, "")
        assert len(answer.stderr.splitlines()) == 1
    assert terminal.rcm("migrate", "--json").json == {service: [] for service in SERVICES}
    assert terminal.rcm("migrate").stdout.count("nothing") == len(SERVICES)


async def test_published_encounter_is_shown_from_registration_to_zero(
    terminal: Terminal, running: Running, bill: Path
) -> None:
    judged = terminal.rcm("publish", "--dry-run", str(bill))
    assert (judged.status, judged.stdout) == (0, "bill.json #1: accepted\n")
    sent = terminal.rcm("publish", str(bill), "--json")
    assert (sent.status, sent.json["outcome"]) == (0, "accepted")
    encounter_id = sent.json["encounter_id"]
    again = terminal.rcm("publish", str(bill))
    assert again.stdout == f"bill.json #1: duplicate (same-message) {encounter_id}\n"
    account: dict[str, Any] = {}
    async with running.client("billing", "biller") as biller:
        for _ in range(200):
            account = (await biller.get(f"/v1/accounts/{encounter_id}")).json()
            if account.get("claim_state") == "closed":
                break
            await asyncio.sleep(0.1)
    await running.until_quiet()
    told = terminal.rcm("case", "show", encounter_id, "--json")
    assert told.status == 0
    assert told.json["account"] == account
    shown = terminal.rcm("case", "show", encounter_id)
    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert "claim_state closed" in lines
    assert "balance 0.00" in lines
    assert "{" not in shown.stdout
    for kind in ("encounter-registered", "coding-finalised", "claim-submitted", "account-closed"):
        assert any(f".{kind}.v1 " in line for line in lines), kind


def test_file_that_nobody_can_read_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "noise.bin"
    file.write_bytes(b"ZQNOISE\x00\xff")
    for more in ((), ("--dry-run",)):
        assert terminal.rcm("publish", str(file), *more) == Answer(
            1, "noise.bin #1: refused (format-unknown)\n", ""
        )
    assert terminal.rcm("publish", str(file), "--json").json["outcome"] == "refused"
    assert terminal.rcm("publish", str(tmp_path / "absent")).status == 2


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_encounter_or_letter_that_nobody_knows_is_refused(terminal: Terminal, more: tuple[str, ...]) -> None:
    absent = str(uuid7())
    case = terminal.rcm("case", "show", absent, *more)
    assert case == Answer(4, "", "rcm: audit refuses (404): no such encounter\n")
    shown = terminal.rcm("dlq", "show", absent, "--service", "query", *more)
    assert shown == Answer(4, "", "rcm: query refuses (404): no such dead letter\n")
    discarded = terminal.rcm("dlq", "discard", absent, "-s", "query", "--reason", "not there", *more)
    assert discarded == Answer(4, "", "rcm: query refuses (404): no such dead letter\n")


async def _poison_and_a_sound_event_behind_it(running: Running, key: UUID) -> None:
    """Publish two events of one encounter: one whose body no reader understands and one of an unread kind."""
    sound = AppealFiled.TYPE  # no reader of encounters acts on it, so it can always be applied
    producer = AIOKafkaProducer(bootstrap_servers=running.system.kafka_bootstrap, acks="all")
    await producer.start()
    for sequence, kind in enumerate((DocumentationAmended.TYPE, sound), start=1):
        envelope = Envelope(
            uuid7(), kind, "/rcm/intake", key, datetime.now(UTC), sequence, key, None, "DEMO-GENERAL"
        )
        body = b'{"facility_id": 7, "evil": "ZQEVIL"}'
        await producer.send_and_wait(ENCOUNTER.name, body, key=key.bytes, headers=to_headers(envelope))
    await producer.stop()


async def test_dead_letter_is_listed_shown_redriven_discarded_and_what_was_parked_is_applied(
    terminal: Terminal, running: Running
) -> None:
    key, consumer = uuid7(), "coding.intake-encounter"
    await _poison_and_a_sound_event_behind_it(running, key)
    await running.until_quiet()
    listed = terminal.rcm("dlq", "ls", "--service", "coding", "--json").json["groups"]
    assert sum(group["parked"] for group in listed if group["consumer"] == consumer) >= 1
    ids = [number for group in listed if group["consumer"] == consumer for number in group["ids"]]
    letters = [terminal.rcm("dlq", "show", number, "-s", "coding", "--json").json for number in ids]
    (dead,) = [one for one in letters if one["key"] == str(key)]
    assert (dead["state"], dead["sequence"], dead["error_code"]) == ("dead", 1, "body-invalid")
    assert "body" not in dead
    assert "body-invalid" in terminal.rcm("dlq", "show", dead["id"], "-s", "coding").stdout
    assert consumer in terminal.rcm("dlq", "ls").stdout

    redrive = ("dlq", "redrive", consumer, "--reason", "the rule is mended", "--key", str(key))
    planned = terminal.rcm(*redrive, "--dry-run")
    assert planned.status == 0
    assert [line.split()[-1] for line in planned.stdout.splitlines()] == ["sequence", "1", "2"]
    failed = terminal.rcm(*redrive, "--json")
    assert failed.status == 1
    assert failed.json["keys"] == [{"key": str(key), "applied": 0, "still_set_aside": 2}]
    gone = terminal.rcm("dlq", "discard", dead["id"], "-s", "coding", "--reason", "sent by a test", "--json")
    assert gone.status == 0
    done = terminal.rcm(*redrive)
    assert done.status == 0
    assert done.stdout.splitlines()[1].split() == [str(key), "1", "0"]

    unreasoned = terminal.rcm("dlq", "redrive", consumer, "--reason", "x")
    assert unreasoned.status == 4
    assert unreasoned.stderr.endswith("(/reason string_too_short)\n")
    assert terminal.rcm("dlq", "redrive", consumer).status == 2
    assert terminal.rcm("dlq", "redrive", "nobody.at-all", "--reason", "why not").status == 2
    unknown = terminal.rcm("dlq", "redrive", "coding.nothing", "--reason", "why not")
    assert unknown == Answer(4, "", "rcm: coding refuses (404): no such consumer\n")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A home of its own, stopped at the end whatever happened."""
    found = Terminal(tmp_path_factory.mktemp("own") / "home")
    yield found
    found.rcm("down")


def test_system_goes_up_and_down_and_leaves_nothing_behind(own: Terminal) -> None:
    assert own.rcm("down", "--json").json == {"stopped": False}
    assert own.rcm("status", "--json").json["running"] is False
    up = own.rcm("up", "--detach", "--json")
    assert up.status == 0
    assert list(up.json["urls"]) == SERVICES
    assert "starting PostgreSQL and Kafka" in up.stderr

    told = own.rcm("status", "--json").json
    processes = {part["name"]: part["pid"] for part in told["parts"]}
    os.kill(processes["query"], signal.SIGSTOP)
    try:
        hung = own.rcm("status", "--json")
        assert hung.status == 1
        assert [part["name"] for part in hung.json["parts"] if not part["ready"]] == ["query"]
    finally:
        os.kill(processes["query"], signal.SIGCONT)

    down = own.rcm("down")
    assert (down.status, down.stdout) == (0, "")
    assert down.stderr.endswith("stopped\n")
    for process in processes.values():
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    for arguments in (("status",), ("dlq", "ls"), ("case", "show", str(uuid7()))):
        answer = own.rcm(*arguments)
        assert (answer.status, answer.stdout) == (3, "")
        assert "rcm up" in answer.stderr
    migrated = own.rcm("migrate", "--json")
    assert migrated.json == {service: [] for service in SERVICES}
    assert own.rcm("reset").status == 4
    assert own.rcm("reset", typed="y\n").status == 0
    assert not (own.home / "postgres").exists()
    assert own.rcm("reset", "--yes", "--json").json == {"deleted": []}
