"""The registry of models: the way in, the way back, and everything that it refuses."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from rcm_coding.cli.models import app
from rcm_coding.engine import ENGINE_VERSION
from rcm_coding.engine.ranking.model import DIAGNOSES, BadModelError, Model, Scorer
from rcm_coding.engine.ranking.trees import Calibration, Forest, Tree
from rcm_coding.gateways.model_registry import EventRange, ModelRegistry, RegistryError, Stage
from rcm_coding.gateways.models import read_model, write_model
from typer.testing import CliRunner

AT = datetime(2026, 9, 14, tzinfo=UTC)
EVENTS = EventRange("1", "900", 900)


def model(name: str, share: float = 0.5) -> Model:
    """A model of one leaf."""
    forest = Forest((Tree((-1,), (0.0,), (0,), (share,)),))
    scorer = Scorer(forest, Calibration((0.0, 1.0), (0.0, 1.0)), 0.4, 0.4)
    return Model(name, "en", {DIAGNOSES: scorer}, {"engine": ENGINE_VERSION, "release": "ICD-10-CM:test"})


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    """A registry with two candidates that the gate has passed."""
    made = ModelRegistry(tmp_path / "registry")
    for at, name in enumerate(("en-one", "en-two")):
        made.add(model(name, 0.5 + at / 10), EVENTS, AT)
        made.record(name, {"passed": True})
    return made


def refused(error: pytest.ExceptionInfo[RegistryError]) -> str:
    """The stable code of a refusal."""
    return error.value.code


def test_a_manifest_says_what_a_model_was_made_from(registry: ModelRegistry) -> None:
    manifest = registry.entry("en-one").manifest
    assert (manifest.events, manifest.release, manifest.engine) == (EVENTS, "ICD-10-CM:test", ENGINE_VERSION)
    assert len(manifest.sha256) == 64
    assert registry.add(model("en-one"), EVENTS, AT) == manifest


def test_a_model_goes_from_candidate_to_shadow_to_use_and_back(registry: ModelRegistry) -> None:
    assert registry.entry("en-one").stage is Stage.CANDIDATE
    assert registry.promote("en-one") is Stage.SHADOW
    assert registry.active("en") == ""
    assert registry.promote("en-one") is Stage.ACTIVE
    registry.promote("en-two")
    assert registry.active("en") == "en-one"
    registry.promote("en-two")
    assert [(entry.manifest.name, entry.stage) for entry in registry.entries()] == [
        ("en-one", Stage.RETIRED),
        ("en-two", Stage.ACTIVE),
    ]
    in_use = registry.root / "active" / "en"
    assert read_model(in_use).name == "en-two"
    assert registry.rollback("en") == ("en-two", "en-one")
    assert read_model(in_use).name == "en-one"
    assert registry.rollback("en") == ("en-one", "")
    assert not in_use.exists()
    with pytest.raises(RegistryError) as error:
        registry.rollback("en")
    assert refused(error) == "none-active"


def test_a_model_that_was_rolled_back_goes_through_the_shadow_again(registry: ModelRegistry) -> None:
    registry.promote("en-one")
    registry.promote("en-one")
    registry.rollback("en")
    assert registry.entry("en-one").stage is Stage.RETIRED
    assert registry.promote("en-one") is Stage.SHADOW
    assert registry.promote("en-one") is Stage.ACTIVE


def test_promotion_asks_for_the_gate(registry: ModelRegistry) -> None:
    registry.add(model("en-three"), EVENTS, AT)
    with pytest.raises(RegistryError) as error:
        registry.promote("en-three")
    assert refused(error) == "not-judged"
    registry.record("en-three", {"passed": False})
    with pytest.raises(RegistryError) as error:
        registry.promote("en-three")
    assert refused(error) == "gate-refused"


def test_a_model_in_use_and_one_for_another_engine_are_refused(registry: ModelRegistry) -> None:
    registry.promote("en-one")
    registry.promote("en-one")
    with pytest.raises(RegistryError) as error:
        registry.promote("en-one")
    assert refused(error) == "already-active"
    old = replace(model("en-old"), facts={"engine": "rcm-cac/0.0"})
    registry.add(old, EVENTS, AT)
    registry.record("en-old", {"passed": True})
    with pytest.raises(RegistryError) as error:
        registry.promote("en-old")
    assert refused(error) == "other-engine"


def test_a_file_that_was_changed_is_not_promoted_or_read(registry: ModelRegistry) -> None:
    path = registry.root / "models" / "en-one" / "model.json"
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.6"))
    with pytest.raises(BadModelError):
        registry.promote("en-one")
    with pytest.raises(BadModelError):
        registry.model("en-one")


def test_a_rollback_never_brings_back_a_damaged_model(registry: ModelRegistry) -> None:
    for name in ("en-one", "en-one", "en-two", "en-two"):
        registry.promote(name)
    (registry.root / "models" / "en-one" / "model.json").write_bytes(b"{}")
    with pytest.raises(BadModelError):
        registry.rollback("en")
    assert registry.active("en") == "en-two"


def test_a_name_is_never_given_twice_or_used_as_a_path(registry: ModelRegistry) -> None:
    with pytest.raises(RegistryError) as error:
        registry.add(model("en-one", 0.9), EVENTS, AT)
    assert refused(error) == "name-taken"
    for name in ("../en-one", "", ".hidden"):
        with pytest.raises(RegistryError) as error:
            registry.entry(name)
        assert refused(error) == "bad-name"
    with pytest.raises(RegistryError) as error:
        registry.entry("nobody")
    assert refused(error) == "no-such-model"


def test_the_first_golden_set_is_the_frozen_one(registry: ModelRegistry) -> None:
    assert registry.frozen("en", "first") == "first"
    assert registry.frozen("en", "second") == "first"
    assert registry.frozen("es", "second") == "second"


def test_the_command_line_adds_promotes_and_rolls_back(tmp_path: Path) -> None:
    run, home = CliRunner(), tmp_path / "registry"
    write_model(tmp_path / "made", model("en-one"))

    def call(*words: str) -> tuple[int, dict[str, object]]:
        result = run.invoke(app, [*words, "--registry", str(home), "--json"])
        return result.exit_code, json.loads(result.stdout) if result.stdout else {}

    assert call("add", str(tmp_path / "made"), "--first", "1", "--last", "9")[1]["stage"] == "candidate"
    assert call("promote", "en-one") == (1, {})
    ModelRegistry(home).record("en-one", {"passed": True})
    assert call("promote", "en-one")[1]["stage"] == "shadow"
    assert call("promote", "en-one")[1]["stage"] == "active"
    assert call("show", "en-one")[1]["gate"] == "passed"
    assert [item["name"] for item in call("ls")[1]["models"]] == ["en-one"]  # type: ignore[attr-defined]
    assert call("rollback") == (0, {"taken_out": "en-one", "in_use": None})
    assert call("rollback") == (1, {})


@pytest.mark.parametrize(("passed", "status"), [(True, 0), (False, 1)])
def test_the_command_line_asks_for_a_refit_and_tells_what_came_of_it(
    tmp_path: Path, passed: bool, status: int
) -> None:
    registry = ModelRegistry(tmp_path)
    outcome = {"model": "en-one", "passed": passed, "decisions": 12, "reasons": [], "refused": []}

    def service() -> None:
        while not registry.refit_asked():
            time.sleep(0.01)
        registry.answer_refit(outcome)

    thread = Thread(target=service)
    thread.start()
    result = CliRunner().invoke(app, ["refit", "--registry", str(tmp_path), "--json"])
    thread.join()
    assert result.exit_code == status
    assert json.loads(result.stdout) == outcome


def test_a_refit_that_nobody_answers_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    result = CliRunner().invoke(app, ["refit", "--registry", str(tmp_path), "--wait", "1"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "no service answered within 1 s" in result.stderr
