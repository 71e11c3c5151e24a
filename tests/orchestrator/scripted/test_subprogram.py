"""A planner finds a plan that was made an operation, and calls it as any other; what runs are its steps."""

from __future__ import annotations

from typing import Any

from dagwright.catalogue import Catalogue
from dagwright.policy import Policy
from dagwright.proposal import Proposal
from executor.archive.archive import Archive
from executor.archive.recertify import ALL_KINDS
from executor.replay.rejudgement import rejudge
from executor.replay.replay import replay
from executor.replay.verify import verify
from executor.toolchest import default_catalogue
from orchestrator.pipeline import run_goal
from validation.subprogram import operation_of

ROWS = {
    "type": "array",
    "items": {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]},
}


def step(name: str, operation: str, **arguments: Any) -> dict[str, Any]:
    intent = {"tool_name": "data", "operation": operation, "required_inputs": arguments}
    return {"step_id": name, "action": name, "tool_intent": intent}


def catalogue() -> Catalogue:
    """The default toolchest with `prices.dearest`: the highest price, or the one at a place."""
    price: dict[str, Any] = {"column": {"literal": "price"}}
    steps = [
        step("ordered", "sort_rows", table={"input": "rows"}, descending={"literal": True}, **price),
        step("price", "get_value", table={"from": "ordered", "path": "/table"}, row={"input": "place"}, **price),
    ]
    place = {"value": 1, "schema": {"type": "integer", "minimum": 1}}
    proposal = {
        "goal": {
            "goal_id": "dearest",
            "text": "Give the price of the dearest.",
            "inputs": {"rows": {"value": [], "schema": ROWS}, "place": place},
        },
        "plan": {"dag_id": "d", "nodes": [{"task_id": "t", "description": "Find it."}]},
        "decompositions": [{"task_id": "t", "steps": steps}],
        "answer": {"price": {"from": "price", "path": "/value"}},
    }
    spec = operation_of(
        Proposal.model_validate(proposal),
        name="prices.dearest",
        catalogue=default_catalogue(),
        policy=Policy(name="p"),
        workers=ALL_KINDS,
    )
    return default_catalogue().merged(Catalogue(name="prices", tools=(spec,)))


def test_a_planner_calls_a_sub_program_and_the_archive_has_what_it_wrote_and_what_that_stands_for(
    bench: Any, sales: Any
) -> None:
    setup = bench.setup("dearest(rows=sales, place=1)", "answer(s1)", catalogue=catalogue())
    outcome = run_goal("What is the highest price?", {"sales": sales}, setup)
    assert (outcome.status, list(outcome.answer.values())) == ("done", [5.0]), outcome.reason
    with Archive.open(bench.home, outcome.run, read_only=True) as archive:
        assert verify(archive) == ()
        assert replay(archive).reproduced
        assert not any(found.differs for found in rejudge(archive))
        written, executed = (
            [(step.step_id, step.tool_intent.operation_name) for _, step in Proposal.model_validate(found).steps()]
            for found in (archive.get(event.body["proposal"]) for event in archive.events("proposal"))  # type: ignore[index,call-overload]
        )
    assert written == [("load_sales", "data.load_csv"), ("s1", "prices.dearest")]
    assert executed == [
        ("load_sales", "data.load_csv"),
        ("s1_ordered", "data.sort_rows"),
        ("s1_price", "data.get_value"),
    ]


def test_where_a_step_inside_fails_the_planner_is_told_of_its_call_and_does_not_write_it_again(
    bench: Any, sales: Any
) -> None:
    lines = ("dearest(rows=sales, place=9)", "answer(s1)", "dearest(rows=sales, place=2)", "answer(s1)")
    setup = bench.setup(*lines, catalogue=catalogue())
    outcome = run_goal("What is the second highest price?", {"sales": sales}, setup)
    (replan,) = bench.events(outcome.run, "replan")
    assert replan.body["banned"] == ["dearest(rows=sales, place=9)"]
    assert replan.body["reasons"][0].startswith("s1_price = dearest(rows=sales, place=9) failed: content ")
    assert (outcome.status, list(outcome.answer.values())) == ("done", [4.0]), outcome.reason
