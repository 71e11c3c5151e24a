"""`TypeScope`: the schemas that references may point at; and the schema of a value within it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from dagwright.goal import Goal
from dagwright.model import JsonSchema
from dagwright.value import (
    CoalesceValue,
    InputReference,
    ListValue,
    LiteralValue,
    ObjectValue,
    StepReference,
    Value,
)
from validation.types.pointer import Resolved, resolve
from validation.types.schema import type_of


@dataclass(frozen=True, kw_only=True)
class TypeScope:
    """What references may point at, with its types."""

    inputs: Mapping[str, JsonSchema] = field(default_factory=dict[str, JsonSchema])
    """Schemas of the goal's inputs by name."""
    steps: Mapping[str, JsonSchema] = field(default_factory=dict[str, JsonSchema])
    """Output schemas of steps by id; `{}` where nothing is known."""
    constants: dict[tuple[type, str | int | float | None], JsonSchema] = field(
        default_factory=dict[tuple[type, "str | int | float | None"], JsonSchema], repr=False, compare=False
    )
    """Schemas of scalar constants met so far: equal constants share one."""
    lists: dict[tuple[int, ...], JsonSchema] = field(
        default_factory=dict[tuple[int, ...], JsonSchema], repr=False, compare=False
    )
    """Schemas of lists met so far, by the ids of their items' schemas: equal lists share one."""
    objects: dict[tuple[int | str, ...], JsonSchema] = field(
        default_factory=dict[tuple[int | str, ...], JsonSchema], repr=False, compare=False
    )
    """Schemas of objects met so far, by their names and the ids of their members' schemas."""
    found: dict[tuple[int, str], tuple[JsonSchema, Resolved]] = field(
        default_factory=dict[tuple[int, str], tuple[JsonSchema, Resolved]], repr=False, compare=False
    )
    """What was found in schemas so far, by the schema's id and the path; with the schema, so that its id stays its."""

    def constant(self, value: JsonValue) -> JsonSchema:
        """Gives the schema that only this value fulfils, the same one for equal scalars."""
        if isinstance(value, (dict, list)):
            return constant_schema(value)
        key = (value.__class__, value)
        known = self.constants.get(key)
        if known is None:
            known = self.constants[key] = constant_schema(value)
        return known

    def target(self, reference: StepReference | InputReference) -> JsonSchema | None:
        """Gives the schema of the whole step or input that is referred to; None where there's none."""
        if isinstance(reference, StepReference):
            return self.steps.get(reference.from_)
        return self.inputs.get(reference.input)

    def resolved(self, reference: StepReference | InputReference) -> Resolved | None:
        """Gives what a reference points at; None where its step or input doesn't exist."""
        whole = self.target(reference)
        if whole is None:
            return None
        key = (id(whole), reference.path)
        known = self.found.get(key)
        if known is None:
            known = self.found[key] = (whole, resolve(whole, reference.path))
        return known[1]

    def list_of(self, items: list[JsonSchema]) -> JsonSchema:
        """Gives the schema of a list of such items, the same one for the same items."""
        if all("const" in item for item in items):
            return constant_schema([item["const"] for item in items])
        key = tuple(map(id, items))
        if key not in self.lists:
            self.lists[key] = _list_schema(items)
        return self.lists[key]

    def object_of(self, members: dict[str, JsonSchema]) -> JsonSchema:
        """Gives the schema of an object with exactly these members, the same one for the same members."""
        if all("const" in member for member in members.values()):
            return constant_schema({name: member["const"] for name, member in members.items()})
        key = (*members, *map(id, members.values()))
        if key not in self.objects:
            self.objects[key] = _object_schema(members)
        return self.objects[key]


def inputs_of(goal: Goal) -> dict[str, JsonSchema]:
    """Gives the schemas of a goal's inputs by name."""
    return {name: given.schema_ for name, given in goal.inputs.items()}


def value_schema(value: Value, scope: TypeScope) -> JsonSchema:
    """Gives the schema of a value: exact for constants, composed for lists and objects.

    A reference that can't be resolved has the schema `{}`.
    """
    if isinstance(value, LiteralValue):
        return scope.constant(value.literal)
    if isinstance(value, ListValue):
        return scope.list_of([value_schema(item, scope) for item in value.list])
    if isinstance(value, ObjectValue):
        return scope.object_of({name: value_schema(item, scope) for name, item in value.object.items()})
    if isinstance(value, CoalesceValue):
        return _either([value_schema(item, scope) for item in value.coalesce])
    found = scope.resolved(value)
    return found.schema if found is not None and found.answer == "found" else {}


def constant_schema(value: JsonValue) -> JsonSchema:
    """Gives the schema that only this value fulfils."""
    return {"type": type_of(value), "const": value}


def _either(schemas: list[JsonSchema]) -> JsonSchema:
    different = list({id(schema): schema for schema in schemas}.values())
    return different[0] if len(different) == 1 else {} if {} in different else {"anyOf": [*different]}


def _list_schema(items: list[JsonSchema]) -> JsonSchema:
    return {
        "type": "array",
        "prefixItems": list(items),
        "items": False,
        "minItems": len(items),
    }


def _object_schema(members: dict[str, JsonSchema]) -> JsonSchema:
    return {
        "type": "object",
        "properties": dict(members),
        "required": list(members),
        "additionalProperties": False,
    }
