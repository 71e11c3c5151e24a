"""What is fuzzed: each target takes bytes, makes something of them and asserts what must hold of it, whatever it is.

Most are property tests (hypothesis) that a fuzzer drives: `hypothesis.fuzz_one_input` reads their
arguments from the bytes, so that coverage guides what is drawn.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmarks.validate_proposals import proposal_of
from dagwright.exceptions import CatalogueError, InputError, ProposalRejected
from dagwright.finding import Report
from dagwright.policy import DEFAULT_POLICY
from dagwright.proposal import Proposal
from executor.toolchest import default_catalogue
from knowledge.ingest.openapi import import_openapi
from tests.validation.types import test_pointer_laws, test_relation_laws
from validation import certify, repair, validate
from validation.contract import Contract

Json = dict[str, Any]
Target = Callable[[bytes], object]

SECONDS: Final = 1.0
"""Processor time that judging one proposal may take."""
OPENING: Final = 64
"""Inputs that fuzzing begins with."""
DRAWN: Final = 1_500
"""Bytes of each that arguments are drawn from."""
FREE: Final = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))

CATALOGUE = default_catalogue()
GIVEN: Json = {"catalogue": CATALOGUE, "policy": DEFAULT_POLICY, "workers": frozenset(("python", "llm", "human"))}
SOUND = proposal_of(6, Random(1))
WORDS = ["", "s0", "s1", "t0", "t1", "data", "/table", "/table/*/mass", "species", "mass", "load_csv", "${s0}", "é", "‮"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(WORDS)
NAMES = st.text(max_size=4) | st.sampled_from(
    ["literal", "from", "path", "input", "list", "object", "coalesce", "control", "op", "value", "fact", "note", "$ref"]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def judged(data: object) -> Report:
    """Judges, within the time allowed."""
    begun = time.process_time()
    report = validate(data, **GIVEN)
    assert time.process_time() - begun < SECONDS
    return report


def said(report: Report) -> list[tuple[str, str, str]]:
    return [(item.code, item.path, item.message) for item in report.findings]


def text(data: bytes) -> None:
    """Any bytes get a report: as bytes and, where they are UTF-8, as text the same."""
    report = judged(data)
    try:
        decoded = data.decode()
    except UnicodeDecodeError:
        return
    assert said(judged(decoded)) == said(report)


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Gives the way to every value inside `data`."""
    members = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, item in members:
        yield (*path, key)
        yield from places(item, (*path, key))


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def damaged(draw: st.DataObject, sound: Json, strange: st.SearchStrategy[Any]) -> Json:
    """Changes some places of a sound document: other values, copies from elsewhere, other names, gaps."""
    found = deepcopy(sound)
    for _ in range(draw.draw(st.integers(1, 4))):
        ways = list(places(found))
        if not ways:
            break
        *way, key = draw.draw(st.sampled_from(ways))
        held = at(found, tuple(way))
        match draw.draw(st.sampled_from(["value", "copy", "rename", "remove", "repeat"])):
            case "value":
                held[key] = draw.draw(strange)
            case "copy":
                held[key] = deepcopy(at(found, draw.draw(st.sampled_from(ways))))
            case "rename" if isinstance(held, dict):
                held[draw.draw(NAMES)] = held.pop(key)
            case "repeat" if isinstance(held, list):
                held.append(deepcopy(held[key]))
            case _:
                del held[key]
    return found


@FREE
@given(st.data())
def proposal(data: st.DataObject) -> None:
    """A damaged proposal gets the same report as data, text and model; it is certified exactly if it's valid."""
    found = damaged(data, SOUND, JSON)
    report = judged(found)
    assert said(judged(json.dumps(found))) == said(report)
    try:
        model = Proposal.model_validate(found)
    except ValidationError:
        model = None
    if model is not None and not any(item.code in ("S109", "S110") for item in report.findings):
        assert said(judged(model)) == said(report)
    try:
        certify(found, **GIVEN)
    except ProposalRejected:
        assert not report.is_valid
    else:
        assert report.is_valid
    repaired = repair(found, **GIVEN)
    judged(repaired.proposal)


SCHEMA = test_relation_laws.SCHEMAS
PETS: Json = {
    "openapi": "3.0.3",
    "info": {"title": "Pets", "version": "1"},
    "servers": [{"url": "https://pets.example/v1"}],
    "paths": {
        "/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {
                "operationId": "getPet",
                "responses": {
                    "200": {
                        "description": "A pet.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                    }
                },
            },
            "put": {
                "operationId": "putPet",
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                    "required": True,
                },
                "responses": {"204": {"description": "Done."}},
            },
        }
    },
    "components": {
        "schemas": {
            "Pet": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "nullable": True},
                    "kind": {"enum": ["cat", "dog"]},
                    "parent": {"$ref": "#/components/schemas/Pet"},
                },
                "required": ["name"],
            }
        }
    },
}


@FREE
@given(st.data())
def openapi(data: st.DataObject) -> None:
    """A damaged OpenAPI document is imported or refused in words; what is imported can be judged by."""
    found = damaged(data, PETS, JSON | SCHEMA)
    try:
        imported = import_openapi(found, name="pets")
    except (InputError, CatalogueError):
        return
    for tool in imported.catalogue.tools:
        contract = Contract(tool)
        assert contract.literals is not None


def laws(module: Any) -> Iterator[tuple[str, Target]]:
    """Gives the property tests of a module as targets."""
    for name, test in vars(module).items():
        if name.startswith("test_") and hasattr(test, "hypothesis"):
            yield name.removeprefix("test_"), test.hypothesis.fuzz_one_input


TARGETS: Final[dict[str, Target]] = {
    "text": text,
    "proposal": proposal.hypothesis.fuzz_one_input,
    "openapi": openapi.hypothesis.fuzz_one_input,
    **dict(laws(test_relation_laws)),
    **dict(laws(test_pointer_laws)),
}
"""What can be fuzzed, by name."""


def opening(name: str, random: Random) -> Iterator[bytes]:
    """Gives the inputs that fuzzing a target begins with: sound proposals for the reader, else bytes to draw from."""
    for _ in range(OPENING):
        yield json.dumps(proposal_of(2, random)).encode() if name == "text" else random.randbytes(DRAWN)
