"""A plan of a model whose operation is down: another one takes its place, and what follows knows of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from dagwright.catalogue import Catalogue, load_catalogue
from dagwright.exceptions import ToolUnavailable
from dagwright.policy import load_policy
from dagwright.tool import Retry
from executor.archive.archive import Archive
from executor.replay.replay import replay
from executor.replay.verify import verify
from executor.toolchest import default_catalogue
from orchestrator.pipeline import run_goal

EXAMPLES = Path(__file__).parents[3] / "examples"
GOAL = "Give how much a euro is worth in the currency USD today, and the mean price in C01."
PIVOT = 'pivot_table(table=sales, index="month", columns="city", value="price", function="mean")'


def rates() -> Catalogue:
    """The catalogue of the example, in which nothing is tried again."""
    found = load_catalogue(EXAMPLES / "rates.catalogue.yaml")
    return found.model_copy(update={"tools": tuple(tool.model_copy(update={"retry": Retry()}) for tool in found.tools)})


def down(spec: Any, arguments: Any, context: Any) -> Any:
    raise ToolUnavailable("503", code="http_503")


def mean(table: str, column: str) -> str:
    return f'aggregate(table={table}, column="{column}", function="mean")'


def test_a_replan_keeps_what_another_operation_gave_and_sees_its_call(bench: Any, tmp_path: Path) -> None:
    sales = tmp_path / "sales.csv"
    rows = [f"{month},C{city:02},{city + month}" for month in (1, 2) for city in range(20)]
    sales.write_text("\n".join(["month,city,price", *rows]) + "\n", encoding="utf-8")
    setup = bench.setup(
        *('today(currency="USD")', PIVOT, mean("s2", "Rome"), "answer(s1, s3)"),
        *(mean("s2", "C01"), "answer(s1, s3)"),
        catalogue=default_catalogue().merged(rates()),
        policy=load_policy(EXAMPLES / "rates-policy.yaml"),
    )
    failing = replace(setup, runners=lambda served: {**setup.runners(served), "http": down})
    outcome = run_goal(GOAL, {"sales": sales}, failing)
    assert (outcome.status, outcome.replans, sorted(outcome.answer.values())) == ("done", 1, [1.1, 2.5])
    fallback, replan = (event.body for event in bench.events(outcome.run, "replan"))
    assert (fallback["fallback"]["from"], fallback["fallback"]["to"]) == ("rates.today", "rates.kept")
    assert (fallback["version"], replan["version"]) == (2, 3)
    assert 's1 = kept(currency="USD")' in setup.model.requests[-1].messages[-1].content
    with Archive.open(bench.home, outcome.run, read_only=True) as archive:
        assert verify(archive) == ()
        assert replay(archive).reproduced
