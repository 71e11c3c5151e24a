"""Runs whose operations are down: what takes their place, what never does, and what the archive says of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dagwright.catalogue import catalogue_of
from dagwright.event import Event
from dagwright.exceptions import TimedOut, ToolRejected, ToolUnavailable
from dagwright.feedback import Outcome
from dagwright.policy import Policy
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from executor.archive.archive import Archive
from executor.conductor.engine import ConductorEngine
from executor.engine.embedded import EmbeddedEngine
from executor.engine.engine import Engine
from executor.ledger.ledger import Ledger
from executor.replay.replay import replay
from executor.replay.verify import verify
from executor.worker.breaker import Breakers
from orchestrator.approval import Decision, Question
from orchestrator.history import full
from orchestrator.permission import decide_waiting
from orchestrator.pipeline import resume_run, run_proposal
from orchestrator.settlement import settle
from orchestrator.setup import Setup
from orchestrator.strategy.interleaved import Interleaved
from orchestrator.view.history import drawn
from orchestrator.view.terminal import ask_approval, console
from validation import certify

EXAMPLES = Path(__file__).parents[2] / "examples"
Json = dict[str, Any]
OUTPUTS = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


def operation(name: str, **more: Any) -> ToolSpec:
    tool, verb = name.split(".")
    given = {
        "tool_name": tool,
        "operation": verb,
        "description": "Does it.",
        "input_schema": {
            "type": "object",
            "properties": {"item": {"type": "string"}, "after": {"type": "array", "items": {"type": "string"}}},
            "required": ["item", "after"],
            "additionalProperties": False,
        },
        "output_schema": OUTPUTS,
        "effect": "read",
        "capabilities": ["shop"],
        "timeout": 5,
        "binding": {"kind": "python", "callable": f"{tool}:{verb}"},
    }
    return ToolSpec.model_validate(given | more)


ONCE = {"effect": "write", "idempotent": False}
CATALOGUE = catalogue_of(
    "shop",
    [
        *(operation(f"{tool}.look") for tool in ("first", "second", "third")),
        *(operation(f"{tool}.order", **ONCE) for tool in ("first", "second")),
        *(operation(f"{tool}.put", effect="write") for tool in ("first", "second")),
    ],
)
POLICY: Json = {
    "name": "test",
    "fallbacks": [
        {"capability": "shop", "operations": [f"{tool}.{verb}" for tool in ("first", "second", "third")]}
        for verb in ("look", "order", "put")
    ],
}

Act = Callable[[str, str], None]
"""What happens at a step's call of an operation: may raise."""


@dataclass
class World:
    """The services outside: who was called, whatever any archive says."""

    act: Act = lambda step, operation: None
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def __call__(self, spec: ToolSpec, arguments: Mapping[str, Any], context: Any) -> Json:
        self.calls.append((context.step, spec.name))
        self.act(context.step, spec.name)
        return {"id": f"{context.step} by {spec.name}"}


def raising(**errors: Exception | None) -> Act:
    """Gives what raises an error wherever a tool (`first`), or a step's call of it (`first_s1`), is called."""

    def act(step: str, operation: str) -> None:
        tool = operation.split(".")[0]
        error = errors.get(tool) or errors.get(f"{tool}_{step.replace('#', '_')}")
        if error is not None:
            raise error

    return act


def down() -> Exception:
    return ToolUnavailable("503", code="http_503")


def proposal(*rows: tuple[str, str], controls: Mapping[str, Json] | None = None, **more: Json) -> Proposal:
    """Gives a chain of steps, each an operation that is told what the one before gave."""
    controls = controls or {}
    groups: list[Json] = []
    for index, (name, verb) in enumerate(rows):
        before = [{"from": rows[index - 1][0], "path": "/id"}] if index else []
        inputs = {"item": {"literal": name}, "after": {"list": before}}
        intent = {"tool_name": "first", "operation": verb, "required_inputs": inputs}
        step = {"step_id": name, "action": "do", "tool_intent": intent}
        groups.append({"task_id": f"t_{name}", "steps": [step], **controls.get(name, {})})
    nodes = [
        {"task_id": f"t_{name}", "description": "do", "dependencies": [f"t_{rows[index - 1][0]}"] if index else []}
        for index, (name, _) in enumerate(rows)
    ]
    whole = {
        "goal": {"goal_id": "g", "text": "order"},
        "plan": {"dag_id": "d", "nodes": nodes},
        "decompositions": groups,
        "answer": {"last": {"from": rows[-1][0], "path": "/id"}},
    }
    return Proposal.model_validate(whole | more)


@dataclass
class Bench:
    home: Path
    world: World = field(default_factory=World)
    engine: Engine = field(default_factory=EmbeddedEngine)
    breakers: Breakers = field(default_factory=Breakers)
    policy: Json = field(default_factory=lambda: POLICY)
    decision: Decision = "later"
    asked: list[Question] = field(default_factory=list[Question])

    def setup(self) -> Setup:
        def approver(question: Question) -> Decision:
            self.asked.append(question)
            return self.decision

        return Setup(
            home=self.home,
            model=None,  # type: ignore[arg-type]
            strategy=Interleaved(),
            catalogue=CATALOGUE,
            engine=self.engine,
            runners=lambda served: {"python": self.world},
            policy=Policy.model_validate(self.policy),
            breakers=self.breakers,
            approver=approver,
            approver_name="tester",
        )

    def run(self, *rows: tuple[str, str], **more: Any) -> Outcome:
        return run_proposal(proposal(*rows, **more), self.setup(), folder=self.home)

    def resume(self, run: str) -> Outcome:
        return resume_run(run, self.setup())

    def events(self, run: str, kind: Any) -> list[Event]:
        with Archive.open(self.home, run, read_only=True) as archive:
            return list(archive.events(kind))

    def exchanges(self, run: str) -> list[Any]:
        return [event.body["fallback"] for event in self.events(run, "replan")]  # type: ignore[index,call-overload]

    def check(self, run: str) -> None:
        with Archive.open(self.home, run, read_only=True) as archive:
            assert verify(archive) == ()
            assert replay(archive, runners={}).divergence == ""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "home")


LOOK, CHAIN = (("a", "look"),), (("a", "look"), ("b", "look"), ("c", "look"))


def test_where_an_operation_is_down_another_takes_its_place_and_finished_steps_are_taken_over(bench: Bench) -> None:
    bench.world.act = raising(first_b=down())
    outcome = bench.run(*CHAIN)
    assert (outcome.status, outcome.replans, outcome.answer) == ("done", 0, {"last": "c by first.look"})
    assert bench.world.calls == [("a", "first.look"), ("b", "first.look"), ("b", "second.look"), ("c", "first.look")]
    bench.check(outcome.run)


def test_the_archive_says_why_and_from_what_to_what_and_so_does_runs_show(bench: Bench) -> None:
    bench.world.act = raising(first_b=down())
    run = bench.run(*CHAIN).run
    said = {"step": "b", "from": "first.look", "to": "second.look", "kind": "transport", "code": "http_503"}
    assert bench.exchanges(run) == [said]
    shown = full(bench.home, run)
    assert [replan["fallback"] for replan in shown["replans"]] == [said]  # type: ignore[union-attr,index,call-overload]
    out = console()
    with out.capture() as captured:
        out.print(drawn(shown))
    assert "fallback b: second.look instead of first.look (http_503)" in captured.get()
    assert json.loads(json.dumps(shown))["outcome"]["status"] == "done"


def test_the_next_one_follows_where_that_is_down_too_and_the_last_has_none(bench: Bench) -> None:
    bench.world.act = raising(first=down(), second=down())
    outcome = bench.run(*LOOK)
    assert (outcome.status, outcome.answer) == ("done", {"last": "a by third.look"})
    bench.check(outcome.run)
    bench.world.act = raising(first=down(), second=down(), third=down())
    outcome = bench.run(*LOOK)
    assert (outcome.status, outcome.reason) == ("failed", "step 'a' failed (http_503): 503")
    assert [(found["from"], found["to"]) for found in bench.exchanges(outcome.run)] == [
        ("first.look", "second.look"),
        ("second.look", "third.look"),
    ]
    bench.check(outcome.run)


def test_steps_fall_back_one_after_the_other(bench: Bench) -> None:
    bench.world.act = raising(first=down())
    outcome = bench.run(*CHAIN)
    assert (outcome.status, outcome.answer) == ("done", {"last": "c by second.look"})
    assert [found["step"] for found in bench.exchanges(outcome.run)] == ["a", "b", "c"]
    assert [step for step, tool in bench.world.calls if tool == "second.look"] == ["a", "b", "c"]
    bench.check(outcome.run)


def test_an_open_breaker_is_not_waited_for(bench: Bench) -> None:
    bench.policy = {**POLICY, "breakers": [{"failures": 1, "delay": 1_000}]}
    bench.world.act = raising(first=down())
    assert bench.run(*LOOK).status == "done"
    bench.world.calls.clear()
    outcome = bench.run(*LOOK)
    assert outcome.status == "done"
    assert bench.world.calls == [("a", "second.look")]
    assert [found["code"] for found in bench.exchanges(outcome.run)] == ["circuit_open"]
    bench.check(outcome.run)


@pytest.mark.parametrize("error", [down(), TimedOut("late"), ToolUnavailable("gone", code="unreachable")])
def test_only_an_operation_that_is_down_is_replaced(bench: Bench, error: Exception) -> None:
    bench.world.act = raising(first=error)
    assert bench.run(*LOOK).status == "done"
    bench.world.act = raising(first=ToolRejected("no such item", code="http_404"))
    assert bench.run(*LOOK).status == "failed"


def test_where_policy_names_none_the_run_fails(bench: Bench) -> None:
    bench.policy = {"name": "test"}
    bench.world.act = raising(first=down())
    outcome = bench.run(*LOOK)
    assert (outcome.status, bench.world.calls) == ("failed", [("a", "first.look")])
    assert "place" not in outcome.reason


def test_an_effect_that_did_not_happen_is_brought_about_by_another_operation_once(bench: Bench) -> None:
    bench.world.act = raising(first=down())
    outcome = bench.run(("a", "order"))
    assert (outcome.status, outcome.answer) == ("done", {"last": "a by second.order"})
    with Archive.open(bench.home, outcome.run, read_only=True) as archive:
        states = {(entry.operation, entry.state) for entry in Ledger(archive).entries()}
    assert states == {("second.order", "done")}
    assert outcome.not_undone == ()
    bench.check(outcome.run)


def test_where_nobody_knows_whether_it_happened_a_person_is_asked_first(bench: Bench) -> None:
    bench.world.act = raising(first=TimedOut("no answer"))
    waiting = bench.run(("a", "order"))
    assert waiting.status == "waiting"
    assert bench.world.calls == [("a", "first.order")]
    settle(bench.home, waiting.run, "a", "not_happened", by="me")
    bench.world.act = raising(first=down())
    outcome = bench.resume(waiting.run)
    assert (outcome.status, outcome.answer) == ("done", {"last": "a by second.order"})
    bench.check(outcome.run)


def test_an_effect_that_may_be_repeated_but_may_have_happened_is_not_brought_about_elsewhere(bench: Bench) -> None:
    bench.world.act = raising(first=TimedOut("no answer"))
    outcome = bench.run(("a", "put"))
    assert (outcome.status, bench.world.calls) == ("failed", [("a", "first.put")])
    assert outcome.reason.endswith(
        "'second.put' did not take its place: what step 'a' did, or may have done, must not be done again"
    )
    bench.check(outcome.run)


MODES: Mapping[str, Exception | None] = {
    "answers": None,
    "is down": down(),
    "does not answer": TimedOut("no answer"),
    "refuses": ToolRejected("no", code="http_409"),
}
ACTED = ("answers", "does not answer")


@pytest.mark.parametrize("verb", ["order", "put"])
@pytest.mark.parametrize("first", MODES)
@pytest.mark.parametrize("second", MODES)
def test_whatever_happens_an_effect_is_brought_about_in_one_place_at_most(
    bench: Bench, verb: str, first: str, second: str
) -> None:
    bench.world.act = raising(first=MODES[first], second=MODES[second])
    outcome = bench.run(("a", verb))
    modes = {"first": first, "second": second}
    called = [tool.split(".")[0] for _, tool in bench.world.calls]
    assert sum(modes[tool] in ACTED for tool in called) <= 1
    assert ("second" in called) == (first == "is down")
    assert (outcome.status == "done") == (modes[called[-1]] == "answers")
    bench.check(outcome.run)


EACH = {"control": {"each": {"items": {"literal": ["x", "y"]}, "name": "one"}}}


ALL = {"all": {"from": "a", "path": "/items"}}


def late(step: str, operation: str) -> None:
    """The second pass finds the operation down after the first has acted."""
    if step == "a#1" and operation.startswith("first."):
        time.sleep(0.3)
        raise down()


def test_where_a_pass_has_acted_nothing_takes_its_place(bench: Bench) -> None:
    bench.world.act = late
    outcome = bench.run(("a", "order"), controls={"a": EACH}, answer=ALL)
    assert outcome.status == "failed"
    assert outcome.reason.endswith("what step 'a#0' did, or may have done, must not be done again")
    assert sorted(bench.world.calls) == [("a#0", "first.order"), ("a#1", "first.order")]
    bench.check(outcome.run)


def test_passes_that_only_read_are_all_made_with_the_other_operation(bench: Bench) -> None:
    bench.world.act = late
    outcome = bench.run(("a", "look"), controls={"a": EACH}, answer=ALL)
    items = [{"id": f"a#{number} by second.look"} for number in (0, 1)]
    assert (outcome.status, outcome.answer) == ("done", {"all": items})
    bench.check(outcome.run)


def test_what_a_person_approves_is_approved_with_what_may_take_its_place(bench: Bench) -> None:
    bench.policy = {**POLICY, "rules": [{"tools": "*.order", "action": "ask"}]}
    bench.world.act = raising(first=down())
    waiting = bench.run(("a", "order"))
    assert waiting.status == "waiting"
    assert "first.order, or where that is down second.order" in waiting.reason
    assert bench.world.calls == []
    decide_waiting(bench.home, waiting.run, "a", by="me", given=True)
    outcome = bench.resume(waiting.run)
    assert (outcome.status, outcome.answer, len(bench.asked)) == ("done", {"last": "a by second.order"}, 1)
    bench.check(outcome.run)


def test_an_approval_without_a_fallback_is_none_of_a_program_with_one(bench: Bench) -> None:
    policy = {**POLICY, "rules": [{"tools": "*.order", "action": "ask"}]}
    given: Json = {"policy": Policy.model_validate(policy), "workers": frozenset(("python",))}
    whole = proposal(("a", "order"))
    with_ = certify(whole, catalogue=CATALOGUE, **given)
    without = certify(whole, catalogue=CATALOGUE.restricted_to(["first.order"]), **given)
    assert with_.approval_digest("a") != without.approval_digest("a")


def test_a_run_that_stops_after_falling_back_goes_on_with_the_same_version(bench: Bench) -> None:
    setups: list[Setup] = []

    def act(step: str, operation: str) -> None:
        if operation == "first.look":
            raise down()
        if len(setups) == 1:
            setups[0].cancelled.set()

    bench.world.act = act
    setups.append(bench.setup())
    stopped = run_proposal(proposal(*CHAIN), setups[0], folder=bench.home)
    assert stopped.status == "cancelled"
    setups.append(bench.setup())
    outcome = resume_run(stopped.run, setups[1])
    assert (outcome.status, outcome.answer) == ("done", {"last": "c by second.look"})
    assert [found["step"] for found in bench.exchanges(outcome.run)] == ["a", "b", "c"]
    bench.check(outcome.run)


RATES = (
    *("execute", str(EXAMPLES / "rates.proposal.json"), "--catalogue", str(EXAMPLES / "rates.catalogue.yaml")),
    *("--policy", str(EXAMPLES / "rates-policy.yaml")),
)
KEPT = "rates.kept (read, at most 1 call, $0.0000, 0.10 s)"


def test_a_dry_run_says_what_may_take_its_place(dagwright: Any, home: Path) -> None:
    assert f"usd: where rates.today is down {KEPT}" in dagwright(*RATES, "--dry-run").out
    found = dagwright(*RATES, "--dry-run", "--json").json
    assert found["fallbacks"] == {"usd": ["rates.kept"], "nok": ["rates.kept"]}


def test_the_page_for_review_says_what_is_approved_with_a_step(dagwright: Any, home: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    dagwright("show", *RATES[1:], "--html", str(page))
    assert page.read_text().count(f"Where that is down: {KEPT}") == 2


def test_the_person_at_the_terminal_is_told_what_may_take_its_place(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.policy = {**POLICY, "rules": [{"tools": "*.order", "action": "ask"}]}
    bench.run(("a", "order"))
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    assert ask_approval(bench.asked[0]) == "approve"
    assert "or, where first.order is down, second.order (write, at most 1 call" in capsys.readouterr().out


@pytest.mark.conductor
def test_on_conductor_it_is_the_same(bench: Bench, conductor_url: str) -> None:
    bench.engine = ConductorEngine(conductor_url)
    bench.world.act = raising(first=down())
    outcome = bench.run(("a", "look"), ("b", "order"))
    assert (outcome.status, outcome.answer) == ("done", {"last": "b by second.order"})
    assert [found["step"] for found in bench.exchanges(outcome.run)] == ["a", "b"]
    bench.check(outcome.run)
