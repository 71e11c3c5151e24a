"""Compensations and effects in doubt as a person at the command line meets them, against an HTTP service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

BODY = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}


def operation(url: str, name: str, method: str, path: str, takes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "tool_name": "shop",
        "operation": name,
        "description": "Does it.",
        "input_schema": {"type": "object", "properties": takes, "required": list(takes), "additionalProperties": False},
        "output_schema": {
            "type": "object",
            "properties": {"status": {"type": "integer"}, "body": BODY if method == "POST" else {}},
            "required": ["status", "body"] if method == "POST" else ["status"],
        },
        "effect": "external",
        "idempotent": method == "GET",
        "binding": {"kind": "http", "method": method, "url": f"{url}{path}"},
        **more,
    }


def step(name: str, verb: str, inputs: dict[str, Any]) -> dict[str, Any]:
    intent = {"tool_name": "shop", "operation": verb, "required_inputs": inputs}
    return {"step_id": name, "action": "do", "tool_intent": intent, "rollback_strategy": "compensate"}


class Shop:
    """A shop whose answers a test decides; notes what it is asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.answers: dict[str, tuple[int, str]] = {}
        self.execute: list[str] = []

    def answer(self, method: str, path: str) -> tuple[int, str]:
        self.calls.append(f"{method} {path}")
        return self.answers.get(f"{method} {path}", (200, json.dumps({"id": len(self.calls)})))


@pytest.fixture
def shop(served: Any, tmp_path: Path) -> Iterator[Shop]:
    """A shop, and the arguments of `dagwright execute` for a plan of two orders."""

    shop = Shop()
    with served(shop.answer) as url:
        number, item = {"id": {"type": "integer"}}, {"item": {"type": "string"}}
        undone = {"compensation": "shop.cancel", "compensation_inputs": {"id": "/outputs/body/id"}}
        tools = [
            operation(url, "order", "POST", "/orders/{item}", item, **undone),
            operation(url, "cancel", "GET", "/cancel/{id}", number),
        ]
        (tmp_path / "shop.json").write_text(json.dumps({"name": "shop", "tools": tools}))
        policy = {
            "name": "shop",
            "rules": [{"tools": "shop.*", "action": "allow"}],
            "allowed_hosts": [url.removeprefix("http://")],
        }
        (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))
        steps = [step("s1", "order", {"item": {"literal": "tea"}}), step("s2", "order", {"item": {"literal": "cup"}})]
        proposal = {
            "goal": {"goal_id": "g", "text": "order tea and a cup"},
            "plan": {"dag_id": "d", "nodes": [{"task_id": "t", "description": "order"}]},
            "decompositions": [{"task_id": "t", "steps": steps}],
            "answer": {"order": {"from": "s2", "path": "/body/id"}},
        }
        (tmp_path / "proposal.json").write_text(json.dumps(proposal))
        files = {name: str(tmp_path / name) for name in ("proposal.json", "shop.json", "policy.yaml")}
        shop.execute = ["execute", files["proposal.json"], "-c", files["shop.json"], "--policy", files["policy.yaml"]]
        yield shop


def test_a_run_that_fails_says_what_it_undid(dagwright: Any, shop: Any) -> None:
    shop.answers["POST /orders/cup"] = (409, "{}")
    ran = dagwright(*shop.execute, "--json")
    assert (ran.code, ran.json["status"]) == (3, "failed")
    assert ran.json["undone"] == ["s1 (shop.order)"]
    assert shop.calls == ["POST /orders/tea", "POST /orders/cup", "GET /cancel/1"]
    shown = dagwright("runs", "show", ran.json["run"])
    assert "undone s1 (shop.order)" in shown.out
    assert dagwright("verify", ran.json["run"]).code == 0
    assert dagwright("runs", "replay", ran.json["run"]).code == 0


def test_what_could_not_be_undone_is_named_with_what_to_do(dagwright: Any, shop: Any) -> None:
    shop.answers |= {"POST /orders/cup": (409, "{}"), "GET /cancel/1": (403, "{}")}
    ran = dagwright(*shop.execute, "--json")
    run = ran.json["run"]
    (line,) = ran.json["not_undone"]
    assert f"try again: dagwright runs compensate {run}" in line
    assert dagwright("runs", "compensate", run).code == 3
    del shop.answers["GET /cancel/1"]
    again = dagwright("runs", "compensate", run, "--json")
    assert (again.code, again.json["undone"]) == (0, ["s1 (shop.order)"])


def test_an_effect_in_doubt_waits_for_an_answer_and_the_run_goes_on(dagwright: Any, shop: Any) -> None:
    shop.answers["POST /orders/cup"] = (500, "{}")
    waiting = dagwright(*shop.execute, "--json")
    run = waiting.json["run"]
    assert (waiting.code, waiting.json["status"]) == (4, "waiting")
    assert f"dagwright settle {run} s2 --happened" in waiting.json["reason"]
    assert dagwright("settle", run, "s2").code == 2
    assert dagwright("settle", run, "s2", "--happened", "--outputs", "{").code == 2
    assert dagwright("settle", run, "s2", "--happened", "--outputs", '{"status": 201}').code == 2
    given = '{"status": 201, "body": {"id": 42}}'
    assert dagwright("settle", run, "--happened", "--outputs", given).code == 0
    done = dagwright("run", "--resume", run, "--json")
    assert (done.code, done.json["answer"]) == (0, {"order": 42})
    assert shop.calls == ["POST /orders/tea", "POST /orders/cup"]
    assert dagwright("settle", run, "s2", "--not-happened").code == 2, "there is no question any more"
