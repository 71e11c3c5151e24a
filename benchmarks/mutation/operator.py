"""`Operator` and `Draft`: a named change, and the case that it changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from random import Random
from typing import Any

from dagwright.catalogue import Catalogue
from dagwright.finding import Level, Report
from dagwright.policy import Policy
from dagwright.tool import ToolSpec

Json = dict[str, Any]


@dataclass(kw_only=True)
class Draft:
    """A proposal with all that it is judged by; an operator changes it in place."""

    proposal: Json
    catalogue: Catalogue
    policy: Policy
    workers: frozenset[str]
    random: Random
    at: date | None = None
    text: str | None = None
    """Text that is judged in the proposal's place; None judges the proposal."""

    def copy(self, random: Random) -> Draft:
        """Gives a draft that can be changed without changing this one."""
        return replace(self, proposal=json.loads(json.dumps(self.proposal)), random=random)

    def report(self) -> Report:
        """Has it validated."""
        from validation import validate

        return validate(
            self.proposal if self.text is None else self.text,
            catalogue=self.catalogue,
            policy=self.policy,
            workers=self.workers,
            at=self.at,
        )

    @property
    def tasks(self) -> list[Json]:
        """The plan's tasks."""
        return self.proposal["plan"]["nodes"]

    @property
    def groups(self) -> list[Json]:
        """The decompositions."""
        return self.proposal["decompositions"]

    @property
    def steps(self) -> list[Json]:
        """All steps, in the order of the decompositions."""
        return [step for group in self.groups for step in group["steps"]]

    def task_of(self, step: Json) -> Json:
        """Gives the task of a step."""
        owner = next(group["task_id"] for group in self.groups if step in group["steps"])
        return next(task for task in self.tasks if task["task_id"] == owner)

    def spec(self, step: Json) -> ToolSpec:
        """Gives the operation that a step calls."""
        intent = step["tool_intent"]
        return self.catalogue.by_name[f"{intent['tool_name']}.{intent['operation']}"]

    def change_spec(self, step: Json, **changes: Any) -> None:
        """Changes the operation that a step calls, in the catalogue."""
        old = self.spec(step)
        new = old.model_copy(update=changes)
        tools = tuple(new if spec is old else spec for spec in self.catalogue.tools)
        self.catalogue = Catalogue.model_construct(name=self.catalogue.name, version="mutated", tools=tools)

    def change_policy(self, **changes: Any) -> None:
        """Changes the policy."""
        self.policy = Policy.model_validate({**self.policy.model_dump(), **changes})

    def constrain(self, **limits: Any) -> None:
        """Sets limits of the goal."""
        self.proposal["goal"]["constraints"] |= limits


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One way of spoiling a proposal."""

    name: str
    codes: frozenset[str]
    """Codes of which each must be among the findings."""
    apply: Callable[[Draft], bool]
    """Changes a draft; False where it cannot be applied."""
    of_arguments: bool = False
    """Whether it only changes the constants that a call is given, so that any checker of calls can judge it."""

    @property
    def level(self) -> Level:
        """The level that must find it."""
        from validation import CODES

        return CODES[min(self.codes)].level

    def found_by(self, report: Report, before: Report) -> bool:
        """Whether a report has all codes that it must have, in findings that there were not before."""
        known = {(finding.code, finding.path, finding.message) for finding in before.findings}
        new = {item.code for item in report.findings if (item.code, item.path, item.message) not in known}
        return self.codes <= new


class Table:
    """Collects the operators of a module, in the order in which they stand there."""

    def __init__(self) -> None:
        self._operators: list[Operator] = []

    def __call__(
        self, *codes: str, of_arguments: bool = False
    ) -> Callable[[Callable[[Draft], bool]], Callable[[Draft], bool]]:
        """Registers a function as the operator of its name."""

        def register(apply: Callable[[Draft], bool]) -> Callable[[Draft], bool]:
            name = apply.__name__.strip("_")
            self._operators.append(Operator(name=name, codes=frozenset(codes), apply=apply, of_arguments=of_arguments))
            return apply

        return register

    def __iter__(self) -> Iterator[Operator]:
        return iter(self._operators)
