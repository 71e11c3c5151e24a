"""`operation`: one contract of pack `data`, with what all of them share."""

from __future__ import annotations

from typing import Any

from dagwright.model import Interval, JsonSchema
from dagwright.tool import Effect, OutputRule, PythonBinding, Role, SameRule, ToolSpec
from executor.toolchest.contract import FREE, QUICK, TABLE, record

SAME: dict[str, OutputRule] = {"table": SameRule(of="table")}
"""The table comes out with the columns with which it went in."""

ROWS: dict[str, JsonSchema] = {"table": TABLE}
"""The outputs of whatever gives a table."""


def operation(
    name: str,
    module: str,
    description: str,
    arguments: dict[str, JsonSchema],
    outputs: dict[str, JsonSchema],
    *,
    optional: tuple[str, ...] = (),
    rules: dict[str, OutputRule] | None = None,
    roles: dict[str, Role] | None = None,
    effect: Effect = "read",
    writes: tuple[str, ...] = (),
    latency: Interval = QUICK,
    **more: Any,
) -> ToolSpec:
    """Gives the contract of `data.{name}`, run by the function of that name in `module`."""
    return ToolSpec(
        tool_name="data",
        operation=name,
        description=description,
        input_schema=record(arguments, optional=optional),
        output_schema=record(outputs),
        output_rules=rules or {},
        roles=roles or {},
        effect=effect,
        writes=writes,
        cost=FREE,
        latency=latency,
        timeout=120,
        capabilities=("table",),
        binding=PythonBinding(callable=f"executor.toolchest.data.{module}:{name}"),
        **more,
    )
