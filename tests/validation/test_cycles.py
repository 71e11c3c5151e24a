"""Steps on a cycle: their outputs have the declared types, so that what never fits is found beside the cycle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dagwright.finding import Report


@pytest.mark.parametrize(
    ("path", "codes"), [pytest.param("/id", {"D301"}, id="fits"), pytest.param("/price", {"D301", "D307"}, id="never")]
)
def test_what_never_fits_is_found_on_a_cycle(
    path: str, codes: set[str], judge: Callable[..., Report], good: dict[str, Any]
) -> None:
    prices, shortened = good["decompositions"][2], {"task_id": "short", "steps": []}
    (fetch,) = prices["steps"]
    intent = {
        "tool_name": "words",
        "operation": "shorten",
        "required_inputs": {"text": {"from": "fetch", "path": path}},
    }
    shortened["steps"].append({"step_id": "cut", "action": "Shorten.", "tool_intent": intent})
    fetch["tool_intent"]["required_inputs"]["item"] = {"from": "cut", "path": "/text"}
    good["decompositions"].append(shortened)
    good["plan"]["nodes"].append({"task_id": "short", "description": "Shorten.", "dependencies": ["prices"]})
    next(node for node in good["plan"]["nodes"] if node["task_id"] == "prices")["dependencies"].append("short")
    assert {finding.code for finding in judge(good).errors} - {"P404"} == codes
