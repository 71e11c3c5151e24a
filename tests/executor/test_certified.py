"""A proposal that validation certifies: compiled, run, verified and replayed with nothing stood in for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dagwright.catalogue import catalogue_of
from dagwright.policy import DEFAULT_POLICY
from dagwright.program import Program
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.archive.export import export, import_run
from executor.engine.engine import EngineResult
from executor.replay.replay import replay
from executor.replay.verify import verify
from executor.simulation.simulate import simulate
from executor.workflow.compile import compile_workflow
from tests.executor.order import order_of
from validation import certify

NUMBER: dict[str, Any] = {"type": "number"}


def proposal(*, least: int = 10, version: int = 1) -> Proposal:
    """Gives `double` of an input, twice, then their sum; `least` is what the sum must come to."""

    def step(name: str, operation: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
        intent = {"tool_name": "math", "operation": operation, "required_inputs": arguments, **more}
        return {"task_id": f"t_{name}", "steps": [{"step_id": name, "action": operation, "tool_intent": intent}]}

    total = {"x": {"from": "a", "path": "/value"}, "y": {"from": "b", "path": "/value"}}
    criterion = {"path": "/value", "op": "greater_or_equal", "value": least}
    return Proposal.model_validate(
        {
            "goal": {"goal_id": "g", "text": "sum", "inputs": {"n": {"value": 3, "schema": {"type": "integer"}}}},
            "plan": {
                "dag_id": "d",
                "nodes": [
                    {"task_id": "t_a", "description": "a"},
                    {"task_id": "t_b", "description": "b"},
                    {"task_id": "t_c", "description": "c", "dependencies": ["t_a", "t_b"]},
                ],
            },
            "decompositions": [
                step("a", "double", {"x": {"input": "n"}}),
                step("b", "double", {"x": {"literal": 2.5}}),
                step("c", "add", total, validation_criteria=[criterion]),
            ],
            "answer": {"sum": {"from": "c", "path": "/value"}},
            "version": version,
        }
    )


def proven(build: Any, **more: Any) -> Program:
    def operation(verb: str, *names: str) -> Any:
        arguments = {"type": "object", "properties": dict.fromkeys(names, NUMBER), "required": list(names)}
        outputs = {"type": "object", "properties": {"value": NUMBER}, "required": ["value"]}
        return build.operation(f"math.{verb}", input_schema=arguments, output_schema=outputs)

    tools = catalogue_of("math", [operation("double", "x"), operation("add", "x", "y")])
    return certify(proposal(**more), catalogue=tools, policy=DEFAULT_POLICY, workers=frozenset({"python"}))


def run(program: Program, archive: Archive, build: Any, calls: list[str] | None = None) -> EngineResult:
    def compute(spec: Any, arguments: Any, context: Any) -> Any:
        if calls is not None:
            calls.append(context.step)
        return {"value": arguments["x"] * 2 if spec.operation == "double" else arguments["x"] + arguments["y"]}

    return build.executed(program, archive, {"python": compute})


def test_from_proposal_to_an_archive_that_proves_itself(tmp_path: Path, build: Any) -> None:
    program = proven(build)
    assert order_of(compile_workflow(program)) == {("a", "c"), ("b", "c")}
    assert simulate(program, compile_workflow(program)).calls.low == 3
    with Archive.create(tmp_path, "run") as archive:
        build.record(archive, program)
        result = run(program, archive, build)
        assert result.status == "completed"
        assert archive.get(result.outputs["c"]) == {"value": 11}
        archive.append("outcome", {"status": "done", "answer": {"sum": 11}})
    export(tmp_path, "run", tmp_path / "run.zip")
    import_run(tmp_path / "run.zip", tmp_path / "elsewhere")
    with Archive.open(tmp_path / "elsewhere", "run", read_only=True) as archive:
        assert verify(archive) == ()
        found = replay(archive)
    assert found.reproduced, found.divergence
    assert (found.programs, found.decisions) == (1, 3)


def test_a_replan_goes_on_from_what_is_finished(tmp_path: Path, build: Any) -> None:
    first, second = proven(build, least=1_000), proven(build, version=2)
    calls: list[str] = []
    with Archive.create(tmp_path, "run") as archive:
        build.record(archive, first)
        failed = run(first, archive, build, calls)
        assert (failed.status, failed.failed_step) == ("failed", "c")
        assert [error.kind for error in failed.feedback["c"].errors] == ["criterion"]
        assert failed.feedback["c"].requires_replan
        build.record(archive, second)
        assert run(second, archive, build, calls).status == "completed"
        assert sorted(calls[:2]) == ["a", "b"]
        assert calls[2:] == ["c", "c"]
        archive.append("outcome", {"status": "done", "answer": {"sum": 11}})
        assert verify(archive) == ()
        found = replay(archive)
    assert found.reproduced, found.divergence
    assert found.programs == 2


@pytest.mark.parametrize("what", ["proposal", "policy", "catalogue"])
def test_a_program_that_was_exchanged_does_not_verify(tmp_path: Path, build: Any, what: str) -> None:
    program, other = proven(build), proven(build, least=9)
    with Archive.create(tmp_path, "run") as archive:
        body: dict[str, Any] = {
            "program": program.hash,
            "proposal": archive.put(other.proposal if what == "proposal" else program.proposal),
            "catalogue": archive.put(
                program.catalogue.restricted_to(["math.add"]) if what == "catalogue" else program.catalogue
            ),
            "policy": archive.put(
                program.policy.model_copy(update={"name": "x"}) if what == "policy" else program.policy
            ),
        }
        archive.append("program", body)
        (problem,) = verify(archive)
        assert "again" in problem
        assert not replay(archive).reproduced
