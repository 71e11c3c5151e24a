"""Trying all mutation operators on proposals: which were found, and which an oracle of calls refuses as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

from pydantic import JsonValue

from benchmarks.mutation import OPERATORS, Draft, Operator
from benchmarks.mutation.operator import Json
from benchmarks.statistics import Metric, share
from benchmarks.suite import Record
from dagwright.finding import LEVELS, Report

Refuses = Callable[[Sequence[tuple[str, Json]]], Sequence[bool]]
"""Says of calls (operation, arguments) which an oracle refuses."""

_SHOWN = 20


@dataclass
class Tally:
    """What trying one operator gave."""

    applied: int = 0
    found: int = 0
    refused: int = 0
    """Mutants that the oracle refuses."""
    refused_found: int = 0
    """Of these, mutants that were rejected."""


@dataclass
class Trials:
    """What trying all operators on some proposals gave."""

    operators: Sequence[Operator] = OPERATORS
    """Which operators are tried."""
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    missed: list[str] = field(default_factory=list[str])
    """`operator: proposal` of those that were not found, the first ones."""
    called: list[tuple[str, bool, str, Json]] = field(default_factory=list[tuple[str, bool, str, Json]])
    """Mutated calls for the oracle: the operator, whether the mutant was rejected, the operation, its arguments."""

    def attempt(self, item: str, draft: Draft, *, seed: int, single: bool) -> None:
        """Tries every operator on a draft that has no errors."""
        before = draft.report()
        for operator in self.operators:
            mutant = draft.copy(Random(f"{seed}/{item}/{operator.name}"))
            if operator.apply(mutant):
                self._judge(item, operator, mutant, before, single=single)

    def _judge(self, item: str, operator: Operator, mutant: Draft, before: Report, *, single: bool) -> None:
        tally = self.tallies.setdefault(operator.name, Tally())
        report = mutant.report()
        tally.applied += 1
        if operator.found_by(report, before):
            tally.found += 1
        elif len(self.missed) < _SHOWN:
            self.missed.append(f"{operator.name}: {item}")
        if single and operator.of_arguments:
            (step,) = mutant.steps
            parameters = unwired(step["tool_intent"]["required_inputs"], mutant.proposal["goal"]["inputs"])
            self.called.append((operator.name, not report.is_valid, step["tool_intent"]["operation"], parameters))

    def ask(self, refuses: Refuses) -> None:
        """Has an oracle judge the mutated calls."""
        verdicts = refuses([(operation, parameters) for _, _, operation, parameters in self.called])
        for (operator, rejected, _, _), refused in zip(self.called, verdicts, strict=True):
            self.tallies[operator].refused += refused
            self.tallies[operator].refused_found += refused and rejected
        self.called.clear()

    def record(self) -> Record:
        """Gives it as JSON: by operator `[applied, found, refused by the oracle, of these rejected]`."""
        return {
            "operators": {
                name: [tally.applied, tally.found, tally.refused, tally.refused_found]
                for name, tally in self.tallies.items()
            },
            "missed": list(self.missed),
        }


def unwired(inputs: Json, given: Json) -> Json:
    """Gives the arguments of a call without references to steps as plain JSON."""
    return {name: _plain(value, given) for name, value in inputs.items()}


def _plain(value: Json, given: Json) -> Any:
    if "literal" in value:
        return value["literal"]
    if "list" in value:
        return [_plain(item, given) for item in value["list"]]
    if "object" in value:
        return {name: _plain(item, given) for name, item in value["object"].items()}
    return given[value["input"]]["value"]


# --------------------------------------------------------------------------------------- figures


def totals(records: Iterable[Mapping[str, JsonValue]]) -> dict[str, Tally]:
    """Gives the tallies by operator over all records that have some."""
    found: dict[str, Tally] = {}
    for record in records:
        for name, counts in cast("dict[str, list[int]]", record.get("operators") or {}).items():
            tally = found.setdefault(name, Tally())
            tally.applied += counts[0]
            tally.found += counts[1]
            tally.refused += counts[2]
            tally.refused_found += counts[3]
    return found


def misses(tallies: Mapping[str, Tally]) -> Metric | None:
    """Gives the share of mutants that were not found; None where there are none."""
    applied = sum(tally.applied for tally in tallies.values())
    return share(applied - sum(tally.found for tally in tallies.values()), applied) if applied else None


def missed_by_level(tallies: Mapping[str, Tally]) -> Iterator[tuple[str, Metric]]:
    """Gives the share of mutants of each level that were not found."""
    for level in LEVELS:
        metric = misses({op.name: tallies[op.name] for op in OPERATORS if op.level == level and op.name in tallies})
        if metric is not None:
            yield f"false_negative_rate_{level}", metric


def missed_by_operator(tallies: Mapping[str, Tally]) -> Iterator[tuple[str, Metric]]:
    """Gives the share of mutants of each operator that were not found."""
    for operator in OPERATORS:
        if operator.name in tallies:
            metric = misses({operator.name: tallies[operator.name]})
            assert metric is not None
            yield f"missed.{operator.name}", metric
