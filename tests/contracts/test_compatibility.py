"""Each rule of the schema differ, with a change that it allows and one that it finds."""

from typing import Any

import pytest
from rcm_shared.contracts.compatibility import Fault, faults


def _schema(properties: dict[str, Any], *, required: Any = (), **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), **more}


TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
MAYBE = {"anyOf": [TEXT, {"type": "null"}], "default": None}

COMPATIBLE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "same": (_schema({"a": TEXT}, required=("a",)), _schema({"a": TEXT}, required=("a",))),
    "optional field added": (_schema({"a": TEXT}), _schema({"a": TEXT, "b": MAYBE})),
    "description changed": (_schema({"a": TEXT}), _schema({"a": {**TEXT, "description": "new words"}})),
    "enum values in another order": (
        _schema({"a": {**TEXT, "enum": ["x", "y"]}}),
        _schema({"a": {**TEXT, "enum": ["y", "x"]}}),
    ),
    "alternatives in another order": (
        _schema({"a": MAYBE}),
        _schema({"a": {"anyOf": [{"type": "null"}, TEXT]}}),
    ),
    "maximum raised": (_schema({"a": {**NUMBER, "maximum": 5}}), _schema({"a": {**NUMBER, "maximum": 6}})),
    "minimum lowered": (_schema({"a": {**NUMBER, "minimum": 5}}), _schema({"a": {**NUMBER, "minimum": 4}})),
    "bound dropped": (_schema({"a": {**TEXT, "maxLength": 5}}), _schema({"a": TEXT})),
    "pattern dropped": (_schema({"a": {**TEXT, "pattern": "^a"}}), _schema({"a": TEXT})),
    "reference inlined": (
        _schema({"a": {"$ref": "#/$defs/Word"}}, **{"$defs": {"Word": TEXT}}),
        _schema({"a": TEXT}),
    ),
    "recursive definition": (
        _schema(
            {"a": {"$ref": "#/$defs/Node"}},
            **{"$defs": {"Node": _schema({"next": {"$ref": "#/$defs/Node"}})}},
        ),
        _schema(
            {"a": {"$ref": "#/$defs/Node"}},
            **{"$defs": {"Node": _schema({"next": {"$ref": "#/$defs/Node"}})}},
        ),
    ),
}

BREAKING: dict[str, tuple[dict[str, Any], dict[str, Any], Fault]] = {
    "required field added": (
        _schema({"a": TEXT}),
        _schema({"a": TEXT, "b": TEXT}, required=("b",)),
        Fault("/properties/b", "required-added"),
    ),
    "optional made required": (
        _schema({"a": TEXT}),
        _schema({"a": TEXT}, required=("a",)),
        Fault("/properties/a", "required-added"),
    ),
    "required made optional": (
        _schema({"a": TEXT}, required=("a",)),
        _schema({"a": TEXT}),
        Fault("/properties/a", "required-dropped"),
    ),
    "field removed": (
        _schema({"a": TEXT, "b": TEXT}),
        _schema({"a": TEXT}),
        Fault("/properties/b", "field-removed"),
    ),
    "field renamed": (
        _schema({"a/b~": TEXT}),
        _schema({"c": TEXT}),
        Fault("/properties/a~1b~0", "field-removed"),
    ),
    "type changed": (_schema({"a": TEXT}), _schema({"a": NUMBER}), Fault("/properties/a", "type-changed")),
    "made nullable": (_schema({"a": TEXT}), _schema({"a": MAYBE}), Fault("/properties/a", "type-changed")),
    "made not nullable": (
        _schema({"a": MAYBE}),
        _schema({"a": TEXT}),
        Fault("/properties/a", "type-changed"),
    ),
    "item type changed": (
        _schema({"a": {"type": "array", "items": TEXT}}),
        _schema({"a": {"type": "array", "items": NUMBER}}),
        Fault("/properties/a/items", "type-changed"),
    ),
    "maximum lowered": (
        _schema({"a": {**NUMBER, "maximum": 6}}),
        _schema({"a": {**NUMBER, "maximum": 5}}),
        Fault("/properties/a/maximum", "bound-tightened"),
    ),
    "minimum raised": (
        _schema({"a": {**NUMBER, "minimum": 4}}),
        _schema({"a": {**NUMBER, "minimum": 5}}),
        Fault("/properties/a/minimum", "bound-tightened"),
    ),
    "length bound added": (
        _schema({"a": TEXT}),
        _schema({"a": {**TEXT, "maxLength": 5}}),
        Fault("/properties/a/maxLength", "bound-tightened"),
    ),
    "list bound added inside an alternative": (
        _schema({"a": {"anyOf": [{"type": "array", "items": TEXT}, {"type": "null"}]}}),
        _schema({"a": {"anyOf": [{"type": "array", "items": TEXT, "minItems": 1}, {"type": "null"}]}}),
        Fault("/properties/a/minItems", "bound-tightened"),
    ),
    "pattern added": (
        _schema({"a": TEXT}),
        _schema({"a": {**TEXT, "pattern": "^a"}}),
        Fault("/properties/a/pattern", "bound-tightened"),
    ),
    "format changed": (
        _schema({"a": {**TEXT, "format": "date"}}),
        _schema({"a": {**TEXT, "format": "date-time"}}),
        Fault("/properties/a/format", "bound-tightened"),
    ),
    "other fields forbidden": (
        _schema({"a": TEXT}),
        _schema({"a": TEXT}, additionalProperties=False),
        Fault("/additionalProperties", "bound-tightened"),
    ),
    "enum value removed": (
        _schema({"a": {**TEXT, "enum": ["x", "y"]}}),
        _schema({"a": {**TEXT, "enum": ["x"]}}),
        Fault("/properties/a/enum", "enum-value-removed"),
    ),
    "enum value added": (
        _schema({"a": {**TEXT, "enum": ["x"]}}),
        _schema({"a": {**TEXT, "enum": ["x", "y"]}}),
        Fault("/properties/a/enum", "enum-value-added"),
    ),
    "enum laid on a free text": (
        _schema({"a": TEXT}),
        _schema({"a": {**TEXT, "enum": ["x"]}}),
        Fault("/properties/a/enum", "bound-tightened"),
    ),
    "enum opened": (
        _schema({"a": {**TEXT, "enum": ["x"]}}),
        _schema({"a": TEXT}),
        Fault("/properties/a/enum", "enum-value-added"),
    ),
    "const changed": (
        _schema({"a": {**TEXT, "const": "x"}}),
        _schema({"a": {**TEXT, "const": "y"}}),
        Fault("/properties/a/enum", "enum-value-removed"),
    ),
    "inside a definition": (
        _schema({"a": {"$ref": "#/$defs/Part"}}, **{"$defs": {"Part": _schema({"x": TEXT, "y": TEXT})}}),
        _schema({"a": {"$ref": "#/$defs/Part"}}, **{"$defs": {"Part": _schema({"x": TEXT})}}),
        Fault("/$defs/Part/properties/y", "field-removed"),
    ),
    "tuple made shorter": (
        _schema({"a": {"type": "array", "prefixItems": [TEXT, TEXT]}}),
        _schema({"a": {"type": "array", "prefixItems": [TEXT]}}),
        Fault("/properties/a/prefixItems", "type-changed"),
    ),
}


@pytest.mark.parametrize("name", COMPATIBLE)
def test_compatible_change_has_no_fault(name: str) -> None:
    old, new = COMPATIBLE[name]
    assert faults(old, new) == []


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_change_is_found_at_its_place(name: str) -> None:
    old, new, expected = BREAKING[name]
    assert expected in faults(old, new)


def test_independent_faults_are_all_reported() -> None:
    old = _schema({"a": TEXT, "b": TEXT})
    new = _schema({"a": NUMBER, "c": TEXT}, required=("c",))
    assert {fault.rule for fault in faults(old, new)} == {"type-changed", "field-removed", "required-added"}
