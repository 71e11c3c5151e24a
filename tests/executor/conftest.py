"""What the executor's tests build with: programs made under the seal, archives, engines."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dagwright.canonical import sha256
from dagwright.catalogue import Catalogue
from dagwright.decomposition import Decomposition, Step, ToolIntent
from dagwright.feedback import ErrorRecord, Feedback
from dagwright.finding import Report
from dagwright.goal import Goal, GoalInput
from dagwright.label import TRUSTED
from dagwright.model import Interval
from dagwright.plan import Plan, Task
from dagwright.policy import DEFAULT_POLICY, Policy
from dagwright.program import SEAL, Bounds, Certificate, Program, ProgramStep
from dagwright.proposal import Proposal
from dagwright.tool import PythonBinding, ToolSpec
from executor.archive.archive import Archive
from executor.bindings.runner import Runners
from executor.conductor.engine import ConductorEngine
from executor.engine.embedded import EmbeddedEngine
from executor.engine.engine import Activation, Engine, EngineResult, Progress, StepResult
from executor.worker.worker import GuardedWorker
from executor.workflow.compile import compile_workflow
from executor.workflow.definition import TaskDef, WorkflowDef, WorkflowTask


def operation(name: str = "test.work", **more: Any) -> ToolSpec:
    """Gives the contract of an operation that takes anything and gives anything."""
    tool, _, verb = name.partition(".")
    given: dict[str, Any] = {
        "description": "Does a piece of work.",
        "input_schema": {"type": "object"},
        "output_schema": {"type": "object"},
        "effect": "read",
        "latency": Interval(low=1, high=2),
        "cost": Interval(low=0, high=0),
        "binding": PythonBinding(callable="tests:none"),
    }
    return ToolSpec(tool_name=tool, operation=verb, **(given | more))


def program_of(
    after: Mapping[str, Sequence[str]],
    *,
    specs: Mapping[str, ToolSpec] | None = None,
    inputs: Mapping[str, Mapping[str, Any]] | None = None,
    goal_inputs: Mapping[str, GoalInput] | None = None,
    policy: Policy = DEFAULT_POLICY,
    answer: Mapping[str, Any] | None = None,
    version: int = 1,
    steps: Mapping[str, Mapping[str, Any]] | None = None,
    approval: Sequence[str] = (),
) -> Program:
    """Gives a program with one task per step, in the order of `after`, which is topological."""
    chosen = {name: (specs or {}).get(name, operation()) for name in after}
    made = {
        name: Step.model_validate(
            {
                "step_id": name,
                "action": f"do {name}",
                "tool_intent": ToolIntent.model_validate(
                    {
                        "tool_name": spec.tool_name,
                        "operation": spec.operation,
                        "required_inputs": dict((inputs or {}).get(name, {})),
                        "validation_criteria": (steps or {}).get(name, {}).get("criteria", ()),
                    }
                ),
                "postconditions": (steps or {}).get(name, {}).get("postconditions", ()),
            }
        )
        for name, spec in chosen.items()
    }
    goal = Goal(goal_id="g", text="a goal", inputs=dict(goal_inputs or {}))
    nodes = tuple(Task(task_id=name, description=name, dependencies=tuple(befores)) for name, befores in after.items())
    proposal = Proposal.model_validate(
        {
            "goal": goal,
            "plan": Plan(dag_id="d", nodes=nodes),
            "decompositions": tuple(Decomposition(task_id=name, steps=(step,)) for name, step in made.items()),
            "answer": dict(answer or {}),
            "version": version,
        }
    )
    catalogue = Catalogue(name="tests", tools=tuple({spec.name: spec for spec in chosen.values()}.values()))
    return Program(
        seal=SEAL,
        certificate=Certificate(
            proposal=sha256(proposal), catalogue=catalogue.hash, policy=policy.hash, validator="tests"
        ),
        proposal=proposal,
        catalogue=catalogue,
        policy=policy,
        report=Report(),
        steps=tuple(
            ProgramStep(
                task_id=name,
                step=made[name],
                spec=chosen[name],
                after=tuple(befores),
                output_schema=chosen[name].output_schema,
                output_label=TRUSTED,
                runtime_checks=(),
                needs_approval=name in approval,
            )
            for name, befores in after.items()
        ),
        bounds=Bounds(cost=None, makespan=None, calls=Interval(low=0, high=0)),
    )


def record(archive: Archive, program: Program) -> None:
    """Archives a program as a run does."""
    archive.append(
        "program",
        {
            "program": program.hash,
            "proposal": archive.put(program.proposal),
            "catalogue": archive.put(program.catalogue),
            "policy": archive.put(program.policy),
            "at": None,
        },
    )
    archive.append("workflow", {"program": program.hash, "workflow": archive.put(compile_workflow(program))})


def executed(
    program: Program,
    archive: Archive,
    runners: Runners,
    *,
    approvals: Container[str] = (),
    secrets: Callable[[str], str | None] = lambda name: None,
    cancelled: threading.Event | None = None,
) -> EngineResult:
    """Runs a program on the embedded engine, every step through the guarded worker."""
    worker = GuardedWorker(program, archive, runners, approvals=approvals, secrets=secrets)
    try:
        return EmbeddedEngine().run(
            compile_workflow(program),
            run=archive.run,
            program=program.hash,
            worker=worker,
            archive=archive,
            cancelled=cancelled or threading.Event(),
            on_progress=lambda progress: None,
        )
    finally:
        worker.close()


def simple(step: str, name: str = "test.work", *, optional: bool = False) -> WorkflowTask:
    return WorkflowTask(name=name, task_reference_name=step, type="SIMPLE", optional=optional)


def definition(name: str = "test.work", *, timeout: int = 60, **more: Any) -> TaskDef:
    given: dict[str, Any] = {"retry_delay_seconds": 0, "retry_logic": "FIXED"}
    return TaskDef(
        name=name,
        timeout_seconds=timeout + 1,
        response_timeout_seconds=timeout,
        poll_timeout_seconds=60,
        **(given | more),
    )


def workflow_of(*tasks: WorkflowTask, definitions: Sequence[TaskDef] = (), timeout: int = 0) -> WorkflowDef:
    return WorkflowDef(
        name="conformance", tasks=tasks, task_defs=tuple(definitions) or (definition(),), timeout_seconds=timeout
    )


def completed(step: str, output: str = "0" * 64) -> StepResult:
    return StepResult(status="completed", output=output, feedback=Feedback(step_id=step, execution_status="success"))


def failed(step: str, *, for_good: bool) -> StepResult:
    error = ErrorRecord(kind="content" if for_good else "transport", code="test")
    feedback = Feedback(step_id=step, execution_status="failure", errors=(error,))
    return StepResult(status="failed_for_good" if for_good else "failed", feedback=feedback)


@dataclass
class Bench:
    """An engine with an archive: runs workflows and keeps what the worker saw."""

    engine: Engine
    archive: Archive
    cancelled: threading.Event = field(default_factory=threading.Event)
    progress: list[Progress] = field(default_factory=list[Progress])
    began: list[Activation] = field(default_factory=list[Activation])
    log: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """`(step, "begin" | "end")`, in the order in which it happened."""

    def run(
        self,
        workflow: WorkflowDef,
        work: Callable[[Activation], StepResult] | None = None,
        *,
        program: str = "p" * 64,
    ) -> EngineResult:
        """Runs a workflow; `work` is what a step does, by default it succeeds."""

        def worker(activation: Activation) -> StepResult:
            self.began.append(activation)
            self.log.append((activation.instance, "begin"))
            result = work(activation) if work else completed(activation.instance)
            self.log.append((activation.instance, "end"))
            return result

        return self.engine.run(
            workflow,
            run=self.archive.run,
            program=program,
            worker=worker,
            archive=self.archive,
            cancelled=self.cancelled,
            on_progress=self.progress.append,
        )

    def attempts(self, step: str) -> list[int]:
        return [activation.attempt for activation in self.began if activation.step == step]

    def kinds(self, step: str) -> list[str]:
        """Gives the kinds of the archived events of a step, in order."""
        return [
            event.kind
            for event in self.archive.events()
            if event.kind.startswith("task.") and isinstance(event.body, dict) and event.body["step"] == step
        ]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.create(tmp_path, "run") as opened:
        yield opened


@pytest.fixture(params=["embedded", pytest.param("conductor", marks=pytest.mark.conductor)])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "embedded":
        return EmbeddedEngine()
    return ConductorEngine(request.getfixturevalue("conductor_url"))


@pytest.fixture
def bench(engine: Engine, archive: Archive) -> Bench:
    return Bench(engine, archive)


@pytest.fixture(scope="session")
def build() -> Build:
    return Build()


@pytest.fixture(scope="session")
def blocks() -> ModuleType:
    """`blocks.py`: programs with blocks."""
    spec = importlib.util.spec_from_file_location("blocks_of_tests", Path(__file__).with_name("blocks.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Build:
    """The builders, for tests, which cannot import this file."""

    operation = staticmethod(operation)
    program = staticmethod(program_of)
    record = staticmethod(record)
    executed = staticmethod(executed)
    simple = staticmethod(simple)
    definition = staticmethod(definition)
    workflow = staticmethod(workflow_of)
    completed = staticmethod(completed)
    failed = staticmethod(failed)
