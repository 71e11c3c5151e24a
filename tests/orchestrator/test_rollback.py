"""Runs that fail for good, and effects that nobody knows about: what is undone, asked, repeated, and what never is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dagwright.catalogue import Catalogue
from dagwright.exceptions import InputError, TimedOut, ToolRejected, ToolUnavailable
from dagwright.feedback import Outcome
from dagwright.policy import Policy, Rule, UnknownRule
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from executor.archive.archive import Archive
from executor.engine.embedded import EmbeddedEngine
from executor.ledger.ledger import Ledger
from executor.replay.replay import replay
from executor.replay.verify import verify
from executor.worker.breaker import Breakers
from orchestrator.approval import Decision, Question
from orchestrator.history import full, status_of
from orchestrator.ledgers import Shared
from orchestrator.permission import decide_waiting
from orchestrator.pipeline import resume_run, run_proposal
from orchestrator.rollback import compensate_run, left_behind
from orchestrator.settlement import settle
from orchestrator.setup import Setup
from orchestrator.strategy.interleaved import Interleaved

ORDERED = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "item": {"type": "string"}},
    "required": ["id"],
    "additionalProperties": False,
}


def operation(name: str, takes: dict[str, Any], **more: Any) -> ToolSpec:
    given = {
        "tool_name": "shop",
        "operation": name,
        "description": "Does it.",
        "input_schema": {"type": "object", "properties": takes, "required": list(takes), "additionalProperties": False},
        "output_schema": ORDERED,
        "effect": "write",
        "idempotent": False,
        "timeout": 5,
        "binding": {"kind": "python", "callable": f"shop:{name}"},
    }
    return ToolSpec.model_validate(given | more)


TEXT, NUMBER, MANY = {"type": "string"}, {"type": "integer"}, {"type": "array", "items": {"type": "integer"}}
RETRY = {"attempts": 3, "delay": 0, "factor": 1}
CATALOGUE = Catalogue(
    name="shop",
    tools=(
        operation("order", {"item": TEXT, "after": MANY}, compensation="shop.cancel"),
        operation("note", {"item": TEXT, "after": MANY}, compensation="shop.forget"),
        operation("cancel", {"id": NUMBER}, retry=RETRY, output_schema={"type": "object"}),
        operation("forget", {"item": TEXT}, output_schema={"type": "object"}),
    ),
)

Act = Callable[[str, Mapping[str, Any]], None]
"""What happens before (or instead of) an effect: may raise."""


@dataclass
class Shop:
    """The world outside: what was done there, in order, whatever any archive says."""

    act: Act = lambda step, arguments: None
    effects: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])

    def __call__(self, spec: Any, arguments: Any, context: Any) -> Any:
        self.act(context.step, arguments)
        self.effects.append(f"{spec.operation} {arguments.get('item') or arguments.get('id')}")
        self.keys.append(context.idempotency_key)
        return {"id": len(self.effects)} if spec.operation in ("order", "note") else {}


Row = tuple[str, str, str, Sequence[str]]
"""Step, operation, rollback strategy, the steps before it."""


def proposal(*rows: Row) -> Proposal:
    steps = {
        name: {
            "step_id": name,
            "action": "do",
            "tool_intent": {
                "tool_name": "shop",
                "operation": verb,
                "required_inputs": {
                    "item": {"literal": name},
                    "after": {"list": [{"from": before, "path": "/id"} for before in befores]},
                },
            },
            "rollback_strategy": strategy,
        }
        for name, verb, strategy, befores in rows
    }
    nodes = [
        {"task_id": f"t_{name}", "description": "do", "dependencies": [f"t_{before}" for before in befores]}
        for name, _, _, befores in rows
    ]
    return Proposal.model_validate(
        {
            "goal": {"goal_id": "g", "text": "order"},
            "plan": {"dag_id": "d", "nodes": nodes},
            "decompositions": [{"task_id": f"t_{name}", "steps": [step]} for name, step in steps.items()],
            "answer": {"last": {"from": rows[-1][0], "path": "/id"}},
        }
    )


@dataclass
class Bench:
    home: Path
    shop: Shop

    def setup(self, policy: Policy | None = None, decision: Decision = "later") -> Setup:
        self.asked: list[Question] = []

        def approver(question: Question) -> Decision:
            self.asked.append(question)
            return decision

        return Setup(
            home=self.home,
            model=None,  # type: ignore[arg-type]
            strategy=Interleaved(),
            catalogue=CATALOGUE,
            engine=EmbeddedEngine(),
            runners=lambda served: {"python": self.shop},
            policy=policy or Policy(name="test"),
            breakers=Breakers(),
            approver=approver,
            approver_name="tester",
        )

    def run(self, *rows: Row, policy: Policy | None = None, decision: Decision = "later") -> Outcome:
        return run_proposal(proposal(*rows), self.setup(policy, decision), folder=self.home)

    def resume(self, run: str, policy: Policy | None = None, decision: Decision = "later") -> Outcome:
        return resume_run(run, self.setup(policy, decision))

    def states(self, run: str) -> dict[str, str]:
        with Archive.open(self.home, run, read_only=True) as archive:
            return {entry.step: entry.state for entry in Ledger(archive).entries()}

    def check(self, run: str) -> None:
        with Archive.open(self.home, run, read_only=True) as archive:
            assert verify(archive) == ()
            assert replay(archive, runners={}).divergence == ""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "home", Shop())


def raising(**errors: Exception | Sequence[Exception | None]) -> Act:
    """Gives what raises an error for a step: always the same, or one after the other, then none."""
    left = {step: list(error) for step, error in errors.items() if isinstance(error, Sequence)}

    def act(step: str, arguments: Mapping[str, Any]) -> None:
        name = step.replace(":", "_")
        error = errors.get(name)
        if name in left:
            error = left[name].pop(0) if left[name] else None
        if isinstance(error, Exception):
            raise error

    return act


NO = ToolRejected("sold out", code="http_409")
CHAIN: tuple[Row, ...] = (
    ("a", "order", "compensate", ()),
    ("b", "note", "compensate", ("a",)),
    ("c", "order", "compensate", ("b",)),
)


def test_what_was_done_is_undone_in_reverse_order(bench: Bench) -> None:
    bench.shop.act = raising(c=NO)
    outcome = bench.run(*CHAIN)
    assert outcome.status == "failed"
    assert bench.shop.effects == ["order a", "note b", "forget b", "cancel 1"]
    assert outcome.undone == ("b (shop.note)", "a (shop.order)")
    assert outcome.not_undone == ()
    assert bench.states(outcome.run) == {"a": "undone", "b": "undone", "c": "not_done"} | {
        "undo:a": "done",
        "undo:b": "done",
    }
    shown = full(bench.home, outcome.run)["effects"]
    assert [(item["step"], item["state"]) for item in shown] == [("b", "undone"), ("a", "undone")]  # type: ignore[union-attr,index,call-overload]
    bench.check(outcome.run)


def test_a_run_that_succeeds_undoes_nothing(bench: Bench) -> None:
    outcome = bench.run(*CHAIN)
    assert (outcome.status, len(bench.shop.effects), outcome.undone) == ("done", 3, ())


STRATEGIES = [("none", (), ()), ("manual", (), ("undo it by hand",)), ("compensate", ("a (shop.order)",), ())]


@pytest.mark.parametrize(("strategy", "undone", "standing"), STRATEGIES)
def test_only_what_a_step_says_is_done(
    bench: Bench, strategy: str, undone: tuple[str, ...], standing: tuple[str, ...]
) -> None:
    bench.shop.act = raising(b=NO)
    outcome = bench.run(("a", "order", strategy, ()), ("b", "order", "none", ("a",)))
    assert outcome.undone == undone
    assert len(outcome.not_undone) == len(standing)
    assert all(said in line for said, line in zip(standing, outcome.not_undone, strict=True))


def test_a_compensation_is_tried_again_as_its_contract_says(bench: Bench) -> None:
    busy = ToolUnavailable("503", code="http_503")
    bench.shop.act = raising(b=NO, undo_a=[busy, busy])
    outcome = bench.run(("a", "order", "compensate", ()), ("b", "order", "none", ("a",)))
    assert bench.shop.effects == ["order a", "cancel 1"]
    assert outcome.undone == ("a (shop.order)",)


def test_what_comes_before_one_that_stands_is_held_and_the_rest_is_undone(bench: Bench) -> None:
    bench.shop.act = raising(d=NO, undo_b=[NO])
    rows = (*CHAIN[:2], ("x", "order", "compensate", ()), ("d", "order", "none", ("b", "x")))
    outcome = bench.run(*rows)
    assert outcome.undone == ("x (shop.order)",)
    failed, held = outcome.not_undone
    assert failed.startswith("b (shop.note): its compensation failed: sold out; try again: dagwright runs compensate")
    assert held.startswith("a (shop.order): what came after it still stands")
    again = compensate_run(outcome.run, bench.setup())
    assert (len(again.undone), again.standing) == (3, ())
    assert bench.shop.effects[-2:] == ["forget b", "cancel 1"] or bench.shop.effects[-2:] == ["forget b", "cancel 2"]
    assert len(set(bench.shop.effects)) == len(bench.shop.effects)
    bench.check(outcome.run)


def test_one_that_may_have_been_compensated_is_asked_about(bench: Bench) -> None:
    bench.shop.act = raising(b=NO, undo_a=[TimedOut("no answer")])
    outcome = bench.run(("a", "order", "compensate", ()), ("b", "order", "none", ("a",)))
    (line,) = outcome.not_undone
    assert "nobody knows whether it was undone" in line
    assert compensate_run(outcome.run, bench.setup()).undone == ()
    settle(bench.home, outcome.run, "undo:a", "happened", by="me")
    assert compensate_run(outcome.run, bench.setup()).undone == ("a (shop.order)",)
    assert bench.shop.effects == ["order a"]
    bench.check(outcome.run)


ON_REQUEST = Policy(name="p", rollback="on_request")


def test_policy_may_wait_for_a_request(bench: Bench) -> None:
    bench.shop.act = raising(b=NO)
    outcome = bench.run(("a", "order", "compensate", ()), ("b", "order", "none", ("a",)), policy=ON_REQUEST)
    assert (outcome.undone, bench.shop.effects) == ((), ["order a"])
    assert "runs compensate" in outcome.not_undone[0]
    assert compensate_run(outcome.run, bench.setup(ON_REQUEST)).undone == ("a (shop.order)",)


def test_a_run_that_is_done_can_be_undone_on_request(bench: Bench) -> None:
    outcome = bench.run(*CHAIN)
    assert len(compensate_run(outcome.run, bench.setup()).undone) == 3
    assert bench.shop.effects[3:] == ["cancel 3", "forget b", "cancel 1"]
    assert compensate_run(outcome.run, bench.setup()).standing == ()
    assert len(bench.shop.effects) == 6


ASKING = Policy(name="p", rules=(Rule(tools="shop.cancel", action="ask"),))


def test_a_compensation_that_policy_asks_about_waits_for_a_person(bench: Bench) -> None:
    bench.shop.act = raising(b=NO)
    waiting = bench.run(("a", "order", "compensate", ()), ("b", "order", "none", ("a",)), policy=ASKING)
    assert (waiting.status, bench.shop.effects) == ("waiting", ["order a"])
    assert waiting.reason.endswith(f"dagwright approve {waiting.run} undo:a")
    (question,) = decide_waiting(bench.home, waiting.run, "undo:a", by="boss", given=True)
    assert question.subject == "undo:a"
    outcome = bench.resume(waiting.run, ASKING)
    assert (outcome.status, outcome.undone) == ("failed", ("a (shop.order)",))
    assert "sold out" in outcome.reason
    assert bench.shop.effects == ["order a", "cancel 1"]


def test_a_compensation_that_a_person_refuses_stands(bench: Bench) -> None:
    bench.shop.act = raising(b=NO)
    rows = (("a", "order", "compensate", ()), ("b", "order", "none", ("a",)))
    outcome = bench.run(*rows, policy=ASKING, decision="reject")
    assert (outcome.status, outcome.undone, len(outcome.not_undone)) == ("failed", (), 1)


LATE = TimedOut("no answer")


def test_an_unknown_outcome_is_a_question(bench: Bench) -> None:
    bench.shop.act = raising(b=[LATE])
    waiting = bench.run(*CHAIN)
    assert waiting.status == "waiting"
    assert f"dagwright settle {waiting.run} b --happened" in waiting.reason
    with Archive.open(bench.home, waiting.run, read_only=True) as archive:
        assert status_of(archive) == "waiting"
    assert bench.resume(waiting.run).status == "waiting", "the question stands"
    assert bench.shop.effects == ["order a"]


def test_what_did_not_happen_is_tried(bench: Bench) -> None:
    bench.shop.act = raising(b=[LATE])
    waiting = bench.run(*CHAIN)
    assert settle(bench.home, waiting.run, "", "not_happened", by="me") == ("b", "shop.note")
    outcome = bench.resume(waiting.run)
    assert (outcome.status, outcome.replans) == ("done", 0)
    assert bench.shop.effects == ["order a", "note b", "order c"]
    bench.check(outcome.run)


@dataclass
class Remembering(Shop):
    """A provider that answers a key whose end it did not see with that, for ever, as `examples/worker` does."""

    begun: set[str] = field(default_factory=set[str])

    def __call__(self, spec: Any, arguments: Any, context: Any) -> Any:
        if context.idempotency_key in self.begun:
            raise ToolUnavailable("it was begun before; its end was not seen", code="unknown_outcome")
        self.begun.add(context.idempotency_key)
        return super().__call__(spec, arguments, context)


def test_what_did_not_happen_is_tried_under_a_key_that_its_provider_does_not_remember(bench: Bench) -> None:
    bench.shop = Remembering(act=raising(b=[LATE, LATE]))
    run = bench.run(*CHAIN).run
    for _ in range(2):
        settle(bench.home, run, "b", "not_happened", by="me")
        outcome = bench.resume(run)
    assert (outcome.status, bench.shop.effects) == ("done", ["order a", "note b", "order c"])
    bench.check(run)


def test_each_of_several_questions_is_asked_in_its_turn(bench: Bench) -> None:
    bench.shop.act = raising(a=[LATE], b=[LATE, LATE])
    run = bench.run(*CHAIN).run
    for step in "abb":
        settle(bench.home, run, step, "not_happened", by="me")
        outcome = bench.resume(run)
    assert (outcome.status, bench.shop.effects) == ("done", ["order a", "note b", "order c"])
    bench.check(run)


def test_what_happened_is_not_repeated_and_gives_what_the_person_says(bench: Bench) -> None:
    bench.shop.act = raising(c=[LATE])
    waiting = bench.run(*CHAIN)
    with pytest.raises(InputError, match="--outputs"):
        settle(bench.home, waiting.run, "c", "happened", by="me")
    settle(bench.home, waiting.run, "c", "happened", by="me", outputs={"id": 17})
    outcome = bench.resume(waiting.run)
    assert (outcome.status, outcome.answer) == ("done", {"last": 17})
    assert bench.shop.effects == ["order a", "note b"]
    bench.check(outcome.run)


def test_a_person_may_have_it_undone_and_tried_again(bench: Bench) -> None:
    bench.shop.act = raising(b=[LATE])
    waiting = bench.run(*CHAIN)
    settle(bench.home, waiting.run, "b", "compensate", by="me")
    assert bench.resume(waiting.run).status == "done"
    assert bench.shop.effects == ["order a", "forget b", "note b", "order c"]
    assert len(set(bench.shop.keys)) == 4, "a provider that remembers keys is not asked with an old one"
    bench.check(waiting.run)


UNDOING = Policy(name="p", unknown_outcomes=(UnknownRule(action="compensate"),))


def test_policy_may_have_it_undone_and_tried_again_without_asking(bench: Bench) -> None:
    bench.shop.act = raising(b=[LATE])
    outcome = bench.run(*CHAIN, policy=UNDOING)
    assert (outcome.status, outcome.replans) == ("done", 0)
    assert bench.shop.effects == ["order a", "forget b", "note b", "order c"]


def test_policy_does_so_a_few_times_only(bench: Bench) -> None:
    bench.shop.act = raising(b=LATE)
    assert bench.run(*CHAIN, policy=UNDOING).status == "waiting"
    assert bench.shop.effects == ["order a"] + ["forget b"] * 3


def test_what_cannot_be_undone_without_knowing_what_it_gave_is_asked_about(bench: Bench) -> None:
    bench.shop.act = raising(a=[LATE])
    outcome = bench.run(*CHAIN, policy=UNDOING)
    assert outcome.status == "waiting"
    assert "'outputs'" in outcome.reason


def test_approvals_of_the_same_plan_hold_after_the_answer(bench: Bench) -> None:
    policy = Policy(name="p", rules=(Rule(tools="shop.order", action="ask"),))
    bench.shop.act = raising(b=[LATE])
    waiting = bench.run(*CHAIN, policy=policy, decision="approve")
    settle(bench.home, waiting.run, "b", "not_happened", by="me")
    outcome = bench.resume(waiting.run, policy)
    assert (outcome.status, bench.asked) == ("done", [])


def test_an_open_effect_of_a_run_that_failed_is_named_and_settled_by_hand(bench: Bench) -> None:
    bench.shop.act = raising(b=[LATE])
    waiting = bench.run(*CHAIN)
    rollback = compensate_run(waiting.run, bench.setup())
    assert [line.split(":")[0] for line in rollback.standing] == ["b (shop.note)", "a (shop.order)"]
    settle(bench.home, waiting.run, "b", "undone", by="me")
    assert len(compensate_run(waiting.run, bench.setup()).undone) == 2
    assert bench.shop.effects == ["order a", "cancel 1"]


def test_a_run_is_not_resumed_with_its_effects_somewhere_else(bench: Bench) -> None:
    bench.shop.act = raising(b=[LATE])
    waiting = bench.run(*CHAIN)
    settle(bench.home, waiting.run, "b", "not_happened", by="me")
    elsewhere = replace(bench.setup(), shared=Shared(address="host=/nowhere", scope="payroll"))
    with pytest.raises(InputError, match="begun with its effects by itself"):
        resume_run(waiting.run, elsewhere)
    assert bench.shop.effects == ["order a"]


def test_address_and_scope_of_a_shared_ledger_belong_together() -> None:
    assert Shared.of({}) is None
    with pytest.raises(InputError, match="DAGWRIGHT_LEDGER_SCOPE is missing"):
        Shared.of({"DAGWRIGHT_LEDGER": "host=x"})


def test_effects_of_a_version_that_was_given_up_are_named(bench: Bench) -> None:
    outcome = bench.run(*CHAIN)
    with Archive.open(bench.home, outcome.run, read_only=True) as archive:
        outputs = {entry.step: entry.output for entry in Ledger(archive).entries() if entry.output}
        assert left_behind(archive, outputs.values()).standing == ()
        (line,) = left_behind(archive, [outputs["a"], outputs["b"]]).standing
    assert line.startswith("c (shop.order): the plan that it was part of was given up; undo it by hand")
