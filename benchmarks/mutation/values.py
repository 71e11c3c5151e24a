"""Operators on the arguments of calls: names, types, allowed values, bounds (M203-M206)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from benchmarks.mutation.operator import Draft, Json, Operator, Table
from benchmarks.mutation.sites import Site, constants

operator = Table()

_OTHER = "not_an_argument"


def _chosen(draft: Draft, fitting: Callable[[Site], bool]) -> Site | None:
    found = [site for site in constants(draft) if fitting(site)]
    return draft.random.choice(found) if found else None


def _rewritten(draft: Draft, fitting: Callable[[Site], bool], new: Callable[[Site], Any]) -> bool:
    site = _chosen(draft, fitting)
    if site is None:
        return False
    site.write(new(site))
    return True


def _is(site: Site, *kinds: str) -> bool:
    """Whether a site's schema wants exactly one type, one of these."""
    return site.schema.get("type") in kinds


def _schema(draft: Draft, step: Json) -> Json:
    return cast("Json", draft.spec(step).input_schema)


def _required(draft: Draft) -> list[tuple[Json, str]]:
    """Gives every required argument that is given."""
    return [
        (step, str(name))
        for step in draft.steps
        for name in _schema(draft, step).get("required", ())
        if name in step["tool_intent"]["required_inputs"]
    ]


def _is_object(site: Site) -> bool:
    return isinstance(site.value, dict)


def _is_list(site: Site) -> bool:
    return isinstance(site.value, list)


def _has_single_items(site: Site) -> bool:
    """Whether a list's items are no lists."""
    return _is(site, "array") and bool(site.value) and not isinstance(site.value[0], list)


def _refuses_numbers(site: Site) -> bool:
    """Whether no item of a list can be a number."""
    items: Json = site.schema.get("items") or {}
    wanted = items.get("type") in ("string", "object", "array") or "$ref" in items
    return _is(site, "array") and bool(site.value) and wanted


# -------------------------------------------------------------------------------------- names


@operator("M203", of_arguments=True)
def required_argument_dropped(draft: Draft) -> bool:
    """A required argument is not given."""
    found = _required(draft)
    if not found:
        return False
    step, name = draft.random.choice(found)
    del step["tool_intent"]["required_inputs"][name]
    return True


@operator("M204", of_arguments=True)
def unknown_argument(draft: Draft) -> bool:
    """An argument is given that the operation does not have."""
    steps = [step for step in draft.steps if draft.spec(step).input_schema.get("additionalProperties") is False]
    if not steps:
        return False
    draft.random.choice(steps)["tool_intent"]["required_inputs"][_OTHER] = {"literal": "x"}
    return True


@operator("M203", "M204", of_arguments=True)
def required_argument_misspelt(draft: Draft) -> bool:
    """A required argument has a letter too many in its name."""
    found = [
        (step, name)
        for step, name in _required(draft)
        if f"{name}x" not in _schema(draft, step)["properties"]
        and _schema(draft, step).get("additionalProperties") is False
    ]
    if not found:
        return False
    step, name = draft.random.choice(found)
    given = step["tool_intent"]["required_inputs"]
    given[f"{name}x"] = given.pop(name)
    return True


@operator("M205", of_arguments=True)
def required_member_dropped(draft: Draft) -> bool:
    """Inside an argument a required member is not given."""
    site = _chosen(draft, lambda s: _is_object(s) and any(name in s.value for name in s.schema.get("required", ())))
    if site is None:
        return False
    del site.value[draft.random.choice([name for name in site.schema["required"] if name in site.value])]
    return True


@operator("M205", of_arguments=True)
def unknown_member(draft: Draft) -> bool:
    """Inside an argument a member is given that does not exist."""
    site = _chosen(draft, lambda s: _is_object(s) and s.schema.get("additionalProperties") is False)
    if site is None:
        return False
    site.value[_OTHER] = "x"
    return True


@operator("M205", of_arguments=True)
def two_of_a_union(draft: Draft) -> bool:
    """Inside an argument two members of a union are given."""
    site = _chosen(
        draft,
        lambda s: _is_object(s) and s.schema.get("maxProperties") == 1 and len(s.schema["properties"]) > 1,
    )
    if site is None:
        return False
    other = next(name for name in site.schema["properties"] if name not in site.value)
    site.value[other] = "x"
    return True


# -------------------------------------------------------------------------------------- types


@operator("M205", of_arguments=True)
def number_for_text(draft: Draft) -> bool:
    """A number stands where a text is wanted."""
    return _rewritten(draft, lambda s: _is(s, "string"), lambda _: 7)


@operator("M205", of_arguments=True)
def null_for_value(draft: Draft) -> bool:
    """Null stands where a value is wanted."""
    return _rewritten(draft, lambda s: isinstance(s.schema.get("type"), str), lambda _: None)


@operator("M205", of_arguments=True)
def list_for_text(draft: Draft) -> bool:
    """A list stands where a text is wanted."""
    return _rewritten(draft, lambda s: _is(s, "string"), lambda s: [s.value])


@operator("M205", of_arguments=True)
def text_for_number(draft: Draft) -> bool:
    """A number is written as a text."""
    return _rewritten(draft, lambda s: _is(s, "integer", "number"), lambda s: str(s.value))


@operator("M205", of_arguments=True)
def fraction_for_integer(draft: Draft) -> bool:
    """A fraction stands where a whole number is wanted."""
    return _rewritten(draft, lambda s: _is(s, "integer"), lambda s: s.value + 0.5)


@operator("M205", of_arguments=True)
def boolean_for_number(draft: Draft) -> bool:
    """A boolean stands where a number is wanted."""
    return _rewritten(draft, lambda s: _is(s, "integer", "number"), lambda _: True)


@operator("M205", of_arguments=True)
def text_for_boolean(draft: Draft) -> bool:
    """A boolean is written as a text."""
    return _rewritten(draft, lambda s: _is(s, "boolean"), lambda s: str(s.value).lower())


@operator("M205", of_arguments=True)
def number_for_boolean(draft: Draft) -> bool:
    """A boolean is written as a number."""
    return _rewritten(draft, lambda s: _is(s, "boolean"), lambda s: int(s.value))


@operator("M205", of_arguments=True)
def item_for_list(draft: Draft) -> bool:
    """One item stands where a list is wanted."""
    return _rewritten(draft, _has_single_items, lambda s: s.value[0])


@operator("M205", of_arguments=True)
def wrong_item(draft: Draft) -> bool:
    """An item of a list has another type than the others."""
    site = _chosen(draft, _refuses_numbers)
    if site is None:
        return False
    site.value.append(7)
    return True


@operator("M205", of_arguments=True)
def text_for_object(draft: Draft) -> bool:
    """An object is written as a text."""
    return _rewritten(draft, lambda s: _is(s, "object"), str)


@operator("M205", of_arguments=True)
def list_for_object(draft: Draft) -> bool:
    """A list with the object stands where an object is wanted."""
    return _rewritten(draft, lambda s: _is(s, "object"), lambda s: [s.value])


# -------------------------------------------------------------------- allowed values, bounds


def _has_enum(site: Site) -> bool:
    return isinstance(site.value, str) and isinstance(site.schema.get("enum"), list)


@operator("M206", of_arguments=True)
def value_not_allowed(draft: Draft) -> bool:
    """A text is none of the allowed values."""
    return _rewritten(draft, _has_enum, lambda s: f"{s.value}_ANY")


@operator("M206", of_arguments=True)
def value_in_other_case(draft: Draft) -> bool:
    """A text is an allowed value, but in other letters."""
    return _rewritten(
        draft,
        lambda s: _has_enum(s) and s.value.swapcase() not in s.schema["enum"],
        lambda s: s.value.swapcase(),
    )


@operator("M205", of_arguments=True)
def number_too_small(draft: Draft) -> bool:
    """A number is below its lower bound."""
    return _rewritten(
        draft, lambda s: _is(s, "integer", "number") and "minimum" in s.schema, lambda s: s.schema["minimum"] - 1
    )


@operator("M205", of_arguments=True)
def number_too_large(draft: Draft) -> bool:
    """A number is above its upper bound."""
    return _rewritten(
        draft, lambda s: _is(s, "integer", "number") and "maximum" in s.schema, lambda s: s.schema["maximum"] + 1
    )


@operator("M205", of_arguments=True)
def text_too_short(draft: Draft) -> bool:
    """A text is shorter than allowed."""
    return _rewritten(
        draft,
        lambda s: isinstance(s.value, str) and s.schema.get("minLength", 0) > 0,
        lambda s: "x" * (s.schema["minLength"] - 1),
    )


@operator("M205", of_arguments=True)
def text_too_long(draft: Draft) -> bool:
    """A text is longer than allowed."""
    return _rewritten(
        draft,
        lambda s: isinstance(s.value, str) and s.schema.get("maxLength", 10**9) < 100_000,
        lambda s: (s.value or "x") * s.schema["maxLength"] + "x",
    )


@operator("M205", of_arguments=True)
def list_too_short(draft: Draft) -> bool:
    """A list has fewer items than allowed."""
    return _rewritten(
        draft,
        lambda s: _is_list(s) and s.schema.get("minItems", 0) > 0,
        lambda s: s.value[: s.schema["minItems"] - 1],
    )


@operator("M205", of_arguments=True)
def list_too_long(draft: Draft) -> bool:
    """A list has more items than allowed."""
    return _rewritten(
        draft,
        lambda s: _is_list(s) and bool(s.value) and s.schema.get("maxItems", 10**9) < 1_000,
        lambda s: s.value * (s.schema["maxItems"] + 1),
    )


@operator("M205", of_arguments=True)
def pattern_broken(draft: Draft) -> bool:
    """A text does not match its pattern."""
    return _rewritten(draft, lambda s: isinstance(s.value, str) and bool(_unlike(s)), lambda s: _unlike(s))


def _unlike(site: Site) -> str | None:
    """Gives a text of the same length that a pattern refuses."""
    pattern = site.schema.get("pattern")
    if not isinstance(pattern, str):
        return None
    tried = ("\u00a7" + site.value[1:], "\u00a7" * max(len(site.value), 1), " " + site.value[1:], "!" + site.value[1:])
    return next((text for text in tried if not re.search(pattern, text)), None)


OPERATORS: tuple[Operator, ...] = tuple(operator)
