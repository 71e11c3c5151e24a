"""What each code means, by example: one file per code, with a proposal that gives it and one that doesn't.

Examples are JSON Patches on one base (`base.yaml`: a proposal in which nothing is wrong, with the
operations, the policy, the workers and the day that it is judged by), so that each shows the difference
alone. Nothing here is read unless it is asked for.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import Field, JsonValue

from dagwright.catalogue import Catalogue, catalogue_of
from dagwright.finding import Finding, PatchOperation
from dagwright.model import Frozen, Pointer
from dagwright.policy import Policy
from dagwright.tool import ToolSpec
from validation.certification import certify
from validation.examination import validate
from validation.patch import patched
from validation.widening import widened


class Repeated(Frozen):
    """A text that is too long to be written out."""

    text: str
    times: int = Field(ge=1)


class Change(Frozen):
    """One operation of a JSON Patch (RFC 6902) on the base."""

    op: Literal["add", "remove", "replace"]
    path: Pointer
    """Place in the base: `/proposal/…`, `/tools/NAME/…`, `/policy/…`, `/workers/…`."""
    value: JsonValue = None
    repeat: Repeated | None = None
    """The value, if it is a text that repeats another."""
    number: str | None = None
    """The value, if it is a number that can't be held: as it stands in the proposal's JSON."""

    @property
    def operation(self) -> PatchOperation:
        """The operation with its value written out."""
        value = self.repeat.text * self.repeat.times if self.repeat else self.value
        value = float(self.number) if self.number else value
        return PatchOperation.model_construct(op=self.op, path=self.path, value=value)


class Example(Frozen):
    """One changed base."""

    says: str
    """What is the case in it, in words."""
    patch: tuple[Change, ...] = ()
    """What differs from the base; nothing where the base itself is the example."""


class Failing(Example):
    """An example that gives the code."""

    at: Pointer
    """Place of the finding in the proposal."""


class Guide(Frozen):
    """What stands in a code's file."""

    why: str
    """Why it is looked for: what would happen otherwise."""
    failing: Failing
    passing: Example


class Case(Frozen):
    """An example worked out: a proposal, with what it is judged by."""

    proposal: Any
    catalogue: Catalogue
    policy: Policy
    workers: tuple[str, ...]
    at: date


def guide_of(code: str) -> Guide:
    """Gives the guide of a code of the table.

    Raises:
        FileNotFoundError: there is none.
    """
    return Guide.model_validate(_read(f"{code}.yaml"))


def case_of(example: Example) -> Case:
    """Gives what an example stands for."""
    whole: Any = patched(deepcopy(_base()), [change.operation for change in example.patch])
    tools = [ToolSpec.model_validate(_named(name, fields)) for name, fields in whole["tools"].items()]
    return Case(
        proposal=whole["proposal"],
        catalogue=catalogue_of("shop", tools),
        policy=whole["policy"],
        workers=whole["workers"],
        at=whole["at"],
    )


def findings_of(code: str, example: Example) -> tuple[Finding, ...]:
    """Gives what validation finds in an example; for P407, what it may do beyond the base."""
    case = case_of(example)
    given: dict[str, Any] = {"policy": case.policy, "workers": frozenset(case.workers), "at": case.at}
    if code == "P407":
        before = case_of(Example(says="the plan before"))
        old = certify(before.proposal, catalogue=before.catalogue, **given)
        return widened(old, certify(case.proposal, catalogue=case.catalogue, **given))
    return validate(case.proposal, catalogue=case.catalogue, **given).findings


def _named(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    tool, _, operation = name.partition(".")
    return {"tool_name": tool, "operation": operation, **fields}


@cache
def _base() -> JsonValue:
    return _read("base.yaml")


def _read(name: str) -> Any:
    return yaml.safe_load(files(__name__).joinpath(name).read_text(encoding="utf-8"))
