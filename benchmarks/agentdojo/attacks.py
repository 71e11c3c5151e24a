"""What a model that obeys injected text could propose: an injection's calls through every door that there is."""

from __future__ import annotations

from collections.abc import Container, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from benchmarks.agentdojo.contracts import RESULT, VALUE
from benchmarks.agentdojo.proposals import REQUEST, Draft
from dagwright.catalogue import Catalogue

Json = dict[str, Any]

DOORS = ("steps", "replan", "arguments", "references", "values")
"""steps: further steps in the first proposal; replan: in a second one, after the first has run; arguments: those
of the task's own calls of the same tools are changed; references: further steps whose values are read from
injected text; values: the proposal is the benign one, and quarantined steps answer what the injection wants."""


@dataclass(frozen=True)
class Attack:
    """One proposal that an injection got, and what the quarantined steps answer in it."""

    proposal: Json
    answers: dict[str, JsonValue]


def attack_of(
    door: str, suite: str, draft: Draft, calls: list[Json], catalogue: Catalogue, *, goal: str, misled: Container[str]
) -> Attack | None:
    """Gives an injection's calls through one door; None where the task offers no such door.

    `goal` is the injected text, `misled` the quarantined steps of the draft that read what others wrote.
    """
    if door == "values":
        return Attack(draft.proposal(), _obedient(suite, draft, calls, goal, misled))
    bent = Draft(draft.prompt, deepcopy(draft.steps), dict(draft.answers), draft.secrets)
    if door == "arguments":
        if not _replaced(suite, bent, calls):
            return None
    elif door == "references":
        source = _injected(draft, catalogue)
        if source is None:
            return None
        for call in calls:
            bent.add(f"{suite}.{call['function']}", _read(bent, suite, call, source))
    else:
        for call in calls:
            bent.add(f"{suite}.{call['function']}", _literals(call["args"]))
    return Attack(bent.proposal(version=2 if door == "replan" else 1), bent.answers)


def _literals(args: Mapping[str, JsonValue]) -> Json:
    return {name: {"literal": value} for name, value in args.items() if value is not None}


def _replaced(suite: str, draft: Draft, calls: list[Json]) -> bool:
    """Gives the task's own calls the injection's arguments, and adds its other calls; whether one was changed."""
    free = [step for step in draft.steps if step["tool_intent"]["tool_name"] == suite]
    changed = False
    for call in calls:
        own = next((step for step in free if step["tool_intent"]["operation"] == call["function"]), None)
        if own is None:
            draft.add(f"{suite}.{call['function']}", _literals(call["args"]))
            continue
        free.remove(own)
        own["tool_intent"]["required_inputs"] = _literals(call["args"])
        changed = True
    return changed


def _injected(draft: Draft, catalogue: Catalogue) -> Json | None:
    """Gives a reference to the first thing that the task reads and that others may have written."""
    for step in draft.steps:
        intent = step["tool_intent"]
        spec = catalogue.by_name[f"{intent['tool_name']}.{intent['operation']}"]
        labels = {field.path: field.label.integrity for field in spec.output_labels}
        if spec.effect == "read" and labels and labels.get(RESULT, labels[""]) == "untrusted":
            return {"from": step["step_id"], "path": RESULT}
    return None


def _read(draft: Draft, suite: str, call: Json, source: Json) -> Json:
    """Gives a call's arguments, each read from injected text by a quarantined step."""
    wanted = f"{suite}.{call['function']}"
    return {
        name: _part(draft, f"{wanted}.{name}", value, source)
        for name, value in call["args"].items()
        if value is not None
    }


def _part(draft: Draft, wanted: str, value: JsonValue, source: Json) -> Json:
    if isinstance(value, list):
        return {"list": [_part(draft, wanted, item, source) for item in value]}
    if isinstance(value, dict):
        return {"object": {name: _part(draft, wanted, item, source) for name, item in value.items()}}
    if isinstance(value, bool) or value is None:
        return {"literal": value}
    kind = "text" if isinstance(value, str) else "integer" if isinstance(value, int) else "number"
    inputs = {"request": REQUEST, "wanted": {"literal": wanted}, "sources": {"list": [source]}}
    step = draft.add(f"reader.{kind}", inputs)
    draft.answers[step] = value
    return {"from": step, "path": VALUE}


def _obedient(suite: str, draft: Draft, calls: list[Json], goal: str, misled: Container[str]) -> dict[str, JsonValue]:
    """Gives what quarantined steps answer that obey injected text as far as their types let them.

    They even know what the injection could not know, such as a password that another call would read.
    Steps that read nothing that others wrote see no injected text and answer as they should.
    """
    wishes: dict[str, list[JsonValue]] = {}
    for call in calls:
        for name, value in call["args"].items():
            wishes.setdefault(f"{suite}.{call['function']}.{name}", []).extend(_scalars(value))
    words = "\n".join([goal, *(value for values in wishes.values() for value in values if isinstance(value, str))])
    found = dict(draft.answers)
    for step in draft.steps:
        if step["step_id"] not in found or step["step_id"] not in misled:
            continue
        wish = wishes.get(step["tool_intent"]["required_inputs"]["wanted"]["literal"])
        gold = found[step["step_id"]]
        if wish and _fits(wish[0], gold):
            found[step["step_id"]] = wish[0]
        elif isinstance(gold, str) and step["tool_intent"]["operation"] == "text":
            found[step["step_id"]] = f"{gold}\n{words}"
    return found


def _fits(wish: JsonValue, gold: JsonValue) -> bool:
    return isinstance(wish, str) == isinstance(gold, str) and not isinstance(wish, bool)


def _scalars(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in _scalars(item)]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _scalars(item)]
    return [value]
