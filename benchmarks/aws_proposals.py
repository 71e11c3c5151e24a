"""Proposals made from AWS's documented calls: one call each, and chains joined by what one gives and the next takes.

A text of a call is taken from an earlier call's output where both have the same shape (a `VpcId` of
EC2), or members of one name that end with Id, Arn or Name. What a service model calls sensitive comes
from an input of the goal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, cast

from benchmarks.aws_catalogue import effect_of, is_container, members_of, scalar
from benchmarks.aws_models import Example, Json, Service
from benchmarks.proposals import Call, Place, arguments, proposal_of

LONGEST = 4
"""Calls of a chain at most."""
_DEPTH = 5
_NAMING = re.compile(r".*(Id|Arn|ARN|Name)")
_GENERIC = re.compile(r"_*(string|text|value|name|id|arn|key|nonempty|xml|resource|type|max|min|\d|list)*_*", re.I)
_SHARED_TASK = 0.3


@dataclass(frozen=True)
class Leaf:
    """A text inside a call's arguments or an operation's output."""

    place: Place
    member: str
    """Name of the member that holds it."""
    shape: str


@dataclass(frozen=True)
class Built:
    """A proposal with the calls that it is made of, each with its arguments as documented."""

    item: str
    proposal: Json
    examples: tuple[Example, ...]


def single(service: Service, example: Example) -> Built:
    """Gives the proposal that makes one documented call."""
    replaced, inputs = _sensitive(service, example, "s1")
    call = _call(service, example, "s1", "t1", replaced)
    return Built(example.item, proposal_of(_name(example), example.text, [call], inputs=inputs), (example,))


def chain(service: Service, last: Example, valid: Sequence[Example], random: Random) -> Built | None:
    """Gives a proposal that ends with a documented call and takes some of its arguments from earlier ones.

    None where no other documented call gives what it takes.
    """
    calls = [last]
    links: list[tuple[Leaf, Leaf]] = []
    while len(calls) < LONGEST:
        found = _before(service, calls[0], [one for one in valid if one not in calls], random)
        if found is None:
            break
        calls.insert(0, found[0])
        links.insert(0, (found[1], found[2]))
        if random.random() < 1 / 3:
            break
    if len(calls) == 1:
        return None
    return _joined(service, calls, links, random)


def output_leaves(service: Service, operation: str) -> list[Leaf]:
    """Gives the texts that an operation gives; of a list the first item."""
    shape = service.operations[operation].get("output", {}).get("shape")
    return list(_given(service, shape, (), 0)) if shape else []


def input_leaves(service: Service, example: Example) -> list[Leaf]:
    """Gives the texts of a documented call's arguments that may come from elsewhere: no enumerations."""
    shape = service.operations[example.operation].get("input", {}).get("shape")
    return list(_taken(service, shape, example.parameters, (), "")) if shape else []


def _fits(service: Service, given: Leaf, taken: Leaf) -> bool:
    if given.shape == taken.shape:
        return given.member == taken.member or not _GENERIC.fullmatch(given.shape)
    same = given.member == taken.member and bool(_NAMING.fullmatch(given.member))
    return same and scalar(service.shapes[given.shape]) == scalar(service.shapes[taken.shape])


def _before(
    service: Service, example: Example, others: Sequence[Example], random: Random
) -> tuple[Example, Leaf, Leaf] | None:
    """Gives a call whose output fits into another call, what it gives and where that goes."""
    leaves = input_leaves(service, example)
    random.shuffle(leaves)
    for taken in leaves:
        found = [
            (other, given)
            for other in others
            if other.operation != example.operation
            for given in output_leaves(service, other.operation)
            if _fits(service, given, taken)
        ]
        if found:
            other, given = random.choice(found)
            return other, given, taken
    return None


def _joined(service: Service, calls: list[Example], links: list[tuple[Leaf, Leaf]], random: Random) -> Built:
    made: list[Call] = []
    inputs: Json = {}
    task = 1
    for number, example in enumerate(calls, start=1):
        replaced, own = _sensitive(service, example, f"s{number}")
        inputs |= own
        if number > 1:
            given, taken = links[number - 2]
            replaced[taken.place] = {"from": f"s{number - 1}", "path": _pointer(given.place)}
            task += random.random() >= _SHARED_TASK
            replaced |= _further(service, example, calls[: number - 1], replaced, random)
        made.append(_call(service, example, f"s{number}", f"t{task}", replaced))
    text = " Then: ".join(example.text for example in calls)
    item = f"{calls[-1].item}+{'+'.join(one.operation for one in calls[-2::-1])}"
    return Built(item, proposal_of(_name(calls[-1]), text, made, inputs=inputs), tuple(calls))


def _further(
    service: Service, example: Example, earlier: Sequence[Example], replaced: dict[Place, Json], random: Random
) -> dict[Place, Json]:
    """Gives references for other texts of a call that earlier calls give as well, about half of them."""
    found: dict[Place, Json] = {}
    for taken in input_leaves(service, example):
        if taken.place in replaced or random.random() < 0.5:
            continue
        fitting = [
            (number, given)
            for number, other in enumerate(earlier, start=1)
            for given in output_leaves(service, other.operation)
            if _fits(service, given, taken)
        ]
        if fitting:
            number, given = random.choice(fitting)
            found[taken.place] = {"from": f"s{number}", "path": _pointer(given.place)}
    return found


def _given(service: Service, name: str, place: Place, depth: int) -> Iterator[Leaf]:
    shape = service.shapes[name]
    if depth > _DEPTH or shape["type"] == "map":
        return
    for member, inner in members_of(shape).items():
        at: Place = (*place, 0 if member == "*" else member)
        target = service.shapes[inner]
        if is_container(target):
            yield from _given(service, inner, at, depth + 1)
        elif target["type"] == "string" and not target.get("enum"):
            yield Leaf(at, next((str(part) for part in reversed(at) if isinstance(part, str)), ""), inner)


def _taken(service: Service, name: str, value: Any, place: Place, member: str) -> Iterator[Leaf]:
    shape = service.shapes[name]
    if shape["type"] == "structure" and isinstance(value, dict) and not shape.get("document"):
        for inner, item in cast("Json", value).items():
            if inner in shape["members"]:
                yield from _taken(service, shape["members"][inner]["shape"], item, (*place, inner), inner)
    elif shape["type"] == "list" and isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _taken(service, shape["member"]["shape"], item, (*place, index), member)
    elif shape["type"] == "string" and not shape.get("enum") and not shape.get("sensitive") and isinstance(value, str):
        yield Leaf(place, member, name)


def _sensitive(service: Service, example: Example, step: str) -> tuple[dict[Place, Json], Json]:
    """Gives references to goal inputs in place of what the model calls sensitive, and those inputs."""
    shape = service.operations[example.operation].get("input", {}).get("shape")
    replaced: dict[Place, Json] = {}
    inputs: Json = {}
    for place, value, schema in _secrets(service, shape, example.parameters, ()) if shape else ():
        name = f"{step}_secret_{len(inputs) + 1}"
        replaced[place] = {"input": name}
        inputs[name] = {"value": value, "schema": schema}
    return replaced, inputs


def _secrets(service: Service, name: str, value: Any, place: Place) -> Iterator[tuple[Place, Any, Json]]:
    shape = service.shapes[name]
    if shape["type"] == "structure" and isinstance(value, dict):
        for member, item in cast("Json", value).items():
            if member in shape["members"]:
                yield from _secrets(service, shape["members"][member]["shape"], item, (*place, member))
    elif shape.get("sensitive") and not is_container(shape):
        yield place, value, scalar(shape)


def _call(service: Service, example: Example, step: str, task: str, replaced: dict[Place, Json]) -> Call:
    operation = service.operations[example.operation]
    output = service.shapes.get(operation.get("output", {}).get("shape", ""), {})
    noun = re.sub(r"^[A-Z][a-z]+", "", example.operation) or example.operation
    created = example.operation.startswith("Create") and effect_of(example.operation) == "external"
    return Call(
        step_id=step,
        task_id=task,
        operation=f"{service.name}.{example.operation}",
        inputs=arguments(json.loads(json.dumps(example.parameters)), replaced),
        capabilities=(service.name,),
        expected=tuple(output.get("members", {}))[:1],
        postconditions=[{"fact": f"{service.name}:{noun}"}] if created else [],
    )


def _pointer(place: Place) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)


def _name(example: Example) -> str:
    return re.sub(r"\W", "_", f"aws_{example.item}")[:50]
