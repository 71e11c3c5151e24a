"""`Scope`: what a call may refer to at one point of a plan, by name, with its type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from pydantic import JsonValue

from dagwright.catalogue import Catalogue
from dagwright.decomposition import ToolIntent
from dagwright.goal import Goal, GoalInput
from dagwright.model import JsonSchema
from dagwright.tool import ContentRule, ToolSpec
from dagwright.value import InputReference, LiteralValue, StepReference, Value

PATH_DEPTH = 3
"""How deep into an output's objects names reach: `s2`, `s2.body`, `s2.body.results`."""


@dataclass(frozen=True, kw_only=True)
class Loader:
    """The step that reads a file input; derived, never generated."""

    step_id: str
    intent: ToolIntent
    schema: JsonSchema
    """Schema of its outputs."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One name that a call may use."""

    name: str
    """As written in a call, e.g. `penguins`, `s2`, `s2.body`."""
    value: Value
    """What it stands for in a plan."""
    schema: JsonSchema
    """Its type."""
    loader: Loader | None = None
    """Step to add when the name is used."""
    source: str = ""
    """Where it comes from, in words."""
    made_of: frozenset[str] = frozenset()
    """The steps that it was made of, its own not among them."""
    is_ordered: bool = False
    """Whether a step has put its rows in order."""
    compared: frozenset[tuple[str, str | float]] = frozenset()
    """Columns with the constants that its rows have been compared with."""

    @property
    def step(self) -> str:
        """The step that gives it; empty for an input of the goal."""
        return self.value.from_ if isinstance(self.value, StepReference) else ""

    @property
    def is_result(self) -> bool:
        """Whether a step that the model wrote gives it."""
        return self.loader is None and isinstance(self.value, StepReference)

    @property
    def is_file(self) -> bool:
        """Whether it describes a file."""
        return "sha256" in properties_of(self.schema)


@dataclass(frozen=True)
class Scope:
    """Names in the order in which they came to be."""

    variables: tuple[Variable, ...] = ()

    def get(self, name: str) -> Variable | None:
        """Gives the variable of that name, or None."""
        return next((variable for variable in self.variables if variable.name == name), None)

    def with_outputs(
        self,
        step_id: str,
        schema: JsonSchema,
        made_of: frozenset[str] = frozenset(),
        *,
        is_ordered: bool = False,
        compared: frozenset[tuple[str, str | float]] = frozenset(),
    ) -> Scope:
        """Gives the scope after a step whose outputs have `schema` and are made of other steps'."""
        outputs = output_variables(step_id, schema)
        made = (replace(variable, made_of=made_of, is_ordered=is_ordered, compared=compared) for variable in outputs)
        return Scope((*self.variables, *made))


def properties_of(schema: JsonSchema) -> dict[str, JsonSchema]:
    """Gives the named properties of an object schema; none for anything else."""
    found = schema.get("properties")
    return cast("dict[str, JsonSchema]", found) if isinstance(found, dict) else {}


def output_variables(step_id: str, schema: JsonSchema) -> Iterator[Variable]:
    """Gives a step's outputs by name; one with a single output is called by the step's id alone."""
    outputs = properties_of(schema)
    if len(outputs) == 1:
        (name, inner), *_ = outputs.items()
        yield from _nested(step_id, step_id, f"/{_token(name)}", inner, PATH_DEPTH)
        return
    for name, inner in outputs.items():
        yield from _nested(f"{step_id}.{name}", step_id, f"/{_token(name)}", inner, PATH_DEPTH - 1)


def _nested(name: str, step_id: str, path: str, schema: JsonSchema, depth: int) -> Iterator[Variable]:
    yield Variable(name=name, value=StepReference.model_validate({"from": step_id, "path": path}), schema=schema)
    if depth == 0:
        return
    for key, inner in properties_of(schema).items():
        if key.isidentifier():
            yield from _nested(f"{name}.{key}", step_id, f"{path}/{_token(key)}", inner, depth - 1)


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def initial_scope(goal: Goal, catalogue: Catalogue) -> Scope:
    """Gives the scope before the first step: the goal's inputs, files as the tables in them."""
    variables: list[Variable] = []
    for name, given in goal.inputs.items():
        loaded = list(_loaded(name, given, catalogue))
        variables.extend(
            loaded
            or [Variable(name=name, value=InputReference(input=name), schema=given.schema_, source=given.description)]
        )
    return Scope(tuple(variables))


def _loaded(name: str, given: GoalInput, catalogue: Catalogue) -> Iterator[Variable]:
    from validation.types import assignable, output_schema

    contents = given.schema_.get("x-contents")
    keys: list[str | None] = list(contents) if isinstance(contents, dict) else [None]
    if contents is None and "x-content" not in given.schema_:
        return
    for spec in catalogue.tools:
        found = _content_rule(spec)
        if found is None or (found[1].key is None) != (contents is None):
            continue
        output, rule = found
        if assignable(given.schema_, properties_of(spec.input_schema).get(rule.of, {})).answer == "no":
            continue
        for key in keys:
            arguments: dict[str, Value] = {rule.of: InputReference(input=name)}
            literals: dict[str, JsonValue] = {}
            if key is not None and rule.key is not None:
                arguments[rule.key] = LiteralValue(literal=key)
                literals[rule.key] = key
            schema = output_schema(spec, {rule.of: given.schema_}, literals)
            label = name if key is None or len(keys) == 1 else f"{name}_{key}"
            step_id = f"load_{label}"
            intent = ToolIntent(tool_name=spec.tool_name, operation=spec.operation, required_inputs=arguments)
            yield Variable(
                name=label,
                value=StepReference.model_validate({"from": step_id, "path": f"/{output}"}),
                schema=properties_of(schema).get(output, {}),
                loader=Loader(step_id=step_id, intent=intent, schema=schema),
                source=_file_name(given, key),
            )
        return


def _content_rule(spec: ToolSpec) -> tuple[str, ContentRule] | None:
    return next(((name, rule) for name, rule in spec.output_rules.items() if isinstance(rule, ContentRule)), None)


def _file_name(given: GoalInput, key: str | None) -> str:
    value = given.value
    path = value.get("path") if isinstance(value, Mapping) else None
    shown = str(path).rsplit("/", 1)[-1] if path else ""
    return f"table {key} of {shown}" if key else shown


def keys_of(variables: Iterable[Variable]) -> tuple[str, ...]:
    """Gives the columns that tell the rows of a single table apart; none where there are several tables."""
    tables = [variable for variable in variables if variable.loader]
    return tuple(cast("list[str]", tables[0].schema.get("x-keys") or [])) if len(tables) == 1 else ()
