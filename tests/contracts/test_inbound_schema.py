"""The schema of what hospitals publish is written down for them and is the one that intake reads by."""

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from rcm_deploy.demo.publish import SAMPLES
from rcm_deploy.superbills import superbill
from rcm_intake.gateways.canonical_json import json_schema

SCHEMA = Path(__file__).parents[2] / "docs" / "inbound-encounter.schema.json"


def test_written_schema_is_the_one_that_intake_reads_by() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema()


NATIVE = sorted(
    path.name for path in SAMPLES.glob("*.json") if ".fhir" not in path.name and path.name != "manifest.json"
)


@pytest.mark.parametrize("file", NATIVE)
def test_samples_are_valid_by_the_written_schema(file: str) -> None:
    jsonschema.validate(json.loads((SAMPLES / file).read_text()), json.loads(SCHEMA.read_text()))


def test_load_is_valid_by_the_written_schema() -> None:
    jsonschema.validate(json.loads(superbill(7)), json.loads(SCHEMA.read_text()))
