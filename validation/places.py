"""Policy level: hosts, commands and paths that are reached, secrets that are written down (P409, P410)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from pydantic import JsonValue

from dagwright.finding import Finding
from dagwright.reach import Destination
from dagwright.tool import ControlBinding
from validation.context import Context, PlacedStep
from validation.contract import Contract
from validation.notes import finding
from validation.types.schema import pointer_of

_SECRET: Final = re.compile(
    r"\bAKIA[0-9A-Z]{16}\b"  # AWS access key
    r"|\bsk-[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|\bAIza[0-9A-Za-z_-]{35}"  # Google
    r"|\bglpat-[0-9A-Za-z_-]{20}"  # GitLab
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"  # JSON Web Token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,64}:[^\s/@]{3,64}@"  # password in a URL
)
_KEY_ID: Final = re.compile(r"AKIA[0-9A-Z]{16}")
"""Names an access key of AWS without giving it away; where an id is wanted it is no secret."""
_SECRET_NAMES: Final = frozenset(
    ("password", "passwd", "apikey", "secret", "clientsecret", "accesstoken", "privatekey", "authorization")
)
_LONGEST = 1_000_000


def place_findings(context: Context) -> Iterator[Finding]:
    """Gives the hosts, commands, paths and secrets that must not stand in a plan."""
    known: dict[Destination, bool] = {}
    for step in context.steps:
        contract = step.contract
        for destination in contract.destinations if contract is not None else ():
            if not known.setdefault(destination, destination.is_allowed(context.policy)):
                yield _destination(context, step, destination)
        if contract is not None and contract.paths:
            yield from _paths(context, step, contract)
        if step.literals:
            yield from _secrets(step)
        if step.controls is not None:
            yield from _compared_secrets(step, step.controls)


def _destination(context: Context, step: PlacedStep, destination: Destination) -> Finding:
    policy, kind, name = context.policy, destination.kind, str(destination)
    listed = policy.allowed_hosts if kind == "host" else policy.allowed_commands or ()
    allowed = ", ".join(map(repr, listed)) or f"no {kind}"
    does = "reach host" if kind == "host" else "run command"
    message = f"step {step.step_id!r} would {does} {name!r}; policy allows {allowed}"
    place = f"{step.path}/tool_intent"
    if kind == "host":
        return finding("P409", place, message, task=step.task_id, step=step.step_id, host=name)
    return finding("P409", place, message, task=step.task_id, step=step.step_id, command=name)


def _paths(context: Context, step: PlacedStep, contract: Contract) -> Iterator[Finding]:
    for name in contract.paths:
        value = step.literals.get(name)
        items: list[JsonValue] = value if isinstance(value, list) else [value]
        for path in items:
            reason = path_problem(path, context.policy.allowed_paths) if isinstance(path, str) else None
            if reason:
                message = f"argument {name!r} of step {step.step_id!r}: path {path!r} {reason}"
                place = step.argument_path(name)
                yield finding("P409", place, message, task=step.task_id, step=step.step_id, argument=name)


def path_problem(path: str, allowed: tuple[str, ...]) -> str | None:
    """Gives why a path isn't one inside the run's folder that policy allows; None where it is."""
    parts = path.replace("\\", "/").split("/")
    if parts[0] == "" or re.match(r"[A-Za-z]:", path) or path.startswith("~"):
        return "is not relative to the run's folder"
    if ".." in parts:
        return "leaves the run's folder ('..')"
    if not any(fnmatchcase(path, glob) for glob in allowed):
        return f"is none that policy allows ({', '.join(map(repr, allowed)) or 'none'})"
    return None


def _secrets(step: PlacedStep) -> Iterator[Finding]:
    for name, value in step.literals.items():
        for inside, text in _texts(value):
            kind = _secret_kind(name, text)
            if kind:
                message = f"argument {name!r} of step {step.step_id!r} {kind}; it is not repeated here"
                place = step.argument_path(name)
                yield finding("P410", place, message, task=step.task_id, step=step.step_id, inside=inside)
                break


def _compared_secrets(step: PlacedStep, controls: ControlBinding) -> Iterator[Finding]:
    for argument, comparison in zip(step.places, controls.comparisons, strict=False):
        if any(_secret_kind("", text) for _, text in _texts(comparison.to)):
            message = f"a comparison of {step.title} holds a text that looks like a secret; it is not repeated here"
            place = f"{step.argument_path(argument).removesuffix('/value')}/to"
            yield finding("P410", place, message, task=step.task_id, step=step.step_id)


def _secret_kind(name: str, text: str) -> str | None:
    if len(text) >= 8 and _SECRET.search(text[:_LONGEST]) and not _is_key_id(name, text):
        return "holds a text that looks like a secret"
    if name.lower().replace("_", "").replace("-", "") in _SECRET_NAMES and text:
        return "is named like a secret and written into the plan"
    return None


def _is_key_id(name: str, text: str) -> bool:
    return name.lower().replace("_", "").endswith("keyid") and _KEY_ID.fullmatch(text) is not None


def _texts(value: JsonValue, inside: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield inside, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{inside}/{index}")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, inside + pointer_of(name))
