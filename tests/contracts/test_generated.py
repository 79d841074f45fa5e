"""The committed documents are what the models say, and every promise made before still holds."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types
from rcm_shared.contracts import asyncapi, compatibility, generate
from rcm_shared.contracts.event import Event, event_types
from rcm_shared.contracts.topics import TOPICS
from rcm_shared.messaging.headers import from_headers, to_headers
from rcm_testkit.envelopes import an_envelope

CONTRACTS = generate.FOLDER
EVENTS: dict[str, type[Event]] = {event.TYPE: event for topic in TOPICS for event in topic.events}
SAMPLES = sorted((CONTRACTS / "examples").glob("*/*.json"))


def _schema(event_type: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((CONTRACTS / "schemas" / f"{event_type}.json").read_text())
    return schema


def test_committed_documents_equal_generated_ones() -> None:
    assert [path.name for path in generate.stale()] == []


def test_schemas_change_only_compatibly_against_the_files_on_disk() -> None:
    assert generate.incompatible() == {}


def test_schemas_change_only_compatibly_against_the_last_commit() -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    for event_type in EVENTS:
        path = CONTRACTS / "schemas" / f"{event_type}.json"
        committed = subprocess.run(
            [git, "show", f"HEAD:./{path.name}"], cwd=path.parent, capture_output=True, check=False
        )
        if committed.returncode == 0:
            faults = compatibility.faults(json.loads(committed.stdout), json.loads(path.read_text()))
            assert faults == [], event_type


@pytest.mark.parametrize("event_type", EVENTS)
def test_schema_is_valid_and_has_a_golden_sample(event_type: str) -> None:
    Draft202012Validator.check_schema(_schema(event_type))
    assert (CONTRACTS / "examples" / event_type / "1.json").exists()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_golden_sample_parses_validates_and_survives_a_round_trip(path: Path) -> None:
    event_type = path.parent.name
    validator = Draft202012Validator(_schema(event_type), format_checker=Draft202012Validator.FORMAT_CHECKER)
    validator.validate(json.loads(path.read_text()))
    event = EVENTS[event_type].model_validate_json(path.read_bytes())
    written = event.model_dump_json()
    validator.validate(json.loads(written))
    assert EVENTS[event_type].model_validate_json(written) == event


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_golden_sample_names_only_fields_of_its_model(path: Path) -> None:
    assert set(json.loads(path.read_text())) <= set(EVENTS[path.parent.name].model_fields)


def test_unknown_field_is_ignored_on_read() -> None:
    body = json.loads((CONTRACTS / "examples" / "rcm.query.query-expired.v1" / "1.json").read_text())
    event = EVENTS["rcm.query.query-expired.v1"].model_validate({**body, "added_later": 1})
    assert "added_later" not in event.model_dump()


def test_every_reference_of_the_asyncapi_document_resolves() -> None:
    document = json.loads((CONTRACTS / "asyncapi.json").read_text())
    for reference in _references(document):
        if reference.startswith("#/"):
            target: Any = document
            for part in reference[2:].split("/"):
                target = target[part]
        else:
            assert (CONTRACTS / reference).is_file(), reference


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in _references(item)]
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    return []


def test_asyncapi_names_one_sender_and_every_receiver_of_each_topic() -> None:
    operations = asyncapi.asyncapi()["operations"].values()
    for topic in TOPICS:
        here = [op for op in operations if op["channel"]["$ref"] == f"#/channels/{topic.name}"]
        assert [op["tags"][0]["name"] for op in here if op["action"] == "send"] == [topic.owner]
        assert [op["tags"][0]["name"] for op in here if op["action"] == "receive"] == list(topic.consumers)


def test_declared_headers_equal_the_written_ones() -> None:
    envelope = an_envelope(causation=True, traceparent=True)
    written = dict(to_headers(envelope))
    assert set(written) == set(asyncapi.HEADERS)
    least = dict(to_headers(an_envelope()._replace(correlation_id=envelope.key)))
    assert set(least) == {name for name, (_, always) in asyncapi.HEADERS.items() if always}
    validator = Draft202012Validator(
        asyncapi.asyncapi()["components"]["messageTraits"]["envelope"]["headers"],
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    validator.validate({name: value.decode() for name, value in written.items()})
    assert from_headers(envelope.key.bytes, list(written.items())).id == an_envelope().id


def test_generate_refuses_an_incompatible_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    monkeypatch.setattr(generate, "EVENTS_PAGE", tmp_path / "events.md")
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    path = tmp_path / "schemas" / "rcm.query.query-expired.v1.json"
    promised = json.loads(path.read_text())
    promised["properties"]["dropped"] = {"type": "string"}
    path.write_text(json.dumps(promised))
    capsys.readouterr()
    assert generate.main([]) == 1
    assert "/properties/dropped: field-removed" in capsys.readouterr().err
    assert "dropped" in path.read_text()
    assert generate.main(["--unreleased"]) == 0
    assert "dropped" not in path.read_text()


def test_every_known_event_type_is_on_a_topic() -> None:
    assert {name for name in event_types() if not name.startswith("test.")} >= set(EVENTS)
    ours = {n for n, cls in event_types().items() if cls.__module__.startswith("rcm_shared.contracts")}
    assert ours == set(EVENTS)
