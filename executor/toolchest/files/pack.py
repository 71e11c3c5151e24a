"""The catalogue of pack `files`."""

from __future__ import annotations

from typing import Any

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.model import Interval, JsonSchema
from dagwright.tool import PythonBinding, ToolSpec
from executor.toolchest.contract import FREE, READ_FROM_OUTSIDE, described, file, record, run_path, text

REPORTS = ("text/markdown", "text/html")
TEXTS = ("text/plain", "text/markdown", "text/html", "text/csv", "text/tab-separated-values")

_LISTING: JsonSchema = {
    "type": "array",
    "items": record(
        {"path": {"type": "string"}, "bytes": {"type": "integer", "minimum": 0}, "media_type": {"type": "string"}}
    ),
}


def _operation(
    name: str,
    module: str,
    description: str,
    arguments: dict[str, JsonSchema],
    outputs: dict[str, JsonSchema],
    *,
    optional: tuple[str, ...] = (),
    **more: Any,
) -> ToolSpec:
    return ToolSpec(
        tool_name="files",
        operation=name,
        description=description,
        input_schema=record(arguments, optional=optional),
        output_schema=record(outputs),
        cost=FREE,
        latency=Interval(low=0.001, high=2),
        timeout=60,
        capabilities=("file",),
        binding=PythonBinding(callable=f"executor.toolchest.files.{module}:{name}"),
        **more,
    )


def catalogue() -> Catalogue:
    """Gives the operations over texts and reports."""
    return catalogue_of("files", (_READ, _WRITE, _LIST, _REPORT))


_READ = _operation(
    "read_text",
    "texts",
    "Read the text of a file.",
    {"file": file()},
    {"text": {"type": "string"}},
    effect="read",
    output_labels=READ_FROM_OUTSIDE,
    cues=("text", "read"),
)

_WRITE = _operation(
    "write_text",
    "texts",
    "Write a text to a file.",
    {"path": run_path("Name of the file, e.g. `note.txt`."), "text": text("What is written.")},
    {"file": file()},
    effect="write",
    roles={"path": "control"},
    writes=("file:{path}",),
    cues=("note", "text"),
)

_LIST = _operation(
    "list_files",
    "texts",
    "List the files that this run has written.",
    {},
    {"table": _LISTING},
    effect="read",
    cues=("file", "list"),
)

_REPORT = _operation(
    "write_report",
    "reports",
    "Write a short report to a Markdown or HTML file. The items are shown one after the other: "
    "numbers and texts as they are, tables as tables, charts as pictures.",
    {
        "path": run_path("Name of the file, e.g. `report.md`.", "md", "html"),
        "title": text("Title of the report.", maxLength=200),
        "items": described({"type": "array", "minItems": 1}, "Results to show: earlier steps and texts."),
        "captions": described(
            {"type": "array", "items": {"type": "string"}, "default": []}, "A heading for each item, in order."
        ),
    },
    {"file": file(*REPORTS)},
    optional=("captions",),
    effect="write",
    roles={"path": "control"},
    writes=("file:{path}",),
    cues=("report",),
)
