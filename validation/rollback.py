"""Policy level: whether what a step changes can be undone in a way that policy demands (P408)."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from dagwright.decomposition import RollbackStrategy
from dagwright.finding import Finding
from dagwright.policy import RollbackRule
from dagwright.tool import ToolSpec
from validation.context import Context, PlacedStep
from validation.notes import add, finding


def rollback_findings(context: Context) -> Iterator[Finding]:
    """Gives the steps whose rollback strategy policy doesn't accept, or whose operation doesn't support it."""
    rules = context.policy.rollbacks
    if not rules:
        return
    deciding: dict[str, RollbackRule | None] = {}
    for step in context.steps:
        if step.contract is None:
            continue
        spec = step.contract.spec
        if spec.name not in deciding:
            deciding[spec.name] = next((rule for rule in rules if _matches(rule, spec)), None)
        rule = deciding[spec.name]
        problem = _problem(context, spec, step.step.rollback_strategy, rule) if rule else None
        if rule is not None and problem:
            yield _lacking(context, step, spec, rule, problem)


def _matches(rule: RollbackRule, spec: ToolSpec) -> bool:
    return spec.effect in rule.effects and fnmatchcase(spec.name, rule.tools)


def _problem(context: Context, spec: ToolSpec, strategy: RollbackStrategy, rule: RollbackRule) -> str | None:
    if strategy not in rule.strategies:
        return f"its rollback strategy is {strategy!r}"
    return unsupported(context, spec, strategy)


def unsupported(context: Context, spec: ToolSpec, strategy: RollbackStrategy) -> str | None:
    """Gives why an operation can't be rolled back so; None where it can."""
    if strategy == "retry" and not spec.idempotent:
        return f"{spec.name!r} isn't idempotent, so that it can't be retried"
    if strategy != "compensate":
        return None
    if spec.compensation is None:
        return f"{spec.name!r} declares no compensation"
    if spec.compensation not in context.catalogue.by_name:
        return f"its compensation {spec.compensation!r} isn't in the catalogue"
    return None


def _lacking(context: Context, step: PlacedStep, spec: ToolSpec, rule: RollbackRule, problem: str) -> Finding:
    # That a person undoes it, or that nobody need, is for a person to say: no fix says it.
    supported = [
        name for name in rule.strategies if name not in ("none", "manual") and unsupported(context, spec, name) is None
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
