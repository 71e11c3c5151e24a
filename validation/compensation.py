"""How a step is undone: where the arguments of its compensation come from, and whether policy lets them go there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase

from dagwright.label import TRUSTED, Label
from dagwright.model import JsonSchema
from dagwright.policy import Action, FlowRule, Policy
from dagwright.program import Compensation
from dagwright.tool import ToolSpec
from dagwright.value import tokens_of
from validation.context import Context, PlacedStep
from validation.contract import Contract, contract_of
from validation.flow import Flow, rule_for
from validation.types import Resolved, assignable, pointer_of, resolve
from validation.width import width_of

ARGUMENTS, OUTPUTS = "arguments", "outputs"
"""The two members of what a source points into."""


def compensation_of(context: Context, step: PlacedStep) -> Compensation | str:
    """Gives how a step is undone by its operation's compensation, or why it cannot be.

    Each argument that the compensation requires must have a source, each source a type that can fit, and
    neither the call nor what flows into it may be what policy denies. What only a run will tell, the
    guarded worker checks: schemas, rules over arguments, hosts and paths.
    """
    known = context.compensations
    found = known.get(step.path)
    if found is None:
        found = known[step.path] = _compensation(context, step)
    return found


def _compensation(context: Context, step: PlacedStep) -> Compensation | str:
    assert step.contract is not None
    spec = step.contract.spec
    if spec.compensation is None:
        return f"{spec.name!r} declares no compensation"
    undoing = context.catalogue.by_name.get(spec.compensation)
    if undoing is None:
        return f"its compensation {spec.compensation!r} isn't in the catalogue"
    if undoing.name in context.catalogue.programs:
        return f"its compensation {undoing.name!r} is a sub-program; what undoes a step is one operation"
    contract = contract_of(undoing)
    sources = _sources(step.contract, contract, step.step.tool_intent.required_inputs)
    for problem in _misfits(context, step, contract, sources):
        return problem
    action = _action(context.policy, undoing)
    flows = [_flow(context, step, contract, name, source) for name, source in sources.items()]
    denied = next((rule for rule in flows if rule is not None and rule.action == "deny"), None)
    if action == "deny" or denied is not None:
        why = f": {denied.reason}" if denied is not None and denied.reason else ""
        return f"policy denies its compensation {undoing.name!r}{why}"
    asked = action == "ask" or any(rule is not None and rule.action == "ask" for rule in flows)
    return Compensation(spec=undoing, sources=sources, needs_approval=asked)


def _sources(contract: Contract, undoing: Contract, given: Collection[str]) -> dict[str, str]:
    """Gives where each argument of a compensation is found, as far as anything is said or has its name."""
    stated = contract.spec.compensation_inputs or {}
    found: dict[str, str] = {}
    for name in undoing.properties:
        if name in stated:
            found[name] = stated[name]
        elif name in given or name in contract.defaults:
            found[name] = f"/{ARGUMENTS}{pointer_of(name)}"
        elif name in contract.outputs:
            found[name] = f"/{OUTPUTS}{pointer_of(name)}"
    return found | {name: source for name, source in stated.items() if name not in found}


def _misfits(context: Context, step: PlacedStep, undoing: Contract, sources: dict[str, str]) -> Iterator[str]:
    what = f"its compensation {undoing.spec.name!r}"
    for name in sorted(undoing.required - sources.keys()):
        yield f"nothing says where {what} gets its argument {name!r}; `compensation_inputs` can"
    for name, source in sources.items():
        wanted = undoing.argument_schema(name)
        if wanted is None and undoing.closed:
            yield f"{what} has no argument {name!r}"
        place = _schema_at(context, step, source)
        if place.answer == "absent":
            yield f"argument {name!r} of {what} would come from {source!r}, which isn't there"
        verdict = assignable(place.schema, wanted or {})
        if verdict.answer == "no":
            yield f"argument {name!r} of {what} cannot come from {source!r}: {verdict.reason}"


def _schema_at(context: Context, step: PlacedStep, source: str) -> Resolved:
    assert step.contract is not None
    where, *rest = tokens_of(source) or ("",)
    inside = "".join(pointer_of(token) for token in rest)
    if where == OUTPUTS:
        return resolve(context.types.outputs[step.step_id], inside)
    if where != ARGUMENTS or not rest:
        return Resolved("absent", {}, certain=False)
    known = context.types.arguments[step.step_id].get(rest[0])
    schema: JsonSchema | None = known if known is not None else step.contract.argument_schema(rest[0])
    if schema is None:
        return Resolved("absent", {}, certain=False)
    return resolve(schema, "".join(pointer_of(token) for token in rest[1:]))


def _action(policy: Policy, spec: ToolSpec) -> Action:
    """Gives what policy says of every call of an operation, as far as it does not depend on arguments."""
    rule = next((rule for rule in policy.rules if rule.when is None and fnmatchcase(spec.name, rule.tools)), None)
    if rule is None:
        action = policy.defaults.get(spec.effect, "deny")
        return "ask" if action == "allow" and spec.effect == "irreversible" else action
    return rule.action


def _flow(context: Context, step: PlacedStep, undoing: Contract, name: str, source: str) -> FlowRule | None:
    """Gives the rule that decides on what flows into an argument of a compensation."""
    label, role = _label(context, step, source), undoing.role(name)
    width = width_of(undoing.argument_schema(name) or {})
    flow = Flow(name, label, role, undoing.spec.name, undoing.spec.effect, is_constant=False, width=width)
    return rule_for(context.policy, flow)


def _label(context: Context, step: PlacedStep, source: str) -> Label:
    where, *rest = tokens_of(source)
    if where == ARGUMENTS:
        return context.labels.arguments(step).get(rest[0], TRUSTED)
    return context.labels.output(step.step_id, "".join(pointer_of(token) for token in rest))
