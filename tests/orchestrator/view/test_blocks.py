"""Blocks read as a person would say them, wherever a plan is drawn."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from rich.console import Console

from dagwright.control import Control
from dagwright.finding import Report
from dagwright.model import Interval
from dagwright.proposal import Proposal
from orchestrator.view import text
from orchestrator.view.blocks import COMPARED, how_often, words, words_by_task
from orchestrator.view.picture import mermaid, svg

EXAMPLES = Path(__file__).parents[3] / "examples"


def ref(step: str, path: str = "") -> dict[str, Any]:
    return {"from": step, "path": path}


def compared(value: Any, op: str, to: Any = None) -> dict[str, Any]:
    return {"value": value, "op": op, "to": to}


OPEN = compared(ref("s2", "/status"), "equals", "open")
ROWS = {"name": "row", "items": ref("s1", "/table"), "at_most": 20}
WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, ""),
    "condition": ({"when": [OPEN]}, 'only if s2/status is "open"'),
    "two conditions": (
        {"when": [OPEN, compared(ref("s1", "/table"), "min_length", 1)]},
        'only if s2/status is "open" and s1/table has a length of at least 1',
    ),
    "there or not": ({"when": [compared({"input": "limit"}, "exists")]}, "only if limit is there"),
    "per item": ({"each": ROWS}, "for each row of s1/table (at most 20)"),
    "without a bound": ({"each": {"name": "row", "items": ref("s1")}}, "for each row of s1"),
    "per item, perhaps": (
        {"each": ROWS, "optional": True},
        "for each row of s1/table (at most 20), each of them may fail",
    ),
    "over constants": (
        {"each": {"name": "n", "items": {"list": [{"literal": 1}, ref("s1", "/x")]}, "at_most": 2}},
        "for each n of [1, s1/x] (at most 2)",
    ),
    "again": (
        {"repeat": {"until": [OPEN], "at_most": 10, "wait": 5}},
        'again until s2/status is "open" (at most 10 times, 5 s apart)',
    ),
    "again at once": ({"repeat": {"until": [OPEN], "at_most": 3}}, 'again until s2/status is "open" (at most 3 times)'),
    "perhaps": ({"optional": True}, "may fail"),
    "all": (
        {"when": [OPEN], "repeat": {"until": [OPEN], "at_most": 2}, "optional": True},
        'only if s2/status is "open", again until s2/status is "open" (at most 2 times), may fail',
    ),
    "one or the other": (
        {"when": [compared({"coalesce": [ref("a", "/n"), {"literal": 0}]}, "greater", 2)]},
        "only if a/n or else 0 is more than 2",
    ),
}


@pytest.mark.parametrize(("control", "said"), WORDS.values(), ids=WORDS)
def test_a_block_is_said_in_words(control: dict[str, Any], said: str) -> None:
    assert words(Control.model_validate(control)) == said


def test_each_operator_has_words_and_long_constants_are_cut() -> None:
    for op in COMPARED:
        said = words(Control.model_validate({"when": [compared(ref("s"), op, "x" * 500)]}))
        assert said.startswith("only if s ")
        assert len(said) < 120


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1, 1, ""),
        (0, 1, "once, or not at all"),
        (0, 5, "at most 5 times"),
        (1, 10, "at most 10 times"),
        (3, 3, "3 times"),
    ],
)
def test_how_often_a_step_is_run_is_said_in_words(low: int, high: int, said: str) -> None:
    assert how_often(Interval(low=low, high=high)) == said


def proposal(name: str) -> Proposal:
    return Proposal.model_validate(json.loads((EXAMPLES / f"{name}.proposal.json").read_text()))


def printed(drawn: Any) -> str:
    console = Console(width=140, file=StringIO())
    console.print(drawn)
    return cast("StringIO", console.file).getvalue()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("orders", ["for each order of newest/body (at most 5), each of them may fail", "may fail"]),
        ("paid", ["again until order/body/revenue is more than 0 (at most 10 times, 60 s apart)"]),
    ],
)
def test_tree_and_pictures_of_a_plan_say_what_its_blocks_do(name: str, said: list[str]) -> None:
    found = proposal(name)
    blocks = words_by_task(found)
    assert list(blocks.values()) == said
    tree, chart, picture = (
        printed(text.tree(found.plan, blocks)),
        mermaid(found.plan, blocks),
        svg(found.plan, {}, blocks),
    )
    assert all(words in tree and f"<i>{words}</i>" in chart for words in said)
    drawn = " ".join("".join(node.itertext()) for node in ElementTree.fromstring(picture).iter())
    assert all(words in drawn for words in said)


def test_what_a_block_compares_with_is_only_ever_text() -> None:
    found = proposal("paid")
    said = {"wait": words(Control.model_validate({"when": [compared(ref("s"), "equals", '[red]<b>&"[/]')]}))}
    assert "[red]" in printed(text.tree(found.plan, said))
    assert ElementTree.fromstring(svg(found.plan, {}, said)) is not None
    assert "<b>" not in mermaid(found.plan, said)


def test_the_wire_format_in_the_readme_is_that_of_the_examples() -> None:
    lines = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8").splitlines()
    shown = [
        Control.model_validate_json(line)
        for line in lines
        if line.startswith(('    {"each"', '    {"when"', '    {"repeat"'))
    ]
    used = [item.control for name in ("cities", "paid") for item in proposal(name).decompositions if item.control]
    assert shown == used


def test_a_finding_about_what_controls_a_block_names_its_task() -> None:
    place = {"code": "P404", "level": "policy", "severity": "error", "path": "/x", "task_id": "wait"}
    found = Report.model_validate(
        {"findings": [{**place, "step_id": step, "message": "no"} for step in ("when-wait", "order")]}
    )
    lines = printed(text.findings(found)).splitlines()
    assert [line.split(":")[0].split()[-1] for line in lines[:2]] == ["wait", "order"]
