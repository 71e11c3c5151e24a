"""Operators on what steps name and promise: operations, documents, outputs, criteria, dates (M201-M212)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from benchmarks.mutation.operator import Draft, Json, Operator, Table
from benchmarks.mutation.sites import followed

operator = Table()

_TODAY = date(2026, 1, 15)


def _step(draft: Draft) -> Json:
    return draft.random.choice(draft.steps)


def _outputs(draft: Draft, step: Json) -> dict[str, Json]:
    """Gives the named outputs of a step's operation; none where it may give others as well."""
    schema: Any = draft.spec(step).output_schema
    if schema.get("additionalProperties") is not False:
        return {}
    return {name: followed(inner, schema) for name, inner in schema.get("properties", {}).items()}


def _closed(draft: Draft) -> list[Json]:
    return [step for step in draft.steps if draft.spec(step).output_schema.get("additionalProperties") is False]


@operator("M201")
def unknown_tool(draft: Draft) -> bool:
    """A step names a tool that there is not."""
    _step(draft)["tool_intent"]["tool_name"] = "toolbox"
    return True


@operator("M202")
def unknown_operation(draft: Draft) -> bool:
    """A step names an operation that its tool does not have."""
    _step(draft)["tool_intent"]["operation"] = "DoEverything"
    return True


@operator("M202")
def misspelt_operation(draft: Draft) -> bool:
    """A step names its operation with a letter missing."""
    intent = _step(draft)["tool_intent"]
    name = intent["operation"]
    place = draft.random.randrange(1, len(name)) if len(name) > 1 else 0
    intent["operation"] = name[:place] + name[place + 1 :] or "x"
    return f"{intent['tool_name']}.{intent['operation']}" not in draft.catalogue.by_name


@operator("M208")
def not_yet_valid(draft: Draft) -> bool:
    """An operation may only be used later."""
    draft.at = _TODAY
    draft.change_spec(_step(draft), valid_from=_TODAY + timedelta(days=1))
    return True


@operator("M208")
def no_longer_valid(draft: Draft) -> bool:
    """An operation may no longer be used."""
    draft.at = _TODAY
    draft.change_spec(_step(draft), valid_to=_TODAY)
    return True


@operator("M209")
def capability_lacking(draft: Draft) -> bool:
    """A task requires what none of its tools can do."""
    draft.random.choice(draft.tasks)["required_capabilities"].append("teleportation")
    return True


@operator("M210")
def unknown_document(draft: Draft) -> bool:
    """A step is grounded in a document that there is not."""
    _step(draft)["documentation_references"] = ["guide:none"]
    return True


@operator("M210")
def document_of_another(draft: Draft) -> bool:
    """A step is grounded in the document of another operation."""
    step = _step(draft)
    own = draft.spec(step)
    others = [
        spec for spec in draft.catalogue.tools if spec is not own and not set(spec.documents) & set(own.documents)
    ]
    if not others:
        return False
    step["documentation_references"] = [f"tool:{draft.random.choice(others).name}"]
    return True


@operator("M211")
def unexpected_output(draft: Draft) -> bool:
    """A step expects an output that its operation does not give."""
    steps = _closed(draft)
    if not steps:
        return False
    draft.random.choice(steps)["tool_intent"]["expected_outputs"]["not_an_output"] = {}
    return True


@operator("M211")
def output_of_another_type(draft: Draft) -> bool:
    """A step expects an output of a type that it does not have."""
    step = _step(draft)
    outputs = {name: schema for name, schema in _outputs(draft, step).items() if isinstance(schema.get("type"), str)}
    if not outputs:
        return False
    name = draft.random.choice(sorted(outputs))
    other = "boolean" if outputs[name]["type"] != "boolean" else "array"
    step["tool_intent"]["expected_outputs"][name] = {"type": other}
    return True


@operator("M212")
def criterion_over_nothing(draft: Draft) -> bool:
    """A criterion speaks of an output that there is not."""
    steps = _closed(draft)
    if not steps:
        return False
    criterion = {"path": "/not_an_output", "op": draft.random.choice(("exists", "equals")), "value": 1}
    draft.random.choice(steps)["tool_intent"]["validation_criteria"].append(criterion)
    return True


@operator("M212")
def criterion_of_another_type(draft: Draft) -> bool:
    """A criterion orders what has no order."""
    step = _step(draft)
    kinds = {name: schema.get("type") for name, schema in _outputs(draft, step).items()}
    unordered = sorted(name for name, kind in kinds.items() if kind in ("array", "object", "boolean"))
    if not unordered:
        return False
    criterion = {"path": f"/{draft.random.choice(unordered)}", "op": "less", "value": 1}
    step["tool_intent"]["validation_criteria"].append(criterion)
    return True


@operator("M212")
def postcondition_over_nothing(draft: Draft) -> bool:
    """A postcondition speaks of an output that there is not."""
    steps = _closed(draft)
    if not steps:
        return False
    draft.random.choice(steps)["postconditions"].append({"path": "/not_an_output", "op": "equals", "value": 1})
    return True


OPERATORS: tuple[Operator, ...] = tuple(operator)
