"""A model of decide, ledger, crash and loss of power, small enough that every one of its states can be looked at.

What decides is the real `Execution`, folded from the model's events. The rest is written down here in the fewest
steps that can come apart: an attempt looks into the ledger, means its effect, calls, hears or does not hear,
writes the end, is recorded. Anything may happen between any two of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from executor.engine.decide import Completed, Execution, Failed, Finish, Occurrence, TimedOut
from executor.workflow.definition import WorkflowDef
from executor.workflow.instance import Choice, Instance, parts_of

EffectState = Literal["intended", "done", "not_done", "unknown"]
Phase = Literal["look", "intend", "call", "meant_late", "done", "lost", "refused", "ok", "again", "asked"]


class Said(NamedTuple):
    """An entry of the log that the ledger consists of."""

    step: Instance
    state: EffectState


class Attempt(NamedTuple):
    """An attempt in a worker's thread; one that was given up goes on, and nobody listens to it."""

    step: Instance
    number: int
    phase: Phase
    choice: Choice = None


class State(NamedTuple):
    """One state of everything."""

    log: tuple[Occurrence | Said, ...] = ()
    """What was written, events and ledger in one order: what a process finds that opens the archive."""
    synced: int = 0
    """How much of it a loss of power leaves, at least."""
    is_up: bool = True
    flight: frozenset[Attempt] = frozenset()
    strays: tuple[Instance, ...] = ()
    """Calls that nobody waits for any more and whose effect may still happen."""
    world: tuple[Instance, ...] = ()
    """The effects that happened, sorted."""
    crashes: int = 0
    losses: int = 0
    late: int = 0
    """How often each may still happen: the process dies, the power fails, an attempt's time is up."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the guarantee rests on; each can be left out."""

    looks_first: bool = True
    """An attempt looks into the ledger before it means an effect."""
    means_first: bool = True
    """An effect is written down before it is tried."""
    looks_again: bool = True
    """Meaning an effect and finding that it was not meant are one step."""
    is_durable: bool = True
    """What the ledger says of an effect that must not happen twice survives a loss of power."""
    is_one_log: bool = True
    """What is made durable takes all that was written before with it."""


@dataclass(frozen=True, eq=False)
class Model:
    """One workflow under some rules."""

    workflow: WorkflowDef
    once: AbstractSet[str]
    """Steps with an effect that must not happen twice."""
    often: AbstractSet[str]
    """Steps with an idempotent effect."""
    choices: Mapping[str, Callable[[int], tuple[Choice, ...]]]
    """By step that decides: what it may decide in a pass; another time it may decide otherwise."""
    optional: AbstractSet[str]
    """Steps of blocks that may fail."""
    rules: Rules
    folds: dict[tuple[Occurrence, ...], Fold] = field(default_factory=dict[tuple[Occurrence, ...], "Fold"])

    def fold(self, log: tuple[Occurrence | Said, ...]) -> Fold:
        """Gives what the real core makes of the events."""
        events = tuple(item for item in log if not isinstance(item, Said))
        if events not in self.folds:
            self.folds[events] = _fold(self.workflow, events)
        return self.folds[events]

    def next(self, state: State) -> Iterator[State]:
        """Gives all states that may come next."""
        if not state.is_up:
            yield from self._strays(state)
            yield self.launched(state._replace(is_up=True))
            return
        for attempt in state.flight:
            for following in self._moved(state._replace(flight=state.flight - {attempt}), attempt):
                yield self.launched(following)
        yield from self._strays(state)
        ended = self.fold(state.log).ended is not None
        if state.late and not ended:
            for step, number in self.fold(state.log).running:
                late = (*state.log, TimedOut(step, number))
                yield self.launched(state._replace(log=late, late=state.late - 1))
        if not ended:
            yield from self._died(state)

    def problem(self, state: State) -> str | None:
        """Says which promise is broken."""
        for step in set(state.world):
            if parts_of(step)[0] in self.once and state.world.count(step) > 1:
                return f"{step} happened twice"
        fold = self.fold(state.log)
        if fold.ended is None or fold.ended.status != "completed":
            return None
        effects = {step for step in fold.completed if parts_of(step)[0] in self.once | self.often}
        if not effects <= set(state.world):
            return f"completed without {sorted(effects - set(state.world))}"
        extra = {step for step in state.world if step not in effects and parts_of(step)[0] not in self.optional}
        return f"completed, and {sorted(extra)} happened that is no part of it" if extra else None

    def ended(self, state: State) -> bool:
        """Whether the run has ended: completed, failed, or with a question."""
        return state.is_up and self.fold(state.log).ended is not None

    def launched(self, state: State) -> State:
        """Begins the attempts that are due; which goes on first is open all the same."""
        begun = {(attempt.step, attempt.number) for attempt in state.flight}
        due = [Attempt(step, number, "look") for step, number in self.fold(state.log).running]
        return state._replace(flight=state.flight | {item for item in due if (item.step, item.number) not in begun})

    def _moved(self, state: State, attempt: Attempt) -> Iterator[State]:  # noqa: C901 - one case per phase
        """Gives what one step of one attempt may lead to; `state` is without the attempt."""

        def goes(phase: Phase, then: State = state, choice: Choice = None) -> State:
            return then._replace(flight=then.flight | {attempt._replace(phase=phase, choice=choice)})

        step, name = attempt.step, parts_of(attempt.step)[0]
        is_once = name in self.once
        known = _known(state.log, step)
        happened = state._replace(world=tuple(sorted((*state.world, step))))
        match attempt.phase:
            case "look" if not is_once and name not in self.often:
                for choice in self.choices.get(name, lambda number: (None,))(parts_of(step)[1] or 0):
                    yield goes("ok", choice=choice)
            case "look" if self.rules.looks_first and known == "done":
                yield goes("ok")
            case "look" if self.rules.looks_first and is_once and known in ("intended", "unknown"):
                yield goes("asked", self._said(state, step, "unknown"))
            case "look":
                yield goes("intend" if self.rules.means_first else "call")
            case "intend" if self.rules.looks_again and known == "done":
                yield goes("ok")
            case "intend" if self.rules.looks_again and is_once and known not in (None, "not_done"):
                yield goes("asked")
            case "intend":
                yield goes("call", self._said(state, step, "intended"))
            case "call":
                yield goes("done" if self.rules.means_first else "meant_late", happened)
                yield goes("lost", happened)
                yield goes("lost", state._replace(strays=tuple(sorted((*state.strays, step)))))
                yield goes("refused")
            case "meant_late":
                yield goes("done", self._said(state, step, "intended"))
            case "done":
                yield goes("ok", self._said(state, step, "done"))
            case "lost":
                yield goes("asked", self._said(state, step, "unknown")) if is_once else goes("again")
            case "refused":
                yield goes("again", self._said(state, step, "not_done"))
            case "ok":
                yield self._recorded(state, Completed(step, attempt.number, attempt.choice))
            case "again" | "asked":
                yield self._recorded(state, Failed(step, attempt.number, attempt.phase == "asked"))

    def _said(self, state: State, step: Instance, said: EffectState) -> State:
        """Writes to the ledger, and to the disk where the effect must not happen twice."""
        log = (*state.log, Said(step, said))
        is_durable = parts_of(step)[0] in self.once and said != "not_done" and self.rules.is_durable
        return state._replace(log=log, synced=len(log) if is_durable and self.rules.is_one_log else state.synced)

    def _recorded(self, state: State, event: Completed | Failed) -> State:
        """Writes an attempt's end, if anybody waits for it."""
        if (event.step, event.attempt) not in self.fold(state.log).running:
            return state
        return state._replace(log=(*state.log, event))

    def _strays(self, state: State) -> Iterator[State]:
        for index, step in enumerate(state.strays):
            rest = state.strays[:index] + state.strays[index + 1 :]
            yield state._replace(strays=rest, world=tuple(sorted((*state.world, step))))

    def _died(self, state: State) -> Iterator[State]:
        """The process dies, or the power fails and takes the end of the log along."""
        down = state._replace(is_up=False, flight=frozenset())
        if state.crashes:
            yield down._replace(crashes=state.crashes - 1)
        if state.losses:
            for kept in range(state.synced, len(state.log) + 1):
                log = state.log[:kept]
                if not self.rules.is_one_log:  # a ledger in a file of its own, synced by itself
                    log += tuple(item for item in state.log[kept:] if isinstance(item, Said))
                yield down._replace(log=log, synced=len(log), losses=state.losses - 1)


class Fold(NamedTuple):
    """What the core makes of the events."""

    running: frozenset[tuple[Instance, int]]
    completed: frozenset[Instance]
    ended: Finish | None


def _fold(workflow: WorkflowDef, events: tuple[Occurrence, ...]) -> Fold:
    execution, completed = Execution(workflow), set[Instance]()
    execution.start()
    for event in events:
        if isinstance(event, Completed) and execution.running.get(event.step) == event.attempt:
            completed.add(event.step)
        execution.advance(event)
    return Fold(frozenset(execution.running.items()), frozenset(completed - execution.dropped), execution.ended)


def _known(log: tuple[Occurrence | Said, ...], step: Instance) -> EffectState | None:
    return next((item.state for item in reversed(log) if isinstance(item, Said) and item.step == step), None)


@dataclass(frozen=True)
class Explored:
    """What was found."""

    states: int
    ends: frozenset[str]
    """How runs ended."""
    problem: str | None
    """The first broken promise, if one is."""
    trace: tuple[State, ...]
    """How it came to that, in the fewest steps."""
    stuck: int
    """States from which no end can be reached."""


def explored(model: Model, *, crashes: int = 0, losses: int = 0, late: int = 0) -> Explored:
    """Looks at every state, in the order of their distance; stops at the first broken promise."""
    first = model.launched(State(crashes=crashes, losses=losses, late=late))
    before: dict[State, State | None] = {first: None}
    leads_to: dict[State, list[State]] = {}
    waiting = deque([first])
    while waiting:
        state = waiting.popleft()
        problem = model.problem(state)
        if problem is not None:
            return Explored(len(before), frozenset(), problem, _trace(before, state), 0)
        for following in model.next(state):
            leads_to.setdefault(following, []).append(state)
            if following not in before:
                before[following] = state
                waiting.append(following)
    ends = [state for state in before if model.ended(state)]
    reached, open_ = set(ends), list(ends)
    while open_:
        for state in leads_to.get(open_.pop(), ()):
            if state not in reached:
                reached.add(state)
                open_.append(state)
    statuses = frozenset(str(end.status) for state in ends if (end := model.fold(state.log).ended))
    return Explored(len(before), statuses, None, (), len(before) - len(reached))


def _trace(before: Mapping[State, State | None], state: State) -> tuple[State, ...]:
    found = [state]
    while (earlier := before[found[-1]]) is not None:
        found.append(earlier)
    return tuple(reversed(found))
