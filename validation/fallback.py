"""Policy level: which operations may take the place of a step's own where that is down, proven beforehand (P411).

Policy names them (`Policy.fallbacks`); without a rule there are none. One that is named must take what the step
gives and give what the step's operation gives, under the same names, and may neither change more, nor tell or trust
more, nor ask a person for more, nor go over a limit that the plan keeps. Then the proposal that calls it instead is
examined by all levels, as any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, get_args

from pydantic import JsonValue

from dagwright.canonical import canonical_json, sha256
from dagwright.decomposition import Step
from dagwright.finding import Finding, Report
from dagwright.label import Label
from dagwright.limit import ceiling
from dagwright.policy import FallbackRule
from dagwright.program import Bounds, Compensation, Fallback
from dagwright.proposal import Proposal
from dagwright.tool import Effect, ToolSpec
from validation.compensation import compensation_of
from validation.context import Context, PlacedStep
from validation.contract import Contract, contract_of
from validation.demand import Demand
from validation.notes import finding
from validation.passes import ONCE
from validation.resource import bounds_of
from validation.types import assignable

MAX_EXAMINED: Final = 64
"""Proposals with another operation that are examined for one proposal; what is left has no fallback."""

_SHOWN = 3
_EFFECTS: tuple[Effect, ...] = get_args(Effect)
_UNITS = ("US dollars", "seconds", "calls", "tokens")

Examined = Callable[[Proposal], tuple[Context | None, Report]]
"""Examines a proposal by all levels."""


@dataclass(frozen=True)
class Fallbacks:
    """What may take the place of the operations of a proposal."""

    proven: tuple[Fallback, ...] = ()
    """By step, the next one first."""
    considered: frozenset[str] = frozenset()
    """Full names of the operations that policy names for its steps, proven or not, and of those that undo them."""
    findings: tuple[Finding, ...] = ()
    """One for each step whose operation nothing can replace although policy names something (P411)."""


def fallbacks_of(context: Context, report: Report, examined: Examined) -> Fallbacks:
    """Gives what may take the place of the operations of a proposal that is valid."""
    proof = _Proof(context, report, examined)
    proven: list[Fallback] = []
    findings: list[Finding] = []
    considered: set[str] = set()
    for step in sorted(context.steps, key=lambda step: step.step_id):
        named = tuple(_named(context, step))
        judged = [(spec, proof.of(step, spec)) for spec in named]
        found = [fallback for _, fallback in judged if isinstance(fallback, Fallback)]
        proven += found
        if named and not found:
            findings.append(_lacking(step, [f"{spec.name!r} {why}" for spec, why in judged]))
        considered.update(name for spec in named for name in _needed(step, spec))
    return Fallbacks(tuple(proven), frozenset(considered), tuple(findings))


def substituted(proposal: Proposal, step_id: str, operation: ToolSpec) -> Proposal:
    """Gives a proposal, as its next version, in which a step calls another operation with the same arguments."""
    groups = tuple(
        group.model_copy(update={"steps": tuple(_calling(step, step_id, operation) for step in group.steps)})
        for group in proposal.decompositions
    )
    return proposal.model_copy(update={"decompositions": groups, "version": proposal.version + 1})


def _calling(step: Step, step_id: str, operation: ToolSpec) -> Step:
    if step.step_id != step_id:
        return step
    called = {"tool_name": operation.tool_name, "operation": operation.operation}
    intent = step.tool_intent.model_copy(update=called)
    return step.model_copy(update={"tool_intent": intent, "documentation_references": operation.documents[:1]})


def _named(context: Context, step: PlacedStep) -> Iterator[ToolSpec]:
    """Gives the operations that policy names after a step's own, in their order; none for a step that may fail."""
    control = context.controls.get(step.task_id)
    if step.contract is None or step.controls is not None or (control is not None and control.optional):
        return
    own = step.contract.spec
    rule = next((rule for rule in context.policy.fallbacks or () if _rank(rule, own) is not None), None)
    if rule is None:
        return
    ranks = {spec.name: rank for spec in context.catalogue.tools if (rank := _rank(rule, spec)) is not None}
    for name in sorted(ranks, key=lambda name: ranks[name]):
        if ranks[name] > ranks[own.name]:
            yield context.catalogue.by_name[name]


def _needed(step: PlacedStep, other: ToolSpec) -> Iterator[str]:
    """Gives the operations by which is judged whether another one may take a step's."""
    yield other.name
    if step.step.rollback_strategy == "compensate" and other.compensation is not None:
        yield other.compensation


def _rank(rule: FallbackRule, spec: ToolSpec) -> tuple[int, str] | None:
    """Gives the place of an operation in a rule's order; None where the rule does not speak of it."""
    if rule.capability not in spec.capabilities:
        return None
    index = next((index for index, glob in enumerate(rule.operations) if fnmatchcase(spec.name, glob)), None)
    return None if index is None else (index, spec.name)


def _lacking(step: PlacedStep, reasons: list[str]) -> Finding:
    more = f" (and {len(reasons) - _SHOWN} more)" if len(reasons) > _SHOWN else ""
    message = f"nothing can take the place of {step.operation!r} where it is down: {'; '.join(reasons[:_SHOWN])}{more}"
    return finding("P411", f"{step.path}/tool_intent", message, task=step.task_id, step=step.step_id)


class _Proof:
    """Judges operations one after the other; what those that were accepted may take is added up."""

    def __init__(self, context: Context, report: Report, examined: Examined) -> None:
        self._context, self._examined = context, examined
        self._approvals = _approvals(report)
        self._limits = _limits(context)
        self._taken = _amounts(bounds_of(context))
        self._left = MAX_EXAMINED

    def of(self, step: PlacedStep, other: ToolSpec) -> Fallback | str:
        """Gives the fallback that an operation is for a step, or in words why it is none."""
        assert step.contract is not None
        if other.name in self._context.catalogue.programs:
            return "is a sub-program; what takes a step's place is one operation"
        misfit = _misfit(step.contract, contract_of(other), step.step.tool_intent.required_inputs)
        if misfit:
            return misfit
        if self._left <= 0:
            return f"was not examined: {MAX_EXAMINED} proposals were"
        self._left -= 1
        whole = self._context.parsed.proposal
        assert whole is not None
        proposal = substituted(whole, step.step_id, other)
        context, report = self._examined(proposal)
        problem = self._problem(step, context, report)
        if problem or context is None:
            return problem
        taken = _sums(self._taken, _amounts(_further(context, step, other)))
        for amount, limit, unit in zip(taken, self._limits, _UNITS, strict=True):
            if amount > limit:
                can = "an unknown number of" if amount == math.inf else f"{amount:g}"
                return f"makes it possible that the run takes {can} {unit}, where {limit:g} are allowed"
        self._taken = taken
        return Fallback(step=step.step_id, operation=other.name, proposal=sha256(proposal))

    def _problem(self, step: PlacedStep, context: Context | None, report: Report) -> str:
        """Gives in words what the proposal with another operation lacks or does beyond the one that was examined."""
        if context is None or not report.is_valid:
            first = report.errors[0]
            return f"would be wrong: {first.code} {first.message}"
        if _approvals(report) - self._approvals:
            return "would need a person's approval, which the step's own does not"
        before, after = self._context.labels.output(step.step_id), context.labels.output(step.step_id)
        if before.join(after) != before:
            return f"gives data that is {_words(after)}, where the step's own gives what is {_words(before)}"
        if step.step.rollback_strategy == "compensate":
            undone = compensation_of(self._context, step), compensation_of(context, context.by_id[step.step_id])
            if isinstance(undone[0], Compensation) and not isinstance(undone[1], Compensation):
                return f"can't be undone: {undone[1]}"
        return ""


def _words(label: Label) -> str:
    readers = f", for {', '.join(label.readers) or 'nobody'} only" if label.readers is not None else ""
    return f"{label.integrity} and {label.confidentiality}{readers}"


def _approvals(report: Report) -> frozenset[tuple[str, str | None]]:
    return frozenset((found.code, found.step_id) for found in report.findings if found.needs_approval)


def _misfit(old: Contract, new: Contract, given: Collection[str]) -> str:
    """Gives in words why one contract can't stand for another, whatever the values; empty where it can."""
    if _EFFECTS.index(new.spec.effect) > _EFFECTS.index(old.spec.effect):
        return f"has effect {new.spec.effect!r}, which is more than {old.spec.effect!r}"
    for name in given:
        takes, wants = old.argument_schema(name), new.argument_schema(name)
        if wants is None:
            return f"has no argument {name!r}"
        verdict = assignable(takes or {}, wants)
        if verdict.answer != "yes":
            return f"may not take argument {name!r}{verdict.path}: {verdict.reason}"
        if old.role(name) != new.role(name):
            return f"takes argument {name!r} as {new.role(name)}, not as {old.role(name)}"
    for name, default in old.defaults.items():
        if name not in given and not _same(new.defaults, name, default):
            return f"has another default of argument {name!r}"
    verdict = assignable(new.spec.output_schema, old.spec.output_schema)
    return "" if verdict.answer == "yes" else f"may not give what is expected at {verdict.path!r}: {verdict.reason}"


def _same(defaults: dict[str, JsonValue], name: str, default: JsonValue) -> bool:
    return name in defaults and canonical_json(defaults[name]) == canonical_json(default)


_Amounts = tuple[float, float, float, float]
"""US dollars, seconds, calls, tokens."""


def _limits(context: Context) -> _Amounts:
    goal, budget = context.parsed.constraints, context.policy.budget
    return (
        ceiling(goal.max_cost, budget.max_cost),
        ceiling(goal.deadline, budget.max_seconds),
        ceiling(goal.max_calls, budget.max_calls),
        ceiling(goal.max_tokens, budget.max_tokens),
    )


def _further(context: Context, step: PlacedStep, other: ToolSpec) -> Bounds:
    """Gives what going on with another operation can take: its call, or all again where passes may be repeated."""
    repeated = context.passes.get(step.task_id, ONCE).high > 1
    return bounds_of(context) if repeated else Demand([other], [()]).bounds()


def _amounts(bounds: Bounds) -> _Amounts:
    """Gives the upper bounds; what is unknown is without bound."""
    known = (bounds.cost, bounds.makespan, bounds.calls, bounds.tokens)
    cost, seconds, calls, tokens = (math.inf if bound is None else bound.high for bound in known)
    return cost, seconds, calls, tokens


def _sums(one: _Amounts, other: _Amounts) -> _Amounts:
    cost, seconds, calls, tokens = (first + second for first, second in zip(one, other, strict=True))
    return cost, seconds, calls, tokens
