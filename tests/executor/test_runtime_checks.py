"""What validation leaves open, the guarded worker decides with the actual value: nothing else, and nothing less."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagwright.catalogue import catalogue_of
from dagwright.policy import DEFAULT_POLICY
from dagwright.program import Program
from executor.archive.archive import Archive
from executor.engine.engine import EngineResult
from validation import certify

ROW = {"type": "object", "properties": {"id": {"type": "integer"}, "note": {"type": "string"}}, "required": ["id"]}
TEXT = {"type": "string"}


@dataclass(frozen=True)
class Case:
    name: str
    given: dict[str, Any]
    """Schema of what the first step gives at `/found`."""
    wanted: dict[str, Any]
    """Schema of the second step's argument."""
    fits: Any
    """What it may give, and how the run goes on."""
    fails: Any
    """What it may give as well, and the worker stops."""
    path: str = "/found"
    is_open: bool = True
    """Whether validation leaves it open."""


CASES = [
    Case("nothing is known of it", {}, TEXT, "a", 1),
    Case("maybe null", {"type": ["string", "null"]}, TEXT, "a", None),
    Case("a closed set of words", TEXT, {"enum": ["a", "b"]}, "b", "c"),
    Case("a format", TEXT, {"type": "string", "format": "date"}, "2024-02-29", "2023-02-29"),
    Case("a path in the run's folder", TEXT, {"type": "string", "format": "run-path"}, "a/b.csv", "../b.csv"),
    Case("a pattern", TEXT, {"type": "string", "pattern": "^[a-z]+$"}, "abc", "ABC"),
    Case("a bound", {"type": "integer"}, {"type": "integer", "maximum": 10**30}, 10**30, 10**30 + 1),
    Case("a list's length", {"type": "array"}, {"type": "array", "minItems": 1}, [0], []),
    Case("distinct items", {"type": "array"}, {"type": "array", "uniqueItems": True}, [1, 2], [1, 1.0]),
    Case("items of open rows", {"type": "array", "items": ROW}, {"items": {"required": ["note"]}},
         [{"id": 1, "note": "a"}], [{"id": 1}]),
    Case("outside the profile", {"type": "array"}, {"contains": {"const": 1}}, [0, 1], [0]),
    Case("conditional", {"type": "object"}, {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
         {"a": 1, "b": 1}, {"a": 1}),
    Case("dependent", {"type": "object"}, {"dependentRequired": {"a": ["b"]}}, {"b": 1}, {"a": 1}),
    Case("exactly one", {}, {"oneOf": [{"type": "number"}, {"minimum": 3}]}, 2, 4),
    Case("a field of each row", {"type": "array", "items": ROW}, {"type": "array", "maxItems": 2}, [{"id": 1}],
         [{"id": 1}, {"id": 2}, {"id": 3}], path="/found/*/id"),
    Case("a field that a row may lack", {"type": "array", "items": ROW}, {"type": "array", "items": TEXT},
         [{"id": 1, "note": "a"}], [{"id": 1}], path="/found/*/note"),
    Case("a member that need not be there", ROW, TEXT, {"id": 1, "note": "a"}, {"id": 1}, path="/found/note"),
    Case("OpenAPI's nullable is a type", {"type": "string"}, {"type": "string", "nullable": True}, "a", ...,
         is_open=False),
    Case("decided beforehand", {"type": "integer", "minimum": 3}, {"type": "number", "minimum": 1}, 3, ...,
         is_open=False),
    Case("a column", {"type": "array", "items": ROW}, {"type": "array", "items": {"type": "number"}},
         [{"id": 1}, {"id": 2}], ..., path="/found/*/id", is_open=False),
]  # fmt: skip


def proven(build: Any, case: Case) -> Program:
    def operation(name: str, given: dict[str, Any], wanted: dict[str, Any]) -> Any:
        arguments = {"type": "object", "properties": wanted, "required": list(wanted), "additionalProperties": False}
        outputs = {"type": "object", "properties": given, "required": list(given)}
        return build.operation(f"test.{name}", input_schema=arguments, output_schema=outputs)

    def step(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        intent = {"tool_name": "test", "operation": name, "required_inputs": arguments}
        return {"step_id": name, "action": name, "tool_intent": intent}

    find = operation("find", {"found": case.given}, {})
    use = operation("use", {"done": {}}, {"that": case.wanted})
    steps = [step("find", {}), step("use", {"that": {"from": "find", "path": case.path}})]
    data = {
        "goal": {"goal_id": "g", "text": "use what is found"},
        "plan": {"dag_id": "d", "nodes": [{"task_id": "t", "description": "t"}]},
        "decompositions": [{"task_id": "t", "steps": steps}],
        "answer": {"done": {"from": "use", "path": "/done"}},
    }
    tools = catalogue_of("test", [find, use])
    return certify(data, catalogue=tools, policy=DEFAULT_POLICY, workers=frozenset({"python"}))


def run(program: Program, found: Any, folder: Path, build: Any) -> tuple[EngineResult, list[Any]]:
    used: list[Any] = []

    def perform(spec: Any, arguments: Any, context: Any) -> Any:
        if spec.operation == "find":
            return {"found": found}
        used.append(arguments["that"])
        return {"done": True}

    with Archive.create(folder, "run") as archive:
        build.record(archive, program)
        result = build.executed(program, archive, {"python": perform})
    return result, used


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_value_that_fits_goes_through(case: Case, tmp_path: Path, build: Any) -> None:
    program = proven(build, case)
    assert program.by_id["use"].runtime_checks == (("that",) if case.is_open else ())
    assert [finding.code for finding in program.report.findings] == (["D308"] if case.is_open else [])
    result, used = run(program, case.fits, tmp_path, build)
    assert result.status == "completed"
    assert len(used) == 1


@pytest.mark.parametrize("case", [case for case in CASES if case.is_open], ids=lambda case: case.name)
def test_a_value_that_does_not_fit_never_reaches_the_tool(case: Case, tmp_path: Path, build: Any) -> None:
    result, used = run(proven(build, case), case.fails, tmp_path, build)
    assert (result.status, result.failed_step) == ("failed", "use")
    assert [error.kind for error in result.feedback["use"].errors] != []
    assert used == []
