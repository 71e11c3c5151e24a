"""Each code of lint with an operation that has the flaw and one, nearly the same, that has not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dagwright.catalogue import Catalogue
from dagwright.label import FieldLabel, Label
from dagwright.tool import GroupRule, HttpBinding, PythonBinding, Retry, SameRule, ToolSpec
from executor.toolchest import load_pack, packs
from knowledge import import_openapi
from validation.codes import CODES
from validation.lint import LINT_CODES, lint
from validation.lint.schemas import FORMATS

TEXT: dict[str, Any] = {"type": "string"}
TRUSTED = Label(integrity="trusted")


def operation(**changes: Any) -> ToolSpec:
    plain: dict[str, Any] = {
        "tool_name": "shop",
        "operation": "orders",
        "description": "Lists what customers bought, the newest first.",
        "input_schema": {"type": "object", "properties": {"city": TEXT}},
        "output_schema": {"type": "object", "properties": {"rows": {"type": "array", "items": TEXT}}},
        "effect": "read",
        "binding": PythonBinding(callable="a.b:c"),
    }
    return ToolSpec(**{**plain, **changes})


def takes(**schema: Any) -> ToolSpec:
    return operation(input_schema={"type": "object", "properties": {"x": schema}})


def gives(**outputs: Any) -> ToolSpec:
    return operation(output_schema={"type": "object", "properties": outputs})


def http(method: str, **changes: Any) -> ToolSpec:
    binding = HttpBinding.model_validate({"method": method, "url": "https://shop.example/orders"})
    return operation(binding=binding, **changes)


CLOSED = {"type": "object", "additionalProperties": False}
SENDS: dict[str, Any] = {"effect": "external", "input_schema": {"type": "object", "properties": {"replyTo": TEXT}}}

CASES: dict[str, tuple[str, ToolSpec, ToolSpec, str]] = {
    "required but not allowed": (
        "L101",
        operation(input_schema={**CLOSED, "properties": {"a": TEXT}, "required": ["a", "b"]}),
        operation(input_schema={"type": "object", "properties": {"a": TEXT}, "required": ["a", "b"]}),
        "/tools/0/input_schema/required/1",
    ),
    "required and forbidden": (
        "L101",
        operation(output_schema={"type": "object", "properties": {"a": TEXT, "b": False}, "required": ["b"]}),
        operation(output_schema={"type": "object", "properties": {"a": TEXT, "b": True}, "required": ["b"]}),
        "/tools/0/output_schema/required/0",
    ),
    "enum outside its type": (
        "L102",
        takes(type="integer", enum=[1, "2"]),
        takes(type="integer", enum=[1, 2]),
        "/tools/0/input_schema/properties/x/enum/1",
    ),
    "enum outside its bounds": (
        "L102",
        takes(type="array", items={"enum": [5, 50], "maximum": 10}),
        takes(type="array", items={"enum": [5, 50], "maximum": 100}),
        "/tools/0/input_schema/properties/x/items/enum/1",
    ),
    "const outside its type": (
        "L102",
        takes(type="string", const=1),
        takes(type="integer", const=1),
        "/tools/0/input_schema/properties/x/const",
    ),
    "minimum above maximum": (
        "L103",
        takes(type="integer", minimum=3, maximum=2),
        takes(type="integer", minimum=2, maximum=2),
        "/tools/0/input_schema/properties/x/minimum",
    ),
    "nothing between exclusive bounds": (
        "L103",
        takes(type="number", exclusiveMinimum=2, maximum=2),
        takes(type="number", exclusiveMinimum=2, maximum=2.5),
        "/tools/0/input_schema/properties/x/exclusiveMinimum",
    ),
    "lengths that cross, in an alternative": (
        "L103",
        takes(anyOf=[{"type": "null"}, {"type": "string", "minLength": 5, "maxLength": 1}]),
        takes(anyOf=[{"type": "null"}, {"type": "string", "minLength": 1, "maxLength": 5}]),
        "/tools/0/input_schema/properties/x/anyOf/1/minLength",
    ),
    "default that doesn't fit": (
        "L104",
        takes(type="integer", maximum=10, default=20),
        takes(type="integer", maximum=10, default=10),
        "/tools/0/input_schema/properties/x/default",
    ),
    "default null": (
        "L104",
        takes(type="integer", default=None),
        takes(type="integer", default=None, nullable=True),
        "/tools/0/input_schema/properties/x/default",
    ),
    "pattern": (
        "L105",
        takes(type="string", pattern="^(a"),
        takes(type="string", pattern="^(a)"),
        "/tools/0/input_schema/properties/x/pattern",
    ),
    "format": (
        "L106",
        takes(type="string", format="colour"),
        takes(type="string", format="date"),
        "/tools/0/input_schema/properties/x/format",
    ),
    "reference": (
        "L107",
        operation(input_schema={"type": "object", "properties": {"x": {"$ref": "#/$defs/A"}}, "$defs": {"B": TEXT}}),
        operation(input_schema={"type": "object", "properties": {"x": {"$ref": "#/$defs/B"}}, "$defs": {"B": TEXT}}),
        "/tools/0/input_schema/properties/x/$ref",
    ),
    "no outputs": (
        "L201",
        operation(output_schema={"type": "object"}),
        operation(output_schema={"type": "object"}, effect="write"),
        "/tools/0/output_schema",
    ),
    "open output": (
        "L202",
        gives(rows={"description": "Rows."}),
        gives(rows=TEXT),
        "/tools/0/output_schema/properties/rows",
    ),
    "open output with a rule": (
        "L202",
        gives(rows={}),
        operation(
            input_schema={"type": "object", "properties": {"t": {"type": "array"}}},
            output_schema={"type": "object", "properties": {"rows": {}}},
            output_rules={"rows": SameRule(of="t")},
        ),
        "/tools/0/output_schema/properties/rows",
    ),
    "open argument": ("L203", takes(title="X"), takes(**{"x-value-of": "y"}), "/tools/0/input_schema/properties/x"),
    "name for a description": (
        "L204",
        http("POST", effect="external", description="POST /orders."),
        http("POST", effect="external", description="Order something at the shop."),
        "/tools/0/description",
    ),
    "effect of a GET": ("L301", http("GET", effect="external"), http("GET"), "/tools/0/effect"),
    "effect of a DELETE": ("L301", http("DELETE"), http("DELETE", effect="irreversible"), "/tools/0/effect"),
    "effect of a POST": ("L301", http("POST", effect="write"), http("POST", effect="external"), "/tools/0/effect"),
    "sink that is data": ("L302", operation(**SENDS), operation(**SENDS, roles={"replyTo": "sink"}), "/tools/0/roles"),
    "place that is read": (
        "L302",
        operation(**SENDS),
        operation(**{**SENDS, "effect": "read"}),
        "/tools/0/roles",
    ),
    "role of nothing": (
        "L303",
        operation(roles={"town": "sink"}),
        operation(roles={"city": "sink"}),
        "/tools/0/roles/town",
    ),
    "rule over nothing": (
        "L303",
        operation(output_rules={"rows": SameRule(of="table")}),
        operation(output_rules={"rows": GroupRule(of="city", by="city", value="none", function="none")}),
        "/tools/0/output_rules/rows/of",
    ),
    "label of nothing": (
        "L303",
        operation(output_labels=(FieldLabel(path="/row", label=TRUSTED),)),
        operation(output_labels=(FieldLabel(path="/rows", label=TRUSTED),)),
        "/tools/0/output_labels/0/path",
    ),
    "template of nothing": (
        "L303",
        operation(reads=("file:{path}",)),
        operation(reads=("file:{city}",)),
        "/tools/0/reads/0",
    ),
    "replaced by nothing": (
        "L303",
        operation(replaced_by="shop.sales"),
        operation(replaced_by="shop.orders"),
        "/tools/0/replaced_by",
    ),
    "all answers trusted": (
        "L304",
        http("GET", output_labels=(FieldLabel(path="", label=TRUSTED),)),
        http("GET", output_labels=(FieldLabel(path="/rows", label=TRUSTED),)),
        "/tools/0/output_labels/0",
    ),
    "repeated": (
        "L305",
        operation(idempotent=False, retry=Retry(attempts=2)),
        operation(idempotent=False, retry=Retry(attempts=1)),
        "/tools/0/retry",
    ),
    "reads and writes": (
        "L306",
        operation(writes=("file:{city}",)),
        operation(writes=("file:{city}",), effect="write"),
        "/tools/0/effect",
    ),
}


@pytest.mark.parametrize(("code", "flawed", "sound", "path"), CASES.values(), ids=CASES.keys())
def test_a_flaw_is_found_at_its_place_and_only_there(code: str, flawed: ToolSpec, sound: ToolSpec, path: str) -> None:
    found = lint(Catalogue(name="c", tools=(flawed,)))
    assert [(finding.code, finding.path) for finding in found.findings] == [(code, path)]
    assert found.findings[0].severity == LINT_CODES[code].severity
    assert "'shop.orders'" in found.findings[0].message
    clean = lint(Catalogue(name="c", tools=(sound,)))
    assert code not in {finding.code for finding in clean.findings}
    assert code in clean.checks_passed


def test_operations_that_are_described_alike_are_found() -> None:
    one, other = (operation(operation=name, description=text) for name, text in PAIRS["the same words"])
    (found,) = lint(Catalogue(name="c", tools=(one, other))).findings
    assert (found.code, found.path) == ("L205", "/tools/1/description")
    assert "'shop.b' and 'shop.a'" in found.message
    one, other = (operation(operation=name, description=text) for name, text in PAIRS["another word"])
    assert not lint(Catalogue(name="c", tools=(one, other))).findings


PAIRS = {
    "the same words": (("a", "Lists the open orders of a customer."), ("b", "List an open order of customers")),
    "another word": (("a", "Lists the open orders of a customer."), ("b", "Lists the paid orders of a customer.")),
}


def test_every_code_has_a_case() -> None:
    assert {code for code, *_ in CASES.values()} | {"L205"} == set(LINT_CODES)
    assert not set(LINT_CODES) & set(CODES)


@pytest.mark.parametrize("name", packs())
def test_our_own_packs_do_not_contradict_themselves(name: str) -> None:
    found = lint(load_pack(name))
    assert found.is_valid
    # What a person or a program wants written may be anything.
    assert {finding.code for finding in found.findings} <= ({"L203"} if name in ("text", "code") else set())


def test_what_is_imported_with_safe_defaults_has_no_errors() -> None:
    get = {"operationId": "a", "responses": {"200": {"description": "x", "content": {"application/json": {}}}}}
    send = {"operationId": "b", "summary": "Send mail.", "responses": {"204": {"description": "x"}}}
    send["parameters"] = [{"name": "to", "in": "query", "required": True, "schema": {"type": "string"}}]
    document = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://mail.example"}],
        "paths": {"/things": {"get": get}, "/mail": {"post": send}},
    }
    found = lint(import_openapi(document, name="mail").catalogue)
    assert found.is_valid
    assert [(finding.code, finding.path) for finding in found.findings] == [
        ("L204", "/tools/0/description"),
        ("L202", "/tools/0/output_schema/properties/body"),
    ]


@pytest.mark.parametrize("name", sorted(FORMATS - {"run-path"}))
def test_no_known_format_makes_a_validator_stumble(name: str) -> None:
    import jsonschema_rs

    jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)


def test_lint_takes_linear_time() -> None:
    def seconds(count: int) -> float:
        tools = tuple(operation(operation=f"o{n}", description=f"Does the thing number {n}.") for n in range(count))
        began = time.perf_counter()
        lint(Catalogue(name="c", tools=tools))
        return time.perf_counter() - began

    seconds(50)
    assert seconds(2_000) < 60 * max(seconds(200), 0.005)


def test_schemas_that_never_end_are_looked_at_so_far() -> None:
    deep: dict[str, Any] = {}
    for _ in range(150):
        deep = {"items": deep}
    assert lint(Catalogue(name="c", tools=(takes(type="array", items=deep),))).is_valid
