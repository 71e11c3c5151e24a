"""Blocks as steps: what surrounds a task's steps (`dagwright.control`), written as operations of their own.

So a condition, a loop's head and what gathers its results are steps like any other: with arguments
that have types, labels and roles, in the same order. Everything that judges a proposal looks at these
steps, and the worker runs them. Only `control` operations know about blocks:

    when-TASK    first: whether the block is run
    NAME         then, for `each`: the item of a pass, called as the loop says
    until-TASK   after the steps, for `repeat`: whether it was the last pass
    all-STEP     last, for `each`: the outputs of all passes of a step that others refer to

No step of a proposal is called so, but for NAME: identifiers have no hyphen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, Generic, Literal, NamedTuple, TypeVar

from pydantic import JsonValue

from dagwright.control import Condition, Control, Each
from dagwright.decomposition import Decomposition, Step, ToolIntent
from dagwright.model import Interval, JsonSchema
from dagwright.predicate import Operator
from dagwright.proposal import Proposal
from dagwright.tool import CollectRule, Comparison, ControlBinding, ItemRule, Role, ToolSpec
from dagwright.value import CoalesceValue, InputReference, ListValue, ObjectValue, StepReference, Value, leaves

TOOL: Final = "control"
"""The tool whose operations blocks are made of; no catalogue has it."""

_ALL: Final = "all-"

NOTHING: Final = Interval(low=0, high=0)

PLAIN: Final = Control()
"""Surrounds nothing."""


T = TypeVar("T")


class Part(NamedTuple, Generic[T]):
    """A parsed part with its place in the proposal."""

    value: T
    path: str


class Block(NamedTuple):
    """The steps of one decomposition, with what surrounds them."""

    task_id: str
    steps: tuple[Part[Step], ...]
    """Those that could be parsed."""
    path: str
    """Place of the decomposition in the proposal."""
    listed: int
    """How many stand there, parsed or not."""
    control: Control | None = None
    """How they are run as one block."""


class FlatStep(NamedTuple):
    """A step as it is judged and run."""

    task_id: str
    step: Step
    path: str
    """Place in the proposal."""
    spec: ToolSpec | None
    """The contract of a control operation; None for a step that the proposal lists."""
    places: Mapping[str, str] = {}
    """Place of each argument of a control operation."""
    position: int = 0
    """Its number in its block."""

    @property
    def controls(self) -> ControlBinding | None:
        """What it decides about its block; None for a step that the proposal lists."""
        return self.spec.binding if self.spec and isinstance(self.spec.binding, ControlBinding) else None


def flat_steps(proposal: Proposal) -> tuple[FlatStep, ...]:
    """Gives all steps of a proposal as they are judged and run."""
    return tuple(flattened(blocks_of(proposal.decompositions), proposal.answer.values()))


def blocks_of(decompositions: Iterable[Decomposition]) -> list[Block]:
    """Gives the blocks of a proposal's decompositions."""
    return [_block(item, f"/decompositions/{index}") for index, item in enumerate(decompositions)]


def _block(item: Decomposition, path: str) -> Block:
    steps = [Part(step, f"{path}/steps/{position}") for position, step in enumerate(item.steps)]
    return Block(item.task_id, tuple(steps), path, len(steps), item.control)


def flattened(blocks: Sequence[Block], answer: Iterable[Value]) -> Iterator[FlatStep]:
    """Gives all steps in their order, block after block, with those that control them; `answer` is the proposal's."""
    if not any(block.control for block in blocks):
        for block in blocks:
            for number, (step, path) in enumerate(block.steps):
                yield FlatStep(block.task_id, step, path, None, {}, number)
        return
    passes = _passes(blocks)
    wanted = _wanted(blocks, answer, passes)
    for block in blocks:
        for number, flat in enumerate(_flat(block, passes, wanted)):
            yield flat._replace(position=number)


def titled(step_id: str, task: str, controls: ControlBinding | None) -> str:
    """Gives what a step is called in messages."""
    if controls is None:
        return f"step {step_id!r}"
    return {
        "when": f"the condition of task {task!r}",
        "each": f"{step_id!r} of the loop of task {task!r}",
        "until": f"the end of the loop of task {task!r}",
        "collect": f"all passes of step {listed_id(step_id)!r}",
    }[controls.decides]


def answer_outside(proposal: Proposal) -> dict[str, Value]:
    """Gives the values of a proposal's answer as seen from outside all blocks."""
    return outside(proposal.answer, blocks_of(proposal.decompositions))


def outside(answer: Mapping[str, Value], blocks: Sequence[Block]) -> dict[str, Value]:
    """Gives an answer's values as seen from outside all blocks."""
    passes = _passes(blocks)
    return {name: _seen(value, None, passes) for name, value in answer.items()}


def _passes(blocks: Sequence[Block]) -> dict[str, str]:
    """Gives the task of each step that is run once per item."""
    return {
        step.step_id: block.task_id
        for block in blocks
        if block.control is not None and block.control.each is not None
        for step, _ in block.steps
    }


def _wanted(blocks: Sequence[Block], answer: Iterable[Value], passes: Mapping[str, str]) -> set[str]:
    """Gives the steps run per item that a step of another task, or the answer, refers to."""
    uses = [(block.task_id, value) for block in blocks for value in _values(block)]
    uses.extend(("", value) for value in answer)
    return {
        leaf.from_
        for task, value in uses
        for _, leaf in leaves(value)
        if isinstance(leaf, StepReference) and passes.get(leaf.from_, task) != task
    }


def _values(block: Block) -> Iterator[Value]:
    for step, _ in block.steps:
        yield from step.tool_intent.required_inputs.values()
    if block.control is not None:
        yield from (condition.value for condition in block.control.when)
        if block.control.each is not None:
            yield block.control.each.items
        if block.control.repeat is not None:
            yield from (condition.value for condition in block.control.repeat.until)


def _flat(block: Block, passes: Mapping[str, str], wanted: set[str]) -> Iterator[FlatStep]:
    control, task = block.control or PLAIN, block.task_id
    place = f"{block.path}/control"
    if control.when:
        conditions = [(condition, f"{place}/when/{n}/value") for n, condition in enumerate(control.when)]
        yield _seen_step(_tested("when", task, conditions), passes)
    if control.each is not None:
        yield _seen_step(_head(task, control.each, place), passes)
    for step, path in block.steps:
        yield _seen_step(FlatStep(task, step, path, None), passes)
    if control.repeat is not None and control.repeat.until:
        conditions = [(c, f"{place}/repeat/until/{n}/value") for n, c in enumerate(control.repeat.until)]
        yield _seen_step(_tested("until", task, conditions), passes)
    if control.each is not None:
        most = control.each.at_most
        yield from (_collected(task, step, path, most) for step, path in block.steps if step.step_id in wanted)


def _tested(decides: str, task: str, conditions: Sequence[tuple[Condition, str]]) -> FlatStep:
    compared = tuple((condition.op, json.dumps(condition.to, sort_keys=True)) for condition, _ in conditions)
    spec = _testing("when" if decides == "when" else "until", compared)
    places = {f"value_{number}": path for number, (_, path) in enumerate(conditions, start=1)}
    given = {name: condition.value for name, (condition, _) in zip(places, conditions, strict=True)}
    words = "whether it is run" if decides == "when" else "whether it was the last pass"
    return FlatStep(task, _step(f"{decides}-{task}", words, spec, given), _over(places), spec, places)


@lru_cache(maxsize=512)
def _testing(decides: Literal["when", "until"], compared: tuple[tuple[Operator, str], ...]) -> ToolSpec:
    holds: JsonSchema = {"type": "object", "properties": {"holds": {"type": "boolean"}}, "required": ["holds"]}
    comparisons = tuple(Comparison(op=op, to=json.loads(to)) for op, to in compared)
    names: list[str] = [f"value_{number}" for number in range(1, len(compared) + 1)]
    return _spec(ControlBinding(decides=decides, comparisons=comparisons), {n: {} for n in names}, holds, "control")


def _head(task: str, each: Each, place: str) -> FlatStep:
    spec = _running(each.at_most)
    step = _step(each.name, "one item of the list", spec, {"items": each.items})
    return FlatStep(task, step, f"{place}/each", spec, {"items": f"{place}/each/items"})


@lru_cache(maxsize=512)
def _running(at_most: int | None) -> ToolSpec:
    """Gives the head of a loop; more items than it may have don't fit its argument."""
    items: JsonSchema = {"type": "array"} if at_most is None else {"type": "array", "maxItems": at_most}
    outputs: JsonSchema = {
        "type": "object",
        "properties": {"item": {}, "number": {"type": "integer", "minimum": 0}},
        "required": ["item", "number"],
        "additionalProperties": False,
    }
    spec = _spec(ControlBinding(decides="each"), {"items": items}, outputs, "control")
    return spec.model_copy(update={"output_rules": {"item": ItemRule(of="items")}})


def _collected(task: str, step: Step, path: str, at_most: int | None) -> FlatStep:
    spec = _collecting(at_most)
    given: dict[str, Value] = {"outputs": StepReference.model_validate({"from": step.step_id})}
    whole = _step(f"{_ALL}{step.step_id}", f"what {step.step_id!r} gave in all passes", spec, given)
    return FlatStep(task, whole, path, spec, {"outputs": path})


@lru_cache(maxsize=512)
def _collecting(at_most: int | None) -> ToolSpec:
    items: JsonSchema = {"type": "array"} if at_most is None else {"type": "array", "maxItems": at_most}
    outputs: JsonSchema = {
        "type": "object",
        "properties": {"items": items},
        "required": ["items"],
        "additionalProperties": False,
    }
    spec = _spec(ControlBinding(decides="collect"), {"outputs": {}}, outputs, "data")
    return spec.model_copy(update={"output_rules": {"items": CollectRule(of="outputs")}})


def _spec(binding: ControlBinding, inputs: dict[str, JsonSchema], outputs: JsonSchema, role: Role) -> ToolSpec:
    properties: dict[str, JsonValue] = {**inputs}
    return ToolSpec(
        tool_name=TOOL,
        operation=binding.decides,
        description="A decision about a block of steps.",
        input_schema={"type": "object", "properties": properties, "required": list(inputs)},
        output_schema=outputs,
        roles=dict.fromkeys(inputs, role),
        effect="read",
        cost=NOTHING,
        latency=NOTHING,
        binding=binding,
    )


def _step(step_id: str, action: str, spec: ToolSpec, given: Mapping[str, Value]) -> Step:
    """Gives the step of a control operation; its id need not be an identifier."""
    intent = ToolIntent(tool_name=TOOL, operation=spec.operation, required_inputs=dict(given))
    step = Step(step_id="control", action=action, tool_intent=intent)
    return step.model_copy(update={"step_id": step_id})


def _over(places: Mapping[str, str]) -> str:
    return next(iter(places.values())).rsplit("/", 2)[0]


# --------------------------------------------------------------------- as seen from another task


def _seen_step(flat: FlatStep, passes: Mapping[str, str]) -> FlatStep:
    intent = flat.step.tool_intent
    given = {name: _seen(value, flat.task_id, passes) for name, value in intent.required_inputs.items()}
    if all(given[name] is value for name, value in intent.required_inputs.items()):
        return flat
    changed = intent.model_copy(update={"required_inputs": given})
    return flat._replace(step=flat.step.model_copy(update={"tool_intent": changed}))


def _seen(value: Value, task: str | None, passes: Mapping[str, str]) -> Value:
    """Gives a value in which references to what another task does per item lead to all passes."""
    if isinstance(value, StepReference):
        return value if passes.get(value.from_, task) == task else _all(value)
    if isinstance(value, ListValue):
        items = tuple(_seen(item, task, passes) for item in value.list)
        return value if items == value.list else ListValue(list=items)
    if isinstance(value, ObjectValue):
        members = {name: _seen(item, task, passes) for name, item in value.object.items()}
        return value if members == value.object else ObjectValue(object=members)
    if isinstance(value, CoalesceValue):
        items = tuple(_seen(item, task, passes) for item in value.coalesce)
        return value if items == value.coalesce else CoalesceValue(coalesce=items)
    return value


def _all(value: StepReference) -> StepReference:
    return value.model_copy(update={"from_": f"{_ALL}{value.from_}"})


def listed_id(step_id: str) -> str:
    """Gives the step that the proposal names where what stands for all its passes is meant."""
    return step_id.removeprefix(_ALL)


def written(reference: StepReference | InputReference) -> dict[str, JsonValue]:
    """Gives a reference as a proposal has it; all passes of a step go by the step's own name."""
    path: dict[str, JsonValue] = {"path": reference.path} if reference.path else {}
    if isinstance(reference, InputReference):
        return {"input": reference.input, **path}
    return {"from": listed_id(reference.from_), **path}
