"""Contracts of what reads tables from files and writes them."""

from __future__ import annotations

from dagwright.model import Interval
from dagwright.tool import ContentRule, FileRule
from executor.toolchest.contract import READ_FROM_OUTSIDE, column, columns, file, run_path, table, text
from executor.toolchest.contract import choice as one_of
from executor.toolchest.data.spec import ROWS, SAME, operation

CSV = ("text/csv", "text/tab-separated-values")
JSON = ("application/json", "application/x-ndjson")
SQLITE = ("application/vnd.sqlite3",)
IMAGES = ("image/png", "image/svg+xml")

READING = Interval(low=0.005, high=20)
DRAWING = Interval(low=0.2, high=20)

LOADING = (
    operation(
        "load_csv",
        "loading",
        "Read a CSV file into a table. Types of columns are found from the values; empty fields and NA are null.",
        {"file": file(*CSV)},
        ROWS,
        rules={"table": ContentRule(of="file")},
        output_labels=READ_FROM_OUTSIDE,
        latency=READING,
        cues=("csv", "file"),
    ),
    operation(
        "load_json",
        "loading",
        "Read a JSON file into a table. The file holds an array of objects, or one object a line.",
        {"file": file(*JSON)},
        ROWS,
        rules={"table": ContentRule(of="file")},
        output_labels=READ_FROM_OUTSIDE,
        latency=READING,
        cues=("json",),
    ),
    operation(
        "load_sqlite",
        "loading",
        "Read all rows of one table of a SQLite database. The same as SELECT * FROM name.",
        {"file": file(*SQLITE), "name": text("Name of the table in the database.", minLength=1)},
        ROWS,
        rules={"table": ContentRule(of="file", key="name")},
        output_labels=READ_FROM_OUTSIDE,
        latency=READING,
        cues=("sqlite", "database", "sql"),
    ),
)

WRITING = (
    operation(
        "write_csv",
        "writing",
        "Write (export) a table to a CSV file. Nulls become empty fields.",
        {"table": table(), "path": run_path("Name of the file, e.g. `result.csv`.", "csv", "tsv")},
        {"file": file(*CSV)},
        roles={"path": "control"},
        effect="write",
        writes=("file:{path}",),
        cues=("csv", "file"),
    ),
    operation(
        "write_json",
        "writing",
        "Write (export) a table to a JSON file. The file holds an array of objects.",
        {"table": table(), "path": run_path("Name of the file, e.g. `result.json`.", "json")},
        {"file": file(JSON[0])},
        rules={"file": FileRule(of="table")},
        roles={"path": "control"},
        effect="write",
        writes=("file:{path}",),
        cues=("json",),
    ),
    operation(
        "write_sqlite",
        "writing",
        "Write (store) a table into a SQLite database file. A table of that name is replaced, others stay.",
        {
            "table": table(),
            "path": run_path("Name of the database file, e.g. `result.db`.", "db", "sqlite", "sqlite3"),
            "name": text("Name of the table in the database.", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"),
        },
        {"file": file(*SQLITE)},
        rules={"file": FileRule(of="table", key="name")},
        roles={"path": "control", "name": "control"},
        effect="write",
        writes=("file:{path}",),
        cues=("sqlite", "database"),
    ),
    operation(
        "chart",
        "charts",
        "Draw a chart of a table into a picture file. Kind bar shows y for each x (its mean, or without y "
        "the number of rows); "
        "hist shows how x is distributed, box how y is for each x; color tells groups apart.",
        {
            "table": table(),
            "kind": one_of("Kind of chart.", "bar", "line", "scatter", "hist", "box"),
            "x": column("Column along the horizontal axis."),
            "path": run_path("Name of the picture file, e.g. `chart.png`.", "png", "svg"),
            "y": column("Column along the vertical axis.", kind="numeric"),
            "color": column("Column whose values get colours of their own."),
            "title": text("Title over the chart.", default="", maxLength=200),
        },
        {"file": file(*IMAGES)},
        optional=("y", "color", "title"),
        roles={"path": "control"},
        effect="write",
        writes=("file:{path}",),
        latency=DRAWING,
        cues=(
            "chart",
            "plot",
            "graph",
            "draw",
            "diagram",
            "histogram",
            "figure",
            "picture",
            "scatter",
            "visualise",
            "visualize",
        ),
    ),
    # Each step's log is a file of its own, named after the step: nothing that another could write too.
    operation(
        "log_table",
        "writing",
        "Write a preview of a table to the run's log and pass the table on. For looking at intermediate data.",
        {"table": table(), "rows": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 20}},
        ROWS,
        optional=("rows",),
        rules=SAME,
        effect="write",
        cues=("log", "logged", "intermediate"),
    ),
    operation(
        "check_schema",
        "rows",
        "Check (validate) that all rows have the same columns with one type each, and pass the table on. "
        "Fails where they have not, or where one of `columns` is missing.",
        {"table": table(), "columns": columns("Columns that must be there.", least=0)},
        ROWS,
        optional=("columns",),
        rules=SAME,
        cues=("schema", "validate", "check", "verify"),
    ),
)
