"""A proposal with mistakes of three kinds, and what is found in it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from validation.reports.sarif import Examined


@pytest.fixture
def broken(good: Any) -> dict[str, Any]:
    proposal = deepcopy(good)
    steps = proposal["decompositions"][1]["steps"]
    steps[0]["tool_intent"]["required_inputs"]["op"] = {"literal": "above"}
    steps[1]["tool_intent"]["operation"] = "grup"
    proposal["plan"]["nodes"][2]["dependencies"] = ["nowhere"]
    return proposal


@pytest.fixture
def examined(broken: Any, judge: Any) -> Examined:
    text = json.dumps(broken, indent=2)
    return Examined(name="plans/a plan.json", text=text, findings=judge(text).findings)
