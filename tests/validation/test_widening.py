"""A new version of a plan may do less without asking, and nothing more (P407)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dagwright.program import Program
from validation import widened

Json = dict[str, Any]
Prove = Callable[..., Program]


def inputs(p: Json, group: int, step: int = 0) -> Json:
    return p["decompositions"][group]["steps"][step]["tool_intent"]["required_inputs"]


def drop(p: Json, task_id: str) -> None:
    p["plan"]["nodes"] = [node for node in p["plan"]["nodes"] if node["task_id"] != task_id]
    p["decompositions"] = [group for group in p["decompositions"] if group["task_id"] != task_id]


def more(p: Json, operation: str, given: Json) -> None:
    tool, name = operation.split(".")
    tool_intent = {"tool_name": tool, "operation": name, "required_inputs": given}
    p["decompositions"][2]["steps"].append({"step_id": "more", "action": "x", "tool_intent": tool_intent})


@dataclass(frozen=True)
class Case:
    id: str
    change: Callable[[Json], object]
    says: str = ""
    """What the finding must say; empty where nothing is widened."""


CASES = (
    Case("the same plan", lambda p: None),
    Case("without the mail", lambda p: drop(p, "note")),
    Case("other data in the mail", lambda p: inputs(p, 4).update(body={"literal": "hello"})),
    Case("other column sorted by", lambda p: inputs(p, 1, 2).update(descending={"literal": False})),
    Case("one more computation", lambda p: more(p, "words.shorten", {"text": {"literal": "x"}})),
    Case("a tighter budget", lambda p: p["goal"]["constraints"].update(max_cost=1)),
    Case("mail to somebody else", lambda p: inputs(p, 4).update(to={"literal": "you@example.org"}), "you@example.org"),
    Case(
        "address from another source", lambda p: inputs(p, 4).update(to={"from": "fetch", "path": "/id"}), "web.fetch"
    ),
    Case("another file", lambda p: inputs(p, 3).update(path={"literal": "other.csv"}), "file:other.csv"),
    Case("a person is asked", lambda p: more(p, "person.ask", {"question": {"literal": "?"}}), "person.ask"),
    Case("a looser budget", lambda p: p["goal"]["constraints"].update(max_cost=9), "max_cost"),
    Case("no budget", lambda p: p["goal"]["constraints"].pop("max_cost"), "no limit"),
    Case("no longer denied", lambda p: p["goal"]["constraints"].pop("denied_tools"), "old.*"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_a_new_version_may_do(case: Case, prove: Prove, good: Json) -> None:
    good["goal"]["constraints"] = {"max_cost": 2, "denied_tools": ["old.*"]}
    old = prove(good)
    case.change(good)
    found = widened(old, prove(good))
    assert bool(found) == bool(case.says)
    assert all(finding.code == "P407" and finding.needs_approval for finding in found)
    assert not case.says or any(case.says in finding.message for finding in found)


def test_authority_that_was_dropped_is_not_got_back(prove: Prove, good: Json) -> None:
    whole = prove(good)
    drop(good, "note")
    less = prove(good)
    assert widened(whole, less) == ()
    assert any("mail.send" in finding.message for finding in widened(less, whole))
