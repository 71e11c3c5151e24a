"""`bench nestful-check`: gold sequences of calls with references, against the specifications of their functions.

Each sequence becomes a proposal; `$var1.field$` becomes a reference, a text with such parts a step that
joins them. Gold data contain errors: an item that is rejected must contradict its specification, as an
independent reading of the files finds it (unknown functions and arguments, missing ones, constants and
references of the wrong type, outputs that are not specified).

Source: IBM/NESTFUL (Apache-2.0), glaive part; arXiv 2409.03797.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from benchmarks.proposals import Call, Json, proposal_of
from benchmarks.sources import folder_of, read_source
from benchmarks.statistics import Metric, share
from benchmarks.suite import Options, Progress, Record
from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.exceptions import InputError
from dagwright.finding import Finding
from dagwright.policy import DEFAULT_POLICY
from dagwright.tool import PythonBinding, ToolSpec

TOOL = "nestful"
RESULT = "var_result"
WORKERS = frozenset(("python",))

_REFERENCE = re.compile(r"\$(var\d+)(?:\.(\w+)((?:\[\d+\])*))?\$")
_STRUCTURAL = frozenset(
    ("unknown function", "missing", "unknown argument", "reference to what is not specified", "label used twice")
)
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class Function(BaseModel):
    """A specified function."""

    name: str
    description: str = ""
    query_parameters: dict[str, Json] = {}
    parameters: dict[str, Json] = {}
    output_parameters: dict[str, Json] = {}

    @property
    def inputs(self) -> dict[str, Json]:
        """Its arguments; the files name them in two ways."""
        return self.query_parameters or self.parameters


class GoldCall(BaseModel):
    """One call of a gold sequence."""

    name: str
    arguments: Json = {}
    label: str = ""


class GoldSequence(BaseModel):
    """A request with its gold sequence."""

    input: str
    output: tuple[GoldCall, ...] = Field(min_length=1)


def load_sequences(folder: Path) -> tuple[tuple[GoldSequence, ...], dict[str, Function]]:
    """Gives the gold sequences and the functions by name.

    Raises:
        InputError: a file is not there or has another format.
    """
    data, specification = (folder / f"non-executable-glaive-{part}.json" for part in ("data", "spec"))
    try:
        sequences = TypeAdapter(tuple[GoldSequence, ...]).validate_json(read_source(data))
        functions = TypeAdapter(tuple[Function, ...]).validate_json(read_source(specification))
    except ValidationError as error:
        raise InputError(f"the files in {str(folder)!r} are not NESTFUL's: {error}") from error
    return sequences, {function.name: function for function in functions}


def run(options: Options, on_progress: Progress) -> Generator[Record, None, None]:
    """Gives one record per gold sequence."""
    sequences, functions = load_sequences(folder_of(TOOL, options.data))
    catalogue = catalogue_for(functions)
    chosen = sequences[: options.limit]
    for number, sequence in enumerate(chosen, start=1):
        item = f"glaive/{number:03}"
        if item in options.skip:
            continue
        record = judged(sequence, functions, catalogue)
        on_progress(number, len(chosen), f"{item}: {'accepted' if record['accepted'] else record['findings']}")
        yield {"item": item, **record}


def judged(sequence: GoldSequence, functions: Mapping[str, Function], catalogue: Catalogue) -> Record:
    """Has a sequence validated, and compares the findings with its contradictions."""
    from validation import validate

    found = {(label, argument) for label, argument, _ in contradictions(sequence, functions)}
    proposal = proposal_for(sequence)
    report = validate(proposal, catalogue=catalogue, policy=DEFAULT_POLICY, workers=WORKERS)
    named = {place for finding in report.errors for place in _places(finding)}
    return {
        "calls": len(sequence.output) - 1,
        "accepted": report.is_valid,
        "findings": [*sorted(f"{item.code} {item.step_id or ''}" for item in report.errors)],
        "contradictions": [
            f"{label} {argument}: {what}" for label, argument, what in contradictions(sequence, functions)
        ],
        "unexplained": [*sorted(" ".join(place) for place in named if not _explained(place, found))],
        "missed": [*sorted(" ".join(place) for place in found if not _explained(place, named))],
        "undecided": sum(item.code == "D308" for item in report.findings),
    }


def _explained(place: tuple[str, str], others: set[tuple[str, str]]) -> bool:
    """Whether the same argument is among others, or its whole call."""
    return place in others or (place[0], "") in others or (not place[1] and any(step == place[0] for step, _ in others))


def _places(finding: Finding) -> Iterator[tuple[str, str]]:
    """Gives the call and the argument that a finding is about; an empty argument is the whole call."""
    if finding.path.startswith("/answer/"):
        yield "answer", finding.path.split("/")[2]
        return
    label, joined, _ = (finding.step_id or "").partition("_text")
    tail = finding.path.partition("/required_inputs/")[2]
    argument = str(finding.evidence.get("argument", "")) or tail.partition("/")[0]
    yield label, "" if joined else argument


# ------------------------------------------------------------------------ independent reading


def contradictions(sequence: GoldSequence, functions: Mapping[str, Function]) -> Iterator[tuple[str, str, str]]:
    """Gives where a gold sequence contradicts the specification: the call's label, the argument, what it is."""
    before: dict[str, str] = {}
    for call in sequence.output:
        function = functions.get(call.name)
        if call.label in before:
            yield call.label, "", "label used twice"
        if call.name == RESULT:
            yield from _unspecified("answer", call.arguments, before, functions)
        elif function is None:
            yield call.label, "", "unknown function"
        else:
            yield from _of_call(call, function, before, functions)
        before[call.label] = call.name


def _of_call(
    call: GoldCall, function: Function, before: Mapping[str, str], functions: Mapping[str, Function]
) -> Iterator[tuple[str, str, str]]:
    for name, schema in function.inputs.items():
        if schema.get("required") and name not in call.arguments:
            yield call.label, name, "missing"
    for name, value in call.arguments.items():
        schema = function.inputs.get(name)
        if schema is None:
            yield call.label, name, "unknown argument"
            continue
        given = _type_of(value, before, functions)
        if given is None:
            yield call.label, name, "reference to what is not specified"
        elif not _is_fitting(given, str(schema.get("type", ""))):
            yield call.label, name, f"{given} for {schema['type']}"
        elif isinstance(value, str) and "enum" in schema and value not in schema["enum"]:
            yield call.label, name, "none of the values"
        elif isinstance(value, list) and not _items_fit(cast("list[Any]", value), schema, before, functions):
            yield call.label, name, "an item of another type"
        elif isinstance(value, str) and schema.get("format") == "date" and not _is_date(value):
            yield call.label, name, "not a date"


def _unspecified(
    label: str, arguments: Json, before: Mapping[str, str], functions: Mapping[str, Function]
) -> Iterator[tuple[str, str, str]]:
    for name, value in arguments.items():
        if _type_of(value, before, functions) is None:
            yield label, name, "reference to what is not specified"


def _type_of(value: Any, before: Mapping[str, str], functions: Mapping[str, Function]) -> str | None:
    """Gives the type of a gold value, empty where unknown; None for a reference to what is not specified."""
    parts = _REFERENCE.findall(value) if isinstance(value, str) else []
    kinds = [_referred(label, field, before, functions) if not index else "" for label, field, index in parts]
    if None in kinds:
        return None
    if kinds and _REFERENCE.fullmatch(value):
        return kinds[0]
    if isinstance(value, bool):
        return "boolean"
    return next(
        (name for name in ("string", "integer", "number", "array", "object") if isinstance(value, _TYPES[name])), ""
    )


def _referred(label: str, field: str, before: Mapping[str, str], functions: Mapping[str, Function]) -> str | None:
    if label not in before:
        return None
    function = functions.get(before[label])
    if function is None:
        return ""
    if not field:
        return "object"
    output = function.output_parameters.get(field)
    return None if output is None else str(output.get("type", ""))


def _is_fitting(given: str, wanted: str) -> bool:
    known = given in _TYPES and wanted in _TYPES
    return not known or given == wanted or (given == "integer" and wanted == "number")


def _items_fit(
    value: Sequence[Any], schema: Json, before: Mapping[str, str], functions: Mapping[str, Function]
) -> bool:
    wanted = str(schema.get("items", {}).get("type", ""))
    return all(_is_fitting(_type_of(item, before, functions) or "", wanted) for item in value)


def _is_date(value: str) -> bool:
    return bool(_REFERENCE.search(value) or re.fullmatch(r"\d{4}-\d{2}-\d{2}", value))


# ------------------------------------------------------------------------------------- proposals


def catalogue_for(functions: Mapping[str, Function]) -> Catalogue:
    """Gives the functions as operations, and one more that joins texts."""
    return catalogue_of(TOOL, (*(_spec(function) for function in functions.values()), _joining()))


def _spec(function: Function) -> ToolSpec:
    required = [name for name, schema in function.inputs.items() if schema.get("required")]
    return _operation(function.name, function.description, function.inputs, required, function.output_parameters)


def _joining() -> ToolSpec:
    return _operation(
        "join_texts", "Joins parts to one text.", {"parts": {"type": "array"}}, ["parts"], {"text": {"type": "string"}}
    )


def _operation(name: str, text: str, inputs: Json, required: list[str], outputs: Json) -> ToolSpec:
    return ToolSpec(
        tool_name=TOOL,
        operation=name,
        description=text,
        input_schema={**_closed(inputs), "required": cast("JsonValue", required)},
        output_schema={**_closed(outputs), "required": cast("JsonValue", list(outputs))},
        effect="read",
        binding=PythonBinding(callable="benchmarks.taskbench_data:never_run"),
    )


def _closed(members: Json) -> Json:
    kept = ("type", "items", "properties", "enum", "format", "description")
    properties = {name: {key: part[key] for key in kept if key in part} for name, part in members.items()}
    for part in properties.values():
        if part.get("type") not in _TYPES:
            part.pop("type", None)
    return {"type": "object", "properties": properties, "additionalProperties": False}


def proposal_for(sequence: GoldSequence) -> Json:
    """Gives a gold sequence as a proposal: a step per call, and one per text that is put together."""
    calls: list[Call] = []
    answer: Json = {}
    for gold in sequence.output:
        values = {name: _wired(value, gold.label or "answer", calls) for name, value in gold.arguments.items()}
        if gold.name == RESULT:
            answer = values
        else:
            calls.append(
                Call(step_id=gold.label, task_id=f"t_{gold.label}", operation=f"{TOOL}.{gold.name}", inputs=values)
            )
    proposal = proposal_of("nestful_item", sequence.input, calls)
    return {**proposal, "answer": {re.sub(r"\W", "_", name): value for name, value in answer.items()}}


def _wired(value: Any, label: str, calls: list[Call]) -> Json:
    if isinstance(value, list) and _REFERENCE.search(json.dumps(value)):
        return {"list": [_wired(item, label, calls) for item in cast("list[Any]", value)]}
    if isinstance(value, dict) and _REFERENCE.search(json.dumps(value)):
        members = cast("Json", value)
        return {"object": {name: _wired(item, label, calls) for name, item in members.items()}}
    if not isinstance(value, str) or not _REFERENCE.search(value):
        return {"literal": value}
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _reference(whole)
    return _joined(value, label, calls)


def _joined(text: str, label: str, calls: list[Call]) -> Json:
    """Adds a step that joins the parts of a text; gives the reference to what it gives."""
    parts: list[Json] = []
    at = 0
    for match in _REFERENCE.finditer(text):
        parts += [{"literal": text[at : match.start()]}, _reference(match)]
        at = match.end()
    parts.append({"literal": text[at:]})
    step = f"{label}_text{len(calls) + 1}"
    calls.append(
        Call(step_id=step, task_id=f"t_{step}", operation=f"{TOOL}.join_texts", inputs={"parts": {"list": parts}})
    )
    return {"from": step, "path": "/text"}


def _reference(match: re.Match[str]) -> Json:
    label, field, index = match[1], match[2], match[3] or ""
    return {"from": label, "path": f"/{field}{index.replace('[', '/').replace(']', '')}"} if field else {"from": label}


# --------------------------------------------------------------------------------------- figures


def score(records: Sequence[Mapping[str, JsonValue]], *, seed: int = 0) -> dict[str, Metric]:
    """Gives the share accepted, the share that contradicts its specification, and where the two do not agree."""
    del seed
    n = len(records)
    good = [record for record in records if not record["contradictions"]]
    wrong = [record for record in records if record["contradictions"]]
    structural = sum(any(_is_structural(text) for text in _texts(record["contradictions"])) for record in records)
    found = {
        "accepted": share(sum(bool(record["accepted"]) for record in records), n),
        "contradictory": share(len(wrong), n),
        "contradictory_beside_types": share(structural, n),
        "findings_unexplained": share(sum(bool(record["unexplained"]) for record in records), n),
        "contradictions_missed": share(sum(bool(record["missed"]) for record in records), n),
    }
    if good:
        found["false_positive_rate"] = share(sum(not record["accepted"] for record in good), len(good))
    if wrong:
        found["false_negative_rate"] = share(sum(bool(record["accepted"]) for record in wrong), len(wrong))
    return found


def _is_structural(contradiction: str) -> bool:
    """Whether names contradict each other, not only types."""
    return contradiction.partition(": ")[2] in _STRUCTURAL


def _texts(value: JsonValue) -> list[str]:
    return cast("list[str]", value)
