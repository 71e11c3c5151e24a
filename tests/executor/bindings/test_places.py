"""One rule for where operations lead: validator and guard say the same of every kind of binding."""

from __future__ import annotations

from typing import Any

import pytest

from dagwright.binding import KafkaBinding, McpBinding, McpCommand, McpEndpoint, TransformBinding, WorkerBinding
from dagwright.catalogue import catalogue_of
from dagwright.exceptions import GuardViolation
from dagwright.policy import Policy, Rule
from dagwright.proposal import Proposal
from dagwright.tool import HttpBinding, ToolSpec
from executor.bindings import runners
from executor.worker.guard import check_places
from validation import validate

HTTP = HttpBinding(method="GET", url="https://api.example.org/x")
WORKER = WorkerBinding(url="http://10.0.0.7:8090")
KAFKA = KafkaBinding(servers=("a.example.org:9092", "b.example.org:9093"), topic="t")
ENDPOINT = McpBinding(server=McpEndpoint(url="https://MCP.example.org/mcp"), tool="x")
COMMAND = McpBinding(server=McpCommand(command=("npx", "-y", "a server")), tool="x")
LINE = "npx -y 'a server'"

CASES: list[tuple[Any, dict[str, Any], list[str]]] = [
    (HTTP, {}, ["api.example.org:443"]),
    (HTTP, {"allowed_hosts": ("*.example.org",)}, []),
    (HTTP, {"allowed_hosts": ("api.example.org:80",)}, ["api.example.org:443"]),
    (WORKER, {}, ["10.0.0.7:8090"]),
    (WORKER, {"allowed_hosts": ("10.0.0.7",)}, []),
    (KAFKA, {"allowed_hosts": ("a.example.org",)}, ["b.example.org:9093"]),
    (KAFKA, {"allowed_hosts": ("*.example.org",)}, []),
    (ENDPOINT, {"allowed_commands": ("*",)}, ["mcp.example.org:443"]),
    (ENDPOINT, {"allowed_hosts": ("mcp.example.org",)}, []),
    (COMMAND, {}, [LINE]),
    (COMMAND, {"allowed_hosts": ("*",)}, [LINE]),
    (COMMAND, {"allowed_commands": ("npx -y 'another server'", "npx")}, [LINE]),
    (COMMAND, {"allowed_commands": (LINE,)}, []),
    (COMMAND, {"allowed_commands": ("npx *",)}, []),
    (TransformBinding(expressions={"x": "@"}), {}, []),
]


@pytest.mark.parametrize(("binding", "allowed", "denied"), CASES)
def test_places(binding: Any, allowed: dict[str, Any], denied: list[str]) -> None:
    spec = ToolSpec(
        tool_name="t",
        operation="o",
        description="Does something.",
        input_schema={"type": "object"},
        output_schema={"type": "object", "properties": {"x": {}}},
        effect="external",
        binding=binding,
    )
    policy = Policy(name="p", rules=(Rule(tools="*", action="allow"),), **allowed)
    step = {"step_id": "s1", "action": "x", "tool_intent": {"tool_name": "t", "operation": "o"}}
    proposal = Proposal.model_validate(
        {
            "goal": {"goal_id": "g", "text": "x"},
            "plan": {"dag_id": "d", "nodes": [{"task_id": "t1", "description": "x"}]},
            "decompositions": [{"task_id": "t1", "steps": [step]}],
            "answer": {"x": {"from": "s1", "path": "/x"}},
        }
    )
    report = validate(proposal, catalogue=catalogue_of("c", [spec]), policy=policy, workers=frozenset(runners()))
    found = [finding.evidence.get("host", finding.evidence.get("command")) for finding in report.errors]
    assert (found, {finding.code for finding in report.errors}) == (denied, {"P409"} if denied else set())
    if denied:
        with pytest.raises(GuardViolation) as refused:
            check_places(spec, {}, policy)
        assert refused.value.code == ("command_denied" if binding is COMMAND else "host_denied")
    else:
        check_places(spec, {}, policy)


@pytest.mark.parametrize(
    ("binding", "why"),
    [
        ({"kind": "worker", "url": "ftp://x/"}, "url"),
        ({"kind": "worker", "url": "http://user@x/"}, "url"),
        ({"kind": "kafka", "servers": [], "topic": "t"}, "servers"),
        ({"kind": "kafka", "servers": ["x"], "topic": "t"}, "servers"),
        ({"kind": "kafka", "servers": ["x:1"], "topic": "a b"}, "topic"),
        ({"kind": "kafka", "servers": ["x:1"], "topic": "t", "mechanism": "PLAIN"}, "two credentials"),
        ({"kind": "mcp", "server": {"transport": "stdio", "command": []}, "tool": "t"}, "command"),
        ({"kind": "mcp", "server": {"transport": "http", "url": "x"}, "tool": "t"}, "url"),
        ({"kind": "transform", "expressions": {}}, "expressions"),
    ],
)
def test_bindings_that_are_none(binding: dict[str, Any], why: str) -> None:
    fields = {"tool_name": "t", "operation": "o", "description": "x", "input_schema": {}, "output_schema": {}}
    with pytest.raises(ValueError, match=why):
        ToolSpec.model_validate({**fields, "effect": "read", "binding": binding})
