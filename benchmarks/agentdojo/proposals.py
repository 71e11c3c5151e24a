"""From AgentDojo's gold calls to a proposal, by rules that know no task.

A constant that the prompt states stays a constant. A value that an earlier output holds as a field is referred
to, or chosen among the fields of a list. What stands within a text, or in neither, is read by a quarantined
step: from that text, from the request alone where the value is of a day that the request names, else from the
request and from all that was given before; a number that stands nowhere is computed from the trusted fields of
what was given before, where there are any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from benchmarks.agentdojo.contracts import RESULT, VALUE
from benchmarks.agentdojo.found import Given, Place, field_of, text_of
from dagwright.catalogue import Catalogue
from dagwright.tool import ToolSpec
from validation.contract import contract_of
from validation.stated import Stated, is_own_word

Json = dict[str, Any]
REQUEST: Json = {"input": "request"}
_DAY = re.compile(r"\b\d{4}-(\d\d)-(\d\d)\b")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SECRETS = frozenset(("password",))


@dataclass
class Draft:
    """The steps of a proposal for one task, with what the quarantined steps are to answer."""

    prompt: str
    steps: list[Json] = field(default_factory=list[Json])
    answers: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What each quarantined step gives where nobody interferes: the gold value."""
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    """Values that the prompt states and that are given as inputs."""

    def add(self, operation: str, inputs: Json) -> str:
        """Adds a step; gives its id."""
        step_id = f"s{len(self.steps) + 1}"
        tool, _, name = operation.partition(".")
        intent = {"tool_name": tool, "operation": name, "required_inputs": inputs}
        self.steps.append({"step_id": step_id, "action": f"Call {operation}.", "tool_intent": intent})
        return step_id

    def proposal(self, *, version: int = 1, steps: list[Json] | None = None) -> Json:
        """Gives the proposal; `steps` in the place of the draft's own."""
        text = {"type": "string"}
        inputs: Json = {"request": {"value": self.prompt, "schema": text}}
        for name, value in self.secrets.items():
            label = {"integrity": "trusted", "confidentiality": "secret"}
            inputs[name] = {"value": value, "schema": text, "label": label}
        return {
            "goal": {"goal_id": "task", "text": self.prompt, "inputs": inputs},
            "plan": {"dag_id": "gold", "nodes": [{"task_id": "t1", "description": "Do what is asked."}]},
            "decompositions": [{"task_id": "t1", "steps": self.steps if steps is None else steps}],
            "version": version,
        }


class Writer:
    """Writes the proposal of one task, call by call."""

    def __init__(self, suite: str, prompt: str, catalogue: Catalogue) -> None:
        self._suite, self._catalogue, self._stated = suite, catalogue, Stated(prompt)
        self._earlier: list[Given] = []
        self.draft = Draft(prompt)

    def write(self, function: str, args: Mapping[str, JsonValue], result: JsonValue) -> None:
        """Adds a gold call, and the readers that its arguments need; `result` is what the call gave."""
        spec = self._catalogue.by_name[f"{self._suite}.{function}"]
        inputs = {name: self._value(spec, name, value) for name, value in args.items() if value is not None}
        step = self.draft.add(spec.name, inputs)
        self._earlier.append(Given(step, spec, result))

    def _value(self, spec: ToolSpec, name: str, value: JsonValue) -> Json:
        if name in _SECRETS and isinstance(value, str) and self._stated.holds(value):
            self.draft.secrets[name] = value
            return {"input": name}
        if is_own_word(contract_of(spec), name, value):
            return {"literal": value}
        return self._part(f"{spec.name}.{name}", value)

    def _part(self, wanted: str, value: JsonValue) -> Json:
        if isinstance(value, list):
            return {"list": [self._part(wanted, item) for item in value]}
        if isinstance(value, dict):
            return {"object": {name: self._part(wanted, item) for name, item in value.items()}}
        if self._stated.holds(value):
            return {"literal": value}
        place = field_of(value, self._earlier)
        if place is not None and place.is_listed:
            candidates = {"candidates": place.reference}
            return self._read(f"choose_{_type_of(value)}", wanted, value, self._beside(place), **candidates)
        if place is not None and place.path != RESULT:
            return place.reference
        if isinstance(value, str):
            return self._read("text", wanted, value, self._text_sources(value))
        return self._read(_type_of(value), wanted, value, self._number_sources(value))

    def _read(self, reader: str, wanted: str, value: JsonValue, sources: list[Json], **more: Json) -> Json:
        inputs: Json = {"request": REQUEST, "wanted": {"literal": wanted}, **more}
        if sources:
            inputs["sources"] = {"list": sources}
        step = self.draft.add(f"reader.{reader}", inputs)
        self.draft.answers[step] = value
        return {"from": step, "path": VALUE}

    def _beside(self, place: Place) -> list[Json]:
        """Gives what a choice looks at: where the candidates are trusted, the trusted fields beside them."""
        if not place.given.is_trusted(place.path):
            return [_reference(place.given, RESULT)]
        of = [given for given in self._earlier if given.trusted_paths]
        return [_reference(given, path) for given in of for path in given.trusted_paths]

    def _text_sources(self, value: str) -> list[Json]:
        place = text_of(value, self._earlier)
        if place is not None:
            return [place.reference]
        if _names_day(self._stated, value):
            return []
        return [_reference(given, RESULT) for given in self._earlier]

    def _number_sources(self, value: JsonValue) -> list[Json]:
        place = text_of(value, self._earlier)
        if place is not None:
            return [place.reference]
        trusted = [_reference(given, path) for given in self._earlier for path in given.trusted_paths]
        return trusted or [_reference(given, RESULT) for given in self._earlier]


def _type_of(value: JsonValue) -> str:
    if isinstance(value, str):
        return "text"
    return "integer" if isinstance(value, int) else "number"


def _reference(given: Given, path: str) -> Json:
    return {"from": given.step, "path": path}


def _names_day(stated: Stated, value: str) -> bool:
    """Whether a date or time is of a day that the request names, in digits or as month and day."""
    found = _DAY.search(value)
    if found is None:
        return False
    month, day = int(found[1]), int(found[2])
    name = _MONTHS[month - 1] if 1 <= month <= 12 else ""
    ends = ("", "st", "nd", "rd", "th")
    forms = [found[0], *(f"{name} {day}{end}" for end in ends), *(f"{day}{end} of {name}" for end in ends)]
    return any(map(stated.holds, forms))
