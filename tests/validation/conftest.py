"""A small catalogue of its own, a policy, and a proposal in which nothing is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.finding import Report
from dagwright.label import FieldLabel, Label
from dagwright.model import Interval
from dagwright.policy import FlowRule, Policy, Rule
from dagwright.program import Program
from dagwright.tool import (
    ContentRule,
    GroupRule,
    HttpBinding,
    HumanBinding,
    LlmBinding,
    PythonBinding,
    RateLimit,
    Retry,
    SameRule,
    ToolSpec,
)

# The suites are no installed package: they are found beside the tests, as in a checkout.
sys.path.insert(0, str(Path(__file__).parents[2]))

TODAY = date(2026, 3, 1)
WORKERS = frozenset(("python", "http", "llm", "human"))
TABLE = {"type": "array", "items": {"type": "object"}}
TEXT = {"type": "string"}
FREE = Interval(low=0, high=0)
SECOND = Interval(low=1, high=2)
RUN = PythonBinding(callable="somewhere:something")


def record(optional: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def column(kind: str | None = None) -> dict[str, Any]:
    return {"type": "string", "x-column-of": "table"} | ({"x-column-type": kind} if kind else {})


def spec(name: str, inputs: dict[str, Any], outputs: dict[str, Any], **more: Any) -> ToolSpec:
    tool, operation = name.split(".")
    defaults: dict[str, Any] = {"effect": "read", "cost": FREE, "latency": SECOND, "binding": RUN}
    return ToolSpec(
        tool_name=tool,
        operation=operation,
        description=f"{name}.",
        input_schema=inputs,
        output_schema=outputs,
        **{**defaults, **more},
    )


def http(method: str, host: str) -> HttpBinding:
    return HttpBinding.model_validate({"method": method, "url": f"https://{host}/items/{{item}}"})


UNTRUSTED = Label(integrity="untrusted")
TOOLS = (
    spec(
        "table.load",
        record(file={"type": "object", "required": ["path"], "properties": {"path": TEXT}}),
        record(table=TABLE),
        output_rules={"table": ContentRule(of="file")},
        output_labels=(FieldLabel(path="", label=UNTRUSTED),),
        capabilities=("table",),
    ),
    spec(
        "table.filter",
        record(
            ("limit",),
            table=TABLE,
            column=column(),
            op={"type": "string", "enum": ["equals", "less", "greater"]},
            value={"type": ["string", "number"]},
            limit={"type": "integer", "minimum": 1},
        ),
        record(table=TABLE),
        output_rules={"table": SameRule(of="table")},
        capabilities=("table",),
        doc_ids=("guide:filter",),
    ),
    spec(
        "table.sort",
        record(table=TABLE, column=column("numeric"), descending={"type": "boolean", "default": False}),
        record(table=TABLE),
        output_rules={"table": SameRule(of="table")},
        capabilities=("table",),
    ),
    spec(
        "table.group",
        record(
            table=TABLE,
            by={"type": "array", "items": TEXT, "x-column-of": "table"},
            value=column("numeric"),
            function={"type": "string", "enum": ["mean", "max"]},
        ),
        record(table=TABLE),
        output_rules={"table": GroupRule(of="table", by="by", value="value", function="function")},
        capabilities=("table",),
    ),
    spec(
        "file.write",
        record(path={"type": "string", "format": "run-path"}, table=TABLE),
        record(file=record(path=TEXT)),
        effect="write",
        roles={"path": "sink"},
        writes=("file:{path}",),
        facts_added=("written:{path}",),
        facts_removed=("empty",),
        retry=Retry(attempts=3, delay=1, factor=2, max_delay=10),
        idempotent=True,
    ),
    spec(
        "web.fetch",
        record(item=TEXT, page={"type": "string", "format": "uri"}),
        record(id=TEXT, body={}, price={"type": "number"}),
        binding=http("GET", "api.example.org"),
        output_labels=(
            FieldLabel(path="", label=UNTRUSTED),
            FieldLabel(path="/id", label=Label(integrity="trusted")),
        ),
        cost=Interval(low=0.01, high=0.02),
        rate_limit=RateLimit(calls=10, seconds=1),
    ),
    spec(
        "mail.send",
        record(to={"type": "string", "format": "email"}, body=TEXT),
        record(status={"type": "integer"}),
        binding=http("POST", "mail.example.org"),
        effect="irreversible",
        roles={"to": "sink"},
        quota=1,
        cost=Interval(low=0.5, high=0.5),
        idempotent=False,
    ),
    spec(
        "words.shorten",
        record(text=TEXT),
        record(text=TEXT),
        binding=LlmBinding(instruction="Shorten.", max_tokens=100),
    ),
    spec("old.shorten", record(text=TEXT), record(text=TEXT), deprecated=True, replaced_by="words.shorten"),
    spec("past.shorten", record(text=TEXT), record(text=TEXT), valid_to=date(2026, 1, 1)),
    spec("person.ask", record(question=TEXT), record(text=TEXT), binding=HumanBinding(), cost=None, latency=None),
)

ROW = record(species={"type": "string", "enum": ["Adelie", "Gentoo"]}, mass={"type": "number"})
FILE = {
    "type": "object",
    "properties": {"path": TEXT},
    "required": ["path"],
    "additionalProperties": False,
    "x-content": {"type": "array", "items": ROW},
}


def step(step_id: str, operation: str, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    tool, _, name = operation.partition(".")
    intent = {"tool_name": tool, "operation": name, "required_inputs": inputs}
    return {
        "step_id": step_id,
        "action": f"call {operation}",
        "tool_intent": intent,
        "documentation_references": [f"tool:{operation}"],
        **more,
    }


def task(task_id: str, *dependencies: str, needs: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "description": f"task {task_id}",
        "dependencies": list(dependencies),
        "required_capabilities": list(needs),
    }


GOOD: dict[str, Any] = {
    "goal": {
        "goal_id": "penguins",
        "text": "Which species is heaviest? Write the groups to a file and send me a note.",
        "inputs": {
            "data": {"value": {"path": "penguins.csv"}, "schema": FILE},
            "address": {"value": "me@example.org", "schema": {"type": "string", "format": "email"}},
        },
        "constraints": {},
    },
    "plan": {
        "dag_id": "penguins_1",
        "nodes": [
            task("read", needs=("table",)),
            task("groups", "read", needs=("table",)),
            task("prices"),
            task("store", "groups"),
            task("note", "prices"),
        ],
    },
    "decompositions": [
        {"task_id": "read", "steps": [step("load", "table.load", {"file": {"input": "data"}})]},
        {
            "task_id": "groups",
            "steps": [
                step(
                    "light",
                    "table.filter",
                    {
                        "table": {"from": "load", "path": "/table"},
                        "column": {"literal": "mass"},
                        "op": {"literal": "less"},
                        "value": {"literal": 6000},
                        "limit": {"literal": 500},
                    },
                ),
                step(
                    "mean",
                    "table.group",
                    {
                        "table": {"from": "light", "path": "/table"},
                        "by": {"literal": ["species"]},
                        "value": {"literal": "mass"},
                        "function": {"literal": "mean"},
                    },
                ),
                step(
                    "sorted",
                    "table.sort",
                    {
                        "table": {"from": "mean", "path": "/table"},
                        "column": {"literal": "mean_mass"},
                        "descending": {"literal": True},
                    },
                ),
            ],
        },
        {
            "task_id": "prices",
            "steps": [
                step("fetch", "web.fetch", {"item": {"literal": "7"}, "page": {"literal": "https://example.org/7"}})
            ],
        },
        {
            "task_id": "store",
            "steps": [
                step(
                    "write",
                    "file.write",
                    {"path": {"literal": "groups.csv"}, "table": {"from": "sorted", "path": "/table"}},
                )
            ],
        },
        {
            "task_id": "note",
            "steps": [
                step("send", "mail.send", {"to": {"input": "address"}, "body": {"from": "fetch", "path": "/id"}})
            ],
        },
    ],
    "answer": {"heaviest": {"from": "sorted", "path": "/table"}},
}

POLICY = Policy(
    name="lab",
    rules=(
        Rule(tools="file.write", when={"properties": {"path": {"pattern": "^private/"}}}, action="deny"),
        Rule(tools="mail.send", action="ask", reason="mail cannot be taken back"),
    ),
    flows=(
        FlowRule(roles=("control", "sink"), integrity=("untrusted",), action="deny", reason="not from outside"),
        FlowRule(
            roles=("data", "sink"),
            effects=("external", "irreversible"),
            confidentiality=("tenant", "secret"),
            action="deny",
        ),
    ),
    allowed_hosts=("*.example.org",),
)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return catalogue_of("lab", TOOLS)


@pytest.fixture(scope="session")
def policy() -> Policy:
    return POLICY


@pytest.fixture
def good() -> dict[str, Any]:
    return deepcopy(GOOD)


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The good proposal, to be copied and not to be changed."""
    return GOOD


Judge = Callable[..., Report]


@pytest.fixture(scope="session")
def judge(catalogue: Catalogue) -> Judge:
    """Validates with the laboratory's catalogue and policy; keywords replace them."""
    from validation import validate

    defaults: dict[str, Any] = {"catalogue": catalogue, "policy": POLICY, "workers": WORKERS, "at": TODAY}
    return lambda proposal, **changes: validate(proposal, **{**defaults, **changes})


@pytest.fixture(scope="session")
def prove(catalogue: Catalogue) -> Callable[..., Program]:
    """Certifies likewise."""
    from validation import certify

    defaults: dict[str, Any] = {"catalogue": catalogue, "policy": POLICY, "workers": WORKERS, "at": TODAY}
    return lambda proposal, **changes: certify(proposal, **{**defaults, **changes})
