"""Files in and out: round trips, reports, and that nothing outside the run's folder is reached."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dagwright.exceptions import ToolRejected
from dagwright.policy import Policy
from executor.bindings.runner import ToolContext
from validation.types import output_schema

from .conftest import CATALOGUE, make_context, run_tool

Tool = Callable[..., dict[str, Any]]

ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": 'Zoë, "the" first', "score": 1.5, "ok": True, "code": "007", "day": "2024-01-31"},
    {"id": 2, "name": "line\nbreak", "score": None, "ok": False, "code": "012", "day": None},
]


@pytest.mark.parametrize(
    ("write", "load", "path", "more"),
    [("csv", "csv", "out/t.csv", {}), ("csv", "csv", "t.tsv", {}), ("json", "json", "t.json", {}),
     ("sqlite", "sqlite", "t.db", {"name": "rows"})],
    ids=["csv", "tsv", "json", "sqlite"],
)  # fmt: skip
def test_what_is_written_is_read_back(tool: Tool, write: str, load: str, path: str, more: dict[str, str]) -> None:
    file = tool(f"data.write_{write}", table=ROWS, path=path, **more)["file"]
    assert file["path"] == f"files/{path}"
    assert tool(f"data.load_{load}", file=file, **more)["table"] == ROWS


cells = st.one_of(
    st.none(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9, allow_nan=False), st.text(max_size=5), st.booleans()
)


@given(
    rows=st.lists(st.fixed_dictionaries({"a": cells, "b b": cells}), min_size=1, max_size=4),
    form=st.sampled_from(["json", "sqlite"]),
)
@example(rows=[{"a": "", "b b": None}, {"a": False, "b b": None}], form="sqlite")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_written_files_hold_what_was_propagated(tmp_path: Path, rows: list[dict[str, Any]], form: str) -> None:
    from executor.toolchest.tables import table_schema

    rows = json.loads(json.dumps(rows).encode("utf-8", "ignore"))
    context = make_context(tmp_path)
    more = {"name": "t"} if form == "sqlite" else {}
    literals: dict[str, Any] = {"path": "t.db" if form == "sqlite" else "t.json", **more}
    spec = CATALOGUE.by_name[f"data.write_{form}"]
    written = output_schema(spec, {"table": table_schema(rows)}, literals)["properties"]["file"]  # pyright: ignore
    file = run_tool(context, spec.name, table=rows, **literals)["file"]
    jsonschema_rs.validate(written, file)
    loading = CATALOGUE.by_name[f"data.load_{form}"]
    jsonschema_rs.validate(
        output_schema(loading, {"file": written}, more), run_tool(context, loading.name, file=file, **more)
    )


def test_a_database_keeps_its_other_tables(tool: Tool) -> None:
    tool("data.write_sqlite", table=[{"a": 1}], path="d.db", name="one")
    file = tool("data.write_sqlite", table=[{"a": 2}], path="d.db", name="two")["file"]
    assert tool("data.load_sqlite", file=file, name="one")["table"] == [{"a": 1}]
    with pytest.raises(ToolRejected, match="'one', 'two'"):
        tool("data.load_sqlite", file=file, name="three")


@pytest.mark.parametrize(
    "path", ["../t.txt", "/etc/t.txt", "a/../../t.txt", "~/t.txt", "link/t.txt", "C:\\t.txt", "", "."]
)
def test_nothing_outside_the_folder_is_written(tool: Tool, context: ToolContext, path: str) -> None:
    outside = context.files.parent / "outside"
    outside.mkdir()
    (context.files / "link").symlink_to(outside)
    with pytest.raises((ToolRejected, jsonschema_rs.ValidationError)) as refused:
        tool("files.write_text", path=path, text="x")
    if isinstance(refused.value, ToolRejected):
        assert refused.value.code == "path_outside"
    assert not list(outside.iterdir())


@pytest.mark.parametrize("path", ["inputs/../secret.txt", "secret.txt", "/etc/passwd", "files/link"])
def test_nothing_outside_the_folder_is_read(tool: Tool, context: ToolContext, path: str) -> None:
    secret = context.files.parent / "secret.txt"
    secret.write_text("secret")
    (context.files / "link").symlink_to(secret)
    with pytest.raises(ToolRejected) as refused:
        tool("files.read_text", file={"path": path, "sha256": "", "bytes": 6, "media_type": "text/plain"})
    assert refused.value.code == "path_outside"


def test_the_policy_decides_which_paths(context_with: Callable[[Policy], ToolContext]) -> None:
    context = context_with(Policy(name="p", allowed_paths=("out/*",)))
    run_tool(context, "files.write_text", path="out/a.txt", text="x")
    with pytest.raises(ToolRejected) as refused:
        run_tool(context, "files.write_text", path="b.txt", text="x")
    assert refused.value.code == "path_denied"


def test_a_file_that_changed_is_refused(tool: Tool, context: ToolContext) -> None:
    file = tool("files.write_text", path="a.txt", text="one")["file"]
    (context.files / "a.txt").write_text("two")
    with pytest.raises(ToolRejected) as refused:
        tool("files.read_text", file=file)
    assert refused.value.code == "file_changed"


def test_a_write_that_fails_leaves_what_was_there(tool: Tool, context: ToolContext) -> None:
    tool("data.write_sqlite", table=[{"a": 1}], path="d.db", name="one")
    before = (context.files / "d.db").read_bytes()
    with pytest.raises(ToolRejected):
        tool("data.write_sqlite", table=[{"a": 1}, {"a": 2**80}], path="d.db", name="one")
    assert (context.files / "d.db").read_bytes() == before
    assert [path.name for path in context.files.iterdir()] == ["d.db"]


def test_logs_and_files_are_listed(tool: Tool, context: ToolContext) -> None:
    tool("data.log_table", table=[{"a": n} for n in range(30)], rows=2)
    tool("files.write_text", path="a.txt", text="hello")
    listed = tool("files.list_files")["table"]
    assert [row["path"] for row in listed] == ["a.txt", "logs/s1.md"]
    log = (context.files / "logs" / "s1.md").read_text()
    assert log == "# s1: 30 rows\n\n| a |\n| --- |\n| 0 |\n| 1 |\n\n… and 28 more rows\n"


CHARTS = [
    ("bar", {"x": "kind"}),
    ("bar", {"x": "kind", "y": "v", "color": "side"}),
    ("line", {"x": "t", "y": "v", "title": "a $title$ <b>"}),
    ("scatter", {"x": "t", "y": "v", "color": "kind"}),
    ("hist", {"x": "v"}),
    ("box", {"x": "kind", "y": "v"}),
]
POINTS = [{"kind": "ab"[n % 2], "side": "LR"[n % 3 % 2], "t": n, "v": None if n == 4 else n * n} for n in range(12)]


@pytest.mark.parametrize("suffix", ["png", "svg"])
@pytest.mark.parametrize(("kind", "arguments"), CHARTS, ids=lambda value: value if isinstance(value, str) else "")
def test_charts_are_pictures_and_the_same_each_time(
    tool: Tool, context: ToolContext, kind: str, arguments: dict[str, Any], suffix: str
) -> None:
    first = tool("data.chart", table=POINTS, kind=kind, path=f"c.{suffix}", **arguments)["file"]
    again = tool("data.chart", table=POINTS, kind=kind, path=f"c.{suffix}", **arguments)["file"]
    assert first == again
    assert (context.files / f"c.{suffix}").read_bytes()[:5] in {b"\x89PNG\r", b"<?xml"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [({"kind": "line", "x": "t"}, "missing_argument"), ({"kind": "hist", "x": "kind"}, "not_numeric"),
     ({"kind": "bar", "x": "nope"}, "missing_column"), ({"kind": "bar", "x": "t", "table": []}, "empty_table")],
    ids=["no-y", "text-histogram", "no-column", "empty"],
)  # fmt: skip
def test_charts_refuse(tool: Tool, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(ToolRejected) as refused:
        tool("data.chart", **{"table": POINTS, "path": "c.png", **arguments})
    assert refused.value.code == code


def test_a_report_in_markdown(tool: Tool, context: ToolContext) -> None:
    picture = tool("data.chart", table=POINTS, kind="hist", x="v", path="pictures/c.png")["file"]
    items = [3.14159265, [{"a|b": 1, "c": None}], picture, {"value": "one\ntwo"}, {"a": 1, "b": True}, ["x", 2]]
    tool("files.write_report", path="out/r.md", title="Results", items=items, captions=["Pi", "", "Chart"])
    assert (context.files / "out" / "r.md").read_text() == (
        "# Results\n\n## Pi\n\n3.14159\n\n| a|b | c |\n| --- | --- |\n| 1 | – |\n\n## Chart\n\n"
        "![c.png](../pictures/c.png)\n\none\ntwo\n\n| name | value |\n| --- | --- |\n| a | 1 |\n| b | yes |\n\nx, 2\n"
    ).replace("| a|b |", "| a\\|b |")


def test_a_report_in_html_escapes(tool: Tool, context: ToolContext) -> None:
    tool("files.write_report", path="r.html", title="<Results>", items=["<script>", [{"<a>": "<b>"}]])
    text = (context.files / "r.html").read_text()
    assert "<script>" not in text
    assert "<td>&lt;b&gt;</td>" in text
    assert "<h1>&lt;Results&gt;</h1>" in text
