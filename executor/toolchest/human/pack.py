"""The catalogue of pack `human`."""

from __future__ import annotations

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.label import TRUSTED, FieldLabel
from dagwright.model import Interval
from dagwright.tool import HumanBinding, ToolSpec
from executor.toolchest.contract import FREE, described, record, text


def catalogue() -> Catalogue:
    """Gives the questions that may be put to the person."""
    return catalogue_of("human", (_ASK,))


_ASK = ToolSpec(
    tool_name="human",
    operation="ask",
    description="Ask the person a question and wait for the answer.",
    input_schema=record(
        {
            "question": text("The question.", minLength=1, maxLength=2000),
            "choices": described(
                {"type": "array", "items": {"type": "string"}, "maxItems": 20, "default": []},
                "Answers to choose from; any text, if none are given.",
            ),
        },
        optional=("choices",),
    ),
    output_schema=record({"answer": {"type": "string", "minLength": 1, "maxLength": 4000, "x-one-of": "choices"}}),
    effect="read",
    output_labels=(FieldLabel(path="/answer", label=TRUSTED),),
    cost=FREE,
    latency=Interval(low=1, high=3600),
    timeout=3600,
    capabilities=("human",),
    binding=HumanBinding(),
)
