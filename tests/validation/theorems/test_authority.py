"""T1: a certified program makes no call outside its authority.

The oracle decides anew, in its own words, for every call that reached a tool with its actual arguments: is the
operation one of the plan's, does the goal allow it, what does the first rule that matches say, was it approved,
are its paths allowed.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.exceptions import ProposalRejected
from dagwright.policy import Policy
from dagwright.program import Program

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
PATHS = ("out/a.txt", "secret/b.txt", "../c.txt", "/etc/d", "out/../e", "a.txt")
ACTIONS = ("allow", "ask", "deny")


def catalogue(world: Any) -> Any:
    path = {"type": "string", "format": "run-path"}
    return world.catalogue(
        world.spec("book.look", {"at": {"type": "integer"}}, {"path": TEXT, "paths": {"type": "array", "items": TEXT},
                                                              "amount": {"type": "integer"}}),
        world.spec("disk.put", {"path": path, "text": TEXT}, {}, "write"),
        world.spec("disk.keep", {"file-names": {"type": "array", "items": TEXT}}, {}, "write",
                   writes=("file:{file-names}",)),
        world.spec("disk.move", {"file-name": {**TEXT, "default": "a.txt"}}, {}, "write", writes=("file:{file-name}",)),
        world.spec("shop.order", {"amount": {"type": "integer", "default": 7}}, {}, "external"),
        world.spec("shop.cancel", {"amount": {"type": "integer"}}, {}, "irreversible"),
    )  # fmt: skip


ARGUMENTS = {
    "book.look": {"at": "amount"},
    "disk.put": {"path": "path", "text": "path"},
    "disk.keep": {"file-names": "paths"},
    "disk.move": {"file-name": "path"},
    "shop.order": {"amount": "amount"},
    "shop.cancel": {"amount": "amount"},
}


def drawn_policy(random: Random) -> Policy:
    rules: list[Json] = []
    for _ in range(random.randint(0, 3)):
        least = {"properties": {"amount": {"minimum": random.randint(0, 9)}}, "required": ["amount"]}
        rules.append(
            {
                "tools": random.choice(("shop.*", "disk.*", "*", "shop.order", "disk.put")),
                "when": random.choice((None, least)),
                "action": random.choice(ACTIONS),
            }
        )
    effects = ("read", "write", "external", "irreversible")
    return Policy.model_validate(
        {
            "name": "drawn",
            "rules": rules,
            "defaults": {effect: random.choice(("allow", "allow", "ask", "deny")) for effect in effects},
            "flows": (),
            "allowed_paths": random.choice((("*",), ("out/*",), ("out/*", "a.*"))),
        }
    )


def drawn_steps(world: Any, random: Random) -> list[Json]:
    steps: list[Json] = []
    for number in range(random.randint(1, 5)):
        operation = random.choice(sorted(ARGUMENTS))
        looks = [step["step_id"] for step in steps if step["tool_intent"]["tool_name"] == "book"]
        given: Json = {}
        for name, kind in ARGUMENTS[operation].items():
            if operation in ("disk.move", "shop.order") and random.random() < 0.2:
                continue  # its default stands for it
            constant = {"path": random.choice(PATHS), "paths": random.sample(PATHS, 2), "amount": random.randint(0, 9)}
            by_reference = looks and random.random() < 0.7
            given[name] = (
                {"from": random.choice(looks), "path": f"/{kind}"} if by_reference else {"literal": constant[kind]}
            )
        steps.append(world.step(f"s{number}", operation, given))
    return steps


def outside(program: Program, call: Any, approved: set[str]) -> str | None:
    """Gives why a call is outside the authority of a program; None where it is inside."""
    policy, arguments = program.policy, call.arguments
    if call.operation not in {step.tool_intent.operation_name for _, step in program.proposal.steps()}:
        return "no operation of the plan"
    if any(fnmatchcase(call.operation, glob) for glob in program.proposal.goal.constraints.denied_tools):
        return "denied by the goal"
    action = policy.defaults[program.by_id[call.step].spec.effect]
    for rule in policy.rules:
        if fnmatchcase(call.operation, rule.tools) and (rule.when is None or _meets(rule.when, arguments)):
            action = rule.action
            break
    if action == "deny" or (action == "ask" and call.step not in approved):
        return f"policy says {action}"
    for name in ("path", "file-name", "file-names"):
        paths: list[str] = arguments[name] if name.endswith("s") and name in arguments else [arguments.get(name, "")]
        for path in filter(None, paths):
            if path.startswith("/") or ".." in path.split("/"):
                return f"{path!r} leaves the folder"
            if not any(fnmatchcase(path, glob) for glob in policy.allowed_paths):
                return f"{path!r} is not allowed"
    return None


def _meets(when: Json, arguments: Json) -> bool:
    return "amount" in arguments and arguments["amount"] >= when["properties"]["amount"]["minimum"]


def breaches(world: Any, seed: int) -> tuple[list[str], int]:
    """Gives what calls of one drawn program were outside its authority, and how many calls there were."""
    random = Random(seed)
    goal = {"constraints": {"denied_tools": random.choice(([], [], ["shop.cancel"], ["disk.*"]))}}
    try:
        program = world.certified(
            world.proposal(drawn_steps(world, random), goal=goal), catalogue(world), drawn_policy(random)
        )
    except ProposalRejected:
        return [], 0
    approved = {name for name in program.by_id if random.random() < 0.5}

    def tool(operation: str, arguments: Json) -> Json:
        if operation != "book.look":
            return {}
        return {"path": random.choice(PATHS), "paths": random.sample(PATHS, 2), "amount": random.randint(0, 9)}

    ran = world.run(program, tool, approvals={program.approval_digest(name) for name in approved})
    found = [outside(program, call, approved) for call in ran.calls]
    return [reason for reason in found if reason], len(ran.calls)


def always(value: Any) -> Any:
    """Gives a function that gives the same, whatever it is asked."""

    def instead(*_: Any) -> Any:
        return value

    return instead


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_no_call_is_outside_the_authority_of_its_program(world: Any, seed: int) -> None:
    assert breaches(world, seed)[0] == []


@pytest.mark.parametrize("check", ["check_places", "action_for"])
def test_without_the_check_on_actual_values_calls_are_outside(
    world: Any, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"executor.worker.worker.{check}", always(("allow", "")))
    assert any(breaches(world, seed)[0] for seed in range(200))


def test_without_the_policy_level_calls_are_still_inside(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certification decides early, the worker in any case: each is enough by itself for rules over operations."""
    monkeypatch.setattr("validation.examination.authority_findings", always(()))
    found = [breaches(world, seed) for seed in range(40)]
    assert sum(calls for _, calls in found) > 20
    assert [reason for reasons, _ in found for reason in reasons if "goal" not in reason] == []


def test_an_approval_of_one_step_is_not_one_of_another_that_does_the_same(world: Any) -> None:
    asking = Policy.model_validate({"name": "asking", "defaults": {"external": "ask"}, "flows": ()})
    steps = [world.step(name, "shop.order", {"amount": {"literal": 1}}) for name in ("one", "two")]
    program = world.certified(world.proposal(steps), catalogue(world), asking)
    ran = world.run(program, always({}), approvals={program.approval_digest("one")})
    assert [call.step for call in ran.calls] == ["one"]
    assert (ran.failed_step, ran.codes) == ("two", ["approval_required"])
