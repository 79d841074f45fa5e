"""What may change inside one version of an event: optional fields may be added, nothing else that a reader notices.

Both directions count: an older reader meets newer events, and a newer reader meets the stored older ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

#: Keywords whose value may not rise, and those whose value may not fall.
LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
EXACT = ("pattern", "format", "multipleOf", "uniqueItems")


@dataclass(frozen=True, slots=True)
class Fault:
    """One incompatible change: where (JSON pointer into the schema) and which rule it breaks."""

    pointer: str
    rule: str


def faults(old: Schema, new: Schema) -> list[Fault]:
    """Return what makes `new` unfit to carry the same version as `old`; empty when it is compatible.

    Rules: required-added, required-dropped, field-removed, type-changed, bound-tightened, enum-value-removed,
    enum-value-added (a closed enum: an older reader would dead-letter the event).
    """
    found: list[Fault] = []
    _Comparison(old, new, found).compare(old, new, "")
    return found


class _Comparison:
    def __init__(self, old_root: Schema, new_root: Schema, found: list[Fault]) -> None:
        self._old_root = old_root
        self._new_root = new_root
        self._found = found
        self._seen: set[tuple[str, str]] = set()

    def compare(self, old: Schema, new: Schema, pointer: str) -> None:
        pair = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if all(pair):
            if pair in self._seen:
                return
            self._seen.add(pair)
            pointer = pair[1].removeprefix("#")
        old_forms, new_forms = _forms(old, self._old_root), _forms(new, self._new_root)
        if old_forms.keys() != new_forms.keys():
            self._fault(pointer, "type-changed")
        for kind in old_forms.keys() & new_forms.keys():
            self._compare_form(old_forms[kind], new_forms[kind], pointer)

    def _compare_form(self, old: Schema, new: Schema, pointer: str) -> None:
        self._compare_enum(old, new, pointer)
        self._compare_bounds(old, new, pointer)
        self._compare_fields(old, new, pointer)
        for keyword in ("items", "additionalProperties"):
            before, after = old.get(keyword), new.get(keyword)
            if isinstance(before, Mapping) and isinstance(after, Mapping):
                self.compare(before, after, f"{pointer}/{keyword}")
            elif before != after and after is not None:
                self._fault(f"{pointer}/{keyword}", "bound-tightened")
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(before) != len(after):
            self._fault(f"{pointer}/prefixItems", "type-changed")
        for index, (one, other) in enumerate(zip(before, after, strict=False)):
            self.compare(one, other, f"{pointer}/prefixItems/{index}")

    def _compare_fields(self, old: Schema, new: Schema, pointer: str) -> None:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            where = f"{pointer}/properties/{_escape(name)}"
            if name in after:
                self.compare(schema, after[name], where)
            else:
                self._fault(where, "field-removed")
        must_before, must_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(must_after - must_before):
            self._fault(f"{pointer}/properties/{_escape(name)}", "required-added")
        for name in sorted((must_before - must_after) & after.keys()):
            self._fault(f"{pointer}/properties/{_escape(name)}", "required-dropped")

    def _compare_enum(self, old: Schema, new: Schema, pointer: str) -> None:
        before, after = _values(old), _values(new)
        if before is None and after is None:
            return
        if before is None:
            self._fault(f"{pointer}/enum", "bound-tightened")
        elif after is None:
            self._fault(f"{pointer}/enum", "enum-value-added")
        else:
            if any(value not in after for value in before):
                self._fault(f"{pointer}/enum", "enum-value-removed")
            if any(value not in before for value in after):
                self._fault(f"{pointer}/enum", "enum-value-added")

    def _compare_bounds(self, old: Schema, new: Schema, pointer: str) -> None:
        for keyword in (*LOWER_BOUNDS, *UPPER_BOUNDS):
            if keyword not in new:
                continue
            tighter = keyword not in old or (
                new[keyword] > old[keyword] if keyword in LOWER_BOUNDS else new[keyword] < old[keyword]
            )
            if tighter:
                self._fault(f"{pointer}/{keyword}", "bound-tightened")
        for keyword in EXACT:
            if keyword in new and new[keyword] != old.get(keyword):
                self._fault(f"{pointer}/{keyword}", "bound-tightened")

    def _fault(self, pointer: str, rule: str) -> None:
        self._found.append(Fault(pointer, rule))


def _forms(schema: Schema, root: Schema) -> dict[str, Schema]:
    """Return the alternatives of a schema by JSON type, with references followed."""
    resolved = _resolve(schema, root)
    for keyword in ("anyOf", "oneOf"):
        if keyword in resolved:
            alternatives: dict[str, Schema] = {}
            for alternative in resolved[keyword]:
                alternatives.update(_forms(alternative, root))
            return alternatives
    kind = resolved.get("type", "any")
    kinds: Sequence[str] = [kind] if isinstance(kind, str) else kind
    return {name: resolved for name in kinds}


def _resolve(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        schema = target
    return schema


def _values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] | None = schema.get("enum")
    return values


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
