"""Blocks in words: what surrounds a task's steps, as a person would say it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from dagwright.control import Condition, Control, Each, Repeat
from dagwright.model import Interval
from dagwright.predicate import Operator
from dagwright.proposal import Proposal
from dagwright.value import CoalesceValue, InputReference, ListValue, LiteralValue, StepReference, Value
from validation.blocks import listed_id

LONGEST: Final = 60
"""Characters of a constant that are shown."""

COMPARED: Final[Mapping[Operator, str]] = {
    "exists": "is there",
    "equals": "is {}",
    "not_equals": "is not {}",
    "less": "is less than {}",
    "less_or_equal": "is at most {}",
    "greater": "is more than {}",
    "greater_or_equal": "is at least {}",
    "min_length": "has a length of at least {}",
    "max_length": "has a length of at most {}",
    "one_of": "is one of {}",
    "has_member": "contains {}",
    "matches_type": "is of type {}",
}


def words_by_task(proposal: Proposal) -> dict[str, str]:
    """Gives what surrounds the steps of each task that has a block, by task id."""
    controls = {item.task_id: item.control for item in proposal.decompositions if item.control is not None}
    return {task: said for task, control in controls.items() if (said := words(control))}


def words(control: Control) -> str:
    """Gives what a block does in one line, from the outside to the inside; nothing where it surrounds nothing."""
    return ", ".join(parts(control))


def parts(control: Control) -> tuple[str, ...]:
    """Gives each thing that a block does by itself: condition, loop, what happens where it fails."""
    found: list[str] = []
    if control.when:
        found.append(f"only if {_conditions(control.when)}")
    if control.each is not None:
        found.append(_each(control.each))
    if control.repeat is not None:
        found.append(_repeat(control.repeat))
    if control.optional:
        found.append("may fail" if control.each is None else "each of them may fail")
    return tuple(found)


def how_often(times: Interval) -> str:
    """Gives how often a step is run, in words; nothing where that is once."""
    low, high = int(times.low), int(times.high)
    if high == 1:
        return "" if low == 1 else "once, or not at all"
    return f"{high} times" if low == high else f"at most {high} times"


def called(step: str) -> str:
    """Gives what a step is called; what controls a block by its task, for a step of a proposal has no hyphen."""
    decides, found, name = step.partition("-")
    words = {"when": "the condition of", "until": "the loop of", "all": "all passes of"}
    return f"{words.get(decides, decides)} {name}" if found else step


def _each(each: Each) -> str:
    bound = f" (at most {each.at_most})" if each.at_most is not None else ""
    return f"for each {each.name} of {value(each.items)}{bound}"


def _repeat(repeat: Repeat) -> str:
    bounds = [f"at most {repeat.at_most} times"] if repeat.at_most is not None else []
    bounds += [f"{repeat.wait} s apart"] if repeat.wait else []
    return f"again until {_conditions(repeat.until)}" + (f" ({', '.join(bounds)})" if bounds else "")


def _conditions(conditions: Iterable[Condition]) -> str:
    return " and ".join(f"{value(item.value)} {COMPARED[item.op].format(_constant(item.to))}" for item in conditions)


def value(given: Value) -> str:
    """Gives a value in short: references as `s1/table`, constants as JSON."""
    if isinstance(given, StepReference):
        return f"{listed_id(given.from_)}{given.path}"
    if isinstance(given, InputReference):
        return f"{given.input}{given.path}"
    if isinstance(given, LiteralValue):
        return _constant(given.literal)
    if isinstance(given, CoalesceValue):
        return " or else ".join(map(value, given.coalesce))
    if isinstance(given, ListValue):
        return f"[{', '.join(map(value, given.list))}]"
    return "{" + ", ".join(f"{name}: {value(member)}" for name, member in given.object.items()) + "}"


def _constant(literal: object) -> str:
    shown = json.dumps(literal, ensure_ascii=False)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
