"""`GuardedWorker`: the only way from a workflow's task to a tool.

Each attempt resolves its references from the artefact store, is checked again with its actual
values (schema, policy, approval), is entered in the ledger, runs within its time, and has its
outputs checked before anyone sees them. What a tool does wrong is a result, never an exception.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Container, Generator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import JsonValue

from dagwright.canonical import Sha256, ordered_json
from dagwright.exceptions import (
    ArchiveError,
    Cancelled,
    GuardViolation,
    ToolRejected,
    ToolUnavailable,
    TransportError,
)
from dagwright.feedback import Feedback
from dagwright.program import Program, ProgramStep
from dagwright.tool import ControlBinding
from executor.archive.archive import Archive
from executor.bindings.runner import Runners, ToolContext, may_have_acted
from executor.engine.engine import Activation, StepResult
from executor.engine.history import History
from executor.engine.threads import Threads
from executor.ledger.ledger import EffectLedger, Entry, Ledger
from executor.worker.breaker import Breakers
from executor.worker.decision import DECIDED, arguments_of, decision
from executor.worker.failure import UnknownOutcome, Unmet, failure_of, performance_of
from executor.worker.guard import (
    action_for,
    check_arguments,
    check_payload,
    check_places,
    checked_outputs,
    resources,
    unmet,
)
from executor.worker.headers import known_columns
from executor.worker.limits import RateLimits
from executor.worker.resolve import filled, resolve
from executor.worker.scope import Scope
from executor.worker.summary import summary_of
from executor.worker.watch import Watch, Watched
from executor.workflow.block import controls_of
from executor.workflow.instance import Choice, Instance, parts_of

_Outputs = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class _Call:
    """What an attempt asks for: a tool to be run. It goes on with the outputs, or with what was raised."""

    tool: Callable[[], _Outputs]
    context: ToolContext

    def outcome(self) -> _Outputs | Exception:
        """Runs the tool."""
        try:
            return self.tool()
        except Exception as error:  # noqa: BLE001 - raised again inside the attempt
            return error
        except BaseException as error:  # noqa: BLE001 - ends neither a thread nor the run
            crash = RuntimeError(f"the tool ended with {type(error).__name__}")
            crash.__cause__ = error
            return crash


_T = TypeVar("_T")

_Calling = Generator[_Call, _Outputs, _T]
"""It asks for one call at most, and may go on in another thread than the one that began it."""


class GuardedWorker:
    """Runs the attempts at one program's steps. Thread-safe; give the same one to the engine for all."""

    def __init__(
        self,
        program: Program,
        archive: Archive,
        runners: Runners,
        *,
        approvals: Container[str] = (),
        secrets: Callable[[str], str | None] = lambda name: None,
        breakers: Breakers | None = None,
        ledger: EffectLedger | None = None,
        tenant: str = "default",
    ) -> None:
        """Prepares the worker.

        Args:
            program: The certified program.
            archive: Where outputs are found and kept, open for writing.
            runners: The runner of each kind of binding that the program uses.
            approvals: Digests (`Program.approval_digest`) of the steps that a person approved.
            secrets: Gives the value of a credential by its name.
            breakers: Shared among workers whose calls fail together; None makes new ones.
            ledger: Where effects are written down; None is the one in the archive.
            tenant: For whom the run is.
        """
        self._program, self._archive, self._runners = program, archive, runners
        self._approvals, self._secrets, self._tenant = approvals, secrets, tenant
        self._history, self._ledger = History.shared(archive, program.hash), ledger or Ledger(archive)
        self._limits, self._breakers = RateLimits(), breakers or Breakers()
        self._scope, self._controls = Scope(program, self, archive.get), controls_of(program.proposal)
        self._threads, self._watch = Threads("tool"), Watch()
        self._reading, self._meaning = threading.Lock(), threading.Lock()
        self._given_up: frozenset[Instance] | None = None

    def __call__(self, activation: Activation) -> StepResult:
        """Runs one attempt.

        Raises:
            ArchiveError: the archive takes nothing more; the run cannot go on.
        """
        return self._awaited(self._attempt(activation), activation.cancelled)

    def begin(self, activation: Activation, ended: Callable[[StepResult | Exception], None]) -> None:
        """Runs one attempt in this thread and tells `ended` what `__call__` gives or raises.

        A tool that hangs keeps this thread; how the attempt ended is then told by another one.
        """
        self._run_through(self._attempt(activation), activation.cancelled, ended)

    def _awaited(self, attempt: _Calling[_T], stopped: threading.Event) -> _T:
        """Gives what an attempt ends with; a tool that hangs keeps another thread than this one."""
        ended: queue.SimpleQueue[_T | Exception] = queue.SimpleQueue()
        self._threads.submit(lambda: self._run_through(attempt, stopped, ended.put))
        outcome = ended.get()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _run_through(
        self, attempt: _Calling[_T], stopped: threading.Event, ended: Callable[[_T | Exception], None]
    ) -> None:
        try:
            call = next(attempt)
        except StopIteration as end:
            return ended(end.value)
        except Exception as error:  # noqa: BLE001 - raised again by who waits for it
            return ended(error)

        def late(error: Exception) -> None:
            self._threads.submit(lambda: _go_on(attempt, error, ended))

        watched = Watched(call.context, stopped, late)
        self._watch.begin(watched)
        outcome = call.outcome()
        if self._watch.end(watched):
            _go_on(attempt, outcome, ended)
        return None

    def _attempt(self, activation: Activation) -> _Calling[StepResult]:
        """Gives an attempt, to be run up to its call and from there."""
        item = self._program.by_id[activation.step]
        begun = time.monotonic()
        try:
            if activation.program != self._program.hash:
                raise GuardViolation(f"this worker runs program {self._program.hash}", code="wrong_program")
            self._check_not_given_up(activation.instance)
            if isinstance(item.spec.binding, ControlBinding):
                return self._decide(item, activation, begun)
            arguments = self._arguments(item, activation)
            self._admit(item, arguments)
            output, feedback = yield from self._perform(item, arguments, activation, begun)
        except ArchiveError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a tool raises is a result
            return failure_of(error, activation, begun, replaced=self._is_replaced(error, item))
        return StepResult(status="completed", output=output, preview=dict(feedback.outputs), feedback=feedback)

    def _is_replaced(self, error: Exception, item: ProgramStep) -> bool:
        """Whether another operation can be called rather than one that is not even tried: nothing may have happened."""
        step = item.step.step_id
        if not (
            isinstance(error, ToolUnavailable) and error.code == "circuit_open" and self._program.fallbacks_of(step)
        ):
            return False
        if item.spec.effect == "read":
            return True
        acted = (parts_of(entry.step)[0] == step for entry in Ledger(self._archive).entries() if entry.may_stand)
        return isinstance(self._ledger, Ledger) and not any(acted)

    def close(self) -> None:
        """Lets the threads go; those of tools that hang go when these end."""
        self._threads.close()

    def _arguments(self, item: ProgramStep, activation: Activation) -> dict[str, JsonValue]:
        """Gives the call's arguments, complete and checked."""
        intent, inputs = item.step.tool_intent, self._program.proposal.goal.inputs
        seen = self._scope.seen_by(item, activation.number)
        given = {name: resolve(value, seen, inputs) for name, value in intent.required_inputs.items()}
        arguments = filled(given, item.spec.input_schema)
        check_arguments(arguments, item.spec)
        return arguments

    def _check_not_given_up(self, step: Instance) -> None:
        """Refuses a step that an earlier version of the plan went on without: what followed used its absence."""
        with self._reading:
            if self._given_up is None:
                self._given_up = self._history.given_up()
        if step in self._given_up:
            raise ToolRejected(f"an earlier version of the plan went on without step {step!r}", code="given_up")

    def output(self, step: Instance) -> Sha256 | None:
        """Gives the hash of what an instance gave, or None if it has not completed."""
        with self._reading:
            return self._history.output(step)

    def choice(self, step: Instance) -> Choice:
        """Gives what an instance decided."""
        with self._reading:
            return self._history.choice(step)

    def _decide(self, item: ProgramStep, activation: Activation, begun: float) -> StepResult:
        """Decides about a block; nothing is called."""
        control = self._controls[item.task_id]
        seen, inputs = self._scope.seen_by(item, activation.number), self._program.proposal.goal.inputs
        arguments = arguments_of(item, seen, inputs)
        outputs, choice = decision(item, control, arguments, activation.number)
        feedback = Feedback(
            step_id=activation.instance,
            execution_status="success",
            outputs=summary_of(outputs, DECIDED, trusted=False),
            performance_metrics=performance_of(activation, begun),
        )
        output = self._archive.keep_bytes(ordered_json(outputs))
        preview: dict[str, JsonValue] = dict(feedback.outputs)
        return StepResult(status="completed", output=output, choice=choice, preview=preview, feedback=feedback)

    def _admit(self, item: ProgramStep, arguments: dict[str, JsonValue]) -> None:
        """Checks policy, size and approval for the actual arguments."""
        action, reason = action_for(item.spec, arguments, self._program.policy)
        if action == "deny":
            raise GuardViolation(f"policy denies {item.spec.name}: {reason}", code="policy_denied")
        check_places(item.spec, arguments, self._program.policy)
        check_payload(item.spec, arguments, self._program.policy)
        asked = action == "ask" or item.needs_approval
        if asked and self._digest(item) not in self._approvals:
            raise GuardViolation(f"{item.spec.name} needs a person's approval: {reason}", code="approval_required")

    def _digest(self, item: ProgramStep) -> Sha256:
        """Gives what an approval of a step binds to."""
        return self._program.approval_digest(item.step.step_id)

    def _perform(
        self, item: ProgramStep, arguments: dict[str, JsonValue], activation: Activation, begun: float
    ) -> _Calling[tuple[Sha256, Feedback]]:
        """Runs the step's operation and says what it gave."""
        key = self._ledger.key(activation.run, activation.instance, item.spec.name, arguments)
        outputs, output = yield from self._effect(item, arguments, activation, key)
        return output, self._success(item, outputs, arguments, activation, begun)

    def _effect(
        self, item: ProgramStep, arguments: dict[str, JsonValue], activation: Activation, key: Sha256
    ) -> _Calling[tuple[JsonValue, Sha256]]:
        """Tries an effect once, or finds that it has happened already; gives its outputs, checked and stored.

        `key` is its first idempotency key.
        """
        spec, entry = item.spec, None
        if spec.effect != "read":
            key, entry = self._ledger.current(key)
        if entry is not None and entry.output is not None:
            return self._archive.get(entry.output), entry.output
        if entry is not None and entry.is_open and not spec.idempotent:
            self._ledger.unknown(key)
            raise UnknownOutcome("an earlier attempt may have happened, and it must not happen twice")
        context = self._context(item, arguments, activation, key)
        self._limits.wait(spec, deadline=context.deadline, cancelled=activation.cancelled)
        with self._breakers.call(spec, self._program.policy):
            return (yield from self._run(item, arguments, context))

    def _run(
        self, item: ProgramStep, arguments: dict[str, JsonValue], context: ToolContext
    ) -> _Calling[tuple[JsonValue, Sha256]]:
        """Runs the tool between two entries of the ledger; gives its outputs, checked and stored."""
        spec, key = item.spec, context.idempotency_key
        recorded, once = spec.effect != "read", not spec.idempotent
        runner = self._runners.get(spec.binding.kind)
        if runner is None:
            raise GuardViolation(f"there is no runner for {spec.binding.kind!r} bindings", code="no_runner")
        before = self._intend(key, item, context, self._undoing(item, arguments)) if recorded else None
        if before is not None and before.output is not None:
            return self._archive.get(before.output), before.output
        doubtful = before is not None and before.is_open  # an earlier attempt may have acted
        try:
            outputs = yield _Call(lambda: runner(spec, arguments, context), context)
            output = self._archive.keep_bytes(checked_outputs(outputs, spec))
        except Exception as error:
            if recorded and not doubtful and not may_have_acted(error):
                self._ledger.not_done(key)
            elif recorded and once:
                self._ledger.unknown(key)
                if isinstance(error, TransportError | Cancelled):
                    raise UnknownOutcome(f"it may have happened: {error}") from error
            raise
        if recorded:
            self._ledger.done(key, output, durable=once)
        return outputs, output

    def _intend(self, key: Sha256, item: ProgramStep, context: ToolContext, more: dict[str, JsonValue]) -> Entry | None:
        """Enters an effect that is about to be tried, and gives what was known of it.

        It may have been tried meanwhile, by an attempt that was given up or by another run: what has
        an output then is not entered again, nor is what may have happened and must not happen twice.
        """
        once = not item.spec.idempotent
        with self._meaning:
            entry = self._ledger.find(key)
            if entry is not None and entry.output is not None:
                return entry
            if once and entry is not None and entry.state != "not_done":
                raise UnknownOutcome("an earlier attempt is still about it, and it must not happen twice")
            self._ledger.intend(key, context.step, item.spec.name, durable=once, more=more)
        return entry

    def _undoing(self, item: ProgramStep, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Gives what the ledger keeps so that an effect can be undone, or a person asked about it."""
        kept = not item.spec.idempotent or item.step.rollback_strategy in ("compensate", "manual")
        return {"program": self._program.hash, "arguments": self._archive.put(arguments)} if kept else {}

    def _context(
        self, item: ProgramStep, arguments: dict[str, JsonValue], activation: Activation, key: Sha256
    ) -> ToolContext:
        return ToolContext(
            run=activation.run,
            step=activation.instance,
            attempt=activation.attempt,
            idempotency_key=key,
            files=self._archive.files,
            inputs=self._archive.inputs,
            policy=self._program.policy,
            secrets=self._secrets,
            tenant=self._tenant,
            columns=known_columns(self._program, item, arguments),
            cancelled=threading.Event(),  # of its own: set when its time is up, too
            deadline=time.monotonic() + item.spec.timeout,
        )

    def _success(
        self,
        item: ProgramStep,
        outputs: JsonValue,
        arguments: dict[str, JsonValue],
        activation: Activation,
        begun: float,
    ) -> Feedback:
        """Gives the feedback of a step whose outputs meet all that was stated of them."""
        given = outputs if isinstance(outputs, dict) else {}
        missed = unmet(item.step, given)
        if missed:
            raise Unmet([(f"{found.path} {found.op} {found.value!r}", found.path) for found in missed])
        trusted = item.output_label.integrity == "trusted"
        return Feedback(
            step_id=activation.instance,
            execution_status="success",
            outputs=summary_of(given, item.output_schema, trusted=trusted),
            performance_metrics=performance_of(activation, begun),
            side_effects=resources(item.spec.writes, arguments),
        )


def _go_on(attempt: _Calling[_T], outcome: _Outputs | Exception, ended: Callable[[_T | Exception], None]) -> None:
    """Lets an attempt go on after its call, and tells how it ended."""
    try:
        if isinstance(outcome, Exception):
            attempt.throw(outcome)
        else:
            attempt.send(outcome)
    except StopIteration as end:
        ended(end.value)
    except Exception as error:  # noqa: BLE001 - raised again by who waits for it
        ended(error)
