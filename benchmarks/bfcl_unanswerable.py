"""BFCL's items in which no call should be made: what of that schema and goal allow to be known.

- `miss_func`: the function that is needed is withheld. Its gold call is proposed without it.
- `miss_param`: the user has not yet said a value. The gold call is proposed without that argument.
- `irrelevance`: no offered function serves. Each is proposed with all that the goal's words can give:
  texts always, numbers and allowed values only where the goal holds some.

A call whose arguments are invented but fit the schema can't be told from a good one by its form; those
items are counted as not knowable.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast
from zipfile import ZipFile

from benchmarks.bfcl_data import TOOL, catalogue_for, rows, said, schema_of, word_of
from benchmarks.mutation.operator import Json
from benchmarks.proposals import Call, arguments, proposal_of
from benchmarks.suite import Record
from dagwright.catalogue import Catalogue
from dagwright.finding import Report
from dagwright.policy import DEFAULT_POLICY

WORKERS = frozenset(("python",))
_NUMBER = re.compile(
    r"\d|\b(zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|half|hundred|thousand|million)\b",
    re.IGNORECASE,
)
_FILES = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}


def unanswerable(wheel: ZipFile, limit: int | None) -> Iterator[Record]:
    """Gives a record for each item in which no call should be made; `limit` holds for each category."""
    documents = {name: rows(wheel, f"multi_turn_func_doc/{file}.json", needed=True) for name, file in _FILES.items()}
    for category in ("irrelevance", "live_irrelevance"):
        for row in rows(wheel, f"BFCL_v4_{category}.json", needed=True)[:limit]:
            yield {"item": row["id"], "kind": "irrelevance", **_irrelevant(row)}
    for category, judge in (("miss_func", _withheld), ("miss_param", _unsaid)):
        path = f"BFCL_v4_multi_turn_{category}.json"
        gold = {row["id"]: row["ground_truth"] for row in rows(wheel, f"possible_answer/{path}", needed=True)}
        for row in rows(wheel, path, needed=True)[:limit]:
            functions = [function for name in row["involved_classes"] for function in documents[name]]
            yield {"item": row["id"], "kind": category, **judge(row, gold[row["id"]], functions)}


# ---------------------------------------------------------------------------------- irrelevance


def _irrelevant(row: Json) -> Record:
    text = "\n".join(said(turn) for turn in row["question"])
    catalogue = catalogue_for(row["function"])
    outcomes = [_proposed_at_best(function, text, catalogue) for function in row["function"]]
    knowable = bool(outcomes) and all(left_out for left_out, _ in outcomes)
    return {"knowable": knowable, "rejected": knowable and all(rejected for _, rejected in outcomes)}


def _proposed_at_best(function: Json, text: str, catalogue: Catalogue) -> tuple[bool, bool]:
    """Gives whether a required argument had to be left out, and whether the call is rejected."""
    schema = schema_of(function["parameters"])
    given: Json = {}
    required = list(schema.get("required", ()))
    for name in required:
        found = taken_from(text, schema["properties"][name])
        if found is not None:
            given[name] = found
    report = _judged(word_of(function["name"]), given, text, catalogue)
    return len(given) < len(required), not report.is_valid


def taken_from(text: str, schema: Json) -> Any:
    """Gives a value that the goal's words can give for a schema; None where they can't."""
    if isinstance(schema.get("enum"), list):
        return next((value for value in schema["enum"] if str(value).lower() in text.lower()), None)
    kinds: Any = schema.get("type")
    kind = str(kinds if isinstance(kinds, str) else (kinds or [""])[0])
    if kind in ("integer", "number"):
        return _number(text, schema)
    if kind == "array":
        item = taken_from(text, cast("Json", schema.get("items", {})))
        return None if item is None else [item] * max(int(schema.get("minItems", 1)), 1)
    if kind == "object":
        members = {name: taken_from(text, schema["properties"][name]) for name in schema.get("required", ())}
        return None if None in members.values() else members
    return True if kind == "boolean" else text[:200] or "text"


def _number(text: str, schema: Json) -> int | None:
    if not _NUMBER.search(text):
        return None
    return int(max(schema.get("minimum", 1), min(1, schema.get("maximum", 1))))


# --------------------------------------------------------------------------------- several turns


def _withheld(row: Json, gold: Sequence[Sequence[str]], functions: Sequence[Json]) -> Record:
    """Proposes the first gold call of a withheld function while it is withheld."""
    missing = {name for names in row["missed_function"].values() for name in _names(names)}
    calls = [call for turn in gold for call in turn if call.partition("(")[0] in missing]
    if not calls:
        return {"knowable": False, "rejected": False}
    name, given = read_call(calls[0], functions)
    offered = [function for function in functions if function["name"] not in missing]
    report = _judged(word_of(name), given, "Do it.", catalogue_for(offered))
    return {"knowable": True, "rejected": not report.is_valid}


def _unsaid(row: Json, gold: Sequence[Sequence[str]], functions: Sequence[Json]) -> Record:
    """Proposes the gold call of the next turn without the arguments whose values the user says only then."""
    for number, turn in enumerate(gold[:-1]):
        if turn:
            continue
        before = "\n".join(said(one) for one in row["question"][: number + 1]).lower()
        after = said(row["question"][number + 1]).lower()
        for call in gold[number + 1]:
            name, given = read_call(call, functions)
            unsaid = [key for key, value in given.items() if _is_said(value, after) and not _is_said(value, before)]
            if unsaid:
                known = {key: value for key, value in given.items() if key not in unsaid}
                report = _judged(word_of(name), known, before, catalogue_for(functions))
                return {"knowable": not report.is_valid, "rejected": not report.is_valid}
    return {"knowable": False, "rejected": False}


def read_call(call: str, functions: Sequence[Json]) -> tuple[str, Json]:
    """Gives the name and the arguments of a call written in Python; arguments without names get theirs."""
    parsed = ast.parse(call, mode="eval").body
    assert isinstance(parsed, ast.Call)
    name = ast.unparse(parsed.func)
    function = next((one for one in functions if one["name"] == name), None)
    order = list(function["parameters"]["properties"]) if function else []
    given = {order[at] if at < len(order) else f"given{at}": ast.literal_eval(v) for at, v in enumerate(parsed.args)}
    return name, {**given, **{one.arg or "": ast.literal_eval(one.value) for one in parsed.keywords}}


def _is_said(value: Any, text: str) -> bool:
    return isinstance(value, str | int | float) and str(value).lower() in text


def _names(listed: Any) -> list[str]:
    return [str(name) for name in cast("list[Any]", listed)]


def _judged(operation: str, given: Json, text: str, catalogue: Catalogue) -> Report:
    from validation import validate

    call = Call(step_id="s1", operation=f"{TOOL}.{operation}", inputs=arguments(given))
    proposal = proposal_of("bfcl", text or "Do it.", [call])
    return validate(proposal, catalogue=catalogue, policy=DEFAULT_POLICY, workers=WORKERS)
