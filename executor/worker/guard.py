"""The checks around a call that use actual values: schemas, policy, criteria."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from itertools import product
from math import prod
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from dagwright.canonical import canonical_json, ordered_json
from dagwright.decomposition import Step
from dagwright.exceptions import GuardViolation
from dagwright.model import JsonSchema
from dagwright.policy import Action, Policy
from dagwright.predicate import OutputPredicate
from dagwright.reach import destinations
from dagwright.tool import ToolSpec
from validation.contract import contract_of
from validation.places import path_problem

if TYPE_CHECKING:
    import jsonschema_rs

MAX_OUTPUT_BYTES = 256 * 1024 * 1024
"""Canonical JSON of one step's outputs."""

MAX_RESOURCES = 100_000
"""Resources that one template may stand for."""

MAX_KNOWN = 4_096
"""Schemas whose validators are found by identity."""

_SLOT = re.compile(r"\{([^{}]+)\}")


def check_arguments(arguments: Mapping[str, JsonValue], spec: ToolSpec) -> None:
    """Checks complete arguments against an operation's contract as validation reads it: formats are asserted.

    With it every run-time check that a program names (`ProgramStep.runtime_checks`) is made.

    Raises:
        GuardViolation: they do not fit; the first three places are named.
    """
    what = f"arguments of {spec.name}"
    check_schema(dict(arguments), spec.input_schema, what=what, code="bad_arguments", formats=True)


def check_schema(value: JsonValue, schema: JsonSchema, *, what: str, code: str, formats: bool = False) -> None:
    """Checks a value against a JSON Schema; formats only where asked for, as answers from outside often break them.

    Raises:
        GuardViolation: it does not fit; the first three places are named.
    """
    validator = _known_validator(schema, formats=formats)
    if validator.is_valid(value):
        return
    errors = list(validator.iter_errors(value))[:3]
    places = "; ".join(
        f"at /{'/'.join(str(part) for part in error.instance_path)}: {error.message}" for error in errors
    )
    raise GuardViolation(f"{what} do not fit their schema: {places[:2_000]}", code=code)


def checked_outputs(outputs: object, spec: ToolSpec) -> bytes:
    """Gives outputs as JSON, columns in their order, after checking them against the operation's contract.

    Raises:
        GuardViolation: they are not JSON, too large, or do not fit the output schema.
    """
    if not isinstance(outputs, dict):
        raise GuardViolation(f"{spec.name} gave {type(outputs).__name__}, not an object of outputs", code="bad_outputs")
    try:
        data = ordered_json(cast("dict[str, Any]", outputs))
    except (TypeError, ValueError, RecursionError) as error:
        raise GuardViolation(f"{spec.name} gave outputs that are not JSON: {error}", code="bad_outputs") from error
    if len(data) > MAX_OUTPUT_BYTES:
        raise GuardViolation(
            f"{spec.name} gave {len(data):,} bytes; at most {MAX_OUTPUT_BYTES:,} are kept", code="too_large"
        )
    check_schema(cast("JsonValue", outputs), spec.output_schema, what=f"outputs of {spec.name}", code="bad_outputs")
    return data


def unmet(step: Step, outputs: dict[str, JsonValue]) -> list[OutputPredicate]:
    """Gives the criteria and postconditions over outputs that do not hold."""
    stated = (*step.tool_intent.validation_criteria, *step.postconditions)
    checkable = [found for found in stated if isinstance(found, OutputPredicate)]
    if not checkable:
        return []
    from validation.predicates import evaluate

    return [found for found in checkable if not evaluate(found, outputs)]


def action_for(spec: ToolSpec, arguments: Mapping[str, JsonValue], policy: Policy) -> tuple[Action, str]:
    """Gives what policy says about a call with these arguments, and why.

    Raises:
        PolicyError: it has Cedar policies that cannot be read, or the extra is not installed.
    """
    action, reason = _ruled(spec, arguments, policy)
    if policy.cedar is None or action == "deny":
        return action, reason
    from validation.cedar import judge

    found = judge(policy.cedar, spec, arguments)
    return (action, reason) if found.allowed else ("deny", found.reason)


def _ruled(spec: ToolSpec, arguments: Mapping[str, JsonValue], policy: Policy) -> tuple[Action, str]:
    for rule in policy.rules:
        if fnmatchcase(spec.name, rule.tools) and (
            rule.when is None or _known_validator(rule.when, formats=False).is_valid(dict(arguments))
        ):
            return rule.action, rule.reason or f"rule for {rule.tools!r}"
    return policy.defaults.get(spec.effect, "deny"), f"default for {spec.effect} effects"


def check_places(spec: ToolSpec, arguments: Mapping[str, JsonValue], policy: Policy) -> None:
    """Checks where a call leads (hosts, commands) and the files that its contract names against policy.

    Files are those of its resources and those of its arguments that are paths in the run's folder.

    Raises:
        GuardViolation: policy does not allow one of them.
    """
    for destination in destinations(spec.binding):
        if not destination.is_allowed(policy):
            raise GuardViolation(
                f"{destination.kind} {str(destination)!r} of {spec.name} is none that policy allows",
                code=f"{destination.kind}_denied",
            )
    for resource in resources((*spec.reads, *spec.writes), arguments):
        kind, _, path = resource.partition(":")
        if kind != "file":
            continue
        parts = PurePosixPath(path.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise GuardViolation(f"path {path!r} leads out of the run's folder", code="path_denied")
        if not any(fnmatchcase(str(parts), glob) for glob in policy.allowed_paths):
            raise GuardViolation(f"path {path!r} is not among those that policy allows", code="path_denied")
    for name in contract_of(spec).paths:
        for path in _texts(arguments.get(name)):
            problem = path_problem(path, policy.allowed_paths)
            if problem is not None:
                raise GuardViolation(f"argument {name!r}: path {path!r} {problem}", code="path_denied")


def check_payload(spec: ToolSpec, arguments: Mapping[str, JsonValue], policy: Policy) -> None:
    """Checks the size of a call's arguments against what its provider takes and what policy allows.

    Raises:
        GuardViolation: they are too large.
    """
    limits = [limit for limit in (spec.max_payload, policy.budget.max_payload) if limit is not None]
    size = len(canonical_json(dict(arguments))) if limits else 0
    if limits and size > min(limits):
        raise GuardViolation(
            f"arguments of {spec.name} have {size:,} bytes; at most {min(limits):,} may be sent", code="too_large"
        )


def resources(templates: tuple[str, ...], arguments: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Gives resource templates with arguments filled in, once each.

    A file's description stands for its path, and a list for each of its items; a template with an absent
    argument is left out.

    Raises:
        GuardViolation: lists make it stand for too many.
    """
    found: dict[str, None] = {}
    for template in templates:
        names = tuple(dict.fromkeys(_SLOT.findall(template)))
        if all(arguments.get(name) is not None for name in names):
            found |= dict.fromkeys(_filled_in(template, names, [_names(arguments[name]) for name in names]))
    return tuple(found)


def _filled_in(template: str, names: tuple[str, ...], values: list[list[str]]) -> Iterator[str]:
    if prod(map(len, values)) > MAX_RESOURCES:
        raise GuardViolation(f"{template!r} stands for more than {MAX_RESOURCES:,} resources", code="too_large")
    for chosen in product(*values):
        known = dict(zip(names, chosen, strict=True))
        yield _SLOT.sub(partial(_looked_up, known), template)


def _looked_up(known: Mapping[str, str], slot: re.Match[str]) -> str:
    return known[slot.group(1)]


def _names(value: JsonValue) -> list[str]:
    return [_named(item) for item in value] if isinstance(value, list) else [_named(value)]


def _texts(value: JsonValue) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def _named(value: JsonValue) -> str:
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        return str(value["path"])
    return value if isinstance(value, str) else canonical_json(value).decode()


_KNOWN: dict[tuple[int, bool], tuple[JsonSchema, jsonschema_rs.Draft202012Validator]] = {}
"""Validators by the identity of their schema, which is kept, so that no other object gets it."""


def _known_validator(schema: JsonSchema, *, formats: bool) -> jsonschema_rs.Draft202012Validator:
    """Gives the validator of a schema of a contract or of a policy; these are frozen."""
    key = (id(schema), formats)
    known = _KNOWN.get(key)
    if known is None:
        if len(_KNOWN) >= MAX_KNOWN:
            _KNOWN.clear()
        known = _KNOWN[key] = (schema, _validator(canonical_json(schema).decode(), formats=formats))
    return known[1]


@lru_cache(maxsize=512)
def _validator(schema: str, *, formats: bool) -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs

    from validation.types import without_nullable

    return jsonschema_rs.Draft202012Validator(
        without_nullable(json.loads(schema)),
        validate_formats=formats,
        formats={"run-path": _is_run_path} if formats else None,
        retriever=_refused,
    )


def _refused(uri: str) -> JsonValue:
    raise ValueError(f"{uri!r} is no part of the schema")


def _is_run_path(path: str) -> bool:
    return path_problem(path, ("*",)) is None
