"""Dependency level: facts over the partial order, whatever the order in which a run takes it (D312, D313).

A fact necessarily holds before a step if some step before it establishes the fact, and every step that
may end it either comes after, or has a step between the two that establishes it again (the modal truth
criterion of Chapman 1987, exact for facts without variables). A fact necessarily doesn't hold if every
step that may establish it comes after, or has a step between the two that ends it. One pass over
the plan in each direction decides this for all facts and steps at once: sets of events are bit masks.

A block that may not run, or not to its end, establishes nothing for what comes after it, but may end facts.
What its steps find is judged as if it ran; a pass of a repetition finds what the pass before left, and passes
that run side by side find what the others do at any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from dagwright.control import Control
from dagwright.finding import Finding
from dagwright.predicate import FactPredicate
from validation.context import Context, PlacedStep
from validation.contract import filled
from validation.dependency import waits_for
from validation.known import known_arguments
from validation.notes import Fix, finding
from validation.passes import ONCE

_SLOT = re.compile(r"\\\{[^{}]+\\\}")


class Effects(NamedTuple):
    """What a step does to facts."""

    added: frozenset[str]
    """Facts that hold afterwards."""
    ended: frozenset[str]
    """Facts that don't hold afterwards."""
    perhaps_added: tuple[re.Pattern[str], ...]
    """Patterns of facts that it establishes, where arguments decide which."""
    perhaps_ended: tuple[re.Pattern[str], ...]
    """Patterns of facts that it ends, likewise."""


class Claim(NamedTuple):
    """A fact that must hold, or must not."""

    fact: str
    negated: bool


class Need(NamedTuple):
    """A claim that a step makes in its preconditions."""

    step: PlacedStep
    path: str
    """Place of the precondition."""
    claim: Claim


def fact_findings(context: Context) -> Iterator[Finding]:
    """Gives preconditions that some order of the steps breaks, and postconditions that a step contradicts."""
    for step in context.steps:
        if step.step.postconditions and step.contract is not None:
            yield from _contradictions(context, step)
    needs = [
        Need(step, f"{step.path}/preconditions/{index}", Claim(predicate.fact, predicate.negated))
        for step in context.sequence
        for index, predicate in enumerate(step.step.preconditions)
        if isinstance(predicate, FactPredicate)
    ]
    # What a step does that can't be read, or whose operation is unknown, is not known either.
    readable = context.parsed.order_known and not context.parsed.broken
    if needs and readable and all(step.contract for step in context.steps):
        yield from _Simulation(context, needs).findings()


# ----------------------------------------------------------------------------------- what steps do


def effects_of(context: Context, step: PlacedStep) -> Effects:
    """Gives what a step does to facts, by its operation and by what it promises; establishing wins over ending."""
    added, ended, perhaps_added, perhaps_ended = _of_operation(context, step)
    promised = [item for item in step.step.postconditions if isinstance(item, FactPredicate)]
    added |= {item.fact for item in promised if not item.negated}
    ended = (ended | {item.fact for item in promised if item.negated}) - added
    doubtful = {fact for fact in ended if any(pattern.fullmatch(fact) for pattern in perhaps_added)}
    perhaps_ended += tuple(re.compile(re.escape(fact)) for fact in sorted(doubtful))
    return Effects(added, ended - doubtful, perhaps_added, perhaps_ended)


def _of_operation(context: Context, step: PlacedStep) -> Effects:
    contract = step.contract
    if contract is None or not (contract.spec.facts_added or contract.spec.facts_removed):
        return Effects(frozenset(), frozenset(), (), ())
    fill = partial(filled, arguments=known_arguments(context, step), defaults=contract.defaults)
    added = {template: fill(template) for template in contract.spec.facts_added}
    ended = {template: fill(template) for template in contract.spec.facts_removed}
    return Effects(
        frozenset(fact for fact in added.values() if fact is not None),
        frozenset(fact for fact in ended.values() if fact is not None),
        tuple(_pattern(template) for template, fact in added.items() if fact is None),
        tuple(_pattern(template) for template, fact in ended.items() if fact is None),
    )


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(_SLOT.sub(".*", re.escape(template)), re.DOTALL)


# ----------------------------------------------------------------------------------------- D312


class _State(NamedTuple):
    """What has surely happened at a place of the plan, as masks over events and over claims."""

    before: int = 0
    """Spoiling events before it."""
    made_good: int = 0
    """Those of them with an establishing step between them and the place."""
    established: int = 0
    """Claims that some step before it establishes."""

    def joined(self, other: _State) -> _State:
        """Gives what has surely happened where both ways have been gone."""
        return _State(
            self.before | other.before, self.made_good | other.made_good, self.established | other.established
        )

    def either(self, other: _State) -> _State:
        """Gives what has surely happened where one of two ways has been gone."""
        before = self.before | other.before
        open_ = (self.before & ~self.made_good) | (other.before & ~other.made_good)
        return _State(before, before & ~open_, self.established & other.established)


class _Simulation:
    """All events of all claims that a plan needs, and where they stand to each other."""

    def __init__(self, context: Context, needs: list[Need]) -> None:
        self._context = context
        self._needs = needs
        self._claims = {claim: index for index, claim in enumerate(sorted({need.claim for need in needs}))}
        self._spoilers: list[PlacedStep] = []
        """Steps that break claims, by the bit of the event."""
        self._spoiling: dict[str, int] = {}
        self._giving: dict[str, int] = {}
        self._givers: list[list[PlacedStep]] = [[] for _ in self._claims]
        self._mask = [0] * len(self._claims)
        self._certain = 0
        perhaps: dict[tuple[re.Pattern[str], bool], int] = {}
        for step in sorted(context.sequence, key=lambda item: item.step_id):
            self._enter(step, effects_of(context, step), perhaps)
        self._settle(perhaps)
        uncertain = [
            step for step in context.sequence if (passes := context.passes.get(step.task_id)) and not passes.low
        ]
        self._doubted = self._certain & self._own_events(uncertain)
        """Events that are certain to those only who are in the same block."""
        self._certain &= ~self._doubted

    def _enter(self, step: PlacedStep, effects: Effects, perhaps: dict[tuple[re.Pattern[str], bool], int]) -> None:
        """Notes what a step does to the claims; for patterns, only the bits of the steps that have them."""
        for facts, negated in ((effects.added, False), (effects.ended, True)):
            for fact in facts:
                given, broken = self._claims.get(Claim(fact, negated)), self._claims.get(Claim(fact, not negated))
                if given is not None:
                    self._giving[step.step_id] = self._giving.get(step.step_id, 0) | 1 << given
                    self._givers[given].append(step)
                if broken is not None:
                    bit = self._event(step)
                    self._mask[broken] |= bit
                    self._certain |= bit
        for patterns, negated in ((effects.perhaps_added, True), (effects.perhaps_ended, False)):
            for pattern in patterns:
                perhaps[pattern, negated] = perhaps.get((pattern, negated), 0) | self._event(step)

    def _event(self, step: PlacedStep) -> int:
        bit = 1 << len(self._spoilers)
        self._spoilers.append(step)
        self._spoiling[step.step_id] = self._spoiling.get(step.step_id, 0) | bit
        return bit

    def _settle(self, perhaps: dict[tuple[re.Pattern[str], bool], int]) -> None:
        """Lets uncertain events break the claims that their patterns match, but for their own step's."""
        for (pattern, negated), bits in perhaps.items():
            for claim, number in self._claims.items():
                if claim.negated == negated and pattern.fullmatch(claim.fact):
                    self._mask[number] |= bits
        for number, givers in enumerate(self._givers):
            for giver in givers:
                self._mask[number] &= ~self._spoiling.get(giver.step_id, 0)

    def findings(self) -> Iterator[Finding]:
        """Gives the needs that some order of the steps breaks."""
        states, after = dict(self._forward()), dict(self._backward())
        for need in self._needs:
            name, number = need.step.step_id, self._claims[need.claim]
            state = states[name]
            open_ = self._mask[number] & ~state.made_good & ~after[name] & ~self._spoiling.get(name, 0)
            beside, again = self._of_other_passes(need.step)
            open_ |= self._mask[number] & (beside | again & ~state.made_good)
            if not need.claim.negated and not state.established >> number & 1:
                yield self._never(need)
            elif open_:
                certain = open_ & (self._certain | (self._own(need.step) & self._doubted))
                first = certain or open_
                spoiler = self._spoilers[(first & -first).bit_length() - 1]
                yield _spoilt(need, spoiler, surely=bool(certain), before=bool(state.before & first & -first))

    def _forward(self) -> Iterator[tuple[str, _State]]:
        """Gives what has surely happened before each step."""
        order, ends = self._context.order, dict[int, _State]()
        for task in order.sequence:
            state = _State()
            for needed in order.dependencies[task]:
                state = state.joined(ends[needed])
            control = self._context.controls.get(self._context.tasks[task].task_id)
            if control is None:
                found, ends[task] = self._once(self._context.task_steps.get(task, ()), state)
            else:
                found, ends[task] = self._through_block(task, control, state)
            yield from found

    def _through_block(self, task: int, control: Control, start: _State) -> tuple[list[tuple[str, _State]], _State]:
        """Gives what has surely happened before each step of a block, and after the block."""
        steps, passes = self._context.task_steps.get(task, []), self._context.passes[self._context.tasks[task].task_id]
        found, end = self._once(steps, start)
        if passes.in_turn and passes.high > 1:
            again, end_again = self._once(steps, end)
            found = [(name, state.either(other)) for (name, state), (_, other) in zip(found, again, strict=True)]
            end = end.either(end_again)
        if passes.low > 0:
            return found, end
        # What a block that ran to its end made good of its own, is so; one that failed may have stopped anywhere.
        own = 0 if control.optional else self._own_events(steps)
        return found, _State(end.before, start.made_good | (end.made_good & own), start.established)

    def _once(self, steps: Iterable[PlacedStep], state: _State) -> tuple[list[tuple[str, _State]], _State]:
        found: list[tuple[str, _State]] = []
        for step in steps:
            found.append((step.step_id, state))
            state = self._passed(state, step)
        return found, state

    def _own_events(self, steps: Iterable[PlacedStep]) -> int:
        bits = 0
        for step in steps:
            bits |= self._spoiling.get(step.step_id, 0)
        return bits

    def _own(self, step: PlacedStep) -> int:
        """Gives the events of the block that a step stands in."""
        return self._own_events(self._context.task_steps.get(step.task, ())) if self._context.controls else 0

    def _of_other_passes(self, step: PlacedStep) -> tuple[int, int]:
        """Gives the events of a step's block that other passes may bring about at any time, and in the pass before."""
        passes = self._context.passes.get(step.task_id, ONCE)
        if passes.high < 2:
            return 0, 0
        own = self._own(step)
        return (0, own) if passes.in_turn else (own, 0)

    def _passed(self, state: _State, step: PlacedStep) -> _State:
        spoiling, giving = self._spoiling.get(step.step_id, 0), self._giving.get(step.step_id, 0)
        made_good = state.made_good & ~spoiling
        remaining = giving
        while remaining:
            lowest = remaining & -remaining
            remaining ^= lowest
            made_good |= state.before & self._mask[lowest.bit_length() - 1]
        return _State(state.before | spoiling, made_good, state.established | giving)

    def _backward(self) -> Iterator[tuple[str, int]]:
        """Gives the spoiling events that surely come after each step."""
        order, starts = self._context.order, dict[int, int]()
        for task in reversed(order.sequence):
            after = 0
            for successor in order.successors[task]:
                after |= starts.get(successor, 0)
            for step in reversed(self._context.task_steps.get(task, ())):
                yield step.step_id, after
                after |= self._spoiling.get(step.step_id, 0)
            starts[task] = after

    def _never(self, need: Need) -> Finding:
        number = self._claims[need.claim]
        givers = self._givers[number]
        elsewhere = any(giver is not need.step for giver in givers)
        why = "only steps that need not have run before do" if elsewhere else "no other step does"
        fact = need.claim.fact
        message = f"step {need.step.step_id!r} needs fact {fact!r}, which nothing before it establishes ({why})"
        certain = all(self._context.passes.get(giver.task_id, ONCE).low for giver in givers)
        fix = self._dependency(need, givers) if not self._mask[number] and certain else None
        return _broken(need, message, fix=fix)

    def _dependency(self, need: Need, givers: list[PlacedStep]) -> Fix | None:
        """Gives the fix that lets a step's task wait for the one step that establishes what it needs."""
        (giver, *others), later = givers or [need.step], need.step
        order = self._context.order
        if others or giver.task in (later.task, -1) or order.precedes(later.task, giver.task):
            return None
        limited = self._context.parsed.constraints.deadline is not None
        return None if limited else tuple(waits_for(self._context, later.task, giver.task_id))


def _spoilt(need: Need, spoiler: PlacedStep, *, surely: bool, before: bool) -> Finding:
    does, again = ("establishes", "ends") if need.claim.negated else ("ends", "establishes")
    does = does if surely else f"may be one that {does}"
    where = "before it" if before else "and need not run after it"
    fact = need.claim.fact
    wants = f"must not find fact {fact!r}" if need.claim.negated else f"needs fact {fact!r}"
    message = (
        f"step {need.step.step_id!r} {wants}, but step {spoiler.step_id!r} {does} it {where}, "
        f"and nothing between them {again} it again"
    )
    remedy = f"Let {need.step.task_id!r} run before {spoiler.task_id!r}, or let a step between them {again[:-1]} it."
    return _broken(need, message, surely=surely, remedy=remedy)


def _broken(
    need: Need, message: str, *, surely: bool = True, remedy: str | None = None, fix: Fix | None = None
) -> Finding:
    step = need.step
    return finding(
        "D312",
        need.path,
        message,
        task=step.task_id,
        step=step.step_id,
        softer=not surely,
        remedy=remedy,
        fix=fix,
        fact=need.claim.fact,
    )


# ----------------------------------------------------------------------------------------- D313


def _contradictions(context: Context, step: PlacedStep) -> Iterator[Finding]:
    own = _of_operation(context, step)
    promised: Iterable[tuple[int, FactPredicate]] = [
        (index, item) for index, item in enumerate(step.step.postconditions) if isinstance(item, FactPredicate)
    ]
    for index, item in promised:
        does = "establishes" if item.negated else "ends"
        if item.fact in (own.added if item.negated else own.ended - own.added):
            yield _contradicted(step, index, f"{step.operation!r} {does} fact {item.fact!r}", item.fact)
        elif item.negated and any(other.fact == item.fact and not other.negated for _, other in promised):
            yield _contradicted(step, index, f"another of its postconditions is fact {item.fact!r}", item.fact)


def _contradicted(step: PlacedStep, index: int, why: str, fact: str) -> Finding:
    message = f"step {step.step_id!r} promises the opposite: {why}"
    path = f"{step.path}/postconditions/{index}"
    return finding("D313", path, message, task=step.task_id, step=step.step_id, fact=fact)
