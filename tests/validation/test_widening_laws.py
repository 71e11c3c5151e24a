"""No sequence of accepted replans brings about an effect that the first, approved version did not allow.

The oracle knows nothing of authority: it carries plans out in a world where reading is a function of what is
asked, writes down every effect with its actual sinks, and compares that list with what the approved version
would have brought about.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.canonical import canonical_json
from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.policy import Policy
from dagwright.program import Program
from dagwright.tool import PythonBinding, ToolSpec
from dagwright.value import InputReference, ListValue, LiteralValue, ObjectValue, StepReference, Value
from validation import certify, widened

Json = dict[str, Any]
TEXT: Json = {"type": "string"}


def _spec(name: str, effect: str, arguments: tuple[str, ...], sinks: tuple[str, ...] = ()) -> ToolSpec:
    tool, operation = name.split(".")
    return ToolSpec.model_validate(
        {
            "tool_name": tool,
            "operation": operation,
            "description": name,
            "input_schema": {
                "type": "object",
                "properties": {name: {} for name in arguments},
                "additionalProperties": False,
            },
            "output_schema": {"type": "object", "properties": {"value": TEXT}, "required": ["value"]},
            "effect": effect,
            "roles": dict.fromkeys(sinks, "sink"),
            "binding": PythonBinding(callable="some:where"),
        }
    )


ARGUMENTS: dict[str, tuple[str, ...]] = {
    "book.find": ("name",),
    "book.join": ("one", "other"),
    "mail.send": ("to", "copy", "body"),
    "file.drop": ("name",),
    "web.visit": ("url",),
}
CATALOGUE: Catalogue = catalogue_of(
    "world",
    (
        _spec("book.find", "read", ARGUMENTS["book.find"]),
        _spec("book.join", "read", ARGUMENTS["book.join"]),
        _spec("mail.send", "external", ARGUMENTS["mail.send"], ("to", "copy")),
        _spec("file.drop", "irreversible", ARGUMENTS["file.drop"], ("name",)),
        _spec("web.visit", "read", ARGUMENTS["web.visit"], ("url",)),
    ),
)
POLICY = Policy(
    name="open",
    defaults={"read": "allow", "write": "allow", "external": "allow", "irreversible": "allow"},
    flows=(),
)
NAMES = ("ann", "bob")


def proposal_of(steps: list[Json], address: str) -> Json:
    return {
        "goal": {"goal_id": "g", "text": "Do it.", "inputs": {"me": {"value": address, "schema": TEXT}}},
        "plan": {"dag_id": "p", "nodes": [{"task_id": "t", "description": "t"}]},
        "decompositions": [{"task_id": "t", "steps": steps}],
    }


def proved(steps: list[Json], address: str = "me@x.org") -> Program:
    return certify(proposal_of(steps, address), catalogue=CATALOGUE, policy=POLICY, workers=frozenset(("python",)))


# ---------------------------------------------------------------------------- the independent world


def carried_out(program: Program, known: dict[str, str], log: list[str], *, until: int | None = None) -> None:
    """Carries out a program's first steps; what a step has done already with the same arguments is not done again."""
    for step, (operation, actual, told) in _calls(program, until).items():
        spec = CATALOGUE.by_name[operation]
        if spec.effect != "read" and known.get(step) != told:
            sinks = {name: value for name, value in actual.items() if spec.roles.get(name) == "sink"}
            log.append(canonical_json([operation, sinks]).decode())
            known[step] = told


def told_by(program: Program) -> dict[str, str]:
    """Gives by step what its operation is told: its name and the actual arguments."""
    return {step: told for step, (_, _, told) in _calls(program, None).items()}


def _calls(program: Program, until: int | None) -> dict[str, tuple[str, Json, str]]:
    values: dict[str, str] = {}
    calls: dict[str, tuple[str, Json, str]] = {}
    for item in program.steps[:until]:
        given = item.step.tool_intent.required_inputs
        actual = {name: _actual(value, program, values) for name, value in given.items()}
        told = canonical_json([item.spec.name, actual]).decode()
        values[item.step.step_id] = f"<{told}>"
        calls[item.step.step_id] = (item.spec.name, actual, told)
    return calls


def _actual(value: Value, program: Program, values: dict[str, str]) -> Any:
    if isinstance(value, LiteralValue):
        return value.literal
    if isinstance(value, InputReference):
        return program.proposal.goal.inputs[value.input].value
    if isinstance(value, StepReference):
        return values[value.from_]
    if isinstance(value, ListValue):
        return [_actual(item, program, values) for item in value.list]
    assert isinstance(value, ObjectValue)
    return {name: _actual(item, program, values) for name, item in value.object.items()}


# ------------------------------------------------------------------------------------ random plans


def plan(random: Random) -> list[Json]:
    steps: list[Json] = []
    for step_id in random.sample("abcde", random.randint(1, 5)):
        earlier: list[Json] = [{"from": step["step_id"], "path": "/value"} for step in steps]
        leaves: list[Json] = [*({"literal": name} for name in NAMES), {"input": "me"}, *earlier]
        spec = random.choice(CATALOGUE.tools)
        names = sorted(ARGUMENTS[spec.name])
        chosen = random.sample(names, random.randint(1, len(names)))
        inputs = {name: _value(leaves, random) for name in chosen}
        intent = {"tool_name": spec.tool_name, "operation": spec.operation, "required_inputs": inputs}
        steps.append({"step_id": step_id, "action": "x", "tool_intent": intent})
    return steps


def _value(leaves: list[Json], random: Random) -> Json:
    kind = random.choice(("leaf", "leaf", "list", "object"))
    if kind == "list":
        return {"list": random.choices(leaves, k=random.randint(1, 2))}
    if kind == "object":
        return {"object": {"k": random.choice(leaves), "l": random.choice(leaves)}}
    return random.choice(leaves)


def changed(steps: list[Json], random: Random) -> list[Json]:
    """Gives a plan near another: a step less or more, another id, one other argument, or another order."""
    found = [dict(step) for step in steps]
    kind = random.choice(("drop", "rename", "swap", "double", "shuffle", "new"))
    one = random.randrange(len(found))
    if kind == "drop" and len(found) > 1:
        found.pop(one)
    elif kind == "rename":
        found[one] = {**found[one], "step_id": random.choice("abcdefg")}
    elif kind == "double":
        found.append({**found[one], "step_id": random.choice("fg")})
    elif kind == "shuffle":
        random.shuffle(found)
    elif kind == "swap":
        intent = dict(found[one]["tool_intent"])
        inputs = dict(intent["required_inputs"])
        inputs[random.choice(sorted(inputs))] = {"literal": random.choice(NAMES)}
        found[one] = {**found[one], "tool_intent": {**intent, "required_inputs": inputs}}
    elif kind == "new":
        found = plan(random)
    ids = [step["step_id"] for step in found]
    return found if len(ids) == len(set(ids)) and _is_ordered(found) else steps


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_accepted_replans_bring_about_nothing_that_was_not_approved(seed: int) -> None:
    random = Random(seed)
    steps = plan(random)
    current = proved(steps)
    approved: list[str] = []
    carried_out(current, {}, approved)
    known: dict[str, str] = {}
    log: list[str] = []
    for _ in range(random.randint(1, 6)):
        carried_out(current, known, log, until=random.randint(0, len(current.steps)))
        done = {step for step, told in known.items() if told == told_by(current).get(step)}
        proposed = changed(steps, random)
        following = proved(proposed, random.choice(("me@x.org", "me@x.org", "me@x.org", "you@x.org")))
        if not widened(current, following, done=done):
            current, steps = following, proposed
    carried_out(current, known, log)
    assert not Counter(log) - Counter(approved)


def _is_ordered(steps: list[Json]) -> bool:
    seen: set[str] = set()
    for step in steps:
        text = canonical_json(step["tool_intent"]["required_inputs"]).decode()
        if any(f'"from":"{name}"' in text and name not in seen for name in "abcdefg"):
            return False
        seen.add(step["step_id"])
    return True


# ------------------------------------------------------------------------------------ what is named


def send(step_id: str, **inputs: Any) -> Json:
    intent = {"tool_name": "mail", "operation": "send", "required_inputs": inputs}
    return {"step_id": step_id, "action": "x", "tool_intent": intent}


def find(step_id: str, name: str) -> Json:
    intent = {"tool_name": "book", "operation": "find", "required_inputs": {"name": {"literal": name}}}
    return {"step_id": step_id, "action": "x", "tool_intent": intent}


ANN, BOB = {"literal": "ann"}, {"literal": "bob"}
FOUND = {"from": "a", "path": "/value"}


SWAPPED = {"object": {"k": ANN, "l": BOB}}, {"object": {"k": BOB, "l": ANN}}


@pytest.mark.parametrize(
    ("before", "after", "done", "says"),
    [
        pytest.param([send("a", to=ANN)], [send("b", to=ANN)], (), "", id="renamed"),
        pytest.param([send("a", to=ANN)], [send("a", to=ANN), send("b", to=ANN)], (), "more often", id="twice"),
        pytest.param([send("a", to=ANN)], [send("b", to=ANN)], ("a",), "more often", id="again after it ran"),
        pytest.param([send("a", to=ANN)], [send("a", to=ANN)], ("a",), "", id="kept after it ran"),
        pytest.param(
            [send("a", to=ANN, copy=BOB), send("b", to=BOB)],
            [send("a", to=BOB, copy=BOB)],
            (),
            "combination",
            id="mixed",
        ),
        pytest.param(
            [find("a", "ann"), send("b", to=FOUND)],
            [find("a", "bob"), send("b", to=FOUND)],
            (),
            "derived in another way",
            id="looked up otherwise",
        ),
        pytest.param([send("a", to=SWAPPED[0])], [send("a", to=SWAPPED[1])], (), "'to'", id="members swapped"),
    ],
)
def test_what_was_widened_is_named(before: list[Json], after: list[Json], done: tuple[str, ...], says: str) -> None:
    messages = [finding.message for finding in widened(proved(before), proved(after), done=done)]
    assert bool(messages) == bool(says), messages
    assert not says or says in messages[0]


def test_an_input_of_another_value_is_another_source() -> None:
    plan = [send("a", to={"input": "me"})]
    assert widened(proved(plan), proved(plan)) == ()
    assert widened(proved(plan), proved(plan, "you@x.org"))


def test_what_only_reads_but_leads_somewhere_needs_authority() -> None:
    """An address that is fetched learns who asks, and what."""
    before, after = ([{**find("a", name), "tool_intent": visit(name)}] for name in NAMES)
    assert widened(proved(before), proved(before)) == ()
    assert [finding.message for finding in widened(proved(before), proved(after))] == [
        "the new plan may call 'web.visit' with 'url' from the constant \"bob\"; the plan before may not"
    ]


def visit(url: str) -> Json:
    return {"tool_name": "web", "operation": "visit", "required_inputs": {"url": {"literal": url}}}
