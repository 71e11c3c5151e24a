"""Charts of tables as PNG or SVG pictures."""

# matplotlib leaves `**kwargs` of nearly all its methods without types.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from dagwright.exceptions import ToolRejected
from executor.bindings.runner import ToolContext
from executor.toolchest.arguments import Arguments, Outputs
from executor.toolchest.markdown import written
from executor.toolchest.tables import Table, identity, numbers, order_key
from executor.toolchest.workspace import write_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 200
MOST_COLORS = 20

# matplotlib's style settings are one per process; steps run in threads.
_DRAWING = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class _Series:
    """The rows of one colour."""

    label: str | None
    rows: Table


def chart(arguments: Outputs, context: ToolContext) -> Outputs:
    """Draws a chart into a picture file."""
    call = Arguments(arguments)
    table, kind, x = call.rows(), call.text("kind"), call.column("x")
    y = call.column("y") if call.value("y") is not None else None
    color = call.column("color") if call.value("color") is not None else None
    if y is None and kind in {"line", "scatter", "box"}:
        raise ToolRejected(f"a {kind} chart needs a column y", code="missing_argument")
    if y is not None:
        numbers(table, y)
    draw = _DRAWERS[kind]
    series = _series(table, color)
    title = call.text("title")

    def write(target: Path) -> None:
        with _DRAWING:
            _draw(target, lambda axes: draw(axes, series, x, y), x=x, y=_upright(kind, y), title=title, legend=color)

    return {"file": cast("JsonValue", write_file(call.text("path"), context, write))}


def _upright(kind: str, y: str | None) -> str:
    return "count" if y is None or kind == "hist" else y


def _series(table: Table, color: str | None) -> list[_Series]:
    if color is None:
        return [_Series(label=None, rows=table)]
    groups: dict[object, Table] = {}
    for row in table:
        groups.setdefault(identity(row[color]), []).append(row)
    if len(groups) > MOST_COLORS:
        raise ToolRejected(f"{color!r} has {len(groups)} values; at most {MOST_COLORS} colours", code="too_many_colors")
    ordered = sorted(groups.values(), key=lambda rows: order_key(rows[0][color]))
    return [_Series(label=written(rows[0][color]), rows=rows) for rows in ordered]


def _draw(target: Path, fill: Callable[[Axes], None], *, x: str, y: str, title: str, legend: str | None) -> None:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "dagwright", "text.parse_math": False}):
        figure = Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        fill(axes)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        if title:
            axes.set_title(title)
        if legend is not None:
            axes.legend(title=legend)
        metadata: dict[str, Any] = {"Date": None} if target.suffix == ".svg" else {"Software": None}
        figure.savefig(target, metadata=metadata)


def _pairs(rows: Table, x: str, y: str) -> tuple[list[Any], list[float | int]]:
    both = [row for row in rows if row[x] is not None and row[y] is not None]
    return [_place(row[x]) for row in both], numbers(both, y)


def _place(value: JsonValue) -> float | int | str:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else written(value)


def _bar(axes: Axes, series: list[_Series], x: str, y: str | None) -> None:
    names = _distinct([one for part in series for one in part.rows], x)
    width = 0.8 / len(series)
    for index, part in enumerate(series):
        heights = [_height(part.rows, x, name, y) for name in names]
        offset = (index - (len(series) - 1) / 2) * width
        axes.bar([place + offset for place in range(len(names))], heights, width=width, label=part.label)
    turned = sum(len(name) for name in names) > 60
    axes.set_xticks(range(len(names)), names, rotation=60 if turned else 0, ha="right" if turned else "center")


def _distinct(rows: Table, x: str) -> list[str]:
    names = list(dict.fromkeys(written(row[x]) for row in rows if row[x] is not None))
    if len(names) > MOST_BARS:
        raise ToolRejected(f"{x!r} has {len(names)} values; a chart shows at most {MOST_BARS}", code="too_many_bars")
    return names


def _height(rows: Table, x: str, name: str, y: str | None) -> float:
    """Gives a bar's height: the rows of that x counted, or the mean of their y (that of one row is its y)."""
    chosen = [row for row in rows if row[x] is not None and written(row[x]) == name]
    if y is None:
        return len(chosen)
    found = numbers(chosen, y)
    return sum(found) / len(found) if found else 0.0


def _line(axes: Axes, series: list[_Series], x: str, y: str | None) -> None:
    for part in series:
        across, up = _pairs(part.rows, x, y or "")
        axes.plot(across, up, marker="o", markersize=3, label=part.label)


def _scatter(axes: Axes, series: list[_Series], x: str, y: str | None) -> None:
    for part in series:
        across, up = _pairs(part.rows, x, y or "")
        axes.scatter(across, up, s=14, alpha=0.8, label=part.label)


def _hist(axes: Axes, series: list[_Series], x: str, y: str | None) -> None:
    for part in series:
        axes.hist(numbers(part.rows, x), bins=20, alpha=0.6 if len(series) > 1 else 1, label=part.label)


def _box(axes: Axes, series: list[_Series], x: str, y: str | None) -> None:
    rows = [row for part in series for row in part.rows]
    names = _distinct(rows, x)
    groups = [numbers([row for row in rows if written(row[x]) == name], y or "") for name in names]
    axes.boxplot(groups, tick_labels=names)


_DRAWERS: dict[str, Callable[[Any, list[_Series], str, str | None], None]] = {
    "bar": _bar,
    "line": _line,
    "scatter": _scatter,
    "hist": _hist,
    "box": _box,
}
