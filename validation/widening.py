"""`widened`: what a new version of a plan may do that the version before may not (P407)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagwright.canonical import canonical_json
from dagwright.finding import Finding
from dagwright.model import Interval
from dagwright.program import Program, ProgramStep
from dagwright.value import InputReference, ListValue, LiteralValue, StepReference, Value
from validation.context import constant
from validation.contract import Contract, contract_of
from validation.notes import finding


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

    def __str__(self) -> str:
        if self.kind == "operation":
            return f"call {self.operation!r} (effect {self.subject!r})"
        if self.kind == "argument":
            return f"call {self.operation!r} with {self.subject!r} from {self.object}"
        return f"{self.subject} {self.object!r} by {self.operation!r}"


def authority_of(program: Program) -> frozenset[Grant]:
    """Gives everything that a program may do beyond computing on its own data.

    An operation that only reads its arguments (effect `read`, no resources, run in the worker
    itself) reaches nothing and so needs no authority.
    """
    return frozenset(grant for item in program.steps for grant in _grants(program, item))


def widened(old: Program, new: Program) -> tuple[Finding, ...]:
    """Gives one finding for each thing that `new` may do and `old` may not; none where authority only narrows."""
    held = authority_of(old)
    found: list[Finding] = []
    places = {
        step.step_id: f"/decompositions/{index}/steps/{position}"
        for index, group in enumerate(new.proposal.decompositions)
        for position, step in enumerate(group.steps)
    }
    for item in new.steps:
        path = places[item.step.step_id]
        for grant in sorted(set(_grants(new, item)) - held, key=str):
            message = f"the new plan may {grant}; the plan before may not"
            found.append(finding("P407", path, message, task=item.task_id, step=item.step.step_id, needs_approval=True))
    found.extend(_budget(old, new))
    return tuple(found)


def _grants(program: Program, item: ProgramStep) -> Iterator[Grant]:
    spec, contract = item.spec, contract_of(item.spec)
    if _is_pure(contract):
        return
    yield Grant("operation", spec.name, spec.effect, "")
    given = item.step.tool_intent.required_inputs
    literals = {name: literal for name, value in given.items() for known, literal in (constant(value),) if known}
    for name, value in given.items():
        if contract.role(name) != "data":
            yield from (Grant("argument", spec.name, name, source) for source in _sources(program, value))
    for resource, template, written in contract.resources(literals):
        yield Grant("resource", spec.name, "write" if written else "read", resource or template)


def _is_pure(contract: Contract) -> bool:
    spec = contract.spec
    return spec.effect == "read" and not spec.reads and not spec.writes and spec.binding.kind in ("python", "llm")


def _sources(program: Program, value: Value) -> Iterator[str]:
    """Gives where a value comes from: constants as such, references by what gives them."""
    if isinstance(value, LiteralValue):
        yield f"the constant {canonical_json(value.literal).decode()}"
    elif isinstance(value, InputReference):
        yield f"input {value.input!r} at {value.path!r}"
    elif isinstance(value, StepReference):
        yield f"{program.by_id[value.from_].spec.name!r} at {value.path!r}"
    else:
        members: tuple[Value, ...] = value.list if isinstance(value, ListValue) else tuple(value.object.values())
        for member in members:
            yield from _sources(program, member)


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
