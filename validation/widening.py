"""`widened`: what a new version of a plan may do that the version before may not (P407).

Authority is what a program may do beyond computing on its own data: which operations it calls, with which
values, or from which sources, of the arguments that decide what is done, where something goes or what is written,
which resources it uses, and how often it brings about each effect. A source is the whole derivation of a value:
what is read, and how, up to the goal's inputs with their values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from dagwright.canonical import canonical_json, sha256
from dagwright.finding import Finding
from dagwright.model import Interval
from dagwright.program import Program, ProgramStep
from dagwright.tool import ControlBinding, ToolSpec
from dagwright.value import InputReference, LiteralValue, StepReference, Value, leaves
from validation.context import constant
from validation.contract import Contract, contract_of
from validation.notes import finding

_PURE = frozenset({"python", "llm", "transform"})
"""Kinds of binding that reach nothing of themselves."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One thing that a program may do."""

    kind: str
    """`operation`, `argument` or `resource`."""
    operation: str
    subject: str
    """The effect, the argument's name or `read`/`write`."""
    object: str
    """The argument's value or source, or the resource."""
    derivation: str = ""
    """Of an argument's value: the member that it is, and the hash of all that it depends on."""

    def __str__(self) -> str:
        if self.kind == "operation":
            return f"call {self.operation!r} (effect {self.subject!r})"
        if self.kind == "argument":
            return f"call {self.operation!r} with {self.subject!r} from {self.object}"
        return f"{self.subject} {self.object!r} by {self.operation!r}"


Call = frozenset[Grant]
"""All that one step may do; equal for steps that bring about the same."""


class Authority:
    """What a program may do, step by step."""

    def __init__(self, program: Program) -> None:
        derivations = _Derivations(program)
        self.blocks = _Blocks(program, derivations)
        self.derived = derivations.steps
        """What all arguments of each step depend on, hashed: equal where a step is called with the same again."""
        self.by_step: dict[str, Call] = {
            item.step.step_id: frozenset(_grants(derivations, item)) for item in program.steps
        }
        self.effects: dict[str, Call] = {
            item.step.step_id: self.by_step[item.step.step_id] for item in program.steps if item.spec.effect != "read"
        }
        """Those of the steps that change something."""

    @cached_property
    def grants(self) -> frozenset[Grant]:
        """Everything that it may do beyond computing on its own data.

        An operation that only reads its arguments (effect `read`, no resources, no sink, run in the worker
        itself) reaches nothing and so needs no authority.
        """
        return frozenset(grant for call in self.by_step.values() for grant in call)

    @cached_property
    def words(self) -> frozenset[str]:
        """The same as people read it."""
        return frozenset(map(str, self.grants))


def widened(old: Program, new: Program, *, done: Collection[str] = ()) -> tuple[Finding, ...]:
    """Gives one finding for each thing that `new` may do and `old` may not; none where authority only narrows.

    Args:
        old: The version before, which was approved.
        new: The version that would take its place.
        done: Steps of `old` that have run. An effect that was brought about is no longer there to be used,
            unless `new` keeps its step as it is; then it is not brought about again.
    """
    exchanged = tuple(_exchanged(old, new))
    if foreseen(old, new):
        return exchanged
    before, after = Authority(old), Authority(new)
    kept = {step for step, derived in before.derived.items() if after.derived.get(step) == derived}
    left = Counter[Call]()
    for step, call in before.effects.items():
        if step not in done or step in kept:
            left[call] += before.blocks.times(step)
    found: list[Finding] = []
    places = {
        step.step_id: f"/decompositions/{index}/steps/{position}"
        for index, group in enumerate(new.proposal.decompositions)
        for position, step in enumerate(group.steps)
    }
    for item in new.steps:
        step = item.step.step_id
        wider = [*_wider(before, after, item, left), *_freer(before, after, item)]
        found.extend(
            finding("P407", places.get(step, ""), message, task=item.task_id, step=step, needs_approval=True)
            for message in wider
        )
    found.extend(_more_tolerant(before, after, new))
    found.extend(_budget(old, new))
    return (*found, *exchanged)


def foreseen(old: Program, new: Program) -> bool:
    """Whether a program is one that `old` goes on with where an operation is down: proven with it, and named by it."""
    named = {found.proposal for found in old.certificate.fallbacks or ()}
    judged = ("policy", "validator", "rules")
    return (
        new.certificate.proposal in named
        and all(getattr(old.certificate, name) == getattr(new.certificate, name) for name in judged)
        and all(old.catalogue.get(spec.name) == spec for spec in _called(new))
    )


def _called(program: Program) -> Iterator[ToolSpec]:
    """Gives the operations of a program's steps, and those that undo them."""
    for item in program.steps:
        if not isinstance(item.spec.binding, ControlBinding):
            yield item.spec
        if item.compensation is not None:
            yield item.compensation.spec


def _exchanged(old: Program, new: Program) -> Iterator[Finding]:
    """Gives the operations that may take another's place in `new`, and might not in `old`."""
    known = {pair for step in old.by_id for pair in combinations(_line(old, step), 2)}
    for index, group in enumerate(new.proposal.decompositions):
        for position, step in enumerate(group.steps):
            own, *others = _line(new, step.step_id)
            for other in others:
                if (own, other) not in known and not _is_pure(contract_of(new.catalogue.by_name[other])):
                    message = f"the new plan may call {other!r} where {own!r} is down; the plan before may not"
                    path = f"/decompositions/{index}/steps/{position}"
                    yield finding("P407", path, message, task=group.task_id, step=step.step_id, needs_approval=True)


def _line(program: Program, step: str) -> tuple[str, ...]:
    """Gives a step's operation, then those that may take its place, in their order."""
    return (program.by_id[step].spec.name, *(spec.name for spec in program.fallbacks_of(step)))


def _wider(before: Authority, after: Authority, item: ProgramStep, left: Counter[Call]) -> Iterator[str]:
    """Gives what a step may do that is not held, in words; what it uses of the effects that are left is taken off."""
    call = after.by_step[item.step.step_id]
    lacking = sorted(call - before.grants, key=str)
    for grant in lacking:
        how = ", put together or derived in another way" if str(grant) in before.words else ""
        yield f"the new plan may {grant}{how}; the plan before may not"
    if lacking or item.step.step_id not in after.effects:
        return
    wanted = after.blocks.times(item.step.step_id)
    if left[call] >= wanted:
        left[call] -= wanted
    elif call in before.effects.values():
        often = f" (up to {wanted:,} times)" if wanted > 1 else ""
        yield f"the new plan may call {item.spec.name!r} like this{often} more often than is left of the plan before"
    else:
        yield f"the new plan may call {item.spec.name!r} with a combination of arguments that the plan before has not"


def _freer(before: Authority, after: Authority, item: ProgramStep) -> Iterator[str]:
    """Gives in words the condition that a step's effect had in the plan before and has no longer."""
    call = after.effects.get(item.step.step_id)
    held = [before.blocks.conditions(step) for step, other in before.effects.items() if other == call]
    now = after.blocks.conditions(item.step.step_id)
    if held and not any(conditions <= now for conditions in held):
        yield f"the new plan may call {item.spec.name!r} where the conditions of the plan before do not hold"


def _more_tolerant(before: Authority, after: Authority, new: Program) -> Iterator[Finding]:
    """Gives the blocks that may fail now while the plan goes on to an effect, and might not before."""
    strict = {derived for step, derived in before.derived.items() if not before.blocks.is_optional(step)}
    for index, group in enumerate(new.proposal.decompositions):
        steps = [step.step_id for step in group.steps]
        tolerated = [step for step in steps if after.blocks.is_optional(step) and after.derived[step] in strict]
        following = _behind(new, steps[-1]) if tolerated else set[str]()
        acting = sorted(step for step in following if step in after.effects)
        if acting:
            message = (
                f"the new plan goes on, up to step {acting[0]!r}, where task {group.task_id!r} fails; "
                f"the plan before did not"
            )
            path = f"/decompositions/{index}/control/optional"
            yield finding("P407", path, message, task=group.task_id, step=tolerated[0], needs_approval=True)


def _behind(program: Program, step: str) -> set[str]:
    """Gives the steps that come after a step, directly or through others."""
    found = {step}
    for item in program.steps:
        if not found.isdisjoint(item.after):
            found.add(item.step.step_id)
    return found - {step}


class _Blocks:
    """What the steps of a program's blocks depend on, and how often they may run."""

    def __init__(self, program: Program, derivations: _Derivations) -> None:
        self._steps = program.by_id
        self._controls = {group.task_id: group.control for group in program.proposal.decompositions if group.control}
        self._conditions = {
            item.task_id: frozenset(_conditions(derivations, item, item.spec.binding))
            for item in program.steps
            if isinstance(item.spec.binding, ControlBinding) and item.spec.binding.decides == "when"
        }

    def times(self, step: str) -> int:
        """Gives how often a step may run at the most."""
        return int(self._steps[step].times.high)

    def conditions(self, step: str) -> frozenset[str]:
        """Gives what names the conditions that must hold for a step to run."""
        return self._conditions.get(self._steps[step].task_id, frozenset())

    def is_optional(self, step: str) -> bool:
        """Whether the plan goes on where a step fails."""
        control = self._controls.get(self._steps[step].task_id)
        return control is not None and control.optional


def _conditions(derivations: _Derivations, item: ProgramStep, binding: ControlBinding) -> Iterator[str]:
    values = item.step.tool_intent.required_inputs.values()
    for value, comparison in zip(values, binding.comparisons, strict=True):
        yield sha256([[[at, derivations.of(leaf)] for at, leaf in leaves(value)], comparison])


class _Derivations:
    """What the value of each step depends on, hashed once, in one pass along the order of the steps."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._inputs = {name: sha256(given.value) for name, given in program.proposal.goal.inputs.items()}
        self.steps: dict[str, str] = {}
        for item in program.steps:
            made = {
                name: [[at, self.of(leaf)] for at, leaf in leaves(value)]
                for name, value in item.step.tool_intent.required_inputs.items()
            }
            decides = item.spec.binding if isinstance(item.spec.binding, ControlBinding) else None
            self.steps[item.step.step_id] = sha256([item.spec.name, made, *([decides] if decides else [])])

    def of(self, leaf: LiteralValue | StepReference | InputReference) -> str:
        """Gives what one leaf of a value depends on."""
        if isinstance(leaf, LiteralValue):
            return canonical_json(leaf.literal).decode()
        if isinstance(leaf, InputReference):
            return f"{self._inputs.get(leaf.input, '')}{leaf.path}"
        return f"{self.steps.get(leaf.from_, '')}{leaf.path}"

    def source(self, leaf: LiteralValue | StepReference | InputReference) -> str:
        """Gives where a leaf comes from, in words: a constant as such, a reference by what gives it."""
        if isinstance(leaf, LiteralValue):
            return f"the constant {canonical_json(leaf.literal).decode()}"
        if isinstance(leaf, InputReference):
            return f"input {leaf.input!r} at {leaf.path!r}"
        made = self.program.by_id[leaf.from_]
        if isinstance(made.spec.binding, ControlBinding):
            inner = ", ".join(
                self.source(inside)
                for value in made.step.tool_intent.required_inputs.values()
                for _, inside in leaves(value)
            )
            each = "each item of" if made.spec.binding.decides == "each" else "all passes of"
            return f"{each} {inner}, at {leaf.path!r}"
        return f"{made.spec.name!r} at {leaf.path!r}"


def _grants(derivations: _Derivations, item: ProgramStep) -> Iterator[Grant]:
    spec, contract = item.spec, contract_of(item.spec)
    if _is_pure(contract) or isinstance(spec.binding, ControlBinding):
        return
    yield Grant("operation", spec.name, spec.effect, "")
    given = _given(contract, item)
    literals = {name: literal for name, value in given.items() for known, literal in (constant(value),) if known}
    naming = contract.naming_written(literals)
    for name, value in given.items():
        if contract.role(name) != "data" or name in naming:
            for at, leaf in leaves(value):
                derivation = "" if isinstance(leaf, LiteralValue) else derivations.of(leaf)
                member = "/".join("*" if part.isdecimal() else part for part in at.split("/"))
                yield Grant("argument", spec.name, name, derivations.source(leaf), member + derivation)
    for resource, template, written in contract.resources(literals):
        yield Grant("resource", spec.name, "write" if written else "read", resource or template)


def _given(contract: Contract, item: ProgramStep) -> dict[str, Value]:
    """Gives the arguments of a call: what is not given and has a default is that constant."""
    given = item.step.tool_intent.required_inputs
    left_out = {name: value for name, value in contract.filled_in.items() if name not in given}
    return {**given, **{name: LiteralValue(literal=value) for name, value in left_out.items()}}


def _is_pure(contract: Contract) -> bool:
    """Whether an operation only computes: nothing read or written but its arguments, none of which leads anywhere."""
    spec = contract.spec
    computes = spec.effect == "read" and not spec.reads and not spec.writes and spec.binding.kind in _PURE
    return computes and all(role == "data" for role in spec.roles.values())


def _budget(old: Program, new: Program) -> Iterator[Finding]:
    before, after = old.proposal.goal.constraints, new.proposal.goal.constraints
    for name, unit in (
        ("max_cost", "US dollars"),
        ("deadline", "seconds"),
        ("max_calls", "calls"),
        ("max_tokens", "tokens"),
    ):
        had, has = getattr(before, name), getattr(after, name)
        if had is not None and (has is None or has > had):
            now = "no limit" if has is None else f"{has:g} {unit}"
            message = f"the new plan's goal sets {name} to {now}; the plan before had {had:g} {unit}"
            yield finding("P407", f"/goal/constraints/{name}", message, needs_approval=True)
    lost = set(before.denied_tools) - set(after.denied_tools)
    if lost:
        message = f"the new plan's goal no longer prohibits {', '.join(map(repr, sorted(lost)))}"
        yield finding("P407", "/goal/constraints/denied_tools", message, needs_approval=True)
    if _is_dearer(old.bounds.cost, new.bounds.cost):
        message = (
            f"the new plan can cost {_money(new.bounds.cost)}; the plan before could cost {_money(old.bounds.cost)}"
        )
        yield finding("P407", "", message, needs_approval=True)


def _is_dearer(old: Interval | None, new: Interval | None) -> bool:
    return old is not None and (new is None or new.high > old.high)


def _money(cost: Interval | None) -> str:
    return "an unknown amount" if cost is None else f"{cost.high:g} US dollars"
