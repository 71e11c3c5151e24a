"""The exported JSON Schemas, and the names that `dagwright` promises."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import jsonschema_rs
import pytest

from dagwright.canonical import to_json
from dagwright.event import GENESIS, Event
from dagwright.feedback import Feedback
from dagwright.goal import Goal
from dagwright.model import Frozen
from dagwright.proposal import Proposal
from dagwright.schemas import CONTRACTS, schemas

NAMES = {
    "dagwright.canonical": {"canonical_json", "sha256", "sha256_bytes", "to_json"},
    "dagwright.catalogue": {"Catalogue", "catalogue_of", "load_catalogue"},
    "dagwright.decomposition": {"Decomposition", "Step", "ToolIntent"},
    "dagwright.event": {"Event", "GENESIS"},
    "dagwright.feedback": {"ErrorRecord", "Feedback", "Outcome", "Performance"},
    "dagwright.finding": {"Finding", "LEVELS", "PatchOperation", "Report"},
    "dagwright.goal": {"Constraints", "Goal", "GoalInput"},
    "dagwright.label": {"FieldLabel", "Label", "TRUSTED", "join_all"},
    "dagwright.llm": {"Message", "Model", "ModelReply", "ModelRequest", "Usage", "default_spec", "open_model"},
    "dagwright.plan": {"Plan", "PlanMetadata", "Task"},
    "dagwright.policy": {"Budget", "DEFAULT_POLICY", "FlowRule", "Policy", "Rule", "load_policy"},
    "dagwright.predicate": {"FactPredicate", "Note", "OutputPredicate"},
    "dagwright.program": {"Bounds", "Certificate", "Program", "ProgramStep"},
    "dagwright.proposal": {"Proposal"},
    "dagwright.schemas": {"schemas"},
    "dagwright.tool": {"ToolSpec"},
    "dagwright.value": {"InputReference", "ListValue", "LiteralValue", "ObjectValue", "StepReference", "leaves"},
}

PROPOSAL: dict[str, Any] = {
    "goal": {"goal_id": "g", "text": "What?"},
    "plan": {"dag_id": "d", "nodes": [{"task_id": "t", "description": "Read."}]},
    "decompositions": [
        {
            "task_id": "t",
            "steps": [
                {
                    "step_id": "s1",
                    "action": "Read.",
                    "tool_intent": {
                        "tool_name": "table",
                        "operation": "read",
                        "required_inputs": {"file": {"input": "data"}, "more": {"list": [{"literal": None}]}},
                        "validation_criteria": [{"path": "/table", "op": "min_length", "value": 1}],
                    },
                }
            ],
        }
    ],
    "answer": {"table": {"from": "s1", "path": "/table"}},
}


@pytest.mark.parametrize("module", NAMES)
def test_public_names_stay(module: str) -> None:
    assert {name for name in NAMES[module] if not hasattr(import_module(module), name)} == set()


def test_every_contract_has_a_schema_that_is_one() -> None:
    exported = schemas()
    assert list(exported) == [
        *("Goal", "Plan", "Decomposition", "Proposal", "ToolSpec", "Catalogue"),
        *("Policy", "Finding", "Report", "Feedback", "Outcome", "Event"),
    ]
    for schema in exported.values():
        jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_schemas_are_closed_and_describe_their_fields(contract: type[Frozen]) -> None:
    schema: Any = schemas()[contract.__name__]
    assert schema["additionalProperties"] is False
    assert [name for name, field in schema["properties"].items() if not described(field)] == []


def described(field: dict[str, Any]) -> bool:
    return "description" in field or "$ref" in field


@pytest.mark.parametrize(
    ("name", "artefact"),
    [
        ("Goal", Goal(goal_id="g", text="What?")),
        ("Proposal", Proposal.model_validate(PROPOSAL)),
        ("Feedback", Feedback(step_id="s1", execution_status="success")),
        (
            "Event",
            Event.model_validate(
                {
                    "seq": 0,
                    "time": "2026-01-01T00:00:00Z",
                    "run": "r",
                    "kind": "goal",
                    "body": {"a": 1},
                    "prev": GENESIS,
                    "hash": "0" * 64,
                }
            ),
        ),
    ],
)
def test_what_is_written_fits_its_schema(name: str, artefact: Frozen) -> None:
    jsonschema_rs.validate(schemas()[name], to_json(artefact))


@pytest.mark.parametrize(
    "fault",
    [
        {"surprise": 1},
        {"goal": {"goal_id": "not an identifier", "text": "x"}},
        {"answer": {"a": {"template": "${s1}"}}},
        {"version": 0},
    ],
    ids=lambda fault: next(iter(fault)),
)
def test_what_the_contract_refuses_its_schema_refuses(fault: dict[str, Any]) -> None:
    assert not jsonschema_rs.is_valid(schemas()["Proposal"], {**PROPOSAL, **fault})


def test_an_event_knows_when_it_was_changed() -> None:
    plain = {"seq": 0, "time": "2026-01-01T00:00:00Z", "run": "r", "kind": "goal", "prev": GENESIS}
    draft = Event.model_validate({**plain, "body": 1, "hash": GENESIS})
    event = draft.model_copy(update={"hash": draft.computed_hash()})
    assert event.computed_hash() == event.hash
    assert event.model_copy(update={"body": 2}).computed_hash() != event.hash
