"""`Contract`: one operation's ToolSpec, prepared once for many questions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from dagwright.exceptions import CatalogueError
from dagwright.label import Label
from dagwright.model import JsonSchema
from dagwright.reach import Destination, destinations
from dagwright.tool import ContentRule, JoinRule, Role, ToolSpec
from dagwright.value import tokens_of
from validation.types.memo import compiled, without_nullable
from validation.types.schema import words

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

_COMBINED = frozenset(
    (
        "required",
        "minProperties",
        "maxProperties",
        "dependentRequired",
        "dependentSchemas",
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "if",
        "then",
        "else",
        "const",
        "enum",
        "propertyNames",
        "unevaluatedProperties",
    )
)
"""Keywords that speak of several arguments at once: only decidable where all are literals."""

_FIELD = re.compile(r"\{([^{}]+)\}")


class Contract:
    """What the levels ask of one operation, found out once."""

    def __init__(self, spec: ToolSpec) -> None:
        self.spec = spec
        schema = spec.input_schema
        properties = schema.get("properties")
        self.properties: dict[str, JsonValue] = properties if isinstance(properties, dict) else {}
        """Schemas of the declared arguments."""
        self.required = frozenset(words(schema.get("required")))
        """Arguments that must be given."""
        rest = schema.get("additionalProperties", True)
        self.closed = rest is False and not schema.get("patternProperties")
        """Whether no other argument is allowed."""
        self.documents = frozenset(spec.documents)
        """Documents that describe it."""
        self.has_effect = spec.effect != "read"
        """Whether it changes anything."""
        self.is_limited = spec.concurrency is not None or spec.rate_limit is not None
        """Whether its provider takes only so many calls at a time."""

    @cached_property
    def literals(self) -> Draft202012Validator:
        """Validator of the arguments that are literals, each by itself."""
        return _validator(self.spec, {k: value for k, value in self.spec.input_schema.items() if k not in _COMBINED})

    @cached_property
    def combined(self) -> Draft202012Validator | None:
        """Validator of all arguments together; None where no keyword speaks of several."""
        present = _COMBINED & self.spec.input_schema.keys() - {"required"}
        return _validator(self.spec, self.spec.input_schema) if present else None

    def argument_schema(self, name: str) -> JsonSchema | None:
        """Gives the schema of an argument, with the definitions that it refers to; None if undeclared."""
        return self._schemas.get(name)

    @cached_property
    def _schemas(self) -> dict[str, JsonSchema]:
        schema = self.spec.input_schema
        carried: JsonSchema = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
        return {
            name: {**part, **carried} if carried else part
            for name, part in self.properties.items()
            if isinstance(part, dict)
        }

    @cached_property
    def outputs(self) -> dict[str, JsonValue]:
        """Schemas of the named outputs, as declared."""
        found = self.spec.output_schema.get("properties")
        return found if isinstance(found, dict) else {}

    def role(self, name: str) -> Role:
        """Gives the role of an argument."""
        return self.spec.roles.get(name, "data")

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Names of the arguments that are paths inside the run's folder, or lists of them."""
        return tuple(
            name for name, schema in self._schemas.items() if _is_path(schema) or _is_path(schema.get("items"))
        )

    @cached_property
    def named_columns(self) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Arguments that name columns or tables, and those that hold the tables; None where there are none."""
        naming = {name: str(schema["x-column-of"]) for name, schema in self._schemas.items() if "x-column-of" in schema}
        rules = self.spec.output_rules.values()
        naming |= {rule.key: rule.of for rule in rules if isinstance(rule, ContentRule) and rule.key}
        joined = {table for rule in rules if isinstance(rule, JoinRule) for table in (rule.left, rule.right)}
        return (tuple(naming), tuple(sorted({*naming.values(), *joined}))) if naming else None

    @cached_property
    def destinations(self) -> tuple[Destination, ...]:
        """Hosts that it reaches and commands that it runs."""
        return destinations(self.spec.binding)

    @cached_property
    def defaults(self) -> dict[str, JsonValue]:
        """Defaults of the arguments that have one."""
        return {name: schema["default"] for name, schema in self._schemas.items() if "default" in schema}

    @cached_property
    def filled_in(self) -> dict[str, JsonValue]:
        """What stands for an argument that is not given: the defaults but for null, which stands for nothing."""
        return {name: value for name, value in self.defaults.items() if value is not None}

    @cached_property
    def label_patterns(self) -> tuple[tuple[tuple[str, ...], Label], ...]:
        """Labels of the outputs' parts by the tokens of their pattern."""
        return tuple((tokens_of(field.path), field.label) for field in self.spec.output_labels)

    def resources(self, arguments: dict[str, JsonValue]) -> Iterator[tuple[str | None, str, bool]]:
        """Gives each resource used: its name (None where a reference decides it), its template, whether written."""
        for template in self.spec.reads:
            yield filled(template, arguments, self.defaults), template, False
        for template in self.spec.writes:
            yield filled(template, arguments, self.defaults), template, True

    def naming_written(self, arguments: dict[str, JsonValue]) -> frozenset[str]:
        """Gives the arguments that name a resource that is written, where constants alone do not tell which."""
        open_ = (template for template in self.spec.writes if filled(template, arguments, self.defaults) is None)
        return frozenset(name for template in open_ for name in _FIELD.findall(template))


def fields_of(template: str) -> list[str]:
    """Gives the arguments that a template names."""
    return _FIELD.findall(template)


def filled(template: str, arguments: dict[str, JsonValue], defaults: dict[str, JsonValue]) -> str | None:
    """Gives a template with its fields filled in from literals; None where one isn't a literal."""
    known: list[str] = []
    for name in _FIELD.findall(template):
        value = arguments.get(name, defaults.get(name))
        if value is None or isinstance(value, dict | list):
            return None
        known.append(str(value))
    values = iter(known)
    return _FIELD.sub(lambda _: next(values), template)


def _is_path(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    keywords = cast("JsonSchema", schema)
    return keywords.get("format") == "run-path" or keywords.get("x-path") is True


def _validator(spec: ToolSpec, schema: JsonSchema) -> Draft202012Validator:
    found = compiled(without_nullable(schema))
    if found is None:
        problem = (
            "its input_schema is no JSON Schema 2020-12 that can be read: keywords, patterns and references "
            "must be well-formed, and nothing may refer to another document"
        )
        raise CatalogueError(spec.name, [problem])
    return found


_PREPARED: dict[int, Contract] = {}
_KEPT = 20_000


def contract_of(spec: ToolSpec) -> Contract:
    """Gives the contract of a ToolSpec; the same one for the same object."""
    held = _PREPARED.get(id(spec))
    if held is not None and held.spec is spec:
        return held
    if len(_PREPARED) >= _KEPT:
        _PREPARED.clear()
    made = _PREPARED[id(spec)] = Contract(spec)
    return made
