"""Cedar policies over calls: `Policy.cedar`, an extra. They can only deny what the policy's own rules let pass.

A request has principal `Agent::"plan"`, action `Action::"tool.operation"`, resource `Tool::"tool"` and the context
`{operation, tool, effect, arguments}`. Cedar denies what no policy permits, and a `forbid` beats each `permit`; but it
passes over a policy whose condition cannot be evaluated (an absent attribute, a wrong type), also a `forbid`. Here
such a call is denied, and so is one with arguments that Cedar has no values for. Numbers with a fraction are Cedar
decimals, of up to four places. Language: https://docs.cedarpolicy.com.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from pydantic import JsonValue

from dagwright.exceptions import PolicyError
from dagwright.tool import ToolSpec

if TYPE_CHECKING:
    from cedarpy import PolicySet

MAX_TEXT: Final = 1_000_000
"""Characters of a policy text."""

MAX_NESTING: Final = 64
"""Brackets within brackets, of a policy text and of arguments: Cedar's parser recurses."""

_ASIDE = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*', re.DOTALL)
_DECIMAL = re.compile(r"-?\d{1,14}\.\d{1,4}")
_NUMBERED = re.compile(r"`(policy\d+)`")


class Verdict(NamedTuple):
    """What Cedar policies say of a call."""

    allowed: bool
    reason: str
    """Why, with the ids of the policies that decided."""


class _Known(NamedTuple):
    policies: PolicySet
    stated: dict[str, Any]
    """The same as Cedar's JSON."""
    names: dict[str, str]
    """The `@id` of each policy that has one, by Cedar's own name for it."""


def judge(text: str, spec: ToolSpec, arguments: Mapping[str, JsonValue]) -> Verdict:
    """Gives what policies say of a call with these arguments, all of which must be known.

    Raises:
        PolicyError: the text is no set of policies, or the extra is not installed.
    """
    known = parsed(text)
    from cedarpy import is_authorized  # pyright: ignore[reportUnknownVariableType] - its dicts have no types

    try:
        given = {name: _value(value) for name, value in _checked(arguments).items()}
    except ValueError as error:
        return Verdict(False, f"Cedar cannot judge such arguments: {error}")
    request: dict[str, Any] = {
        "principal": {"type": "Agent", "id": "plan"},
        "action": {"type": "Action", "id": spec.name},
        "resource": {"type": "Tool", "id": spec.tool_name},
        "context": {"operation": spec.name, "tool": spec.tool_name, "effect": spec.effect, "arguments": given},
    }
    found = is_authorized(request, known.policies, [])
    errors = [_NUMBERED.sub(lambda one: repr(_name(known, one[1])), said) for said in found.diagnostics.errors]
    names = ", ".join(repr(_name(known, one)) for one in sorted(found.diagnostics.reasons))
    if errors:
        return Verdict(False, f"a Cedar policy cannot be evaluated: {errors[0]}")
    if found.allowed:
        return Verdict(True, f"Cedar policy {names} permits it")
    return Verdict(False, f"Cedar policy {names} forbids it" if names else "no Cedar policy permits it")


@lru_cache(maxsize=64)
def parsed(text: str) -> _Known:
    """Reads Cedar policies.

    Raises:
        PolicyError: the text is no set of policies, or the extra is not installed.
    """
    try:
        from cedarpy import PolicySet, policies_to_json_str
    except ImportError as error:
        raise PolicyError("Cedar policies need an extra: pip install 'dagwright[cedar]'") from error
    if len(text) > MAX_TEXT or _nesting(text) > MAX_NESTING:
        raise PolicyError(f"Cedar policies may have {MAX_TEXT:,} characters and {MAX_NESTING} brackets in brackets")
    try:
        policies = PolicySet.from_str(text)
        stated = cast("dict[str, Any]", json.loads(policies_to_json_str(text)))
    except ValueError as error:
        raise PolicyError(f"the Cedar policies cannot be read: {error}") from error
    if policies.templates():
        raise PolicyError("Cedar templates (?principal, ?resource) are never linked here, and would say nothing")
    named = {name: found.get("annotations", {}).get("id") for name, found in stated["staticPolicies"].items()}
    return _Known(policies, stated, {name: given for name, given in named.items() if given})


def without_each(text: str) -> Iterator[tuple[str, str]]:
    """Gives the id of each policy with the text of all the others, for tests of policies.

    Raises:
        PolicyError: as for `judge`.
    """
    known = parsed(text)
    from cedarpy import policies_from_json_str

    stated = known.stated
    for name in stated["staticPolicies"]:
        others = {other: found for other, found in stated["staticPolicies"].items() if other != name}
        yield _name(known, name), policies_from_json_str(json.dumps({**stated, "staticPolicies": others}))


def _name(known: _Known, cedar: str) -> str:
    return known.names.get(cedar, cedar)


def _nesting(text: str) -> int:
    depth = deepest = 0
    for sign in _ASIDE.sub("", text):
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _checked(members: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Refuses names that Cedar's JSON would read as something else than a name (`__entity`, `__extn`)."""
    for name in members:
        if name.startswith("__"):
            raise ValueError(f"the name {name[:40]!r} begins with two underscores")
        _text(name)
    return members


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text has a lone surrogate") from None
    return text


def _value(value: JsonValue, depth: int = 0) -> Any:
    """Gives a value as Cedar's JSON.

    Raises:
        ValueError: Cedar has no such value.
    """
    if depth > MAX_NESTING:
        raise ValueError(f"they are nested more than {MAX_NESTING} deep")
    if isinstance(value, dict):
        return {name: _value(item, depth + 1) for name, item in _checked(value).items()}
    if isinstance(value, list):
        return [_value(item, depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value)
    if value is None:
        raise ValueError("it knows no null")
    return value if isinstance(value, bool) else _number(value)


def _number(value: float) -> Any:
    if isinstance(value, float) and not value.is_integer():
        if not _DECIMAL.fullmatch(repr(value)):
            raise ValueError(f"its decimals have no {value!r}")
        return {"__extn": {"fn": "decimal", "arg": repr(value)}}
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"its numbers do not reach {value!r}")
    return int(value)
