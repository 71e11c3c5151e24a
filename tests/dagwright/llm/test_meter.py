"""A meter adds usage up, never turns unknown cost into a number, and keeps to its budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagwright.exceptions import ContentError, ModelAnswerError
from dagwright.llm.meter import BudgetExceeded, Meter, added
from dagwright.llm.model import Message, ModelReply, ModelRequest, Usage

REQUEST = ModelRequest(messages=(Message(role="user", content="x"),))


class Paid:
    """A model whose every answer takes what it is told to take."""

    name = "paid"
    accepts_grammar = False

    def __init__(self, *usages: Usage) -> None:
        self.usages = list(usages)

    def complete(self, request: ModelRequest) -> ModelReply:
        del request
        if not self.usages:
            raise ModelAnswerError("nothing left to say")
        return ModelReply(text="y", usage=self.usages.pop(0), model=self.name)


USAGES = st.builds(
    Usage,
    prompt_tokens=st.integers(0, 10**6),
    cached_tokens=st.integers(0, 10**6),
    completion_tokens=st.integers(0, 10**6),
    cost=st.none() | st.integers(0, 1000).map(lambda cents: cents / 128),
    seconds=st.integers(0, 1000).map(lambda n: n / 8),
)


@given(USAGES, USAGES, USAGES)
def test_addition_is_commutative_and_associative(a: Usage, b: Usage, c: Usage) -> None:
    assert added(a, b) == added(b, a)
    assert added(added(a, b), c) == added(a, added(b, c))


@given(USAGES)
def test_nothing_used_is_neutral(usage: Usage) -> None:
    assert added(usage, Usage(cost=0.0)) == usage


def test_one_unknown_cost_makes_the_sum_unknown() -> None:
    meter = Meter(Paid(Usage(prompt_tokens=3, cost=0.5), Usage(completion_tokens=4)))
    meter.complete(REQUEST)
    assert meter.used.cost == 0.5
    meter.complete(REQUEST)
    assert (meter.used.cost, meter.used.prompt_tokens, meter.used.completion_tokens, meter.calls) == (None, 3, 4, 2)


@pytest.mark.parametrize(
    ("limits", "says"),
    [({"max_tokens": 10}, "10 tokens"), ({"max_cost": 0.01}, "US dollars")],
    ids=["tokens", "cost"],
)
def test_a_used_up_budget_ends_it_before_the_model_is_asked(limits: dict[str, float], says: str) -> None:
    model = Paid(Usage(prompt_tokens=6, completion_tokens=5, cost=0.02), Usage())
    meter = Meter(model, **limits)  # type: ignore[arg-type]
    meter.complete(REQUEST)
    with pytest.raises(BudgetExceeded, match=says) as caught:
        meter.complete(REQUEST)
    assert isinstance(caught.value, ContentError)
    assert len(model.usages) == 1


def test_every_exchange_is_reported_failures_included() -> None:
    seen: list[ModelReply | Exception] = []
    meter = Meter(Paid(Usage()), on_exchange=lambda _, outcome: seen.append(outcome))
    reply = meter.complete(REQUEST)
    with pytest.raises(ModelAnswerError):
        meter.complete(REQUEST)
    assert seen[0] is reply
    assert isinstance(seen[1], ModelAnswerError)


def test_what_a_useless_answer_took_counts_too() -> None:
    class Wasteful(Paid):
        def complete(self, request: ModelRequest) -> ModelReply:
            raise ModelAnswerError("garbage", usage=Usage(completion_tokens=7, cost=0.25))

    meter = Meter(Wasteful(), max_tokens=7)
    with pytest.raises(ModelAnswerError):
        meter.complete(REQUEST)
    assert (meter.used.completion_tokens, meter.used.cost) == (7, 0.25)
    with pytest.raises(BudgetExceeded):
        meter.complete(REQUEST)
