"""The catalogue of pack `text`: a language model without tools, with a schema for its answer."""

from __future__ import annotations

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.model import Interval, JsonSchema
from dagwright.tool import LlmBinding, Retry, Role, ToolSpec
from executor.toolchest.contract import described, record, text

_MATERIAL = described({}, "Text, table or values that it is about.")
_LONG = Interval(low=0.2, high=300)


def _operation(
    name: str,
    description: str,
    instruction: str,
    arguments: dict[str, JsonSchema],
    outputs: dict[str, JsonSchema],
    *,
    max_tokens: int,
    optional: tuple[str, ...] = (),
    roles: dict[str, Role] | None = None,
) -> ToolSpec:
    return ToolSpec(
        tool_name="text",
        operation=name,
        description=description,
        input_schema=record(arguments, optional=optional),
        output_schema=record(outputs),
        effect="read",
        roles=roles or {},
        # What a call costs depends on the model that is chosen for a run.
        cost=None,
        latency=_LONG,
        timeout=600,
        retry=Retry(attempts=2),
        capabilities=("language",),
        binding=LlmBinding(instruction=instruction, max_tokens=max_tokens),
    )


def catalogue() -> Catalogue:
    """Gives the operations over free text."""
    return catalogue_of("text", (_EXTRACT, _CLASSIFY, _SUMMARISE, _WRITE))


_EXTRACT = _operation(
    "extract",
    "Find one piece of information in a text. `found` is false where the text does not say it.",
    "Find what `what` asks for in `text`. Copy it from the text, word for word and as short as possible. "
    "If the text does not say it, set found to false and leave value empty.",
    {"text": text("The text."), "what": text("What to find, e.g. `the invoice number`.", maxLength=500)},
    {"found": {"type": "boolean"}, "value": {"type": "string", "maxLength": 500}},
    max_tokens=200,
    roles={"what": "control"},
)

_CLASSIFY = _operation(
    "classify",
    "Say which of a few labels fits a text best.",
    "Say which one of `labels` fits `text` best. Answer with that label only.",
    {
        "text": text("The text."),
        "labels": described(
            {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 30, "uniqueItems": True},
            "The labels to choose from.",
        ),
    },
    {"label": {"type": "string", "x-one-of": "labels"}},
    max_tokens=60,
    roles={"labels": "control"},
)

_SUMMARISE = _operation(
    "summarise",
    "Summarise a text in a few sentences.",
    "Summarise `text` in at most as many sentences as `sentences` says. Add nothing that is not in the text.",
    {
        "text": text("The text."),
        "sentences": described({"type": "integer", "minimum": 1, "maximum": 12, "default": 3}, "How many sentences."),
    },
    {"text": {"type": "string", "minLength": 1, "maxLength": 4000}},
    optional=("sentences",),
    max_tokens=500,
)

_WRITE = _operation(
    "write",
    "Write a short text about results, as asked.",
    "Write the text that `wish` asks for. Use only facts and numbers from `material`; invent none.",
    {"wish": text("What to write, e.g. `two sentences for a manager`.", maxLength=2000), "material": _MATERIAL},
    {"text": {"type": "string", "minLength": 1, "maxLength": 6000}},
    max_tokens=700,
    roles={"wish": "control"},
)
