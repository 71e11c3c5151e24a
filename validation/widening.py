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

from dagwright.canonical import canonical_json, sha256
from dagwright.finding import Finding
from dagwright.model import Interval
from dagwright.program import Program, ProgramStep
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
        """Everything that it may do."""
        return frozenset(grant for call in self.by_step.values() for grant in call)

    @cached_property
    def words(self) -> frozenset[str]:
        """The same as people read it."""
        return frozenset(map(str, self.grants))


def authority_of(program: Program) -> frozenset[Grant]:
    """Gives everything that a program may do beyond computing on its own data.

    An operation that only reads its arguments (effect `read`, no resources, no sink, run in the worker
    itself) reaches nothing and so needs no authority.
    """
    return Authority(program).grants


def widened(old: Program, new: Program, *, done: Collection[str] = ()) -> tuple[Finding, ...]:
    """Gives one finding for each thing that `new` may do and `old` may not; none where authority only narrows.

    Args:
        old: The version before, which was approved.
        new: The version that would take its place.
        done: Steps of `old` that have run. An effect that was brought about is no longer there to be used,
            unless `new` keeps its step as it is; then it is not brought about again.
    """
    before, after = Authority(old), Authority(new)
    kept = {step for step, derived in before.derived.items() if after.derived.get(step) == derived}
    left = Counter(call for step, call in before.effects.items() if step not in done or step in kept)
    found: list[Finding] = []
    places = {
        step.step_id: f"/decompositions/{index}/steps/{position}"
        for index, group in enumerate(new.proposal.decompositions)
        for position, step in enumerate(group.steps)
    }
    for item in new.steps:
        step = item.step.step_id
        wider = _wider(before, after, item, left)
        found.extend(
            finding("P407", places[step], message, task=item.task_id, step=step, needs_approval=True)
            for message in wider
        )
    found.extend(_budget(old, new))
    return tuple(found)


def _wider(before: Authority, after: Authority, item: ProgramStep, left: Counter[Call]) -> Iterator[str]:
    """Gives what a step may do that is not held, in words; what it uses of the effects that are left is taken off."""
    call = after.by_step[item.step.step_id]
    lacking = sorted(call - before.grants, key=str)
    for grant in lacking:
        how = ", put together or derived in another way" if str(grant) in before.words else ""
        yield f"the new plan may {grant}{how}; the plan before may not"
    if lacking or item.step.step_id not in after.effects:
        return
    if left[call] > 0:
        left[call] -= 1
    elif call in before.effects.values():
        yield f"the new plan may call {item.spec.name!r} like this more often than is left of the plan before"
    else:
        yield f"the new plan may call {item.spec.name!r} with a combination of arguments that the plan before has not"


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
            self.steps[item.step.step_id] = sha256([item.spec.name, made])

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
        return f"{self.program.by_id[leaf.from_].spec.name!r} at {leaf.path!r}"


def _grants(derivations: _Derivations, item: ProgramStep) -> Iterator[Grant]:
    spec, contract = item.spec, contract_of(item.spec)
    if _is_pure(contract):
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
    left_out = {name: value for name, value in contract.defaults.items() if name not in given and value is not None}
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
