"""Real messages of others are judged without exception; each demonstration sample gives the expected facts."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from rcm_deploy.demo import publish
from rcm_intake.domain.encounter import Encounter, EncounterState
from rcm_intake.gateways.hl7v2_syntax import split_messages
from rcm_intake.gateways.readers import read_message
from rcm_intake.gateways.reading import Reading, Refusal
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.intake import ChargesCaptured, DocumentationCompleted, EncounterRegistered
from unit.intake.messages import ID, applied, names

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("RCM_SHARED_DIR") or ROOT.parent / "shared") / "samples"
MANIFEST = publish.manifest()["samples"]

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of shared samples is absent")


@needs_shared
def test_all_hl7v2_samples_are_judged() -> None:
    files = sorted((SHARED / "hl7v2").glob("*.hl7"))
    assert len(files) == 38
    judged = {file.stem: read_message(file.read_bytes(), "hl7v2") for file in files}
    refused = {name: j.code for name, j in judged.items() if isinstance(j, Refusal)}
    assert refused == dict.fromkeys(["MDM-T02-01", "MDM-T06-01", "MDM-T10-01"], "document-media-type")
    read = {name for name, j in judged.items() if isinstance(j, Reading) and j.messages}
    assert {"ADT-A01-01", "ADT-A03-01", "ADT-A04-01", "ADT-A08-01", "ADT-A11-01", "DFT-P03-01"} <= read


@needs_shared
def test_all_fhir_samples_are_read() -> None:
    files = sorted((SHARED / "fhir").glob("*.json"))
    assert files
    for file in files:
        judged = read_message(file.read_bytes(), "fhir", source="synthea")
        assert isinstance(judged, Reading)
        assert judged.messages
        for message in judged.messages:
            assert names(applied(None, message))[0] == "encounter-registered"


def run(entry: dict[str, Any]) -> tuple[Encounter, list[Event], list[str]]:
    """Apply a sample's messages; return its record, its facts and its texts."""
    raw = (publish.SAMPLES / entry["file"]).read_bytes()
    kind = publish.format_of(raw)
    encounter: Encounter | None = None
    events: list[Event] = []
    texts: list[str] = []
    for piece in split_messages(raw) if kind == "hl7v2" else [raw]:
        judged = read_message(piece, kind)
        assert isinstance(judged, Reading), judged
        (message,) = judged.messages
        assert message.external_id == entry["external_id"]
        change = applied(encounter, message)
        encounter = change.encounter
        events.extend(change.events)
        texts.extend(text.text for text in change.texts)
    assert encounter is not None
    return encounter, events, texts


@pytest.mark.parametrize("entry", MANIFEST, ids=[entry["sample"] for entry in MANIFEST])
def test_sample_gives_the_expected_facts(entry: dict[str, Any]) -> None:
    encounter, events, texts = run(entry)
    kinds = [event.TYPE.split(".")[2] for event in events]
    assert sorted(kinds) == [
        "charges-captured",
        "coverage-verified",
        "documentation-completed",
        "encounter-registered",
    ]
    assert kinds[0] == "encounter-registered"
    assert encounter.encounter_id == ID
    assert encounter.state is EncounterState.DOCUMENTATION_COMPLETE
    registered = next(event for event in events if isinstance(event, EncounterRegistered))
    assert (registered.setting, registered.claim_form) == (entry["setting"], entry["claim_form"])
    assert registered.precoded is entry["precoded"]
    assert encounter.service_from.isoformat() == entry["service_from"]
    assert encounter.service_through.isoformat() == entry["service_through"]
    completed = next(event for event in events if isinstance(event, DocumentationCompleted))
    assert completed.documents
    assert all(ref.signed and ref.author_id for ref in completed.documents)
    captured = next(event for event in events if isinstance(event, ChargesCaptured))
    assert captured.total_cents == entry["expected"]["captured_cents"]
    assert {p.role: p.provider_id for p in encounter.providers} == entry["provider_ids"]
    assert all(coverage.member_id for coverage in encounter.coverages)
    lines = [line for text in texts for line in text.splitlines()]
    assert len(lines) >= 5


@pytest.mark.parametrize("entry", MANIFEST, ids=[entry["sample"] for entry in MANIFEST])
def test_no_fact_of_a_sample_holds_patient_data(entry: dict[str, Any]) -> None:
    _, events, texts = run(entry)
    published = "".join(event.model_dump_json() for event in events)
    assert not [token for token in entry["canaries"] if token in published]
    assert "ZQ" not in published
    assert any("ZQ" in text for text in texts)


def test_hernia_repair_is_documented_but_not_charged() -> None:
    entry = next(e for e in MANIFEST if e["sample"] == "lap-chole-hernia")
    encounter, _, texts = run(entry)
    assert [charge.code for charge in encounter.charges] == ["47562", ""]
    assert "umbilical hernia" in texts[0].lower()


def test_secondary_payer_is_second_in_line() -> None:
    encounter, _, _ = run(next(e for e in MANIFEST if e["sample"] == "secondary-payer"))
    assert [(c.order, c.payer_id, c.filing_indicator) for c in encounter.coverages] == [
        ("P", "DMC01", "MB"),
        ("S", "SUP01", "CI"),
    ]


def test_every_file_of_the_samples_is_in_the_manifest() -> None:
    files = {path.name for path in publish.SAMPLES.iterdir()} - {"manifest.json"}
    assert files == {entry["file"] for entry in MANIFEST}
    assert len(MANIFEST) == 11


def test_dry_run_prints_a_line_for_each_message(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good = publish.SAMPLES / "ed-wrist-fracture.hl7"
    assert publish.main([good, good], dry_run=True, json=True) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["outcome"] for line in lines] == ["accepted"] * 3 + ["duplicate"] * 3
    assert set(lines[0]) == {"file", "message", "outcome", "reason", "encounter_id"}
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"<xml/>")
    assert publish.main([good, bad], dry_run=True, json=True) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["outcome"], last["reason"]) == ("refused", "format-unknown")
