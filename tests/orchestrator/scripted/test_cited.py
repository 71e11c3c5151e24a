"""Plans for a catalogue that no worked example fits: citation, call, citation, call, end."""

from __future__ import annotations

import pytest

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.exceptions import InputError, ModelAnswerError
from dagwright.goal import Goal
from dagwright.proposal import Proposal
from dagwright.tool import PythonBinding, ToolSpec
from dagwright.value import StepReference
from orchestrator.strategy.cited import NEAREST, Cited
from orchestrator.strategy.interleaved import Interleaved
from orchestrator.strategy.strategy import PlanningContext

from .conftest import Scripted

GOAL = "Translate 'good day' to Danish, read it out, and send the sound to Ann."


def operation(name: str, description: str, takes: str, gives: str) -> ToolSpec:
    media = {"type": "object", "properties": {"sound": {"type": "string"}}, "required": ["sound"]}
    types = {"text": {"type": "string"}, "sound": media}
    return ToolSpec(
        tool_name="office",
        operation=name,
        description=description,
        input_schema={"type": "object", "properties": {takes: types[takes]}, "required": [takes]},
        output_schema={"type": "object", "properties": {gives: types[gives]}, "required": [gives]},
        effect="read",
        binding=PythonBinding(callable="builtins:dict"),
    )


OFFICE = catalogue_of(
    "office",
    (
        operation("translate", "Translate a text into another language.", "text", "text"),
        operation("read_out", "Read a text out: speech.", "text", "sound"),
        operation("send", "Send a sound to a person.", "sound", "text"),
        operation("water_garden", "Water the garden.", "text", "text"),
    ),
)


def proposed(*lines: str, catalogue: Catalogue = OFFICE) -> tuple[Proposal, Scripted]:
    model = Scripted(lines, accepts_grammar=True)
    evidence = {tool.name: (tool.documents[0],) for tool in catalogue.tools}
    context = PlanningContext(model=model, catalogue=catalogue, evidence=evidence)
    return Interleaved().propose(Goal(goal_id="g", text=GOAL), context).proposal, model


PLAN = (
    "Translate 'good day' to Danish",
    'translate(text="good day")',
    "read it out",
    "read_out(text=s1)",
    "send the sound to Ann",
    "send(sound=s2)",
)


def test_each_step_is_cited_and_what_no_step_uses_is_the_answer() -> None:
    proposal, _ = proposed(*PLAN, "end")
    assert [step.tool_intent.operation for _, step in proposal.steps()] == ["translate", "read_out", "send"]
    (answer,) = proposal.answer.values()
    assert isinstance(answer, StepReference)
    assert answer.from_ == "s3"


def test_the_model_chooses_among_the_nearest_operations_only() -> None:
    _, model = proposed(*PLAN, "end")
    for request, written in zip(model.requests[1::2], PLAN[1::2], strict=True):
        offered = [tool.operation for tool in OFFICE.tools if f"{tool.operation}(" in (request.grammar or "")]
        assert written.partition("(")[0] in offered
        assert len(offered) <= NEAREST


def test_the_model_sees_the_citation_before_the_call() -> None:
    _, model = proposed(*PLAN, "end")
    shown = model.requests[3].messages[-1].content
    assert shown.splitlines()[-2].startswith("# read it out  (")
    assert shown.endswith("s2 =")


def test_a_plan_ends_when_the_goal_has_no_words_left() -> None:
    _, model = proposed(*PLAN)
    assert len(model.requests) == len(PLAN)


def test_words_that_no_operation_fits_make_no_step() -> None:
    with pytest.raises(ModelAnswerError, match="no step of a plan came"):
        proposed("send the sound to Ann", catalogue=catalogue_of("office", OFFICE.tools[2:3]))


def test_a_model_that_takes_no_grammar_is_refused() -> None:
    context = PlanningContext(model=Scripted(()), catalogue=OFFICE)
    with pytest.raises(InputError, match="takes a grammar"):
        Cited().propose(Goal(goal_id="g", text=GOAL), context)
