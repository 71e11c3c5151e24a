"""Blocks: steps that run under a condition, per item, repeatedly or optionally, at every level of checks."""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.finding import Finding, Report
from dagwright.policy import Policy
from dagwright.program import Program
from dagwright.tool import PythonBinding, ToolSpec
from validation import CODES, certify, repair, validate, widened
from validation.patch import patched
from validation.rules import View, rule

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
ROW: Json = {
    "type": "object",
    "properties": {"id": TEXT, "note": TEXT},
    "required": ["id", "note"],
    "additionalProperties": False,
}
UNTRUSTED, TRUSTED = {"integrity": "untrusted"}, {"integrity": "trusted"}


def closed(properties: Json, optional: tuple[str, ...] = ()) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def spec(name: str, inputs: Json, outputs: Json, effect: str = "read", **more: Any) -> ToolSpec:
    tool, operation = name.split(".")
    optional = tuple(name for name, schema in inputs.items() if "null" in schema.get("type", ()))
    return ToolSpec.model_validate(
        {
            "tool_name": tool,
            "operation": operation,
            "description": name,
            "input_schema": closed(inputs, optional),
            "output_schema": closed(outputs),
            "effect": effect,
            "cost": {"low": 1, "high": 2},
            "latency": {"low": 1, "high": 2},
            "binding": PythonBinding(callable="some:where"),
            **more,
        }
    )


def rows(most: int | None = None, least: int = 0) -> Json:
    return {"type": "array", "items": ROW, "minItems": least} | ({} if most is None else {"maxItems": most})


OUTSIDE = [
    {"path": "", "label": UNTRUSTED},
    {"path": "/rows/*/id", "label": TRUSTED},
    {"path": "/id", "label": TRUSTED},
]
LISTS: Catalogue = catalogue_of(
    "lists",
    (
        spec("list.few", {}, {"rows": rows(5)}),
        spec("list.some", {}, {"rows": rows(5, 2)}),
        spec("list.any", {}, {"rows": rows()}),
        spec("list.foreign", {}, {"rows": rows(5)}, output_labels=OUTSIDE),
        spec("one.get", {"id": TEXT}, {"value": NUMBER, "name": TEXT}),
        spec("one.foreign", {}, {"id": TEXT, "note": TEXT, "ready": {"type": "boolean"}}, output_labels=OUTSIDE),
        spec("one.told", {}, {"state": {"type": "string", "enum": ["ready", "waiting"]}, "count": {"type": "integer"}}),
        spec("sum.all", {"values": {"type": "array", "items": NUMBER}}, {"total": NUMBER}),
        spec("sum.maybe", {"value": {"type": ["number", "null"]}}, {"total": NUMBER}),
        spec("sum.one", {"value": NUMBER}, {"total": NUMBER}),
        spec("file.write", {"path": TEXT}, {"path": TEXT}, "write", writes=["file:{path}"], roles={"path": "sink"}),
        spec("mail.send", {"to": TEXT}, {"sent": {"type": "boolean"}}, "external", roles={"to": "sink"}),
        spec("mail.drop", {"ids": {"type": "array", "items": TEXT}}, {}, "external", roles={"ids": "sink"}),
    ),
)
ALLOWED = {"read": "allow", "write": "allow", "external": "allow", "irreversible": "allow"}
FREE = Policy.model_validate({"name": "p", "defaults": ALLOWED})


def ref(step: str, path: str = "") -> Json:
    return {"from": step, "path": path}


def lit(value: Any) -> Json:
    return {"literal": value}


def either(*values: Json) -> Json:
    return {"coalesce": list(values)}


def step(step_id: str, called: str, **inputs: Json) -> Json:
    tool, _, operation = called.partition(".")
    intent = {"tool_name": tool, "operation": operation, "required_inputs": inputs}
    return {"step_id": step_id, "action": "x", "tool_intent": intent}


def task(name: str, *steps: Json, after: tuple[str, ...] = (), **control: Any) -> tuple[Json, Json]:
    """A task with its decomposition; keywords are what surrounds it."""
    node = {"task_id": name, "description": "x", "dependencies": list(after)}
    return node, {"task_id": name, "steps": list(steps), **({"control": control} if control else {})}


def each(items: Json, at_most: int | None = 5, name: str = "row") -> Json:
    return {"name": name, "items": items} | ({} if at_most is None else {"at_most": at_most})


def holds(value: Json, op: str = "equals", to: Any = True) -> Json:
    return {"value": value, "op": op, "to": to}


def proposal(*tasks: tuple[Json, Json], **answer: Json) -> Json:
    return {
        "goal": {"goal_id": "g", "text": "x"},
        "plan": {"dag_id": "d", "nodes": [node for node, _ in tasks]},
        "decompositions": [group for _, group in tasks],
        "answer": answer,
    }


def judged(data: Json, policy: Policy = FREE) -> Report:
    return validate(data, catalogue=LISTS, policy=policy, workers=frozenset(("python",)))


def proven(data: Json, policy: Policy = FREE) -> Program:
    return certify(data, catalogue=LISTS, policy=policy, workers=frozenset(("python",)))


def codes(report: Report) -> list[str]:
    return [f"{item.code} {item.path}" for item in report.findings]


LIST = task("list", step("l", "list.few"))
LOOP = task("loop", step("g", "one.get", id=ref("row", "/item/id")), after=("list",), each=each(ref("l", "/rows")))
TOTAL = task("total", step("s", "sum.all", values=ref("g", "/items/*/value")), after=("loop",))
GOOD = proposal(LIST, LOOP, TOTAL, total=ref("s", "/total"))
"""Per item of a list a look-up; then their sum."""


@dataclass(frozen=True)
class Case:
    id: str
    proposal: Json
    found: tuple[str, ...] = ()
    """Code and place of each finding, in their order."""
    policy: Policy = FREE


def looped(*more: tuple[Json, Json], items: Json | None = None, at_most: int | None = 5, **control: Any) -> Json:
    """The list, then a loop over it, then further tasks."""
    loop = task(
        "loop",
        step("g", "one.get", id=ref("row", "/item/id")),
        after=("list",),
        each=each(items or ref("l", "/rows"), at_most),
        **control,
    )
    return proposal(LIST, loop, *more, values=ref("g", "/items"))


def conditional(*more: tuple[Json, Json], answer: Json | None = None, **control: Any) -> Json:
    """A question, then a task that depends on its answer, then further tasks."""
    asked = task("ask", step("q", "one.told"))
    done = task("do", step("g", "one.get", id=lit("7")), after=("ask",), **control)
    return proposal(asked, done, *more, value=answer or either(ref("g", "/value"), lit(None)))


READY = holds(ref("q", "/state"), "equals", "ready")
WHEN: Json = {"when": [READY]}
SUM = "/decompositions/2/steps/0/tool_intent/required_inputs"


def used(called: str, after: str = "do", **inputs: Json) -> tuple[Json, Json]:
    return task("use", step("s", called, **inputs), after=(after,))


def changed(data: Json, path: str, value: Any) -> Json:
    found = deepcopy(data)
    parent, _, name = path.rpartition("/")
    target: Any = found
    for token in parent.split("/")[1:]:
        target = target[int(token)] if isinstance(target, list) else target[token]
    target[name] = value
    return found


CASES = (
    Case("per item, then together", GOOD),
    Case("under a condition", conditional(**WHEN)),
    Case("optional", conditional(optional=True)),
    Case(
        "until something holds",
        proposal(
            task("poll", step("q", "one.told"), repeat={"until": [READY], "at_most": 9, "wait": 5}),
            n=ref("q", "/count"),
        ),
    ),
    # -------------------------------------------------------------------------------- form
    Case(
        "the item is called as a step is",
        looped(task("other", step("row", "list.few")), items=ref("l", "/rows")),
        ("S105 /decompositions/2/steps/0",),
    ),
    Case(
        "two loops call their items the same",
        looped(
            task(
                "again", step("h", "one.get", id=ref("row", "/item/id")), after=("list",), each=each(ref("l", "/rows"))
            )
        ),
        (
            "S105 /decompositions/2/control/each",
            "D305 /decompositions/2/steps/0/tool_intent/required_inputs/id",
        ),
    ),
    Case(
        "both per item and repeatedly",
        looped(repeat={"until": [holds(ref("g", "/value"), "greater", 1)], "at_most": 2}),
        ("S101 /decompositions/1/control",),
    ),
    # ------------------------------------------------------------------------------- scope
    Case(
        "an item outside its loop",
        looped(used("one.get", "loop", id=ref("row", "/item/id"))),
        ("D305 /decompositions/2/steps/0/tool_intent/required_inputs/id",),
    ),
    Case(
        "an item in the answer",
        GOOD | {"answer": {"x": ref("row", "/item"), "t": ref("s", "/total")}},
        ("D305 /answer/x",),
    ),
    Case(
        "a condition over its own block",
        conditional(when=[holds(ref("g", "/value"), "greater", 1)]),
        ("D305 /decompositions/1/control/when/0/value",),
    ),
    Case(
        "a list of its own block",
        looped(items=ref("g", "/name")),
        (
            "D305 /decompositions/1/control/each/items",
            "D307 /decompositions/1/control/each/items",
        ),
    ),
    Case("a list of itself", looped(items=ref("row", "/item")), ("D305 /decompositions/1/control/each/items",)),
    Case(
        "one pass used as if there were no more",
        changed(GOOD, f"{SUM}/values", ref("g", "/value")),
        (f"D306 {SUM}/values",),
    ),
    Case(
        "the same in the answer",
        GOOD | {"answer": {"x": ref("g", "/value"), "t": ref("s", "/total")}},
        ("D306 /answer/x",),
    ),
    Case("what no pass has", changed(GOOD, f"{SUM}/values", ref("g", "/colour")), (f"D306 {SUM}/values",)),
    Case(
        "all passes where one value is wanted",
        looped(used("sum.one", "loop", value=ref("g", "/items/*/value"))),
        (f"D307 {SUM}/value",),
    ),
    # ---------------------------------------------------------------------- what may not be there
    Case(
        "what may be skipped", conditional(used("sum.maybe", value=ref("g", "/value")), **WHEN), (f"D314 {SUM}/value",)
    ),
    Case(
        "what may fail", conditional(used("sum.one", value=ref("g", "/value")), optional=True), (f"D314 {SUM}/value",)
    ),
    Case("what may be skipped, in the answer", conditional(answer=ref("g", "/value"), **WHEN), ("D314 /answer/value",)),
    Case(
        "what may be skipped, inside the answer",
        conditional(answer={"object": {"x": ref("g", "/value")}}, **WHEN),
        ("D314 /answer/value/object/x",),
    ),
    Case(
        "only what may be skipped, after each other",
        conditional(answer=either(ref("g", "/value"), ref("g", "/name")), **WHEN),
        ("D314 /answer/value/coalesce/0", "D314 /answer/value/coalesce/1"),
    ),
    Case(
        "what is always there comes first",
        conditional(answer=either(lit(1), ref("g", "/value")), **WHEN),
        ("D314 /answer/value/coalesce/1",),
    ),
    Case(
        "a loop that may be skipped", looped(when=[holds(ref("l", "/rows"), "min_length", 1)]), ("D314 /answer/values",)
    ),
    Case("passes that may fail", looped(optional=True)),
    # -------------------------------------------------------------------------------- bounds
    Case("a loop without a bound", looped(at_most=None), ("R506 /decompositions/1/control/each",)),
    Case(
        "a loop with a bound above what policy allows",
        looped(at_most=5),
        ("R506 /decompositions/1/control/each/at_most",),
        FREE.model_copy(update={"budget": FREE.budget.model_copy(update={"max_passes": 4})}),
    ),
    Case(
        "a loop with a bound above what anybody allows",
        looped(at_most=1_001),
        ("R506 /decompositions/1/control/each/at_most",),
    ),
    Case(
        "a repetition without a bound",
        proposal(task("poll", step("q", "one.told"), repeat={"until": [READY]}), n=ref("q", "/count")),
        ("R506 /decompositions/0/control/repeat",),
    ),
    Case("a list that may be longer than the bound", looped(at_most=3), ("D308 /decompositions/1/control/each/items",)),
    Case(
        "a list that is longer than the bound",
        looped(items=lit([{"id": "1"}] * 6)),
        ("M205 /decompositions/1/control/each/items/literal",),
    ),
    Case(
        "no list",
        looped(items=ref("l")),
        ("D307 /decompositions/1/control/each/items", "D308 /decompositions/1/steps/0/tool_intent/required_inputs/id"),
    ),
    # ---------------------------------------------------------------------------- conditions
    Case(
        "a comparison with what it can't be",
        conditional(when=[holds(ref("q", "/count"), "equals", "7")]),
        ("M212 /decompositions/1/control/when/0",),
    ),
    Case(
        "an operator for other types",
        conditional(when=[holds(ref("q", "/count"), "min_length", 7)]),
        ("M212 /decompositions/1/control/when/0",),
    ),
    Case(
        "an operator with a value that it can't take",
        conditional(when=[holds(ref("q", "/state"), "one_of", 7)]),
        ("M212 /decompositions/1/control/when/0",),
    ),
    Case(
        "a word that is none of those that there can be",
        conditional(when=[holds(ref("q", "/state"), "equals", "done")]),
        ("M212 /decompositions/1/control/when/0",),
    ),
    Case(
        "a condition over nothing",
        conditional(when=[holds(ref("q", "/colour"))]),
        ("D306 /decompositions/1/control/when/0/value",),
    ),
    Case(
        "a secret in a comparison",
        conditional(when=[holds(ref("q", "/state"), "not_equals", "AKIAABCDEFGHIJKLMNOP")]),
        ("P410 /decompositions/1/control/when/0/to",),
    ),
    # ------------------------------------------------------------------------- resources, use
    Case(
        "all passes write one file",
        looped(
            task("w", step("f", "file.write", path=lit("a.txt")), after=("list",), each=each(ref("l", "/rows"), 5, "r"))
        ),
        ("D311 /decompositions/2/steps/0",),
    ),
    Case(
        "each pass writes a file of its own",
        looped(
            task(
                "w",
                step("f", "file.write", path=ref("r", "/item/id")),
                after=("list",),
                each=each(ref("l", "/rows"), 5, "r"),
            )
        ),
    ),
    Case(
        "a loop of at most one pass writes a file",
        looped(
            task("w", step("f", "file.write", path=lit("a.txt")), after=("list",), each=each(ref("l", "/rows"), 1, "r"))
        ),
        ("D308 /decompositions/2/control/each/items",),
    ),
    Case(
        "a loop whose result nobody uses",
        proposal(LIST, LOOP, x=ref("l", "/rows")),
        ("D309 /decompositions/1/steps/0",),
    ),
    # ------------------------------------------------------------------------------- policy
    Case(
        "policy denies all that it doesn't know",
        GOOD,
        (
            "P401 /decompositions/0/steps/0/tool_intent",
            "P401 /decompositions/1/steps/0/tool_intent",
            "P401 /decompositions/2/steps/0/tool_intent",
        ),
        Policy.model_validate({"name": "none", "rules": [{"tools": "*", "action": "deny"}]}),
    ),
)


BEARING = {code for code in CODES if code not in ("D309", "D310")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_is_found(case: Case) -> None:
    expected = {item[:4] for item in case.found}
    found = [item for item in codes(judged(case.proposal, case.policy)) if item[:4] in expected | BEARING]
    assert sorted(found) == sorted(case.found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_messages_speak_of_blocks_in_words(case: Case) -> None:
    for item in judged(case.proposal, case.policy).findings:
        assert "control." not in item.message
        assert not any(f"'{made}-" in item.message for made in ("when", "until", "all")), item.message


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_order_of_what_is_written_has_no_meaning(case: Case) -> None:
    if "S105" in str(case.found):
        pytest.skip("of two parts with one id, the one that stands first counts")
    turned = deepcopy(case.proposal)
    turned["plan"]["nodes"].reverse()
    turned["decompositions"].reverse()
    one, other = judged(case.proposal, case.policy), judged(turned, case.policy)
    assert sorted((f.code, f.step_id or "", f.message) for f in one.findings) == sorted(
        (f.code, f.step_id or "", f.message) for f in other.findings
    )


def told(report: Report) -> set[tuple[str, str]]:
    return {(item.code, item.message) for item in report.findings}


FIXED = {
    "one pass used as if there were no more",
    "the same in the answer",
    "what may be skipped",
    "a loop without a bound",
    "what may be skipped, in the answer",
    "what may be skipped, inside the answer",
    "a loop that may be skipped",
    "a loop with a bound above what anybody allows",
    "only what may be skipped, after each other",
    "what is always there comes first",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_fix_removes_its_finding_and_adds_none(case: Case) -> None:
    before = judged(case.proposal, case.policy)
    fixable = [item for item in before.findings if item.fix and item.code in ("D306", "D314", "R506")]
    assert bool(fixable) == (case.id in FIXED)
    for item in fixable:
        after = judged(patched(case.proposal, item.fix or ()), case.policy)
        assert (item.code, item.message) not in told(after)
        assert told(after) <= told(before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_repair_leaves_nothing_that_has_a_fix(case: Case) -> None:
    if case.id in FIXED:
        left = repair(case.proposal, catalogue=LISTS, policy=case.policy, workers=frozenset(("python",)))
        assert left.report.is_valid, left.report.findings


# ------------------------------------------------------------------------- what can't be read whole


@pytest.mark.parametrize(
    ("control", "places"),
    [
        (7, ["S101 /decompositions/1/control"]),
        ({"each": 7}, ["S101 /decompositions/1/control/each"]),
        ({"each": {**each(ref("l", "/rows")), "at_most": 0}}, ["S101 /decompositions/1/control/each/at_most"]),
        ({"each": {**each(ref("l", "/rows")), "at_most": "many"}}, ["S101 /decompositions/1/control/each/at_most"]),
        (
            {"each": {**each(ref("l", "/rows")), "name": "my row"}},
            [
                "S106 /decompositions/1/control/each/name",
                "D304 /decompositions/1/steps/0/tool_intent/required_inputs/id",
            ],
        ),
        ({"each": {"name": "row", "at_most": 5}}, ["S102 /decompositions/1/control/each/items"]),
        (
            {"each": {"name": "row", "items": {"form": "l"}, "at_most": 5}},
            ["S101 /decompositions/1/control/each/items"],
        ),
        ({"each": {"name": "row", "items": {"from": 7}}}, ["S101 /decompositions/1/control/each/items/from"]),
        ({"each": {**each(ref("l", "/rows")), "most": 5}}, ["S103 /decompositions/1/control/each/most"]),
        ({"each": each(ref("l", "/rows")), "loop": 1}, ["S103 /decompositions/1/control/loop"]),
        ({"each": each(ref("l", "/rows")), "optional": "perhaps"}, ["S101 /decompositions/1/control/optional"]),
        (
            {"each": each(ref("l", "/rows")), "when": [{"value": ref("l", "/rows"), "op": "is"}, {"op": "exists"}]},
            ["S101 /decompositions/1/control/when/0/op", "S102 /decompositions/1/control/when/1/value"],
        ),
        (
            {"each": each(either(ref("l", "/rows"), {"from": 7}))},
            ["S101 /decompositions/1/control/each/items/coalesce/1/from"],
        ),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_all_that_is_said(control: Any, places: list[str]) -> None:
    data = deepcopy(GOOD)
    data["decompositions"][1]["control"] = control
    if control == 7 or control.get("each") == 7:
        data["decompositions"][1]["steps"] = [step("g", "one.get", id=lit("7"))]
        data["decompositions"][2]["steps"] = [step("s", "sum.one", value=lit(1))]
    assert codes(judged(data)) == places


@pytest.mark.parametrize(
    "control",
    [
        {"repeat": {}},
        {"repeat": {"until": [], "at_most": 2}},
        {"repeat": {"until": [{"value": {"from": "g", "path": "/value"}, "op": "is"}], "at_most": 2}},
        {"repeat": {"until": 1, "wait": 10**9}},
        {"when": {}},
    ],
    ids=str,
)
def test_the_rest_of_a_block_is_judged_all_the_same(control: Json) -> None:
    data = deepcopy(GOOD)
    data["decompositions"][1]["control"] = control
    data["decompositions"][1]["steps"] = [step("g", "one.get", id=ref("l", "/colour"))]
    found = {item.code for item in judged(data).errors}
    assert "D306" in found
    assert found <= {"S101", "S102", "D306", "D307"}


BROKEN = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(("l", "g", "row", "/rows", "equals", "*")),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                (
                    "when",
                    "each",
                    "repeat",
                    "optional",
                    "until",
                    "value",
                    "op",
                    "to",
                    "name",
                    "items",
                    "at_most",
                    "wait",
                    "from",
                    "path",
                    "literal",
                    "coalesce",
                    "list",
                    "object",
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(BROKEN, st.sampled_from(("", "/each", "/each/items", "/when", "/repeat", "/repeat/until", "/each/at_most")))
@settings(max_examples=150, deadline=None)
def test_no_damage_to_a_block_crashes_the_validator(control: Any, place: str) -> None:
    data = deepcopy(GOOD)
    data["decompositions"][1]["control"] = {
        "when": [holds(ref("l", "/rows"), "min_length", 1)],
        "each": each(ref("l", "/rows")),
        "repeat": {"until": [holds(ref("g", "/value"), "greater", 1)], "at_most": 2},
    }
    data = changed(data, f"/decompositions/1/control{place}", control)
    report = judged(data)
    assert isinstance(report, Report)
    if report.is_valid:
        assert proven(data).certificate.validator


# ------------------------------------------------------------------------------------- information


def flowing(*tasks: tuple[Json, Json], policy: Policy = FREE, **answer: Json) -> list[tuple[str, str]]:
    report = judged(proposal(*tasks, **answer), policy)
    assert not [item for item in report.errors if item.code not in ("P404", "P405")], report.errors
    return [(item.code, item.message.split(";")[0]) for item in report.findings if item.code in ("P404", "P405")]


FOREIGN = task("f", step("o", "one.foreign"))
ROWS = task("list", step("l", "list.foreign"))
SEND = step("m", "mail.send", to=lit("me"))
FLOWS: dict[str, tuple[list[tuple[Json, Json]], list[str]]] = {
    "whether an effect is brought about": (
        [FOREIGN, task("b", SEND, after=("f",), when=[holds(ref("o", "/ready"))])],
        ["decide whether step 'm' calls 'mail.send' (effect 'external')"],
    ),
    "whether something is only read": (
        [FOREIGN, task("b", step("g", "one.get", id=lit("1")), after=("f",), when=[holds(ref("o", "/ready"))])],
        [],
    ),
    "whether, by what the system assigned": (
        [FOREIGN, task("b", SEND, after=("f",), when=[holds(ref("o", "/id"), "equals", "7")])],
        [],
    ),
    "how often": (
        [task("b", step("o", "one.foreign"), SEND, repeat={"until": [holds(ref("o", "/ready"))], "at_most": 3})],
        ["decide how often step 'm' calls 'mail.send' (effect 'external')"],
    ),
    "for which items": (
        [ROWS, task("b", SEND, after=("list",), each=each(ref("l", "/rows")))],
        ["decide for which items step 'm' calls 'mail.send' (effect 'external')"],
    ),
    "for which trusted fields of items": (
        [
            ROWS,
            task(
                "b", step("m", "mail.send", to=ref("row", "/item")), after=("list",), each=each(ref("l", "/rows/*/id"))
            ),
        ],
        [],
    ),
    "fields of an item have labels of their own": (
        [
            ROWS,
            task(
                "b",
                step("m", "one.get", id=ref("row", "/item/note")),
                step("n", "one.get", id=ref("row", "/item/id")),
                after=("list",),
                each=each(ref("l", "/rows")),
            ),
            task("c", step("x", "mail.drop", ids=ref("m", "/items/*/name")), after=("b",)),
            task("d", step("y", "mail.drop", ids=ref("n", "/items/*/name")), after=("b",)),
        ],
        ["reach sink argument 'ids' of 'mail.drop' (effect 'external')"],
    ),
    "what was read under a condition tells about it": (
        [
            FOREIGN,
            task("b", step("g", "one.get", id=lit("1")), after=("f",), when=[holds(ref("o", "/ready"))]),
            task("c", step("x", "mail.send", to=either(ref("g", "/name"), lit("me"))), after=("b",)),
        ],
        ["reach sink argument 'to' of 'mail.send' (effect 'external')"],
    ),
    "what was repeated tells what ended it": (
        [
            task(
                "b",
                step("o", "one.foreign"),
                step("g", "one.get", id=lit("1")),
                repeat={"until": [holds(ref("o", "/ready"))], "at_most": 3},
            ),
            task("c", step("x", "mail.send", to=ref("g", "/name")), after=("b",)),
        ],
        ["reach sink argument 'to' of 'mail.send' (effect 'external')"],
    ),
    "what was optional tells what failed": (
        [
            task("b", step("g", "one.get", id=lit("1")), step("o", "one.foreign"), optional=True),
            task("c", step("x", "mail.send", to=either(ref("g", "/name"), lit("me"))), after=("b",)),
        ],
        ["reach sink argument 'to' of 'mail.send' (effect 'external')"],
    ),
    "a loop over what the plan filtered by foreign words": (
        [
            ROWS,
            task("b", step("g", "one.get", id=lit("1")), after=("list",), each=each(ref("l", "/rows/*/note"))),
            task("c", step("x", "mail.drop", ids=ref("g", "/items/*/name")), after=("b",)),
        ],
        ["reach sink argument 'ids' of 'mail.drop' (effect 'external')"],
    ),
}


@pytest.mark.parametrize("name", FLOWS)
def test_what_decides_about_an_effect_is_control_of_it(name: str) -> None:
    tasks, wanted = FLOWS[name]
    found = flowing(*reversed(tasks))
    assert [message.partition("would ")[2].partition(":")[0] for _, message in found] == wanted


def test_the_way_leads_through_a_loop_in_words() -> None:
    tasks, _ = FLOWS["fields of an item have labels of their own"]
    (found,) = [item for item in judged(proposal(*tasks)).errors if item.code == "P404"]
    assert "step 'l' (list.foreign)/rows/*/note" in found.message
    assert "all passes of step 'm'/items/*/name" in found.message
    assert [item["step"] for item in found.evidence["way"]] == ["l", "row", "m", "all-m", "x"]  # type: ignore[index,union-attr,call-overload]


def test_what_is_confidential_may_not_decide_either() -> None:
    secret = [{"path": "", "label": {"integrity": "trusted", "confidentiality": "secret"}}]
    lists = LISTS.by_name | {"one.told": spec("one.told", {}, {"state": TEXT}, output_labels=secret)}
    data = proposal(task("f", step("q", "one.told")), task("b", SEND, after=("f",), when=[READY]))
    found = validate(data, catalogue=catalogue_of("l", lists.values()), policy=FREE, workers=frozenset(("python",)))
    assert [item.code for item in found.errors] == ["P405"]


def test_a_rule_over_one_operation_decides_about_its_blocks() -> None:
    tasks, _ = FLOWS["whether an effect is brought about"]
    ask = {"tools": "mail.*", "roles": ["control"], "integrity": ["untrusted"], "action": "ask"}
    asked = judged(proposal(*tasks), FREE.model_validate({**FREE.model_dump(), "flows": [ask]}))
    assert [(item.code, item.step_id, item.needs_approval) for item in asked.findings] == [("P404", "when-b", True)]
    other = judged(proposal(*tasks), FREE.model_validate({**FREE.model_dump(), "flows": [{**ask, "tools": "file.*"}]}))
    assert other.findings == ()


# -------------------------------------------------------------------------- certificates, authority


def test_a_program_has_what_controls_its_blocks_as_steps() -> None:
    data = looped(
        task(
            "more",
            step("h", "one.get", id=lit("1")),
            after=("loop",),
            when=[holds(ref("g", "/items"), "min_length", 1)],
            repeat={"until": [holds(ref("h", "/value"), "greater", 1)], "at_most": 3},
        )
    )
    data["answer"]["h"] = either(ref("h", "/value"), lit(None))
    program = proven(data)
    assert [item.step.step_id for item in program.steps] == ["l", "row", "g", "all-g", "when-more", "h", "until-more"]
    assert [item.after for item in program.steps] == [(), ("l",), ("row",), ("g",), ("all-g",), ("when-more",), ("h",)]
    assert [(item.times.low, item.times.high) for item in program.steps if item.step.step_id in "lgh"] == [
        (1, 1),
        (0, 5),
        (0, 3),
    ]
    assert [tool.name for tool in program.catalogue.tools] == ["list.few", "one.get"]
    assert program.by_id["g"].step.tool_intent.required_inputs["id"].from_ == "row"  # type: ignore[union-attr]


def test_an_item_that_may_be_one_too_many_is_checked_at_run_time() -> None:
    assert proven(looped(at_most=3)).by_id["row"].runtime_checks == ("items",)
    assert proven(looped(at_most=5)).by_id["row"].runtime_checks == ()


def test_a_catalogue_cannot_pass_an_operation_off_as_control() -> None:
    fake = spec("list.few", {}, {"rows": rows(5)}).model_copy(update={"binding": _control()})
    data = proposal(task("a", step("l", "list.few")), x=ref("l", "/rows"))
    found = validate(data, catalogue=catalogue_of("l", [fake]), policy=FREE, workers=frozenset(("python",)))
    assert [item.code for item in found.errors] == ["R507"]


def _control() -> Any:
    from dagwright.tool import ControlBinding

    return ControlBinding(decides="when")


def test_a_person_is_told_how_often_at_most() -> None:
    asking = FREE.model_copy(update={"defaults": {**FREE.defaults, "external": "ask"}})
    data = proposal(
        LIST,
        task("b", step("m", "mail.send", to=ref("row", "/item/id")), after=("list",), each=each(ref("l", "/rows"), 9)),
    )
    (found,) = [item for item in judged(data, asking).findings if item.needs_approval]
    assert found.message.endswith("calls 'mail.send', up to 5 times (once per item of 'row')")


def mailing(**control: Any) -> Json:
    return proposal(LIST, task("b", SEND, after=("list",), **control), x=ref("l", "/rows"))


ENOUGH, MORE = holds(ref("l", "/rows"), "min_length", 1), holds(ref("l", "/rows"), "min_length", 2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({}, {}, None),
        ({"each": each(lit([1, 2]))}, {"each": each(lit([1, 2]))}, None),
        ({"each": each(lit([1, 2, 3]))}, {"each": each(lit([1, 2]))}, None),
        ({"each": each(lit([1, 2]))}, {"each": each(lit([1, 2, 3]))}, "more often"),
        ({}, {"each": each(lit([1, 2]))}, "more often"),
        ({"each": each(ref("l", "/rows"), 2)}, {"each": each(ref("l", "/rows"), 3)}, "more often"),
        ({"repeat": {"until": [MORE], "at_most": 2}}, {"repeat": {"until": [MORE], "at_most": 3}}, "more often"),
        ({"repeat": {"until": [MORE], "at_most": 3}}, {"repeat": {"until": [MORE], "at_most": 2}}, None),
        ({"when": [ENOUGH]}, {}, "conditions of the plan before"),
        ({"when": [ENOUGH]}, {"when": [MORE]}, "conditions of the plan before"),
        ({"when": [ENOUGH]}, {"when": [MORE, ENOUGH]}, None),
        ({}, {"when": [ENOUGH]}, None),
        ({}, {"optional": True}, None),
    ],
    ids=str,
)
def test_more_passes_and_fewer_conditions_are_more_authority(old: Json, new: Json, said: str | None) -> None:
    found = [item.message for item in widened(proven(mailing(**old)), proven(mailing(**new)))]
    found = [message for message in found if "US dollars" not in message]
    assert (said is None and not found) or (said is not None and len(found) == 1 and said in found[0]), found


def test_going_on_to_an_effect_after_a_failure_is_more_authority() -> None:
    def plan(**control: Any) -> Program:
        look = task("a", step("g", "one.get", id=lit("1")), **control)
        return proven(proposal(look, task("b", SEND, after=("a",)), x=either(ref("g", "/value"), lit(None))))

    assert widened(plan(), plan()) == ()
    assert widened(plan(optional=True), plan()) == ()
    (found,) = widened(plan(), plan(optional=True))
    assert found.path == "/decompositions/0/control/optional"
    assert "goes on, up to step 'm', where task 'a' fails" in found.message


def test_a_rule_of_your_own_sees_blocks_as_they_are_written() -> None:
    @rule("X-LOOP001", title="loops", remedy="none", severity="info")
    def loops(view: View) -> list[Finding]:
        """Tells what it sees."""
        by_id = {item.step.step_id: item for item in view.steps}
        assert by_id["g"].control is not None
        assert by_id["s"].control is None
        assert by_id["s"].step.tool_intent.required_inputs["values"].from_ == "g"  # type: ignore[union-attr]
        assert view.comes_before(by_id["g"], by_id["s"])
        return [view.finding(item, "seen") for item in view.steps]

    found = validate(GOOD, catalogue=LISTS, policy=FREE, workers=frozenset(("python",)), rules=(loops,))
    assert [item.step_id for item in found.findings] == ["l", "g", "s"]


def test_the_hash_of_a_program_depends_on_its_blocks() -> None:
    one, same, other = proven(looped()), proven(deepcopy(looped())), proven(looped(optional=True))
    assert one.hash == same.hash
    assert one.hash != other.hash


@given(st.sampled_from([case for case in CASES if not case.found]), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_good_blocks_are_good_in_any_order(case: Case, random: random.Random) -> None:
    data = deepcopy(case.proposal)
    random.shuffle(data["plan"]["nodes"])
    random.shuffle(data["decompositions"])
    assert judged(data, case.policy).is_valid


# ------------------------------------------------------------------------------------- resources


@pytest.mark.parametrize(
    ("control", "limits", "wanted"),
    [
        ({"each": each(ref("l", "/rows"))}, {"max_calls": 6}, []),
        ({"each": each(ref("l", "/rows"))}, {"max_calls": 5}, ["R503 error the plan can make 6 calls"]),
        ({"each": each(lit(["1", "2"]))}, {"max_calls": 2}, ["R503 error the plan makes 3 calls"]),
        ({"each": each(ref("l", "/rows"))}, {"max_cost": 11}, ["R501 error the plan can cost 12 US dollars"]),
        ({"each": each(ref("l", "/rows"))}, {"deadline": 4}, []),
        (
            {"repeat": {"until": [holds(ref("g", "/value"), "greater", 1)], "at_most": 3, "wait": 10}},
            {"deadline": 27},
            ["R502 warning with all retries the plan can take 28 seconds"],
        ),
        ({"when": [ENOUGH]}, {"max_calls": 1}, ["R503 error the plan can make 2 calls"]),
    ],
    ids=str,
)
def test_a_block_takes_as_much_as_its_passes_may(control: Json, limits: Json, wanted: list[str]) -> None:
    data = proposal(LIST, task("b", step("g", "one.get", id=lit("1")), after=("list",), **control))
    data["goal"]["constraints"] = limits
    found = [item for item in judged(data).findings if item.level == "resource"]
    assert [f"{item.code} {item.severity} {item.message.partition(';')[0]}" for item in found] == wanted


@pytest.mark.parametrize(
    ("items", "takes", "severity"),
    [(lit(["1", "2", "3"]), 2, "error"), (ref("l", "/rows"), 4, "warning"), (ref("l", "/rows"), 5, None)],
    ids=str,
)
def test_passes_side_by_side_are_calls_at_a_time(items: Json, takes: int, severity: str | None) -> None:
    tools = LISTS.by_name | {"one.get": LISTS.by_name["one.get"].model_copy(update={"concurrency": takes})}
    data = proposal(LIST, task("b", step("g", "one.get", id=lit("1")), after=("list",), each=each(items)))
    data["answer"] = {"x": ref("g", "/items"), "y": ref("l", "/rows")}
    report = validate(data, catalogue=catalogue_of("l", tools.values()), policy=FREE, workers=frozenset(("python",)))
    assert [(item.code, item.severity) for item in report.findings if item.code == "R504"] == (
        [("R504", severity)] if severity else []
    )
