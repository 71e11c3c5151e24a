"""Programs with blocks, those of the executor's tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

BLOCKS = Path(__file__).parents[2] / "executor" / "blocks.py"


@pytest.fixture(scope="session")
def blocks() -> ModuleType:
    """`tests/executor/blocks.py`: programs with blocks."""
    spec = importlib.util.spec_from_file_location("blocks_of_view_tests", BLOCKS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
