"""BFCL v4's own files, read from the `bfcl-eval` wheel: functions, questions, accepted calls.

Source: ShishirPatil/gorilla, berkeley-function-call-leaderboard (Apache-2.0). Of each argument the suite
lists all accepted values; an empty text among them says that it may be left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast
from zipfile import ZipFile

from benchmarks.proposals import Json
from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.exceptions import InputError
from dagwright.tool import PythonBinding, ToolSpec

OFFLINE = ("simple_python", "multiple", "parallel", "parallel_multiple", "simple_java", "simple_javascript")
IN_CODE = ("simple_java", "simple_javascript")
"""Categories in which any argument may be an expression of the language, written as a text."""
LIVE = ("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple")
TOOL = "bfcl"

_TYPES = {
    "dict": "object",
    "HashMap": "object",
    "object": "object",
    "array": "array",
    "tuple": "array",
    "list": "array",
    "Array": "array",
    "ArrayList": "array",
    "string": "string",
    "String": "string",
    "char": "string",
    "str": "string",
    "integer": "integer",
    "long": "integer",
    "int": "integer",
    "short": "integer",
    "byte": "integer",
    "float": "number",
    "double": "number",
    "number": "number",
    "boolean": "boolean",
    "Boolean": "boolean",
    "bool": "boolean",
}
_BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
_MOST = 64


@dataclass(frozen=True, kw_only=True)
class Item:
    """A question with the functions that are offered."""

    id: str
    category: str
    text: str
    """All that the user says, turn by turn."""
    functions: tuple[Json, ...]
    calls: tuple[tuple[str, Json], ...] = ()
    """Accepted calls: the function, and of each argument the accepted values."""

    @property
    def catalogue(self) -> Catalogue:
        """The functions as operations."""
        return catalogue_for(self.functions, in_code=self.category in IN_CODE)


def load_items(wheel: ZipFile, category: str) -> Iterator[Item]:
    """Gives the items of a category, with accepted calls where it has some.

    Raises:
        InputError: the archive has no such category.
    """
    gold = {row["id"]: row["ground_truth"] for row in rows(wheel, f"possible_answer/BFCL_v4_{category}.json")}
    for row in rows(wheel, f"BFCL_v4_{category}.json", needed=True):
        calls = tuple((name, given) for call in gold.get(row["id"], ()) for name, given in call.items())
        yield Item(
            id=row["id"],
            category=category,
            text="\n".join(said(turn) for turn in row["question"]),
            functions=tuple(row["function"]),
            calls=calls,
        )


def rows(wheel: ZipFile, path: str, *, needed: bool = False) -> list[Json]:
    """Gives the lines of one of the suite's files; none where it does not exist and is not needed.

    Raises:
        InputError: it is needed and not there.
    """
    try:
        text = wheel.read(f"bfcl_eval/data/{path}").decode()
    except KeyError as error:
        if needed:
            raise InputError(f"the archive holds no {path!r}: it is not the bfcl-eval wheel") from error
        return []
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def said(turn: Sequence[Json]) -> str:
    """Gives what the user says in a turn."""
    return "\n".join(str(message["content"]) for message in turn if message["role"] == "user")


# --------------------------------------------------------------------------------- operations


def word_of(name: str) -> str:
    """Gives a function's name as that of an operation: `math.factorial` is `math_factorial`."""
    word = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return word if word[:1].isalpha() else f"f_{word}"


def catalogue_for(functions: Sequence[Json], *, in_code: bool = False) -> Catalogue:
    """Gives functions as operations; of two with one name the first. They are never called."""
    distinct = {word_of(function["name"]): function for function in reversed(functions)}
    return catalogue_of(TOOL, (_spec(word, function, in_code=in_code) for word, function in sorted(distinct.items())))


def _spec(word: str, function: Json, *, in_code: bool) -> ToolSpec:
    schema = schema_of(function["parameters"], in_code=in_code)
    output = function.get("response")
    return ToolSpec(
        tool_name=TOOL,
        operation=word,
        description=str(function["description"])[:4_000],
        input_schema={**schema, "type": "object", "additionalProperties": False},
        output_schema={**(schema_of(output) if output else {}), "type": "object"},
        effect="read",
        binding=PythonBinding(callable="benchmarks.taskbench_data:never_run"),
    )


def schema_of(part: Json, *, in_code: bool = False) -> Json:
    """Gives the suite's description of an argument as JSON Schema.

    What is optional with the default null may be null. Allowed values of a list are those of its items.
    With `in_code`, everything may be a text as well.
    """
    kind = _TYPES.get(str(part.get("type", "")))
    found: Json = {key: part[key] for key in _BOUNDS if key in part}
    if kind is not None:
        found["type"] = kind
    if kind == "object" and part.get("properties"):
        found["properties"] = {name: schema_of(inner, in_code=in_code) for name, inner in part["properties"].items()}
        found["required"] = [name for name in part.get("required", ()) if name in part["properties"]]
        found["additionalProperties"] = False
    elif kind == "object" and isinstance(part.get("additionalProperties"), dict):
        found["additionalProperties"] = schema_of(part["additionalProperties"], in_code=in_code)
    if kind == "array" and isinstance(part.get("items"), dict):
        found["items"] = schema_of(part["items"], in_code=in_code)
    if isinstance(part.get("enum"), list):
        _allow(found, list(part["enum"]), kind)
    if in_code and kind not in (None, "string") and "properties" not in part:
        found["type"] = [kind, "string"]
    return _or_null(found) if "default" in part and part["default"] is None else found


def _allow(schema: Json, values: list[Any], kind: str | None) -> None:
    if kind == "array" and not all(isinstance(value, list) for value in values):
        schema["items"] = {**schema.get("items", {}), "enum": values}
    else:
        schema["enum"] = values


def _or_null(schema: Json) -> Json:
    found = dict(schema)
    if "type" in found:
        kinds = found["type"]
        found["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
    if "enum" in found and None not in found["enum"]:
        found["enum"] = [*found["enum"], None]
    return found


# ------------------------------------------------------------------------------ accepted values


def accepted(values: Sequence[Any], *, required: bool) -> list[Any]:
    """Gives the values that an argument may have, in the suite's order; at most 64.

    An empty text among those of a required argument is a value like others.
    """
    kept = [value for value in values if required or value != ""]
    return [found for value in kept for found in islice(_written_out(value), _MOST)][:_MOST]


def may_be_left_out(values: Sequence[Any]) -> bool:
    """Whether an argument may be left out."""
    return "" in values


def _written_out(value: Any) -> Iterator[Any]:
    """Gives what an accepted value stands for: inside objects, lists are lists of accepted values."""
    if isinstance(value, dict):
        yield from _objects(cast("dict[str, list[Any]]", value))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in cast("list[Any]", value)):
        yield from _lists(cast("list[Any]", value))
    else:
        yield value


def _objects(value: dict[str, list[Any]]) -> Iterator[Json]:
    """Gives the first accepted value of each member, then each further one in its turn."""
    options = {name: _options(listed) for name, listed in value.items()}
    first = {name: found[0] for name, found in options.items() if found}
    yield first
    for name, found in options.items():
        yield from ({**first, name: other} for other in found[1:])


def _options(listed: Any) -> list[Any]:
    if not isinstance(listed, list):
        return [listed]
    return [found for item in cast("list[Any]", listed) if item != "" for found in islice(_written_out(item), _MOST)]


def _lists(value: list[Any]) -> Iterator[list[Any]]:
    options = [list(islice(_written_out(item), _MOST)) for item in value]
    for number in range(max(map(len, options), default=0)):
        yield [found[min(number, len(found) - 1)] for found in options]


# --------------------------------------------------------------------------- independent reading


def contradictions(item: Item) -> Iterator[str]:
    """Gives where an item's accepted calls contradict the functions that it offers, read without our schemas."""
    for name, given in item.calls:
        parameters = next(one for one in item.functions if one["name"] == name)["parameters"]
        required = set(parameters.get("required", ()))
        for argument in required - given.keys():
            yield f"{name} {argument}: required, and no value is accepted"
        for argument, values in given.items():
            part = parameters["properties"].get(argument)
            listed = accepted(values, required=argument in required)
            if part is None:
                yield f"{name} {argument}: not an argument"
            elif not listed and argument in required:
                yield f"{name} {argument}: required, and no value is accepted"
            elif listed and not may_be_left_out(values) and not any(_is_of(value, part) for value in listed):
                yield f"{name} {argument}: no accepted value is of its type and among its values"


_PYTHON: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def _is_of(value: Any, part: Json) -> bool:
    kind = _TYPES.get(str(part.get("type", "")))
    if kind is None or (value is None and part.get("default", "") is None):
        return True
    if not isinstance(value, _PYTHON[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return False
    if isinstance(value, list):
        items = part.get("items", {})
        return all(_is_of(item, items) and item in part.get("enum", [item]) for item in cast("list[Any]", value))
    if isinstance(value, dict) and part.get("properties"):
        members = cast("Json", value)
        known: dict[str, Json] = part["properties"]
        complete = members.keys() >= set(part.get("required", ())) and members.keys() <= known.keys()
        return complete and all(_is_of(inner, known[name]) for name, inner in members.items())
    return value in part.get("enum", [value])
