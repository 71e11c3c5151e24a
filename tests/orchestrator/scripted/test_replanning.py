"""Steps that really fail: what the next version knows, what it keeps, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dagwright.catalogue import Catalogue
from dagwright.feedback import ErrorKind, ErrorRecord, Feedback
from executor.engine.engine import EngineResult
from orchestrator.history import full
from orchestrator.pipeline import plan_goal, resume_run, run_goal
from orchestrator.replanning import worth_replanning

GOAL = "What is the mean price in Rome and in C01?"


@pytest.fixture
def cities(tmp_path: Path) -> Path:
    """A table with so many cities that the columns of a pivot over them are not known beforehand."""
    path = tmp_path / "sales.csv"
    rows = [f"{month},C{city:02},{city + month}" for month in (1, 2) for city in range(20)]
    path.write_text("\n".join(["month,city,price", *rows]) + "\n", encoding="utf-8")
    return path


PIVOT = 'pivot_table(table=sales, index="month", columns="city", value="price", function="mean")'


def mean(column: str) -> str:
    return f'aggregate(table=s1, column="{column}", function="mean")'


def test_a_missing_column_is_replanned_and_finished_steps_are_kept(bench: Any, cities: Path) -> None:
    setup = bench.setup(PIVOT, mean("Rome"), "answer(s2)", mean("C01"), "answer(s2)")
    outcome = run_goal(GOAL, {"sales": cities}, setup)
    assert (outcome.status, outcome.replans, list(outcome.answer.values())) == ("done", 1, [2.5])
    assert bench.attempts(outcome.run, "load_sales") == ["task.completed"]
    assert bench.attempts(outcome.run, "s1") == ["task.completed"]
    assert bench.attempts(outcome.run, "s2") == ["task.failed", "task.completed"]
    (replan,) = bench.events(outcome.run, "replan")
    assert replan.body["reasons"] == [f"s2 = {mean('Rome')} failed: content missing_column"]
    assert f"- {replan.body['reasons'][0]}" in setup.model.requests[3].messages[-1].content
    (feedback,) = bench.events(outcome.run, "feedback")
    assert feedback.body["errors"][0]["code"] == "missing_column"


def test_a_line_that_failed_does_not_come_again(bench: Any, cities: Path) -> None:
    setup = bench.setup(PIVOT, mean("Rome"), "answer(s2)", mean("Rome"), mean("C01"), "answer(s2)")
    outcome = run_goal(GOAL, {"sales": cities}, setup)
    assert (outcome.status, outcome.replans) == ("done", 1)
    assert "known to fail" in setup.model.requests[4].messages[-1].content


def test_after_so_many_rounds_there_is_an_honest_end(bench: Any, cities: Path) -> None:
    names = ("Rome", "Oslo", "Paris")
    lines = [line for name in names for line in (mean(name), "answer(s2)")]
    outcome = run_goal(GOAL, {"sales": cities}, bench.setup(PIVOT, *lines))
    assert (outcome.status, outcome.replans, outcome.answer) == ("failed", 2, {})
    assert "'s2' failed (missing_column)" in outcome.reason
    assert "Paris" in outcome.reason
    assert [event.body["version"] for event in bench.events(outcome.run, "replan")] == [2, 3]


def test_a_file_that_changed_after_planning_ends_honestly(bench: Any, cities: Path) -> None:
    line = 'aggregate(table=sales, column="price", function="mean")'
    run, _ = plan_goal(GOAL, {"sales": cities}, bench.setup(line, "answer(s1)"))
    (bench.home / "runs" / run / "inputs" / "sales.csv").write_text("month,city\n1,Rome\n", encoding="utf-8")
    outcome = resume_run(run, bench.setup(*[line, "answer(s1)"] * 2))
    assert (outcome.status, outcome.replans) == ("failed", 2)
    assert "file_changed" in outcome.reason
    assert bench.attempts(run, "s1") == []


def test_a_check_that_does_not_hold_is_replanned(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps([{"a": 1}, {"a": "x"}]), encoding="utf-8")
    lines = ("check_schema(table=rows)", "count_rows(table=s1)", "answer(s2)", "count_rows(table=rows)", "answer(s1)")
    outcome = run_goal("Check the schema and count the rows", {"rows": path}, bench.setup(*lines))
    assert (outcome.status, outcome.replans, list(outcome.answer.values())) == ("done", 1, [2])
    assert "mixed_types" in bench.events(outcome.run, "replan")[0].body["reasons"][0]


def test_a_run_that_stops_before_its_new_version_goes_on_with_it(bench: Any, cities: Path) -> None:
    stopped = run_goal(GOAL, {"sales": cities}, bench.setup(PIVOT, mean("Rome"), "answer(s2)", KeyboardInterrupt()))
    assert stopped.status == "cancelled"
    again = bench.setup(mean("Rome"), mean("C01"), "answer(s2)")
    outcome = resume_run(stopped.run, again)
    assert (outcome.status, outcome.replans) == ("done", 1)
    assert "missing_column" in again.model.requests[0].messages[-1].content
    assert bench.attempts(outcome.run, "s1") == ["task.completed"]


WORTH: dict[str, tuple[str, tuple[ErrorKind, ...], bool]] = {
    "one wrong content": ("failed", ("content",), True),
    "a criterion that does not hold": ("failed", ("criterion",), True),
    "a service that is down": ("failed", ("transport",), True),
    "too late": ("timed_out", ("timeout",), True),
    "an effect of unknown outcome": ("failed", ("unknown_outcome",), False),
    "an effect of unknown outcome beside what another plan could do": ("failed", ("content", "unknown_outcome"), False),
    "stopped": ("cancelled", ("content",), False),
    "nothing but what was stopped": ("failed", ("cancelled",), False),
    "done, after one that failed": ("completed", ("content",), False),
}


@pytest.mark.parametrize(("status", "kinds", "worth"), WORTH.values(), ids=WORTH)
def test_another_plan_is_asked_for_where_it_may_help(status: Any, kinds: tuple[ErrorKind, ...], worth: bool) -> None:
    feedback = {
        f"s{number}": Feedback(
            step_id=f"s{number}",
            execution_status="failure",
            errors=(ErrorRecord(kind=kind, code=kind, message="so"),),
        )
        for number, kind in enumerate(kinds)
    }
    assert worth_replanning(EngineResult(status=status, outputs={}, feedback=feedback)) is worth


CASES = {
    "503 twice, then 200": ([503, 503, 200], "done", ["task.failed", "task.failed", "task.completed"]),
    "503 twice, then 404": ([503, 503, 404], "failed", ["task.failed"] * 3),
}


@pytest.mark.parametrize(("statuses", "status", "attempts"), CASES.values(), ids=CASES)
def test_a_service_that_fails(
    bench: Any, served: Any, shop_of: Any, statuses: list[int], status: str, attempts: list[str]
) -> None:
    calls: list[str] = []

    def answer(method: str, path: str) -> tuple[int, str]:
        calls.append(path)
        code = statuses[min(len(calls), len(statuses)) - 1]
        return code, '{"stock": 7}' if code == 200 else "{}"

    with served(answer) as url:
        catalogue, policy = shop_of(url)
        (tool,) = catalogue.tools
        quick = tool.model_copy(update={"retry": tool.retry.model_copy(update={"delay": 0.05})})
        catalogue = Catalogue(name="shop", tools=(quick,))
        line = f'{tool.operation}(id="A7")'
        setup = bench.setup(line, "answer(s1.body.stock)", catalogue=catalogue, policy=policy)
        outcome = run_goal('How many "A7" are in stock?', {}, setup)
    assert outcome.status == status
    assert bench.attempts(outcome.run, "s1")[:3] == attempts
    assert len(calls) == 3
    if status == "done":
        assert list(outcome.answer.values()) == [7]
    else:
        code = "http_404" if 404 in statuses else "http_503"
        (replan, *_) = bench.events(outcome.run, "replan")
        assert code in replan.body["reasons"][0]
        assert code in outcome.reason


def test_what_happened_can_be_looked_at(bench: Any, cities: Path) -> None:
    outcome = run_goal(
        GOAL, {"sales": cities}, bench.setup(PIVOT, mean("Rome"), "answer(s2)", mean("C01"), "answer(s2)")
    )
    shown = full(bench.home, outcome.run)
    assert shown["status"] == "done"
    assert shown["states"] == {"t_load_sales": "completed", "t_s1": "completed", "t_s2": "completed"}
    kinds = [(step["step"], step["kind"]) for step in shown["steps"] if step["kind"].endswith("ed")]
    assert ("s2", "task.failed") in kinds
