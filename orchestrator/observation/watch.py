"""`Watch`: one run, seen through its listener, its model and its engine, and told to an observer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace

from dagwright.feedback import Feedback, Outcome
from dagwright.finding import Report
from dagwright.goal import Goal
from dagwright.llm.model import Model, ModelReply, ModelRequest
from dagwright.program import Program
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.engine.engine import Activation, BeginningWorker, Engine, EngineResult, Progress, StepResult, Worker
from executor.workflow.definition import WorkflowDef
from executor.workflow.instance import instance, parts_of
from orchestrator.listener import Listener
from orchestrator.observation.observer import Attribute, Attributes, Observation, Observer, model_attributes
from orchestrator.setup import Setup


class Watch:
    """Tells an observer of one run. Thread-safe where steps are concerned."""

    def __init__(self, observer: Observer, verb: str) -> None:
        self._observer = observer
        self.run = observer.begin("run", verb, {"dagwright.verb": verb}, None)
        self.phase: Observation | None = None
        self.program: Program | None = None
        self._steps: dict[str, Observation] = {}
        self._lock = threading.Lock()
        self._status = ""

    def setup(self, setup: Setup) -> Setup:
        """Gives a setup whose listener, model and engine are watched."""
        return replace(
            setup,
            listener=_Listening(setup.listener, self),
            model=_ObservedModel(setup.model, self),
            engine=_ObservedEngine(setup.engine, self),
        )

    def enter(self, phase: str, attributes: Attributes | None = None) -> None:
        """Begins a phase; the one before it ends."""
        self.leave()
        self.phase = self._observer.begin("phase", phase, {"dagwright.phase": phase, **(attributes or {})}, self.run)

    def leave(self, *, error: str = "") -> None:
        """Ends the phase that goes on."""
        if self.phase is not None:
            self.phase.end({}, error=error)
        self.phase = None

    def concluded(self, outcome: Outcome) -> None:
        """Keeps how the run ended."""
        self._status = outcome.status
        self.run.tell({"dagwright.replans": outcome.replans, "dagwright.tokens": outcome.tokens})
        if outcome.cost is not None:
            self.run.tell({"dagwright.model.cost": outcome.cost})

    def end(self, error: BaseException | None) -> None:
        """Ends the run."""
        code = type(error).__name__ if error else self._status if self._status in ("failed", "rejected") else ""
        self.leave(error=type(error).__name__ if error else "")
        self.run.end({"dagwright.run.status": self._status or ("failed" if error else "done")}, error=code)

    def asked(self, request: ModelRequest, name: str) -> Observation:
        """Begins an exchange with a model."""
        known: Attributes = {
            "gen_ai.operation.name": "chat",
            **model_attributes(name),
            "gen_ai.request.max_tokens": request.max_tokens,
            "gen_ai.request.temperature": request.temperature,
            "gen_ai.request.seed": request.seed,
        }
        return self._observer.begin("model", f"chat {known['gen_ai.request.model']}", known, self.phase or self.run)

    def attempt(self, activation: Activation) -> Observation:
        """Begins an attempt at a step."""
        step = instance(activation.step, activation.number)
        known = {**self._of(step), "dagwright.attempt.number": activation.attempt}
        name = f"execute_tool {known.get('gen_ai.tool.name', step)}"
        with self._lock:  # engines tell of their progress a little late: the worker may be first
            within = self._step(step)
        return self._observer.begin("attempt", name, known, within)

    def progressed(self, progress: Progress) -> None:
        """Begins a step when it is scheduled first, ends it when it is done for good."""
        with self._lock:
            if progress.state == "scheduled":
                self._step(progress.step)
            ends = progress.state in ("completed", "skipped", "cancelled")
            step = self._steps.pop(progress.step, None) if ends else self._steps.get(progress.step)
        if step is not None and ends:
            step.end({"dagwright.step.state": progress.state, "dagwright.step.attempts": progress.attempt})

    def executed(self, result: EngineResult | None) -> None:
        """Ends the steps that are left when the engine has ended: those that failed, and what never began."""
        with self._lock:
            left, self._steps = self._steps, {}
        for name, step in left.items():
            feedback = result.feedback.get(name) if result else None
            code = feedback.errors[-1].code if feedback and feedback.errors else ""
            step.end({"dagwright.step.state": "failed" if code else "cancelled"}, error=code)

    def _step(self, step: str) -> Observation:
        if step not in self._steps:
            self._steps[step] = self._observer.begin("step", step, self._of(step), self.phase or self.run)
        return self._steps[step]

    def _of(self, step: str) -> dict[str, Attribute]:
        known: dict[str, Attribute] = {"dagwright.step.id": step}
        item = self.program.by_id.get(parts_of(step)[0]) if self.program else None
        if item is not None:
            known |= {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": item.spec.name,
                "dagwright.tool.effect": item.spec.effect,
                "dagwright.tool.binding": item.spec.binding.kind,
            }
        return known


class _Listening(Listener):
    """Tells a listener and a watch."""

    def __init__(self, other: Listener, watch: Watch) -> None:
        self._other, self._watch = other, watch

    def reading(self, done: int, total: int) -> None:
        self._other.reading(done, total)

    def line(self, text: str) -> None:
        self._other.line(text)

    def proposed(self, proposal: Proposal) -> None:
        self._other.proposed(proposal)

    def progress(self, progress: Progress) -> None:
        self._other.progress(progress)

    def failed(self, feedback: Feedback) -> None:
        self._other.failed(feedback)

    def started(self, run: str, folder: str) -> None:
        self._watch.run.tell({"dagwright.run.id": run})
        self._other.started(run, folder)

    def ingested(self, goal: Goal) -> None:
        self._watch.run.tell({"dagwright.inputs": len(goal.inputs)})
        self._other.ingested(goal)

    def planning(self, version: int, attempt: int) -> None:
        self._watch.enter("plan", {"dagwright.plan.version": version, "dagwright.planning.attempt": attempt})
        self._other.planning(version, attempt)

    def reported(self, report: Report) -> None:
        if self._watch.phase is not None:
            codes = ",".join(sorted({finding.code for finding in report.errors}))
            self._watch.phase.tell({"dagwright.errors": len(report.errors), "dagwright.codes": codes})
        self._other.reported(report)

    def certified(self, program: Program) -> None:
        self._watch.enter("approve", {"dagwright.program": program.hash})
        self._other.certified(program)

    def executing(self, program: Program) -> None:
        self._watch.program = program
        self._watch.enter("execute", {"dagwright.program": program.hash, "dagwright.steps": len(program.steps)})
        self._other.executing(program)

    def falling_back(self, step: str, given: str, instead: str, why: str) -> None:
        self._watch.leave()
        self._other.falling_back(step, given, instead, why)

    def replanning(self, version: int, reasons: tuple[str, ...]) -> None:
        self._watch.leave()
        self._other.replanning(version, reasons)

    def ended(self, outcome: Outcome) -> None:
        self._watch.leave()
        self._watch.concluded(outcome)
        self._other.ended(outcome)


class _ObservedModel:
    """A model whose exchanges are told of: sizes and cost, never words."""

    def __init__(self, model: Model, watch: Watch) -> None:
        self._model, self._watch = model, watch

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def accepts_grammar(self) -> bool:
        return self._model.accepts_grammar

    def complete(self, request: ModelRequest) -> ModelReply:
        observation = self._watch.asked(request, self._model.name)
        try:
            reply = self._model.complete(request)
        except BaseException as error:
            observation.end({}, error=type(error).__name__)
            raise
        usage = reply.usage
        known: dict[str, Attribute] = {
            "gen_ai.response.model": model_attributes(reply.model)["gen_ai.request.model"],
            "gen_ai.usage.input_tokens": usage.prompt_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.usage.output_tokens": usage.completion_tokens,
        }
        observation.tell({"gen_ai.response.finish_reasons": (reply.finish,)})
        observation.end(known | ({"dagwright.model.cost": usage.cost} if usage.cost is not None else {}))
        return reply


class _ObservedEngine:
    """An engine whose steps and attempts are told of."""

    def __init__(self, engine: Engine, watch: Watch) -> None:
        self._engine, self._watch = engine, watch

    @property
    def name(self) -> str:
        return self._engine.name

    def run(
        self,
        workflow: WorkflowDef,
        *,
        run: str,
        program: str,
        worker: Worker,
        archive: Archive,
        cancelled: threading.Event,
        on_progress: Callable[[Progress], None],
    ) -> EngineResult:
        def told(progress: Progress) -> None:
            self._watch.progressed(progress)
            on_progress(progress)

        result: EngineResult | None = None
        try:
            return (
                result := self._engine.run(
                    workflow,
                    run=run,
                    program=program,
                    worker=_observed(worker, self._watch),
                    archive=archive,
                    cancelled=cancelled,
                    on_progress=told,
                )
            )
        finally:
            self._watch.executed(result)


def _observed(worker: Worker, watch: Watch) -> Worker:
    if isinstance(worker, BeginningWorker):
        return _ObservedBeginningWorker(worker, watch)
    return _ObservedWorker(worker, watch)


class _ObservedWorker:
    """A worker whose attempts are told of."""

    def __init__(self, worker: Worker, watch: Watch) -> None:
        self._worker, self._watch = worker, watch

    def __call__(self, activation: Activation) -> StepResult:
        observation = self._watch.attempt(activation)
        try:
            result = self._worker(activation)
        except BaseException as error:
            observation.end({}, error=type(error).__name__)
            raise
        _end(observation, result)
        return result


class _ObservedBeginningWorker(_ObservedWorker):
    """The same for a worker whose attempts need no thread of their own."""

    def __init__(self, worker: BeginningWorker, watch: Watch) -> None:
        super().__init__(worker, watch)
        self._beginning = worker

    def begin(self, activation: Activation, ended: Callable[[StepResult | Exception], None]) -> None:
        def run() -> None:
            observation = self._watch.attempt(activation)

            def told(outcome: StepResult | Exception) -> None:
                if isinstance(outcome, Exception):
                    observation.end({}, error=type(outcome).__name__)
                else:
                    _end(observation, outcome)
                ended(outcome)

            self._beginning.begin(activation, told)

        copy_context().run(run)  # what an attempt that another thread ended leaves in this one goes with it


def _end(observation: Observation, result: StepResult) -> None:
    errors = result.feedback.errors if result.status != "completed" else ()
    observation.end({"dagwright.attempt.status": result.status}, error=errors[-1].code if errors else "")
