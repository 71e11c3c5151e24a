"""Laws of the core, on random DAGs with random outcomes in random order: no thread, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.engine.decide import (
    Cancel,
    Command,
    Completed,
    Execution,
    Failed,
    Finish,
    Occurrence,
    Schedule,
    Stopped,
    TimedOut,
    retry_delay,
)
from executor.workflow.compile import compile_workflow
from executor.workflow.definition import WorkflowDef
from tests.executor.order import order_of

RETRIES = 2


@dataclass
class Story:
    """One execution: what was told to the core, and what it commanded."""

    told: list[Occurrence] = field(default_factory=list[Occurrence])
    commands: list[Command] = field(default_factory=list[Command])
    end: Finish | None = None


@st.composite
def workflows(draw: st.DrawFn, build: Any) -> WorkflowDef:
    names = [f"s{index}" for index in range(draw(st.integers(1, 10)))]
    after = {name: draw(st.lists(st.sampled_from(names[:i]), unique=True)) if i else [] for i, name in enumerate(names)}
    workflow = compile_workflow(build.program(after))
    definition = build.definition(retry_count=RETRIES)
    return workflow.model_copy(update={"task_defs": (definition,)})


def told_by(draw: Any, workflow: WorkflowDef, outcomes: list[str]) -> Story:
    """Plays a workflow to its end; the order in which attempts end is drawn."""
    execution, story = Execution(workflow), Story()
    story.commands += execution.start()
    while execution.ended is None:
        step, attempt = draw(st.sampled_from(sorted(execution.running.items())))
        event = {
            "ok": Completed(step, attempt),
            "again": Failed(step, attempt, for_good=False),
            "never": Failed(step, attempt, for_good=True),
            "late": TimedOut(step, attempt),
        }[draw(st.sampled_from(outcomes))]
        story.told.append(event)
        story.commands += execution.advance(event)
    story.end = execution.ended
    return story


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_every_execution_ends_in_order_and_within_its_retries(build: Any, data: st.DataObject) -> None:
    workflow = data.draw(workflows(build))
    outcomes = data.draw(st.sampled_from((["ok"], ["ok", "again"], ["ok", "again", "never"], ["ok", "late"])))
    story = told_by(data.draw, workflow, outcomes)
    scheduled = [(c.step, c.attempt) for c in story.commands if isinstance(c, Schedule)]
    assert len(set(scheduled)) == len(scheduled)
    assert max(attempt for _, attempt in scheduled) <= RETRIES + 1
    done: set[str] = set()
    order = order_of(workflow)
    replayed = Execution(workflow)
    commands = replayed.start()
    for event in [*story.told, None]:
        for command in commands:
            if isinstance(command, Schedule):
                assert {before for before, later in order if later == command.step} <= done
        if isinstance(event, Completed):
            done.add(event.step)
        commands = replayed.advance(event) if event else []
    assert story.end is not None
    if story.end.status == "completed":
        assert done == set(replayed.steps)
    else:
        assert story.end.failed_step not in done
        assert {c.step for c in story.commands if isinstance(c, Cancel)}.isdisjoint(done)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_state_is_a_fold_over_events(build: Any, data: st.DataObject) -> None:
    """Stopping after any prefix and folding over it again changes nothing of what follows."""
    workflow = data.draw(workflows(build))
    story = told_by(data.draw, workflow, ["ok", "again"])
    cut = data.draw(st.integers(0, len(story.told)))
    execution = Execution(workflow)
    commands = execution.start()
    for event in story.told[:cut]:
        commands += execution.advance(event)
    again = Execution(workflow)
    again.start()
    for event in story.told[:cut]:
        again.advance(event)
    assert again.running == execution.running
    for event in story.told[cut:]:
        commands += again.advance(event)
    assert commands == story.commands
    assert again.ended == story.end


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_steps_that_are_finished_are_not_scheduled(build: Any, data: st.DataObject) -> None:
    workflow = data.draw(workflows(build))
    steps = Execution(workflow).steps
    finished = dict.fromkeys(data.draw(st.lists(st.sampled_from(steps), unique=True)))
    execution = Execution(workflow)
    commands = execution.start(finished)
    while execution.running:
        step, attempt = min(execution.running.items())
        commands += execution.advance(Completed(step, attempt))
    assert {c.step for c in commands if isinstance(c, Schedule)} == set(steps) - set(finished)
    assert execution.ended == Finish("completed")


LATE: list[Occurrence] = [
    Completed("a", 1),
    Completed("a", 7),
    Completed("b", 1),
    Failed("a", 1, for_good=True),
    TimedOut("none", 1),
]


@pytest.mark.parametrize("event", LATE, ids=str)
def test_what_comes_too_late_changes_nothing(build: Any, event: Occurrence) -> None:
    workflow = build.workflow(build.simple("a"), build.simple("b"), definitions=[build.definition(retry_count=3)])
    execution = Execution(workflow)
    execution.start()
    execution.advance(TimedOut("a", 1))
    assert execution.advance(event) == []
    assert execution.running == {"a": 2}
    execution.advance(Stopped("cancelled"))
    assert execution.advance(Completed("a", 2)) == []
    assert execution.ended == Finish("cancelled")


DELAYS = [
    ("FIXED", [2.0, 2.0, 2.0]),
    ("EXPONENTIAL_BACKOFF", [2.0, 4.0, 8.0]),
    ("LINEAR_BACKOFF", [6.0, 12.0, 18.0]),
]


@pytest.mark.parametrize(("logic", "delays"), DELAYS, ids=lambda value: str(value))
def test_back_off(build: Any, logic: str, delays: list[float]) -> None:
    definition = build.definition(retry_logic=logic, retry_delay_seconds=2, backoff_scale_factor=3, retry_count=3)
    assert [retry_delay(definition, failed) for failed in (1, 2, 3)] == delays


def test_no_steps_at_all(build: Any) -> None:
    execution = Execution(build.workflow())
    assert execution.start() == [Finish("completed")]
