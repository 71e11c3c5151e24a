"""T2: no untrusted value reaches a control or sink input except through a named endorsement or an approval.

Stated as non-interference and tested as such: the same certified program is run twice, in two worlds that differ in
nothing but what untrusted sources say. A guarded input that is called in both runs must have the same value in both.
"""

from __future__ import annotations

from itertools import chain
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagwright.exceptions import ProposalRejected
from dagwright.label import TRUSTED as BOTTOM
from dagwright.policy import Policy
from dagwright.tool import ElementRule, SameRule, SelectRule

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "integer"}
UNTRUSTED, TRUSTED = {"integrity": "untrusted"}, {"integrity": "trusted"}
TABLE: Json = {"type": "array", "items": {"type": "object"}}
COLUMN: Json = {"type": "string", "x-column-of": "table"}
ROW: Json = {
    "type": "object",
    "properties": {"id": TEXT, "size": NUMBER, "note": TEXT},
    "required": ["id", "size", "note"],
    "additionalProperties": False,
}
MIXED = [
    {"path": "", "label": TRUSTED},
    {"path": "/rows/*/note", "label": UNTRUSTED},
]
POLICY = Policy.model_validate(
    {"name": "p", "defaults": dict.fromkeys(("read", "write", "external", "irreversible"), "allow")}
)


def catalogue(world: Any) -> Any:
    column = {"table": TABLE, "column": COLUMN}
    return world.catalogue(
        world.spec("web.read", {"about": TEXT}, {"value": TEXT}, output_labels=[{"path": "", "label": UNTRUSTED}]),
        world.spec("own.say", {}, {"value": TEXT}),
        world.spec("own.rows", {}, {"rows": {"type": "array", "items": ROW, "minItems": 2}}, output_labels=MIXED),
        world.spec("word.join", {"one": TEXT, "other": TEXT}, {"value": TEXT}),
        world.spec("table.sort", column, {"table": TABLE}, output_rules={"table": SameRule(of="table")}),
        world.spec("table.pick", {"table": TABLE, "columns": {"type": "array", "items": TEXT, "x-column-of": "table"}},
                   {"table": TABLE}, output_rules={"table": SelectRule(of="table", columns="columns")}),
        world.spec("table.first", column, {"value": {}},
                   output_rules={"value": ElementRule(of="table", column="column")}),
        world.spec("check.confirm", {"value": TEXT}, {"value": TEXT},
                   releases=[{"path": "/value", "integrity": "trusted"}]),
        world.spec("mail.send", {"to": {}, "body": {}}, {"receipt": TEXT}, "external", roles={"to": "sink"},
                   output_labels=[{"path": "", "label": TRUSTED}]),
        world.spec("disk.save", {"name": TEXT, "mode": TEXT}, {"value": TEXT}, "write",
                   roles={"name": "sink", "mode": "control"}),
    )  # fmt: skip


GUARDED = {"mail.send": ("to",), "disk.save": ("name", "mode")}
OPERATIONS = ("table.sort", "table.pick", "table.first", "table.first", "word.join", "web.read", "check.confirm",
              "mail.send", "disk.save")  # fmt: skip
FIRST = ("own.rows", "own.rows", "own.say", "word.join", "web.read", "check.confirm", "mail.send", "disk.save")
"""What is drawn where there is no table yet."""
GIVES = {"own.rows": "rows", "table.sort": "table", "table.pick": "table", "mail.send": "receipt"}


def drawn_steps(world: Any, random: Random) -> list[Json]:
    steps: list[Json] = []
    texts: list[Json] = [{"literal": "x"}]
    tables: list[Json] = []
    for number in range(random.randint(3, 8)):
        operation = random.choice(OPERATIONS if tables else FIRST)
        given: Json = {}
        for name in {"web.read": ("about",), "word.join": ("one", "other"), "check.confirm": ("value",),
                     "mail.send": ("to", "body"), "disk.save": ("name", "mode")}.get(operation, ()):  # fmt: skip
            given[name] = random.choice(texts)
        if operation.startswith("table."):
            given["table"] = random.choice(tables)
            column = random.choice(("id", "size", "note"))
            given |= (
                {"columns": {"literal": [*dict.fromkeys(("id", column))]}}
                if operation == "table.pick"
                else {"column": {"literal": column}}
            )
        name = f"s{number}"
        steps.append(world.step(name, operation, given))
        output = GIVES.get(operation, "value")
        if output in ("rows", "table"):
            tables.append({"from": name, "path": f"/{output}"})
            texts.append({"from": name, "path": f"/{output}/0/{random.choice(('id', 'note'))}"})
        elif operation != "own.say" or random.random() < 0.5:
            texts.extend([{"from": name, "path": f"/{output}"}] * 2)
    return steps


def told(outside: str) -> Any:
    """Gives the tools of a world: functions of their arguments, but for what comes from outside."""

    def tool(operation: str, given: Json) -> Json:
        table = given.get("table", [])
        if operation == "web.read":
            return {"value": f"{outside} about {given['about']}"}
        if operation == "own.say":
            return {"value": "own"}
        if operation == "own.rows":
            notes = ("z", "a") if outside == "one" else ("a", "z")
            return {"rows": [{"id": f"id{n}", "size": n, "note": note} for n, note in enumerate(notes)]}
        if operation == "word.join":
            return {"value": f"{given['one']}+{given['other']}"}
        if operation == "table.sort":
            return {"table": sorted(table, key=lambda row: str(row[given["column"]]))}
        if operation == "table.pick":
            return {"table": [{name: row[name] for name in given["columns"]} for row in table]}
        if operation == "table.first":
            return {"value": table[0][given["column"]]}
        if operation == "mail.send":
            return {"receipt": f"sent to {given['to']}"}
        return {"value": given.get("value", "saved")}

    return tool


def differing(world: Any, steps: list[Json]) -> tuple[set[str], int] | None:
    """Gives the guarded inputs that differ between two worlds, and how many were compared; None for a rejected plan.

    Nothing is approved.
    """
    try:
        program = world.certified(world.proposal(steps), catalogue(world), POLICY)
    except ProposalRejected:
        return None
    runs = [world.run(program, told(outside)) for outside in ("one", "two")]
    first, second = ({call.step: call for call in ran.calls if call.operation in GUARDED} for ran in runs)
    pairs = [
        (first[name], second[name], sink) for name in first.keys() & second for sink in GUARDED[first[name].operation]
    ]
    return {f"{one.step}.{sink}" for one, two, sink in pairs if one.arguments[sink] != two.arguments[sink]}, len(pairs)


def always(value: Any) -> Any:
    """Gives a function that gives the same, whatever it is asked."""

    def instead(*_: Any) -> Any:
        return value

    return instead


@given(st.integers(0, 2**32))
@settings(max_examples=120, deadline=None)
def test_guarded_inputs_are_the_same_whatever_untrusted_sources_say(world: Any, seed: int) -> None:
    found = differing(world, drawn_steps(world, Random(seed)))
    assert found is None or found[0] == set()


def test_the_drawn_plans_do_reach_guarded_inputs(world: Any) -> None:
    found = [differing(world, drawn_steps(world, Random(seed))) for seed in range(60)]
    assert sum(result is None for result in found) > 10, "some are rejected"
    assert sum(result[1] for result in found if result) > 20, "and many inputs are compared"


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(("validation.examination.flow_findings", always(())), id="flow rules"),
        pytest.param(("validation.labels._declared", always(BOTTOM)), id="declared labels"),
        pytest.param(("validation.labels.Labels.beside", always(BOTTOM)), id="what decides about rows"),
        pytest.param(("validation.flow._released", always(())), id="a question about each release"),
    ],
)  # fmt: skip
def test_without_a_rule_untrusted_sources_decide(world: Any, rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*rule)
    known = (witness(world, steps) for steps in WITNESSES)
    drawn = (drawn_steps(world, Random(seed)) for seed in range(400))
    assert any(found[0] for steps in chain(known, drawn) if (found := differing(world, steps)))


def witness(world: Any, steps: tuple[tuple[str, str, Json], ...]) -> list[Json]:
    return [world.step(*parts) for parts in steps]


def ref(step: str, path: str = "/value") -> Json:
    return {"from": step, "path": path}


LIT = {"literal": "x"}
WITNESSES: tuple[tuple[tuple[str, str, Json], ...], ...] = (
    (
        ("r", "own.rows", {}),
        ("s", "table.sort", {"table": ref("r", "/rows"), "column": {"literal": "note"}}),
        ("f", "table.first", {"table": ref("s", "/table"), "column": {"literal": "id"}}),
        ("m", "mail.send", {"to": ref("f"), "body": LIT}),
    ),
    (
        ("w", "web.read", {"about": LIT}),
        ("c", "check.confirm", {"value": ref("w")}),
        ("m", "mail.send", {"to": ref("c"), "body": LIT}),
    ),
)
"""An id that is first because of what untrusted notes say; a text that an endorsement makes trusted."""


def test_through_an_endorsement_that_a_person_approved_they_may_differ(world: Any) -> None:
    steps = witness(world, WITNESSES[1])
    assert differing(world, steps) == (set(), 0), "unapproved, the endorsement is not run"
    program = world.certified(world.proposal(steps), catalogue(world), POLICY)
    assert [item.step.step_id for item in program.steps if item.needs_approval] == ["c"]
    runs = [world.run(program, told(o), approvals={program.approval_digest("c")}) for o in ("one", "two")]
    assert len({ran.calls[-1].arguments["to"] for ran in runs}) == 2


# ------------------------------------------------------------------- flows beside references, and limits


def test_what_is_read_back_from_a_resource_is_untrusted_where_nothing_is_declared(world: Any) -> None:
    """A flow through the store has no reference: what an untrusted step wrote comes back as somebody's words."""
    tools = world.catalogue(
        world.spec("web.read", {}, {"value": TEXT}, output_labels=[{"path": "", "label": UNTRUSTED}]),
        world.spec("box.put", {"name": TEXT, "text": TEXT}, {}, "write", writes=("box:{name}",)),
        world.spec("box.get", {"name": TEXT}, {"value": TEXT}, reads=("box:{name}",)),
        world.spec("mail.send", {"to": TEXT}, {}, "external", roles={"to": "sink"}),
    )
    steps = [
        world.step("r", "web.read", {}),
        world.step("p", "box.put", {"name": LIT, "text": ref("r")}),
        world.step("g", "box.get", {"name": LIT}),
        world.step("m", "mail.send", {"to": ref("g")}),
    ]
    assert [item.code for item in world.judged(world.proposal(steps), tools, POLICY).errors] == ["P404"]


def test_declared_labels_hold_whatever_control_arguments_bring(world: Any) -> None:
    """A limit: an operation that declares labels vouches for them against its control and sink arguments."""
    tools = [
        world.spec("web.read", {}, {"value": TEXT}, output_labels=[{"path": "", "label": UNTRUSTED}]),
        world.spec("mail.send", {"to": TEXT}, {}, "external", roles={"to": "sink"}),
    ]
    steps = [
        world.step("r", "web.read", {}),
        world.step("g", "book.find", {"how": ref("r")}),
        world.step("m", "mail.send", {"to": ref("g")}),
    ]
    for role, codes in (("control", []), ("data", ["P404"])):
        labels = [{"path": "", "label": TRUSTED}]
        find = world.spec("book.find", {"how": TEXT}, {"value": TEXT}, roles={"how": role}, output_labels=labels)
        report = world.judged(world.proposal(steps), world.catalogue(*tools, find), POLICY)
        assert [item.code for item in report.errors] == codes


def test_whether_a_step_runs_may_depend_on_untrusted_data(world: Any) -> None:
    """A limit: a criterion over untrusted outputs ends the run or not, and what comes after it with it."""
    criterion = [{"path": "/value", "op": "equals", "value": "one about x"}]
    steps = [
        world.step("w", "web.read", {"about": LIT}, validation_criteria=criterion),
        world.step("m", "mail.send", {"to": {"literal": "me"}, "body": LIT}),
    ]
    program = world.certified(world.proposal(steps), catalogue(world), POLICY)
    assert [len(world.run(program, told(outside)).calls) for outside in ("one", "two")] == [2, 1]
