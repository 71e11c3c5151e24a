"""`GuardedWorker`: the only way from a workflow's task to a tool.

Each attempt resolves its references from the artefact store, is checked again with its actual
values (schema, policy, approval), is entered in the ledger, runs within its time, and has its
outputs checked before anyone sees them. What a tool does wrong is a result, never an exception.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Container

from pydantic import JsonValue

from dagwright.canonical import Sha256
from dagwright.exceptions import ArchiveError, Cancelled, GuardViolation, TimedOut, TransportError
from dagwright.feedback import Feedback
from dagwright.program import Program, ProgramStep
from executor.archive import Archive
from executor.bindings.runner import Runners, ToolContext, may_have_acted
from executor.engine import Activation, StepResult
from executor.failure import UnknownOutcome, Unmet, failure_of, performance_of
from executor.guard import action_for, check_arguments, check_payload, check_places, checked_outputs, resources, unmet
from executor.headers import known_columns
from executor.history import History
from executor.ledger import Ledger, idempotency_key
from executor.limits import RateLimits
from executor.resolve import filled, resolve
from executor.summary import summary_of
from executor.threads import Threads

POLL_SECONDS = 0.1
"""Within what time a request to stop reaches a tool."""

STOP_SECONDS = 1.0
"""What a tool gets to come to an end after it was told to stop."""

_Ended = queue.SimpleQueue[dict[str, JsonValue] | BaseException]


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
        limits: RateLimits | None = None,
    ) -> None:
        """Prepares the worker.

        Args:
            program: The certified program.
            archive: Where outputs are found and kept, open for writing.
            runners: The runner of each kind of binding that the program uses.
            approvals: Digests (`Program.approval_digest`) of the steps that a person approved.
            secrets: Gives the value of a credential by its name.
            limits: Shared among workers whose calls count together; None makes new ones.
        """
        self._program, self._archive, self._runners = program, archive, runners
        self._approvals, self._secrets = approvals, secrets
        self._history, self._ledger = History(archive, program.hash), Ledger(archive)
        self._limits = limits or RateLimits()
        self._threads = Threads("tool")
        self._reading = threading.Lock()

    def __call__(self, activation: Activation) -> StepResult:
        """Runs one attempt.

        Raises:
            ArchiveError: the archive takes nothing more; the run cannot go on.
        """
        item = self._program.by_id[activation.step]
        begun = time.monotonic()
        try:
            if activation.program != self._program.hash:
                raise GuardViolation(f"this worker runs program {self._program.hash}", code="wrong_program")
            arguments = self._arguments(item)
            self._admit(item, arguments)
            output, feedback = self._perform(item, arguments, activation, begun)
        except ArchiveError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a tool raises is a result
            return failure_of(item, error, activation, begun)
        return StepResult(status="completed", output=output, preview=dict(feedback.outputs), feedback=feedback)

    def close(self) -> None:
        """Lets the threads go; those of tools that hang go when these end."""
        self._threads.close()

    def _arguments(self, item: ProgramStep) -> dict[str, JsonValue]:
        """Gives the call's arguments, complete and checked."""
        intent, inputs = item.step.tool_intent, self._program.proposal.goal.inputs
        given = {name: resolve(value, self._outputs, inputs) for name, value in intent.required_inputs.items()}
        arguments = filled(given, item.spec.input_schema)
        check_arguments(arguments, item.spec)
        return arguments

    def _outputs(self, step: str) -> JsonValue:
        with self._reading:
            output = self._history.output(step)
        if output is None:
            raise GuardViolation(f"step {step!r} has given nothing yet", code="missing_reference")
        return self._archive.get(output)

    def _admit(self, item: ProgramStep, arguments: dict[str, JsonValue]) -> None:
        """Checks policy, size and approval for the actual arguments."""
        action, reason = action_for(item.spec, arguments, self._program.policy)
        if action == "deny":
            raise GuardViolation(f"policy denies {item.spec.name}: {reason}", code="policy_denied")
        check_places(item.spec, arguments, self._program.policy)
        check_payload(item.spec, arguments, self._program.policy)
        asked = action == "ask" or item.needs_approval
        if asked and self._program.approval_digest(item.step.step_id) not in self._approvals:
            raise GuardViolation(f"{item.spec.name} needs a person's approval: {reason}", code="approval_required")

    def _perform(
        self, item: ProgramStep, arguments: dict[str, JsonValue], activation: Activation, begun: float
    ) -> tuple[Sha256, Feedback]:
        """Runs the effect, or finds that it has happened already."""
        spec, step = item.spec, item.step.step_id
        key = idempotency_key(activation.run, step, arguments)
        entry = self._ledger.find(key) if spec.effect != "read" else None
        if entry is not None and entry.output is not None:
            return entry.output, self._success(item, self._archive.get(entry.output), arguments, activation, begun)
        if entry is not None and entry.state in ("intended", "unknown") and not spec.idempotent:
            self._ledger.unknown(key)
            raise UnknownOutcome("an earlier attempt may have happened, and it must not happen twice")
        context = self._context(item, arguments, activation, key)
        self._limits.wait(spec, deadline=context.deadline, cancelled=activation.cancelled)
        outputs, output = self._run(item, arguments, context, activation.cancelled)
        return output, self._success(item, outputs, arguments, activation, begun)

    def _run(
        self, item: ProgramStep, arguments: dict[str, JsonValue], context: ToolContext, stopped: threading.Event
    ) -> tuple[JsonValue, Sha256]:
        """Runs the tool between two entries of the ledger; gives its outputs, checked and stored."""
        spec, key = item.spec, context.idempotency_key
        recorded, once = spec.effect != "read", not spec.idempotent
        runner = self._runners.get(spec.binding.kind)
        if runner is None:
            raise GuardViolation(f"there is no runner for {spec.binding.kind!r} bindings", code="no_runner")
        if recorded:
            self._ledger.intend(key, context.step, spec.name, durable=once)
        try:
            outputs = self._timed(lambda: runner(spec, arguments, context), context, stopped)
            output = self._archive.put_bytes(checked_outputs(outputs, spec))
        except Exception as error:
            if recorded and not may_have_acted(error):
                self._ledger.not_done(key)
            elif recorded and once:
                self._ledger.unknown(key)
                if isinstance(error, TransportError | Cancelled):
                    raise UnknownOutcome(f"it may have happened: {error}") from error
            raise
        if recorded:
            self._ledger.done(key, output, durable=once)
        return outputs, output

    def _timed(
        self, call: Callable[[], dict[str, JsonValue]], context: ToolContext, stopped: threading.Event
    ) -> dict[str, JsonValue]:
        """Runs the tool in a thread that is left behind when it does not end in time."""
        ended: _Ended = queue.SimpleQueue()

        def job() -> None:
            try:
                ended.put(call())
            except BaseException as error:  # noqa: BLE001 - raised again by the waiting thread
                ended.put(error)

        self._threads.submit(job)
        outcome = _awaited(ended, context, stopped)
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, BaseException):
            raise RuntimeError(f"the tool ended with {type(outcome).__name__}") from outcome
        return outcome

    def _context(
        self, item: ProgramStep, arguments: dict[str, JsonValue], activation: Activation, key: Sha256
    ) -> ToolContext:
        return ToolContext(
            run=activation.run,
            step=activation.step,
            attempt=activation.attempt,
            idempotency_key=key,
            files=self._archive.files,
            inputs=self._archive.inputs,
            policy=self._program.policy,
            secrets=self._secrets,
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
            step_id=item.step.step_id,
            execution_status="success",
            outputs=summary_of(given, item.output_schema, trusted=trusted),
            performance_metrics=performance_of(activation, begun),
            side_effects=resources(item.spec.writes, arguments),
        )


def _awaited(ended: _Ended, context: ToolContext, stopped: threading.Event) -> dict[str, JsonValue] | BaseException:
    """Gives what the tool ended with; leaves it behind at its deadline, or soon after a stop.

    Raises:
        TimedOut: its time is up.
        Cancelled: the attempt was stopped, and the tool did not end.
    """
    while not stopped.is_set():
        try:
            return ended.get(timeout=min(POLL_SECONDS, context.remaining))
        except queue.Empty:
            if not context.remaining:
                context.cancelled.set()
                raise TimedOut(f"step {context.step!r} did not end within its time") from None
    context.cancelled.set()
    try:
        return ended.get(timeout=STOP_SECONDS)
    except queue.Empty:
        raise Cancelled(f"step {context.step!r} was stopped") from None
