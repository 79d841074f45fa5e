"""The topics table is the truth: owners, publishers, subscribers and patient-data classes agree with the code."""

import ast
from collections import Counter
from pathlib import Path

import pytest
from rcm_shared.contracts import asyncapi
from rcm_shared.contracts.event import Event, Phi
from rcm_shared.contracts.topics import TOPICS, Topic, owned_by, read_by
from rcm_testkit.services import SERVICES, source_files, spec_of

ROOT = Path(__file__).parents[2]
EVENTS = [event for topic in TOPICS for event in topic.events]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_field_declares_a_patient_data_class_and_none_names_a_person(event: type[Event]) -> None:
    for cls in (event, *asyncapi.nested_in(event)):
        for name, field in asyncapi.fields_of(cls).items():
            declared = [item for item in field.metadata if isinstance(item, Phi)]
            assert len(declared) == 1, f"{cls.__name__}.{name} declares {declared}"
            assert declared[0] is not Phi.DIRECT, f"{cls.__name__}.{name} names a person"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_plain_field_holds_no_part_that_is_linked(event: type[Event]) -> None:
    for name, field in asyncapi.fields_of(event).items():
        inner = [
            asyncapi.phi_of(f) for cls in _parts(field.annotation) for f in asyncapi.fields_of(cls).values()
        ]
        if Phi.INDIRECT in inner:
            assert asyncapi.phi_of(field) is Phi.INDIRECT, name


def _parts(annotation: object) -> list[type]:
    holder = type("Holder", (), {"__pydantic_fields__": {"x": _Field(annotation)}})
    return list(asyncapi.nested_in(holder))


class _Field:
    def __init__(self, annotation: object) -> None:
        self.annotation = annotation


def test_every_event_belongs_to_exactly_one_topic() -> None:
    assert [event for event, times in Counter(EVENTS).items() if times > 1] == []
    assert [kind for kind, times in Counter(event.TYPE for event in EVENTS).items() if times > 1] == []


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_topic_owner_module_and_type_prefix_agree(topic: Topic) -> None:
    assert topic.name.startswith(f"rcm.{topic.owner}.")
    for event in topic.events:
        assert event.__module__ == f"rcm_shared.contracts.{topic.owner}"
        assert event.TYPE.startswith(f"rcm.{topic.owner}.")


def test_every_service_owns_one_topic_and_no_topic_is_read_by_its_owner() -> None:
    assert sorted(topic.owner for topic in TOPICS) == sorted(SERVICES)
    assert all(topic.owner not in topic.consumers for topic in TOPICS)
    assert all(set(topic.consumers) <= set(SERVICES) for topic in TOPICS)


def test_consumer_groups_are_unique() -> None:
    groups = [topic.group(service) for topic in TOPICS for service in topic.consumers]
    assert len(set(groups)) == len(groups)


@pytest.mark.parametrize("service", SERVICES)
def test_subscriptions_equal_the_table(service: str) -> None:
    assert {topic.name for topic in spec_of(service).consumers} == {topic.name for topic in read_by(service)}


@pytest.mark.parametrize("service", SERVICES)
def test_service_constructs_only_events_of_its_own_topic(service: str) -> None:
    own = {event.__name__ for event in owned_by(service).events}
    for path in source_files(service):
        for name, line in _events_constructed(path):
            assert name in own, f"{path.relative_to(ROOT)}:{line} makes {name}, which {service} does not own"


def _events_constructed(path: Path) -> list[tuple[str, int]]:
    """Return (class, line) of every event class of the contracts that a module calls, aliases followed."""
    tree = ast.parse(path.read_text())
    names: dict[str, str] = {}
    modules: dict[str, str] = {}
    by_module: dict[str, set[str]] = {}
    for event in EVENTS:
        by_module.setdefault(event.__module__, set()).add(event.__name__)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if alias.name in by_module.get(node.module, ()):
                    names[alias.asname or alias.name] = alias.name
                if f"{node.module}.{alias.name}" in by_module:
                    modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in names:
            found.append((names[called.id], node.lineno))
        elif (
            isinstance(called, ast.Attribute)
            and isinstance(called.value, ast.Name)
            and called.attr in by_module.get(modules.get(called.value.id, ""), ())
        ):
            found.append((called.attr, node.lineno))
    return found


def test_search_for_constructed_events_finds_aliases(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        "from rcm_shared.contracts import billing as money\n"
        "from rcm_shared.contracts.coding import CodingStarted as Begun\n"
        "Begun(actor='x')\nmoney.ClaimHeld(actor='x')\n"
    )
    assert _events_constructed(path) == [("CodingStarted", 3), ("ClaimHeld", 4)]
