"""`Parsed`: as much of a proposal as has the right form, with what is wrong with the rest (S101-S103, S106-S108).

A proposal that fits the schema is parsed in one go. One that doesn't is parsed piece by piece, so that
the later levels can speak of every task and step that is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from dagwright.control import Condition, Control, Each, Repeat
from dagwright.decomposition import Step
from dagwright.finding import Finding, PatchOperation
from dagwright.goal import Constraints, GoalInput
from dagwright.plan import Task
from dagwright.proposal import Proposal
from dagwright.value import StepReference, Value
from validation.blocks import Block, Part, blocks_of
from validation.notes import finding, remove
from validation.patch import patched
from validation.types.schema import pointer_of

MAX_ERRORS: Final = 1_000
"""Places that may not fit the schema; a proposal with more of them is not looked at any further."""

M = TypeVar("M", bound=BaseModel)

_VALUE: TypeAdapter[Value] = TypeAdapter(Value)
_UNIONS = frozenset(
    (
        *("required_inputs", "answer", "list", "object", "coalesce"),
        *("validation_criteria", "preconditions", "postconditions"),
    )
)
_IDENTIFIER = "^[A-Za-z][A-Za-z0-9_]{0,63}$"
_SEEN_ELSEWHERE = frozenset(("finite_number", "string_unicode"))
_CODES = {"missing": "S102", "extra_forbidden": "S103", "string_too_long": "S108", "string_too_short": "S107"}


@dataclass(slots=True)
class Parsed:
    """What could be parsed. `proposal` is None unless all of it could."""

    proposal: Proposal | None = None
    tasks: list[Part[Task]] = field(default_factory=list[Part[Task]])
    groups: list[Block] = field(default_factory=list[Block])
    answer: dict[str, Part[Value]] = field(default_factory=dict[str, Part[Value]])
    inputs: dict[str, GoalInput] = field(default_factory=dict[str, GoalInput])
    constraints: Constraints = field(default_factory=Constraints)
    broken: set[str] = field(default_factory=set[str])
    """Ids of tasks, steps and inputs that stand there but could not be parsed."""
    order_known: bool = True
    """Whether every task could be parsed, so that what isn't ordered surely isn't."""
    uses_known: bool = True
    """Whether every reference could be read, so that what nothing refers to surely isn't used."""
    inputs_known: bool = True
    """Whether the goal's inputs could be looked at."""
    findings: list[Finding] = field(default_factory=list[Finding])
    """What is wrong with the form."""


def parsed(data: object) -> Parsed:
    """Gives what of `data`, a Proposal or plain JSON, can be parsed; never raises."""
    if isinstance(data, Proposal):
        return _whole(data)
    if not isinstance(data, dict):
        kind = type(data).__name__
        message = f"a proposal is a JSON object with goal, plan and decompositions, not {kind!r}"
        return Parsed(findings=[finding("S101", "", message)])
    try:
        return _whole(Proposal.model_validate(data))
    except ValidationError as error:
        if error.error_count() > MAX_ERRORS:
            message = f"{error.error_count()} places don't fit the schema; more than {MAX_ERRORS} are not looked at"
            return Parsed(order_known=False, inputs_known=False, findings=[finding("S108", "", message)])
        return _pieces(cast("dict[str, Any]", data), error)


def _whole(proposal: Proposal) -> Parsed:
    return Parsed(
        proposal=proposal,
        tasks=[Part(task, f"/plan/nodes/{index}") for index, task in enumerate(proposal.plan.nodes)],
        groups=blocks_of(proposal.decompositions),
        answer={name: Part(value, pointer_of("answer", name)) for name, value in proposal.answer.items()},
        inputs=proposal.goal.inputs,
        constraints=proposal.goal.constraints,
    )


# ------------------------------------------------------------------------------ piece by piece


def _pieces(data: dict[str, Any], error: ValidationError) -> Parsed:
    found = Parsed(findings=list(_errors(error, data)))
    goal = _object(data.get("goal"))
    found.inputs_known = isinstance(goal.get("inputs", {} if goal else None), dict)
    found.order_known = isinstance(_object(data.get("plan")).get("nodes"), list | tuple)
    for name, given in _object(goal.get("inputs")).items():
        part = _model(GoalInput, given)
        if part is None:
            found.broken.add(name)
        else:
            found.inputs[name] = part
    found.constraints = _model(Constraints, goal.get("constraints", {})) or Constraints()
    for index, node in enumerate(_array(_object(data.get("plan")).get("nodes"))):
        task = _model(Task, node)
        if task is None:
            found.broken.add(str(_object(node).get("task_id")))
            found.order_known = False
        else:
            found.tasks.append(Part(task, f"/plan/nodes/{index}"))
    for index, item in enumerate(_array(data.get("decompositions"))):
        groups = list(_group(_object(item), index, found.broken))
        found.groups.extend(groups)
        found.uses_known &= bool(groups)
    for name, value in _object(data.get("answer")).items():
        try:
            found.answer[name] = Part(_VALUE.validate_python(value), pointer_of("answer", name))
        except ValidationError:
            found.uses_known = False
    found.uses_known &= found.order_known and not found.broken
    return found


def _group(item: dict[str, Any], index: int, broken: set[str]) -> Iterator[Block]:
    steps: list[Part[Step]] = []
    listed = _array(item.get("steps"))
    for position, raw in enumerate(listed):
        step = _model(Step, raw)
        if step is None:
            broken.add(str(_object(raw).get("step_id")))
        else:
            steps.append(Part(step, f"/decompositions/{index}/steps/{position}"))
    if isinstance(item.get("task_id"), str):
        control = _control(item, broken) if item.get("control") is not None else None
        yield Block(item["task_id"], tuple(steps), f"/decompositions/{index}", len(listed), control)


def _control(item: dict[str, Any], broken: set[str]) -> Control:
    """Gives what surrounds a block, as far as it can be read."""
    whole = _model(Control, item["control"])
    if whole is not None:
        return whole
    broken.add(f"control-{item['task_id']}")
    given = _object(item["control"])
    each, repeat = given.get("each"), given.get("repeat")
    return Control.model_construct(
        when=_conditions(given.get("when")),
        each=_each(_object(each), broken) if each is not None else None,
        repeat=_repeat(_object(repeat)) if repeat is not None else None,
        optional=given.get("optional") is True,
    )


def _conditions(raw: object) -> tuple[Condition, ...]:
    return tuple(condition for item in _array(raw) if (condition := _model(Condition, item)) is not None)


def _each(raw: dict[str, Any], broken: set[str]) -> Each:
    whole = _model(Each, raw)
    if whole is not None:
        return whole
    name = str(raw.get("name"))
    broken.add(name)
    try:
        items = _VALUE.validate_python(raw.get("items"))
    except ValidationError:
        items = StepReference.model_construct(from_=name, path="")  # of which nothing is known
    return Each.model_construct(name=f"each-{name}", items=items, at_most=_bound(raw))


def _repeat(raw: dict[str, Any]) -> Repeat:
    wait = raw.get("wait", 0)
    return _model(Repeat, raw) or Repeat.model_construct(
        until=_conditions(raw.get("until")), at_most=_bound(raw), wait=wait if isinstance(wait, int) else 0
    )


def _bound(raw: dict[str, Any]) -> int | None:
    most = raw.get("at_most")
    return most if isinstance(most, int) and most > 0 else None


def _model(kind: type[M], raw: object) -> M | None:
    """Gives `raw` as a model, without fields that the model doesn't know; None where it isn't one."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        unknown = [item["loc"] for item in error.errors(include_url=False) if item["type"] == "extra_forbidden"]
        places = sorted({_place(loc, raw) for loc in unknown}, reverse=True)
    if not places:
        return None
    try:
        operations = [PatchOperation(op="remove", path=place) for place in places]
        return kind.model_validate(patched(cast("Any", raw), operations))
    except (ValidationError, LookupError):
        return None


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _array(value: object) -> list[Any]:
    return list(cast("list[Any]", value)) if isinstance(value, list | tuple) else []


# ---------------------------------------------------------------------- what pydantic has to say


def _errors(error: ValidationError, data: dict[str, Any]) -> Iterator[Finding]:
    for item in error.errors(include_url=False, include_input=False):
        if item["type"] in _SEEN_ELSEWHERE:
            continue
        place = _place(item["loc"], data)
        code = _CODES.get(item["type"], "S101")
        if item["type"] == "string_pattern_mismatch" and item.get("ctx", {}).get("pattern") == _IDENTIFIER:
            code = "S106"
        yield finding(
            code,
            place,
            _MESSAGES.get(code, "{place!r}: {words}").format(place=place, words=item["msg"]),
            fix=remove(place) if code == "S103" else None,
            **_owner(place, data),
        )


_MESSAGES = {
    "S102": "{place!r} is missing",
    "S103": "{place!r} is no field of the schema",
    "S106": "{place!r} is no identifier: a letter, then up to 63 letters, digits or underscores",
}


def _place(loc: tuple[int | str, ...], raw: object) -> str:
    """Gives a pydantic location as a JSON Pointer: without the tags of unions, no further than `raw` goes."""
    tokens: list[int | str] = []
    following = "field"
    for part in loc:
        if following == "tag" or part == "[key]":
            following = "field"
            continue
        tokens.append(part)
        if following == "member":
            following = "tag"
        elif part in _UNIONS and loc[0] != "goal":
            following = "member"
        elif _is_control_value(tokens):
            following = "tag"
    return pointer_of(*_resolvable(tokens, raw))


def _is_control_value(tokens: list[int | str]) -> bool:
    """Whether a place is that of a value in what surrounds a block."""
    return tokens[-2:] == ["each", "items"] or (
        len(tokens) > 2 and tokens[-1] == "value" and tokens[-3] in ("when", "until") and isinstance(tokens[-2], int)
    )


def _resolvable(tokens: list[int | str], raw: object) -> list[int | str]:
    current = raw
    for depth, part in enumerate(tokens):
        if not isinstance(current, dict | list | tuple):
            return tokens[:depth]
        try:
            current = cast("Any", current)[part]
        except (LookupError, TypeError):
            return tokens[: depth + 1] if isinstance(current, dict) else tokens[:depth]
    return tokens


def _owner(place: str, data: dict[str, Any]) -> dict[str, Any]:
    """Gives the ids of the task and step that a place lies in."""
    tokens = place.split("/")[1:]
    if tokens[:2] == ["plan", "nodes"] and len(tokens) > 2:
        node = _object(_array(_object(data.get("plan")).get("nodes"))[int(tokens[2])])
        return {"task": _text(node.get("task_id"))}
    if tokens[:1] == ["decompositions"] and len(tokens) > 1:
        item = _object(_array(data.get("decompositions"))[int(tokens[1])])
        steps = _array(item.get("steps"))
        inside = tokens[2:3] == ["steps"] and len(tokens) > 3
        step = _object(steps[int(tokens[3])]) if inside else {}
        return {"task": _text(item.get("task_id")), "step": _text(step.get("step_id"))}
    return {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
