"""Policy level: which operations and arguments policy and goal allow (P401-P403, P406)."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast

from dagwright.canonical import canonical_json
from dagwright.finding import Finding
from dagwright.policy import Action, Policy, Rule
from dagwright.tool import ToolSpec
from validation.cedar import Verdict, judge
from validation.context import Context, PlacedStep
from validation.contract import Contract
from validation.notes import finding

_PRESENCE = frozenset(("type", "properties", "required", "title", "description", "$schema", "$comment"))


class Decision(NamedTuple):
    """What policy says of one call."""

    action: Action
    rule: Rule | None
    """The rule that decides; None where the effect's default does."""
    certain: bool = True
    """False where arguments that only a run will tell may make the rule match or not."""


def authority_findings(context: Context) -> Iterator[Finding]:
    """Gives the steps that policy or goal prohibit, or that a person must approve."""
    denied = context.parsed.constraints.denied_tools
    applicable = _Applicable(context.policy)
    for step in context.steps:
        if step.contract is None or step.controls is not None:
            continue
        pattern = next((glob for glob in denied if fnmatchcase(step.operation, glob)), None) if denied else None
        if pattern is not None:
            yield _prohibited(step, f"{step.operation!r} is prohibited by the goal ({pattern!r} in denied_tools)")
        for decision in _decisions(applicable, step, step.contract):
            yield from _judged(step, step.contract.spec, decision, _often(context, step))
        if context.policy.cedar is not None and step.controls is None:
            yield from _by_cedar(step, step.contract, context.policy.cedar)


def _by_cedar(step: PlacedStep, contract: Contract, cedar: str) -> Iterator[Finding]:
    """Gives what Cedar policies prohibit; where arguments are not known yet, the worker asks them."""
    found = cedar_verdict(step, contract, cedar)
    if found is not None and not found.allowed:
        message = f"policy prohibits {contract.spec.name!r} with such arguments: {found.reason}"
        path = f"{step.path}/tool_intent/required_inputs"
        yield finding("P402", path, message, task=step.task_id, step=step.step_id)


def cedar_verdict(step: PlacedStep, contract: Contract, cedar: str) -> Verdict | None:
    """Gives what Cedar policies say of a step's call; None where arguments are not known yet.

    Raises:
        PolicyError: they cannot be read, or the extra is not installed.
    """
    if step.step.tool_intent.required_inputs.keys() - step.literals.keys():
        return None
    return judge(cedar, contract.spec, {**contract.filled_in, **step.literals})


def deciding_rules(context: Context, step: PlacedStep) -> list[Decision]:
    """Gives every decision of policy over a step's call that a run may turn out to have."""
    return _decisions(_Applicable(context.policy), step, step.contract) if step.contract is not None else []


class _Applicable:
    """The rules whose glob matches an operation, looked up once for each."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._rules: dict[str, tuple[Rule, ...]] = {}

    def rules(self, operation: str) -> tuple[Rule, ...]:
        """Gives the rules over an operation, in their order."""
        found = self._rules.get(operation)
        if found is None:
            found = tuple(rule for rule in self.policy.rules if fnmatchcase(operation, rule.tools))
            self._rules[operation] = found
        return found


def _decisions(applicable: _Applicable, step: PlacedStep, contract: Contract) -> list[Decision]:
    """Gives every decision that a run may turn out to have: one, unless arguments aren't known yet."""
    found: list[Decision] = []
    for rule in applicable.rules(contract.spec.name):
        matches = _matches(rule, step)
        if matches != "no":
            found.append(Decision(rule.action, rule, certain=matches == "yes" and not found))
        if matches == "yes":
            return found
    default = applicable.policy.defaults.get(contract.spec.effect, "deny")
    return [*found, Decision(default, None, certain=not found)]


def _matches(rule: Rule, step: PlacedStep) -> Literal["yes", "no", "unknown"]:
    """Whether a rule's condition holds; unknown where it speaks of an argument that only a run will tell."""
    if rule.when is None:
        return "yes"
    given = step.step.tool_intent.required_inputs.keys()
    open_arguments = given - step.literals.keys()
    spoken = _spoken_of(rule.when)
    if open_arguments and (spoken is None or spoken & open_arguments):
        return "unknown"
    return "yes" if _condition(canonical_json(rule.when)).is_valid(step.literals) else "no"


def _spoken_of(condition: dict[str, Any]) -> set[str] | None:
    """Gives the arguments that a condition speaks of; None where it may speak of any."""
    if condition.keys() - _PRESENCE:
        return None
    properties = cast("dict[str, Any]", condition.get("properties", {}))
    required = cast("list[str]", condition.get("required", []))
    return {*properties, *required}


@lru_cache(maxsize=1024)
def _condition(schema: bytes) -> Any:
    import json

    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(json.loads(schema))


def _often(context: Context, step: PlacedStep) -> str:
    """Gives in words how often a step is run at most, where that is not once."""
    control = context.controls.get(step.task_id)
    if control is None or (control.each is None and control.repeat is None):
        return ""
    times = f", up to {context.passes[step.task_id].high:,} times"
    return f"{times} (once per item of {control.each.name!r})" if control.each else times


def _judged(step: PlacedStep, spec: ToolSpec, decision: Decision, often: str) -> Iterator[Finding]:
    rule = decision.rule
    if decision.action == "deny":
        yield _denied(step, spec, decision)
    elif spec.effect == "irreversible" and (decision.action == "ask" or rule is None):
        message = f"{spec.name!r} cannot be undone; a person must approve step {step.step_id!r}{often}"
        yield _to_approve("P406", step, message, rule)
    elif decision.action == "ask":
        message = f"policy wants a person's approval of step {step.step_id!r}, which calls {spec.name!r}{often}"
        yield _to_approve("P403", step, message, rule)


def _denied(step: PlacedStep, spec: ToolSpec, decision: Decision) -> Finding:
    rule = decision.rule
    if rule is None:
        words = f"policy prohibits operations of effect {spec.effect!r} that no rule allows, such as {spec.name!r}"
        return _prohibited(step, words)
    why = f": {rule.reason}" if rule.reason else ""
    if rule.when is None:
        return _prohibited(step, f"policy prohibits {spec.name!r} (rule {rule.tools!r}){why}")
    doubt = "" if decision.certain else ", or what only a run will tell may be such"
    message = f"policy prohibits {spec.name!r} with such arguments (rule {rule.tools!r}){why}{doubt}"
    path = f"{step.path}/tool_intent/required_inputs"
    return finding("P402", path, message, task=step.task_id, step=step.step_id, when=rule.when)


def _prohibited(step: PlacedStep, message: str) -> Finding:
    return finding("P401", f"{step.path}/tool_intent", message, task=step.task_id, step=step.step_id)


def _to_approve(code: str, step: PlacedStep, message: str, rule: Rule | None) -> Finding:
    why = f": {rule.reason}" if rule and rule.reason else ""
    path = f"{step.path}/tool_intent"
    return finding(code, path, f"{message}{why}", task=step.task_id, step=step.step_id, needs_approval=True)
