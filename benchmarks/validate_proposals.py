"""Valid proposals of any size, seeded: chains of one to three steps a task over the toolchest's tables."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pydantic import JsonValue

KINDS = ("filter", "compare", "sort", "top", "missing")

Json = dict[str, JsonValue]


def proposal_of(size: int, random: Random) -> Json:
    """Gives a valid proposal of `size` steps as JSON data."""
    nodes: list[JsonValue] = [_task(0, [])]
    groups: list[JsonValue] = [{"task_id": "t0", "steps": [_step(0, "load_csv", {"file": {"input": "data"}})]}]
    tables, numbers = [(0, 0)], [(0, -1)]
    made = 1
    while made < size:
        task = len(nodes)
        steps: list[JsonValue] = []
        source = tables[-random.randint(1, min(8, len(tables)))]
        other = numbers[-random.randint(1, min(8, len(numbers)))]
        sources, step = {source[0]}, source[1]
        for kind in random.choices(KINDS, k=min(random.randint(1, 3), size - made)):
            compared = kind == "compare" and other[1] >= 0
            sources |= {other[0]} if compared else set()
            steps.append(_operation(made, kind, step, other[1] if compared else None, random))
            step, made = made, made + 1
        tables.append((task, step))
        if made < size:
            steps.append(_step(made, "aggregate", {**_table(step), **_literals(column="mass", function="mean")}))
            numbers.append((task, made))
            made += 1
        nodes.append(_task(task, [f"t{number}" for number in sorted(sources)]))
        groups.append({"task_id": f"t{task}", "steps": steps})
    answer: Json = {f"a{number}": {"from": f"s{number}"} for number in range(size)}
    plan: Json = {"dag_id": "measured", "nodes": nodes}
    return {"goal": _goal(), "plan": plan, "decompositions": groups, "answer": answer}


def _operation(number: int, kind: str, source: int, other: int | None, random: Random) -> Json:
    given = _table(source)
    if other is not None:
        value: Json = {"from": f"s{other}", "path": "/value"}
        return _step(number, "filter_rows", {**given, **_literals(column="mass", op=">"), "value": value})
    if kind == "sort":
        return _step(number, "sort_rows", {**given, **_literals(column="mass", descending=True)})
    if kind == "top":
        return _step(number, "top_rows", {**given, **_literals(n=random.randint(1, 99))})
    if kind == "missing":
        return _step(number, "drop_missing", {**given, **_literals(columns=["mass"])})
    return _step(number, "filter_rows", {**given, **_literals(column="species", op="==", value="Adelie")})


def _table(source: int) -> Json:
    return {"table": {"from": f"s{source}", "path": "/table"}}


def _literals(**values: JsonValue) -> Json:
    return {name: {"literal": value} for name, value in values.items()}


def _step(number: int, operation: str, given: Json) -> Json:
    output = "value" if operation == "aggregate" else "table"
    return {
        "step_id": f"s{number}",
        "action": f"Call {operation} on what came before.",
        "tool_intent": {
            "tool_name": "data",
            "operation": operation,
            "required_inputs": given,
            "expected_outputs": {output: {}},
            "validation_criteria": [{"path": f"/{output}", "op": "exists"}],
        },
        "documentation_references": [f"tool:data.{operation}"],
    }


def _task(number: int, dependencies: Sequence[str]) -> Json:
    described: Json = {"task_id": f"t{number}", "description": f"Task {number}.", "dependencies": list(dependencies)}
    return {**described, "required_capabilities": ["table"]}


def _goal() -> Json:
    row: Json = {
        "type": "object",
        "properties": {
            "species": {"type": "string", "enum": ["Adelie", "Chinstrap", "Gentoo"]},
            "mass": {"type": "number"},
        },
        "required": ["species", "mass"],
        "additionalProperties": False,
    }
    schema: Json = {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "sha256": {"type": "string"},
            "bytes": {"type": "integer", "minimum": 0},
            "media_type": {"const": "text/csv"},
        },
        "required": ["path", "sha256", "bytes", "media_type"],
        "additionalProperties": False,
        "x-content": {"type": "array", "items": row},
    }
    value: Json = {"path": "penguins.csv", "sha256": "0" * 64, "bytes": 1, "media_type": "text/csv"}
    given: Json = {"data": {"value": value, "schema": schema}}
    return {"goal_id": "measured", "text": "Look at the penguins.", "inputs": given}
