from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from dagwright.policy import DEFAULT_POLICY, Policy
from executor.bindings.python import PythonRunner
from executor.bindings.runner import ToolContext
from executor.toolchest import load_pack

CATALOGUE = load_pack("data").merged(load_pack("files"))


def make_context(folder: Path, **changes: Any) -> ToolContext:
    for name in ("files", "inputs"):
        (folder / name).mkdir(exist_ok=True, parents=True)
    settings: dict[str, Any] = {
        "run": "r1",
        "step": "s1",
        "attempt": 1,
        "idempotency_key": "0" * 64,
        "files": folder / "files",
        "inputs": folder / "inputs",
        "policy": DEFAULT_POLICY,
        "secrets": lambda name: None,
        "cancelled": threading.Event(),
        "deadline": time.monotonic() + 60,
    }
    return ToolContext(**{**settings, **changes})


def run_tool(context: ToolContext, name: str, /, **arguments: Any) -> dict[str, Any]:
    """Runs an operation as a guarded worker does: arguments and outputs checked against its schemas."""
    spec = CATALOGUE.by_name[name]
    properties: dict[str, Any] = spec.input_schema["properties"]  # pyright: ignore[reportAssignmentType]
    defaults = {key: schema["default"] for key, schema in properties.items() if "default" in schema}
    complete = {**defaults, **arguments}
    jsonschema_rs.validate(spec.input_schema, complete)
    outputs = PythonRunner()(spec, complete, context)
    jsonschema_rs.validate(spec.output_schema, outputs)
    return outputs


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return make_context(tmp_path)


@pytest.fixture
def context_with(tmp_path: Path) -> Callable[[Policy], ToolContext]:
    return lambda policy: make_context(tmp_path, policy=policy)


@pytest.fixture
def tool(context: ToolContext) -> Callable[..., dict[str, Any]]:
    return lambda name, /, **arguments: run_tool(context, name, **arguments)
