"""Lint of the names that one part of an operation has for others: arguments, outputs, operations (L303)."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Literal, NamedTuple

from dagwright.finding import Finding
from dagwright.model import JsonSchema
from dagwright.tool import GroupRule, HttpBinding, ToolSpec
from dagwright.value import tokens_of
from validation.contract import fields_of
from validation.lint.codes import flaw
from validation.types.schema import named_schemas, pointer_of


class _Mention(NamedTuple):
    """One name that an operation mentions."""

    place: str
    name: str
    kind: Literal["argument", "output", "operation"]
    by: str
    """What mentions it, in words."""


def name_flaws(tool: ToolSpec, path: str, operations: Container[str]) -> Iterator[Finding]:
    """Gives the names of arguments, outputs and operations that an operation mentions and that don't exist."""
    there = {
        "argument": _listed(tool.input_schema),
        "output": _listed(tool.output_schema),
        "operation": operations,
    }
    for mentions in (_roles(tool), _rules(tool), _labels(tool), _templates(tool), _operations(tool)):
        for place, name, kind, by in mentions:
            known = there[kind]
            if known is not None and name not in known:
                yield flaw("L303", path + place, f"{by} of {tool.name!r} names {kind} {name!r}, which doesn't exist")


def _listed(schema: JsonSchema) -> Container[str] | None:
    """Gives the properties that a schema lists; None where others may come from elsewhere."""
    if any(key in schema for key in ("patternProperties", "$ref", "allOf", "anyOf", "oneOf")):
        return None
    return named_schemas(schema, "properties").keys()


def _roles(tool: ToolSpec) -> Iterator[_Mention]:
    for name in tool.roles:
        yield _Mention(pointer_of("roles", name), name, "argument", "a role")
    for name in tool.binding.locations if isinstance(tool.binding, HttpBinding) else ():
        yield _Mention(pointer_of("binding", "locations", name), name, "argument", "a location")


def _rules(tool: ToolSpec) -> Iterator[_Mention]:
    for output, rule in tool.output_rules.items():
        place = pointer_of("output_rules", output)
        yield _Mention(place, output, "output", "an output rule")
        # Groups that are only counted have no value and no function.
        left_out = {"rule", "schema_", *(("value", "function") if isinstance(rule, GroupRule) else ())}
        for key, name in rule.model_dump(exclude=left_out, exclude_none=True).items():
            yield _Mention(f"{place}/{key}", str(name), "argument", "an output rule")


def _labels(tool: ToolSpec) -> Iterator[_Mention]:
    for keyword, labelled in (("output_labels", tool.output_labels), ("releases", tool.releases or ())):
        for index, field in enumerate(labelled):
            first = next(iter(tokens_of(field.path)), "*")
            if first != "*":
                yield _Mention(f"/{keyword}/{index}/path", first, "output", "a label or release")


def _templates(tool: ToolSpec) -> Iterator[_Mention]:
    written = ("reads", tool.reads), ("writes", tool.writes)
    facts = ("facts_added", tool.facts_added), ("facts_removed", tool.facts_removed)
    for keyword, templates in (*written, *facts):
        for index, template in enumerate(templates):
            for name in fields_of(template):
                yield _Mention(f"/{keyword}/{index}", name, "argument", f"a template of {keyword}")


def _operations(tool: ToolSpec) -> Iterator[_Mention]:
    for keyword, name in (("compensation", tool.compensation), ("replaced_by", tool.replaced_by)):
        if name is not None:
            yield _Mention(f"/{keyword}", name, "operation", keyword)
