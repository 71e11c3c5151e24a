"""Which worked examples a model is shown for a goal: those whose goals are worded most like it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice

from dagwright.goal import Goal, GoalInput
from dagwright.llm.model import Message
from dagwright.llm.weights import folder
from dagwright.model import JsonSchema
from decomposer.call import parse_call
from knowledge.embedder import MiniLm
from orchestrator.strategy.sheet import Sheet
from orchestrator.strategy.strategy import PlanningContext
from planner.example import Example, examples, outline
from planner.likeness import Likeness

SHOWN = 4
"""Examples that a model is shown."""
_PART = re.compile(r"(?<=[?.!;])\s+|, and ")
"""Where one of several things that a goal asks for ends."""
_LEAST_WORDS = 4
"""Words of the shortest part of a goal that is looked at by itself."""


def nearest_examples(sheet: Sheet) -> tuple[Example, ...]:
    """Gives the `SHOWN` examples whose goals are most like the sheet's, the likest first.

    Where the goal asks for several things, those most like the whole and those most like its parts come in turn.
    Examples that call what is not on offer are passed over.
    """
    tables = {variable.name: variable.schema for variable in sheet.scope.variables if not variable.is_result}
    each = [_index().nearest(_outline(text, tables)) for text in _asked(sheet.goal.text)]
    places = dict.fromkeys(several[rank] for rank in range(len(examples())) for several in each)
    near = (examples()[place] for place in places)
    fitting = (example for example in near if example.operations <= sheet.operations.keys())
    return tuple(islice(fitting, SHOWN))


def _asked(goal: str) -> list[str]:
    """Gives a goal and, where it asks for several things, each of them."""
    parts = [part for part in _PART.split(goal) if len(part.split()) >= _LEAST_WORDS]
    return [goal, *(parts if len(parts) > 1 else [])]


def familiar(found: Sequence[Example]) -> frozenset[str]:
    """Gives the operations that the first of some examples calls, and those that two of them call."""
    calls = Counter(word for example in found for word in example.operations)
    return frozenset(word for word, count in calls.items() if count > 1 or word in found[0].operations)


def shown(found: Sequence[Example], context: PlanningContext) -> tuple[Message, ...]:
    """Gives examples as messages, as user and assistant in turn; the first of them comes last."""
    return tuple(message for example in reversed(found) for message in _dialogue(example.pruned(), context))


@cache
def _index() -> Likeness:
    """Gives the outlines of the examples' goals, to be compared with."""
    outlines = [_outline(one.goal, one.schemas()) for one in examples()]
    return Likeness(outlines, MiniLm(), folder().parent / "examples")


def _outline(goal: str, tables: Mapping[str, JsonSchema]) -> str:
    from validation.types import columns

    known = [column for schema in tables.values() for column in columns(schema) or ()]
    values = (value for column in known for value in column.categories if isinstance(value, str))
    return outline(goal, _words((*tables, *(column.name for column in known))), _words(values))


def _words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in re.split(r"[\W_]+", text.lower()) if len(word) > 1)


def _dialogue(example: Example, context: PlanningContext) -> tuple[Message, Message]:
    """Gives an example as it would look had the model written it here."""
    sheet = worked(example, context)
    asked = "\n".join((*sheet.scope_lines(), f"Goal: {example.goal}"))
    written = "\n".join((*sheet.lines, f"{sheet.label} = {example.plan[-1]}"))
    return Message(role="user", content=asked), Message(role="assistant", content=written)


def _unheard(_line: str) -> None: ...


def worked(example: Example, context: PlanningContext) -> Sheet:
    """Gives the sheet of an example with all its calls but the answer.

    Raises:
        ModelAnswerError: a line is no call, or names what is not there.
    """
    schemas = example.schemas()
    inputs = {name: GoalInput(value=[], schema=schema, description="") for name, schema in schemas.items()}
    quiet = replace(context, finished=(), notes=(), banned=frozenset(), on_line=_unheard)
    sheet = Sheet.opened(Goal(goal_id="example", text=example.goal, inputs=inputs), quiet)
    for line in example.plan[:-1]:
        sheet.add(line, parse_call(line, sheet.scope))
    return sheet
