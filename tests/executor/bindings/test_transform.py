"""Transforms: what expressions give, what is refused before they run, and that nothing but typed errors comes out."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagwright.catalogue import load_catalogue
from dagwright.exceptions import CatalogueError, DagwrightError, TimedOut, ToolRejected
from dagwright.policy import DEFAULT_POLICY
from dagwright.tool import ToolSpec, TransformBinding
from executor.bindings.runner import ToolContext
from executor.bindings.transform import TransformRunner

ROWS = [
    {"name": "a", "n": 1, "tags": ["x"]},
    {"name": "b", "n": 3, "tags": []},
    {"name": "c", "n": None, "tags": ["y"]},
]


def operation(expressions: dict[str, str], **more: Any) -> ToolSpec:
    fields: dict[str, Any] = {
        "tool_name": "shape",
        "operation": "make",
        "description": "Shapes values.",
        "input_schema": {"type": "object", "properties": {"rows": {"type": "array"}}},
        "output_schema": {"type": "object", "properties": {name: {} for name in expressions}},
        "effect": "read",
        "binding": TransformBinding(expressions=expressions),
    }
    return ToolSpec(**(fields | more))


GIVEN = [
    ("rows[?n > `1`].name", ["b"]),
    ("sum(rows[?n != null].n)", 4),
    ("rows[*].{who: name, first: tags[0]}", [{"who": n, "first": t} for n, t in (("a", "x"), ("b", None), ("c", "y"))]),
    ("sort_by(rows, &name)[-1].name", "c"),
    ("rows[0].missing", None),
    ("join(', ', rows[*].name)", "a, b, c"),
    ("'${workflow.secrets.X}'", "${workflow.secrets.X}"),
]


@pytest.mark.parametrize(("expression", "value"), GIVEN, ids=[case[0] for case in GIVEN])
def test_values(attempt: Any, expression: str, value: Any) -> None:
    assert TransformRunner()(operation({"value": expression}), {"rows": ROWS}, attempt()) == {"value": value}


def test_each_output_has_its_expression(attempt: Any) -> None:
    spec = operation({"names": "rows[*].name", "count": "length(rows)"})
    assert TransformRunner()(spec, {"rows": ROWS}, attempt()) == {"names": ["a", "b", "c"], "count": 3}


UNSUITED = ["length(rows[0].n)", "sum(rows[*].name)", "rows[::0]", "to_number('nan')", "ceil(to_number('inf'))"]


@pytest.mark.parametrize("expression", UNSUITED)
def test_what_does_not_suit_the_arguments_is_refused(attempt: Any, expression: str) -> None:
    with pytest.raises(ToolRejected) as refused:
        TransformRunner()(operation({"value": expression}), {"rows": ROWS}, attempt())
    assert refused.value.code in ("transform_failed", "result_too_large")


GROWING = [
    "rows" + " | [@, @]" * 60,
    "'x'" + " | join('', [@, @])" * 60,
    "rows" + " | [@]" * 400,
    "rows" + " | {a: @, b: @}" * 60,
    "(rows" + " | [@, @]" * 40 + ") == (rows" + " | [@, @]" * 40 + ")",
    "rows" + " | map(&[@, @], [@, @])" * 40,
]


@pytest.mark.parametrize("expression", GROWING, ids=[case[:24] for case in GROWING])
def test_what_grows_beyond_bounds_is_refused_soon(attempt: Any, expression: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ToolRejected) as refused:
        TransformRunner(most_size=100_000)(operation({"value": expression}), {"rows": ROWS}, attempt(seconds=60))
    assert refused.value.code in ("result_too_large", "transform_failed")
    assert time.monotonic() - begun < 10


def test_arguments_have_a_largest_size(attempt: Any) -> None:
    with pytest.raises(ToolRejected) as refused:
        TransformRunner(most_size=100)(operation({"value": "rows"}), {"rows": ["x" * 200]}, attempt())
    assert refused.value.code == "argument_too_large"


def test_steps_and_time_are_bounded(attempt: Any) -> None:
    slow = operation({"value": "rows[*].[n, n, n, n, n, n]"})
    rows: list[Any] = [{"n": 1}] * 100_000
    with pytest.raises(ToolRejected) as refused:
        TransformRunner(most_steps=1_000)(slow, {"rows": rows}, attempt())
    assert refused.value.code == "result_too_large"
    with pytest.raises(TimedOut):
        TransformRunner()(slow, {"rows": rows}, attempt(seconds=0))


WRONG = [
    ("rows[", "is not JMESPath"),
    ("", "is not JMESPath"),
    ("open('/etc/passwd')", "calls 'open'; JMESPath has abs"),
    ("rows[?starts_with(name, 'a') && system('x')]", "calls 'system'"),
    ("a" * 5_000, "more than 4000 characters"),
    ("[" * 3_000 + "@" + "]" * 3_000, "JMESPath|characters"),
]


@pytest.mark.parametrize(("expression", "why"), WRONG, ids=[case[1][:16] for case in WRONG])
def test_a_catalogue_with_a_wrong_expression_is_none(tmp_path: Path, expression: str, why: str) -> None:
    tool = operation({"value": "rows"}).model_dump(mode="json", by_alias=True, exclude_none=True)
    tool["binding"]["expressions"] = {"value": expression}
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps({"name": "c", "tools": [tool]}), encoding="utf-8")
    with pytest.raises(CatalogueError, match=why) as wrong:
        load_catalogue(path)
    assert "at /tools/0/binding/transform/expressions" in str(wrong.value)


PARTS = st.sampled_from(
    (
        *("rows", "@", "[*]", "[0]", "[]", ".n", ".name", ".*", " | ", "length(@)", "keys(@)", "[?n > `1`]"),
        *("to_string(@)", "sum(@)", "sort(@)", "max(@)", "[::-1]", "{a: @}", "[@, @]", "to_number(@)", "reverse(@)"),
        *('`[1, "x"]`', "!@", "map(&n, @)", "max_by(@, &n)", "avg(@)", "[:2]", "merge(@, @)", "values(@)"),
    )
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["n", "name", "x"]), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(PARTS, min_size=1, max_size=6), rows=VALUES)
def test_only_json_or_a_typed_error_comes_out(parts: list[str], rows: Any, tmp_path: Path) -> None:
    context = ToolContext(
        run="r",
        step="s",
        attempt=1,
        idempotency_key="k",
        files=tmp_path,
        inputs=tmp_path,
        policy=DEFAULT_POLICY,
        secrets=lambda name: None,
        deadline=time.monotonic() + 30,
    )
    try:
        spec = operation({"value": "".join(parts)})
    except ValueError:
        return
    try:
        json.dumps(TransformRunner()(spec, {"rows": rows}, context), allow_nan=False)
    except DagwrightError:
        return


def test_a_certified_proposal_transforms(end_to_end: Any) -> None:
    spec = operation(
        {"names": "rows[?n > `1`].name"},
        output_schema={"type": "object", "properties": {"names": {"type": "array"}}, "required": ["names"]},
    )
    trial = end_to_end(spec, {"rows": ROWS}, DEFAULT_POLICY)
    assert trial.result.status == "completed"
    assert trial.outputs == {"names": ["b"]}
    assert trial.program.steps[0].output_label.integrity == "trusted"
