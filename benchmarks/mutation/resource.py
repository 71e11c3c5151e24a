"""Operators on what a run would take (R501-R508)."""

from __future__ import annotations

from benchmarks.mutation.operator import Draft, Operator, Table
from dagwright.model import Interval
from dagwright.tool import LlmBinding, Retry

operator = Table()


def _priced(draft: Draft) -> None:
    """Makes every operation cost and last something known."""
    for step in draft.steps:
        draft.change_spec(step, cost=Interval(low=0.5, high=1.0), latency=Interval(low=2.0, high=3.0), retry=Retry())


@operator("R501")
def over_budget(draft: Draft) -> bool:
    """The plan costs more than the goal allows."""
    _priced(draft)
    draft.constrain(max_cost=len(draft.steps) - 0.5)
    return True


@operator("R501")
def cost_unknown(draft: Draft) -> bool:
    """There is a budget, and nobody knows what a step costs."""
    _priced(draft)
    draft.change_spec(draft.random.choice(draft.steps), cost=None)
    draft.constrain(max_cost=1_000)
    return True


@operator("R501")
def over_budget_of_policy(draft: Draft) -> bool:
    """The plan costs more than policy allows."""
    _priced(draft)
    draft.change_policy(budget={"max_cost": len(draft.steps) - 0.5})
    return True


@operator("R502")
def too_late(draft: Draft) -> bool:
    """Even the quickest run takes longer than the deadline."""
    _priced(draft)
    draft.constrain(deadline=1.0)
    return True


@operator("R502")
def perhaps_too_late(draft: Draft) -> bool:
    """With retries a run may take longer than the deadline."""
    _priced(draft)
    step = draft.random.choice(draft.steps)
    draft.change_spec(step, retry=Retry(attempts=5, delay=100, factor=1, max_delay=100))
    draft.constrain(deadline=100)
    return True


@operator("R503")
def too_many_calls(draft: Draft) -> bool:
    """The plan makes more calls than the goal allows."""
    draft.constrain(max_calls=len(draft.steps) - 1)
    return True


@operator("R503")
def quota_used_up(draft: Draft) -> bool:
    """An operation may not be called any more."""
    draft.change_spec(draft.random.choice(draft.steps), quota=0)
    return True


@operator("R507")
def no_worker(draft: Draft) -> bool:
    """There is no worker for the operations of the plan."""
    draft.workers = frozenset(draft.workers - {draft.spec(step).binding.kind for step in draft.steps})
    return True


@operator("R508")
def too_many_tokens(draft: Draft) -> bool:
    """The answers of a language model may take more tokens than the goal allows."""
    draft.change_spec(draft.random.choice(draft.steps), binding=LlmBinding(instruction="Answer.", max_tokens=100))
    draft.constrain(max_tokens=99)
    return True


OPERATORS: tuple[Operator, ...] = tuple(operator)
