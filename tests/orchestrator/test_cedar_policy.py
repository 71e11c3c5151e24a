"""Cedar policies at the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

POLICY = """
name: p
cedar: |
  @id("look") permit (principal, action == Action::"files.list_files", resource);
  @id("no-drafts") forbid (principal, action, resource)
  when { context.arguments has path && context.arguments.path like "draft*" };
"""
EXPLAINED = {
    "permitted": ("files.list_files", "{}", 0, "Cedar policy 'look' permits it"),
    "not permitted": ("files.read_text", '{"file": "a.md"}', 1, "no Cedar policy permits it"),
    "forbidden": ("files.write_text", '{"path": "draft.md", "text": "x"}', 1, "Cedar policy 'no-drafts' forbids it"),
}


@pytest.mark.parametrize(("call", "arguments", "code", "why"), EXPLAINED.values(), ids=EXPLAINED)
def test_explain_names_the_policy_that_decides(
    dagwright: Any, tmp_path: Path, call: str, arguments: str, code: int, why: str
) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(POLICY, encoding="utf-8")
    found = dagwright("policy", "explain", call, "-c", "files", "--policy", str(path), "--arguments", arguments)
    assert why in found.out
    assert found.code == code


def test_a_policy_that_cannot_be_read_is_said_before_anything_is_planned(dagwright: Any, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("name: p\ncedar: 'permit (principal'\n", encoding="utf-8")
    found = dagwright("run", "Count the rows", "--policy", str(path), "--model", "http://127.0.0.1:1/v1#none")
    assert found.code == 2
    assert "the Cedar policies cannot be read" in found.err
