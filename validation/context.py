"""`Context`: what all levels look at, built once: parsed parts, indexes, the order, the propagated types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from pydantic import JsonValue

from dagwright.catalogue import Catalogue
from dagwright.control import Control
from dagwright.decomposition import Step
from dagwright.model import JsonSchema
from dagwright.plan import Task
from dagwright.policy import Policy
from dagwright.program import Compensation
from dagwright.tool import ControlBinding, ToolSpec
from dagwright.value import InputReference, ListValue, LiteralValue, ObjectValue, StepReference, Value, leaves
from validation.blocks import PLAIN, Block, FlatStep, Part, flattened, outside, titled
from validation.contract import Contract, contract_of
from validation.labels import Labels
from validation.naming import Names
from validation.order import TaskOrder
from validation.passes import Passes, passes_of
from validation.salvage import Parsed
from validation.types.propagation import Intent, Propagation, propagated
from validation.types.schema import pointer_of

if TYPE_CHECKING:
    from validation.expansion import Expansion

Reference = StepReference | InputReference


class PlacedStep(NamedTuple):
    """A step with its place and everything that was looked up for it."""

    step: Step
    step_id: str
    operation: str
    """Full name of its operation."""
    path: str
    """Its place in the proposal."""
    task_id: str
    task: int
    """Number of its task; -1 where the plan has no such task."""
    position: int
    """Its number in its task."""
    contract: Contract | None
    """The operation; None where the catalogue has no such one."""
    controls: ControlBinding | None
    """What it decides about its block; None for a step that the proposal lists."""
    literals: dict[str, JsonValue]
    """Arguments that are constants through and through."""
    references: tuple[tuple[str, str, Reference], ...]
    """Every reference: the argument, the place in the proposal, the reference."""
    sources: tuple[str, ...]
    """The steps that its references name, there or not."""
    places: Mapping[str, str] = {}
    """Places of the arguments of a control operation, which stand elsewhere; no other step has any."""

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return titled(self.step_id, self.task_id, self.controls)

    def argument_path(self, name: str) -> str:
        """Gives the place of an argument."""
        if name in self.places:
            return self.places[name]
        return f"{self.path}/tool_intent/required_inputs{pointer_of(name)}"


@dataclass(frozen=True, eq=False)
class Context:
    """Everything about one proposal that the levels share. Frozen; its parts are computed when first asked for."""

    parsed: Parsed
    catalogue: Catalogue
    policy: Policy
    workers: frozenset[str]
    at: date | None
    expansion: Expansion | None = None
    """What was written out for it; None where the proposal had no calls of sub-programs."""

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks, by number."""
        return tuple(part.value for part in self.parsed.tasks)

    @cached_property
    def task_numbers(self) -> dict[str, int]:
        """Number of each task by id; of tasks with one id, the first."""
        numbers: dict[str, int] = {}
        for number, task in enumerate(self.tasks):
            numbers.setdefault(task.task_id, number)
        return numbers

    @cached_property
    def order(self) -> TaskOrder:
        """The order of the tasks; dependencies that lead nowhere, or on itself, are left out."""
        numbers = self.task_numbers
        return TaskOrder(
            [
                [
                    numbers[name]
                    for name in dict.fromkeys(task.dependencies)
                    if name in numbers and numbers[name] != number
                ]
                for number, task in enumerate(self.tasks)
            ]
        )

    @cached_property
    def steps(self) -> tuple[PlacedStep, ...]:
        """All steps, in the order in which they are written."""
        return tuple(self._placed())

    def _placed(self) -> Iterator[PlacedStep]:
        tools = self.catalogue.by_name
        for flat in flattened(self.parsed.groups, [part.value for part in self.parsed.answer.values()]):
            intent = flat.step.tool_intent
            operation = intent.operation_name
            spec = flat.spec or tools.get(operation)
            literals, references = _read(intent.required_inputs, flat)
            # By position, in the order of the fields: by name it would take half as long again.
            yield PlacedStep(
                flat.step,
                flat.step.step_id,
                operation,
                flat.path,
                flat.task_id,
                self.task_numbers.get(flat.task_id, -1),
                flat.position,
                contract_of(spec) if spec else None,
                flat.controls if flat.spec else None,
                literals,
                references,
                tuple([leaf.from_ for _, _, leaf in references if isinstance(leaf, StepReference)]),
                flat.places,
            )

    @cached_property
    def controls(self) -> dict[str, Control]:
        """What surrounds the steps of a task, by its id; tasks whose steps are simply run are left out."""
        found: dict[str, Control] = {}
        for block in self.parsed.groups:
            if block.control is not None and block.control != PLAIN:
                found.setdefault(block.task_id, block.control)
        return found

    @cached_property
    def control_steps(self) -> dict[str, list[PlacedStep]]:
        """The steps that decide about the steps of a task, by its id: conditions and heads of loops."""
        found: dict[str, list[PlacedStep]] = {}
        for step in self.steps if self.controls else ():
            if step.controls is not None and step.controls.decides != "collect":
                found.setdefault(step.task_id, []).append(step)
        return found

    @cached_property
    def closing(self) -> dict[str, str]:
        """The step after which it is known what a block gave, by its task: of blocks that are repeated or optional."""
        found: dict[str, str] = {}
        for step in self.steps if self.controls else ():
            control = self.controls.get(step.task_id)
            if control is None or not (control.repeat or control.optional):
                continue
            decides = step.controls.decides if step.controls else None
            if decides == "until" or (decides is None and control.repeat is None):
                found[step.task_id] = step.step_id
        return found

    @cached_property
    def passes(self) -> dict[str, Passes]:
        """How often the steps of a task are run, by its id; those that are run once are left out."""
        found: dict[str, Passes] = {}
        for task, control in self.controls.items():
            found[task] = passes_of(control, self.items_of(control))
        return found

    def items_of(self, control: Control) -> JsonSchema | None:
        """Gives the schema of the list that a block is run for; None where it is run for none."""
        head = self.types.arguments.get(control.each.name) if control.each else None
        return head.get("items") if head else None

    @cached_property
    def by_id(self) -> dict[str, PlacedStep]:
        """Steps by id; of steps with one id, the first."""
        found: dict[str, PlacedStep] = {}
        for step in self.steps:
            found.setdefault(step.step_id, step)
        return found

    @cached_property
    def task_steps(self) -> Mapping[int, list[PlacedStep]]:
        """Steps by the number of their task, in their order."""
        found: dict[int, list[PlacedStep]] = {}
        for step in self.steps:
            found.setdefault(step.task, []).append(step)
        return found

    @cached_property
    def sequence(self) -> tuple[PlacedStep, ...]:
        """The steps that can be ordered, in a topological order."""
        return tuple(step for task in self.order.sequence for step in self.task_steps.get(task, ()))

    def upstream(self, earlier: PlacedStep, later: PlacedStep) -> bool:
        """Whether `earlier` is finished before `later` starts."""
        if earlier.task_id == later.task_id:
            return earlier.position < later.position
        if earlier.task < 0 or later.task < 0:
            return False
        return self.order.precedes(earlier.task, later.task)

    @cached_property
    def groups(self) -> dict[str, list[Block]]:
        """Decompositions by the task that they are of."""
        found: dict[str, list[Block]] = {}
        for group in self.parsed.groups:
            found.setdefault(group.task_id, []).append(group)
        return found

    @cached_property
    def outside_answer(self) -> dict[str, Part[Value]]:
        """The answer's values as seen from outside all blocks."""
        if not self.controls:
            return self.parsed.answer
        answer = self.parsed.answer
        seen = outside({name: part.value for name, part in answer.items()}, self.parsed.groups)
        return {name: part._replace(value=seen[name]) for name, part in answer.items()}

    @cached_property
    def answer_references(self) -> tuple[tuple[str, str, Reference], ...]:
        """Every reference of the answer: the name, the place, the reference."""
        return tuple(
            (name, f"{part.path}{inside}", leaf)
            for name, part in self.outside_answer.items()
            for inside, leaf in leaves(part.value)  # by `references_of` it would take half as long again
            if not isinstance(leaf, LiteralValue)
        )

    @cached_property
    def operation_names(self) -> Names:
        """The catalogue's operations, for suggestions."""
        return Names(self.catalogue.by_name)

    @cached_property
    def operations(self) -> dict[str, Names]:
        """The operations of each tool, for suggestions."""
        found: dict[str, list[str]] = {}
        for spec in self.catalogue.tools:
            found.setdefault(spec.tool_name, []).append(spec.operation)
        return {name: Names(operations) for name, operations in found.items()}

    @cached_property
    def namesakes(self) -> dict[str, list[ToolSpec]]:
        """The operations by their name without the tool's."""
        found: dict[str, list[ToolSpec]] = {}
        for spec in self.catalogue.tools:
            found.setdefault(spec.operation, []).append(spec)
        return found

    @cached_property
    def documents(self) -> dict[str, list[str]]:
        """Names of the operations that each document describes."""
        found: dict[str, list[str]] = {}
        for spec in self.catalogue.tools:
            for document in spec.documents:
                found.setdefault(document, []).append(spec.name)
        return found

    def titled(self, step_id: str) -> str:
        """Gives what a step, there or not, is called in messages."""
        step = self.by_id.get(step_id)
        return step.title if step is not None else f"step {step_id!r}"

    @cached_property
    def step_names(self) -> Names:
        """The ids of the steps, for suggestions."""
        return Names(name for name, step in self.by_id.items() if step.controls is None)

    @cached_property
    def types(self) -> Propagation:
        """Schemas of all arguments and outputs, propagated along the references."""
        intents = {
            step_id: Intent(
                step.contract.spec if step.contract else None,
                step.step.tool_intent.required_inputs,
                step.literals,
                [*step.sources, *self._decided_by(step)] if self.controls else step.sources,
            )
            for step_id, step in self.by_id.items()
        }
        return propagated(intents, {name: given.schema_ for name, given in self.parsed.inputs.items()})

    def _decided_by(self, step: PlacedStep) -> Iterator[str]:
        """Gives the steps that decide about a step, or about those that it refers to, and are run before it."""
        for other in self.control_steps.get(step.task_id, ()):
            if other.position < step.position:
                yield other.step_id
        for source in step.sources:
            producer = self.by_id.get(source)
            closing = self.closing.get(producer.task_id) if producer else None
            inside = producer is not None and producer.task_id == step.task_id
            collects = step.controls is not None and step.controls.decides == "collect"
            if closing is not None and (collects or not inside):
                yield closing

    @cached_property
    def compensations(self) -> dict[str, Compensation | str]:
        """How steps are undone, or why they cannot be, by place: what `compensation_of` has found so far."""
        return {}

    @cached_property
    def labels(self) -> Labels:
        """The labels of all steps, arguments and references."""
        return Labels(self)


def is_declared(outputs: JsonSchema, path: str) -> bool:
    """Whether a path is plainly one of the named outputs: most are, and need no closer look."""
    properties = outputs.get("properties")
    return path[:1] == "/" and isinstance(properties, dict) and path[1:] in properties and "allOf" not in outputs


def constant(value: Value) -> tuple[bool, JsonValue]:
    """Gives whether a value is a constant through and through, and which."""
    if isinstance(value, LiteralValue):
        return True, value.literal
    if isinstance(value, ListValue):
        items = [constant(item) for item in value.list]
        return all(known for known, _ in items), [item for _, item in items]
    if isinstance(value, ObjectValue):
        members = {name: constant(item) for name, item in value.object.items()}
        return all(known for known, _ in members.values()), {name: item for name, (_, item) in members.items()}
    return False, None


def _read(
    inputs: Mapping[str, Value], flat: FlatStep
) -> tuple[dict[str, JsonValue], tuple[tuple[str, str, Reference], ...]]:
    literals: dict[str, JsonValue] = {}
    references: list[tuple[str, str, Reference]] = []
    for name, value in inputs.items():
        if isinstance(value, LiteralValue):
            literals[name] = value.literal
            continue
        place = flat.places.get(name) or f"{flat.path}/tool_intent/required_inputs{pointer_of(name)}"
        if isinstance(value, StepReference | InputReference):
            references.append((name, place, value))
        else:
            known, literal = constant(value)
            if known:
                literals[name] = literal
            references.extend((name, place + inside, leaf) for inside, leaf in references_of(value))
    return literals, tuple(references)


def references_of(value: Value) -> Iterator[tuple[str, Reference]]:
    """Gives every reference in a value with its place inside the value."""
    return ((inside, leaf) for inside, leaf in leaves(value) if not isinstance(leaf, LiteralValue))
