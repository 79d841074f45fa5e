"""The contracts as documents: a JSON Schema per event, one AsyncAPI 3.0 description, one table for people.

Everything is derived from the models and `topics.py`; a field's comment in the source becomes its description.
"""

import inspect
import io
import textwrap
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, get_args

from pydantic.fields import FieldInfo

from rcm_shared.contracts.event import Event, Phi
from rcm_shared.contracts.topics import RETENTION_DAYS, TOPICS, Topic

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KAFKA_BINDING = "0.5.0"

#: The CloudEvents attributes as Kafka headers: name -> (JSON Schema, always there).
HEADERS: Mapping[str, tuple[dict[str, Any], bool]] = {
    "ce_specversion": ({"const": "1.0"}, True),
    "ce_id": ({"type": "string", "format": "uuid", "description": "UUIDv7 of the event"}, True),
    "ce_source": ({"type": "string", "pattern": "^/rcm/[a-z]+$"}, True),
    "ce_type": ({"type": "string", "pattern": "^rcm\\.[a-z]+\\.[a-z0-9-]+\\.v[1-9][0-9]*$"}, True),
    "ce_time": ({"type": "string", "format": "date-time", "description": "business time, UTC"}, True),
    "ce_sequence": (
        {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "gapless per key, from 1"},
        True,
    ),
    "ce_correlationid": (
        {
            "type": "string",
            "format": "uuid",
            "description": "the story it belongs to, where that is not the encounter",
        },
        False,
    ),
    "ce_facilityid": ({"type": "string"}, True),
    "ce_causationid": (
        {"type": "string", "format": "uuid", "description": "event that led to this one"},
        False,
    ),
    "traceparent": ({"type": "string", "description": "W3C trace context"}, False),
}


def fields_of(cls: type[Any]) -> dict[str, FieldInfo]:
    """Return the declared fields of an event class or of a dataclass nested in one."""
    fields: dict[str, FieldInfo] = getattr(cls, "model_fields", None) or cls.__pydantic_fields__
    return fields


def phi_of(field: FieldInfo) -> Phi | None:
    """Return the patient-data class that a field declares, or None where it declares none."""
    return next((item for item in field.metadata if isinstance(item, Phi)), None)


def nested_in(cls: type[Any]) -> Iterator[type[Any]]:
    """Yield the dataclasses that the fields of a class hold, directly or through containers, each once."""
    seen: set[type[Any]] = set()
    pending: list[Any] = [field.annotation for field in fields_of(cls).values()]
    while pending:
        annotation = pending.pop(0)
        pending.extend(get_args(annotation))
        if isinstance(annotation, type) and is_dataclass(annotation) and annotation not in seen:
            seen.add(annotation)
            yield annotation
            pending.extend(field.annotation for field in fields_of(annotation).values())


def comments_of(cls: type[Any]) -> dict[str, str]:
    """Return field -> the comment that stands on its line in the source, for the fields that have one."""
    found: dict[str, str] = {}
    for owner in reversed(cls.__mro__):
        if owner.__module__.startswith("rcm_shared.contracts"):
            found.update(_comments(textwrap.dedent(inspect.getsource(owner))))
    return {name: text for name, text in found.items() if name in fields_of(cls)}


def _comments(source: str) -> dict[str, str]:
    first: dict[int, str] = {}
    found: dict[str, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        if token.type == tokenize.NAME:
            first.setdefault(line, token.string)
        elif token.type == tokenize.COMMENT and line in first:
            found[first[line]] = token.string.removeprefix("#").strip()
    return found


def schema_of(event: type[Event]) -> dict[str, Any]:
    """Return the JSON Schema of an event's body, with the patient-data class of each field as `x-phi`."""
    schema = event.model_json_schema()
    _annotate(schema, event)
    for nested in nested_in(event):
        _annotate(schema["$defs"][nested.__name__], nested)
    return {"$schema": DIALECT, "$id": f"urn:claimstream:schema:{event.TYPE}", **schema}


def _annotate(schema: dict[str, Any], cls: type[Any]) -> None:
    comments = comments_of(cls)
    for name, field in fields_of(cls).items():
        prop: dict[str, Any] = schema["properties"][name]
        prop.pop("title", None)
        if name in comments:
            prop["description"] = comments[name]
        phi = phi_of(field)
        if phi is not None:
            prop["x-phi"] = phi.value


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 description of all topics, messages, senders and receivers."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "claimstream events",
            "version": "1",
            "description": "Facts that the services publish on Kafka, CloudEvents 1.0 in binary mode.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(_operations()),
        "components": {
            "messages": {event.__name__: _message(event) for topic in TOPICS for event in topic.events},
            "messageTraits": {"envelope": {"headers": _headers()}},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": f"All facts of {topic.owner}, in order per encounter.",
        "messages": {e.__name__: {"$ref": f"#/components/messages/{e.__name__}"} for e in topic.events},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": RETENTION_DAYS * 86_400_000,
                },
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for topic in TOPICS:
        yield f"{topic.owner}-sends-{_stream(topic)}", _operation(topic, "send", topic.owner)
        for service in topic.consumers:
            operation = _operation(topic, "receive", service)
            operation["bindings"] = {
                "kafka": {
                    "groupId": {"const": topic.group(service)},
                    "bindingVersion": KAFKA_BINDING,
                }
            }
            yield f"{service}-receives-{_stream(topic)}", operation


def _stream(topic: Topic) -> str:
    return topic.name.removeprefix("rcm.").replace(".", "-")


def _operation(topic: Topic, action: str, service: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "tags": [{"name": service}],
        "messages": [
            {"$ref": f"#/channels/{topic.name}/messages/{event.__name__}"} for event in topic.events
        ],
    }


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": inspect.getdoc(event),
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/envelope"}],
        "payload": {"$ref": f"schemas/{event.TYPE}.json"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}, "bindingVersion": KAFKA_BINDING}},
    }


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name for name, (_, always) in HEADERS.items() if always],
        "properties": {name: schema for name, (schema, _) in HEADERS.items()},
    }


def events_table() -> str:
    """Return the events as a Markdown page for people."""
    lines = [
        "# Events",
        "",
        "Generated by `python -m rcm_shared.contracts.generate` from `shared/rcm_shared/contracts`; do not edit.",
        "",
        "Every event is keyed by the opaque encounter id, except where its topic's module says otherwise.",
        "No field names a person. *Plain* fields say nothing about a person by themselves; *linked* fields",
        "(codes, dates of service, amounts) say something about one once the encounter is known.",
        "`?` marks a field with a default.",
    ]
    for topic in TOPICS:
        lines += [
            "",
            f"## `{topic.name}`",
            "",
            f"Owner: {topic.owner}. Consumers: {', '.join(topic.consumers)}.",
            "",
            "| event | says | plain fields | linked fields |",
            "|---|---|---|---|",
        ]
        lines += [_row(event) for event in topic.events]
        nested = dict.fromkeys(cls for event in topic.events for cls in nested_in(event))
        if nested:
            lines += ["", "| part | says | plain fields | linked fields |", "|---|---|---|---|"]
            lines += [_row(cls) for cls in nested]
    return "\n".join(lines) + "\n"


def _row(cls: type[Any]) -> str:
    name = getattr(cls, "TYPE", cls.__name__)
    says = " ".join((inspect.getdoc(cls) or "").split())
    return f"| `{name}` | {says} | {_names(cls, Phi.NONE)} | {_names(cls, Phi.INDIRECT)} |"


def _names(cls: type[Any], phi: Phi) -> str:
    return ", ".join(
        name if field.is_required() else f"{name}?"
        for name, field in fields_of(cls).items()
        if phi_of(field) is phi
    )
