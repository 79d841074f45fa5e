"""Which models a service answers with, as its registry changes."""

from datetime import UTC, datetime
from pathlib import Path

from rcm_coding.gateways.model_registry import EventRange, ModelRegistry, Stage
from rcm_coding.gateways.serving import ServedModels
from unit.coding.gateways.test_model_registry import model

AT = datetime(2026, 9, 14, tzinfo=UTC)


def registry_of(home: Path, *names: str) -> ModelRegistry:
    registry = ModelRegistry(home)
    for at, name in enumerate(names):
        registry.add(model(name, 0.5 + at / 10), EventRange("1", "9", 9), AT)
        registry.record(name, {"passed": True})
    return registry


def names(served: ServedModels) -> tuple[str, str]:
    return (served.live.name if served.live else "", served.shadow.name if served.shadow else "")


def test_the_shipped_model_serves_until_another_is_promoted(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, "en-one")
    served = ServedModels("", registry)
    served.load()
    shipped, shadow = names(served)
    assert shipped.startswith("en-")
    assert not shadow
    assert not served.changed()
    assert registry.shade("en-one")
    assert served.changed()
    served.load()
    assert names(served) == (shipped, "en-one")
    registry.promote("en-one")
    served.load()
    assert names(served) == ("en-one", "")
    registry.rollback("en")
    served.load()
    assert names(served) == (shipped, "")


def test_a_damaged_model_is_passed_over_and_named(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, "en-one")
    registry.promote("en-one")
    registry.promote("en-one")
    (tmp_path / "models" / "en-one" / "model.json").write_bytes(b"{}")
    served = ServedModels("none", registry)
    served.load()
    assert names(served) == ("", "")
    assert served.faults == ("en-one",)
    assert not served.changed()  # it is not read again and again


def test_without_a_registry_the_settings_decide() -> None:
    served = ServedModels("none")
    served.load()
    assert names(served) == ("", "")
    assert not served.changed()


def test_only_what_the_gate_passed_becomes_the_shadow_and_the_one_before_retires(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, "en-one", "en-two", "en-three")
    registry.record("en-three", {"passed": False})
    assert registry.shade("en-one")
    assert registry.shade("en-two")
    assert not registry.shade("en-three")
    assert {entry.manifest.name: entry.stage for entry in registry.entries()} == {
        "en-one": Stage.RETIRED,
        "en-two": Stage.SHADOW,
        "en-three": Stage.CANDIDATE,
    }
    assert registry.shadow("en") == "en-two"


def test_a_refit_is_asked_for_and_answered_once(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    registry.answer_refit({"model": "en-zero"})  # nobody asked
    assert registry.refit_outcome() is None
    registry.ask_refit()
    assert registry.refit_asked()
    assert registry.refit_outcome() is None
    registry.answer_refit({"model": "en-one"})
    assert registry.refit_outcome() == {"model": "en-one"}
    assert not registry.refit_asked()
