"""Policy level: whether what a step changes can be undone in a way that policy demands (P408)."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from dagwright.decomposition import RollbackStrategy
from dagwright.finding import Finding
from dagwright.policy import RollbackRule
from dagwright.tool import ToolSpec
from validation.compensation import compensation_of
from validation.context import Context, PlacedStep
from validation.notes import add, finding


def rollback_findings(context: Context) -> Iterator[Finding]:
    """Gives the steps whose rollback strategy policy doesn't accept, or whose operation doesn't support it."""
    yield from _without_compensation(context)
    rules = context.policy.rollbacks
    if not rules:
        return
    deciding: dict[str, RollbackRule | None] = {}
    for step in context.steps:
        if step.contract is None or step.controls is not None:
            continue
        spec = step.contract.spec
        if spec.name not in deciding:
            deciding[spec.name] = next((rule for rule in rules if _matches(rule, spec)), None)
        rule = deciding[spec.name]
        problem = _problem(context, step, spec, rule) if rule else None
        if rule is not None and problem:
            yield _lacking(context, step, spec, rule, problem)


def _matches(rule: RollbackRule, spec: ToolSpec) -> bool:
    return spec.effect in rule.effects and fnmatchcase(spec.name, rule.tools)


def _problem(context: Context, step: PlacedStep, spec: ToolSpec, rule: RollbackRule) -> str | None:
    strategy = step.step.rollback_strategy
    if strategy not in rule.strategies:
        return f"its rollback strategy is {strategy!r}"
    return _unsupported(context, step, spec, strategy)


def _unsupported(context: Context, step: PlacedStep, spec: ToolSpec, strategy: RollbackStrategy) -> str | None:
    """Gives why a step can't be rolled back so; None where it can."""
    if strategy == "retry" and not spec.idempotent:
        return f"{spec.name!r} isn't idempotent, so that it can't be retried"
    if strategy != "compensate":
        return None
    found = compensation_of(context, step)
    return found if isinstance(found, str) else None


def _without_compensation(context: Context) -> Iterator[Finding]:
    """Gives the steps that name a compensation which can't be run, where policy demands nothing."""
    for step in context.steps:
        if step.contract is None or step.step.rollback_strategy != "compensate" or context.policy.rollbacks:
            continue
        problem = _unsupported(context, step, step.contract.spec, "compensate")
        if problem is not None:
            path, message = f"{step.path}/rollback_strategy", f"step {step.step_id!r} can't be undone: {problem}"
            yield finding("P408", path, message, task=step.task_id, step=step.step_id, softer=True)


def _lacking(context: Context, step: PlacedStep, spec: ToolSpec, rule: RollbackRule, problem: str) -> Finding:
    # That a person undoes it, or that nobody need, is for a person to say: no fix says it.
    supported = [
        name
        for name in rule.strategies
        if name not in ("none", "manual") and _unsupported(context, step, spec, name) is None
    ]
    path = f"{step.path}/rollback_strategy" if "rollback_strategy" in step.step.model_fields_set else step.path
    why = f": {rule.reason}" if rule.reason else ""
    wanted = " or ".join(map(repr, rule.strategies))
    message = f"policy wants step {step.step_id!r} ({spec.name!r}, effect {spec.effect!r}) to be undone by {wanted}"
    return finding(
        "P408",
        path,
        f"{message}, but {problem}{why}",
        task=step.task_id,
        step=step.step_id,
        fix=add(f"{step.path}/rollback_strategy", supported[0]) if supported else None,
    )
