"""Policy level: where data comes from and where it may go (P404, P405), and what is released on the way (P403)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from pydantic import JsonValue

from dagwright.finding import Finding
from dagwright.label import Label
from dagwright.policy import FlowRule, Policy, Width
from dagwright.tool import Effect, Role
from dagwright.value import InputReference, tokens_of
from validation.context import Context, PlacedStep, Reference
from validation.contract import Contract
from validation.notes import finding
from validation.release import rule_of
from validation.trace import Hop, trace_of
from validation.width import width_of


def flow_findings(context: Context) -> Iterator[Finding]:
    """Gives the arguments that data reaches which policy keeps from them, and releases that a person must approve."""
    width: dict[int, tuple[object, Width]] = {}
    guarded = _Guarded(context.policy.flows)
    for step in context.steps:
        contract = step.contract
        if contract is None or context.by_id[step.step_id] is not step:
            continue
        if step.controls is not None:
            yield from _decisions(context, step, width)
            continue
        # Labels are only worked out where some rule may speak against what reaches an argument.
        names = guarded.arguments(contract, step.step.tool_intent.required_inputs)
        labels = context.labels.arguments(step) if names else {}
        for name in names:
            flow = _flow(context, step, name, labels[name], width) if name in labels else None
            rule = rule_for(context.policy, flow) if flow else None
            if flow is not None and rule is not None and rule.action != "allow":
                yield _kept(context, step, flow, rule)
        if contract.spec.releases:
            yield from _released(context, step)


def deciding_flows(context: Context, step: PlacedStep) -> Iterator[tuple[str, FlowRule]]:
    """Gives each argument of a step that a flow rule decides on, with the rule; for `dagwright policy`."""
    if step.contract is None:
        return
    width: dict[int, tuple[object, Width]] = {}
    for name, label in context.labels.arguments(step).items():
        flow = _flow(context, step, name, label, width)
        rule = rule_for(context.policy, flow)
        if rule is not None:
            yield name, rule


def _decisions(context: Context, step: PlacedStep, width: dict[int, tuple[object, Width]]) -> Iterator[Finding]:
    """Gives the arguments of a condition or loop that must not decide about what its block does.

    What decides whether or how often an operation is called is control of that operation.
    """
    decided = _called(context, step)
    if not any(rule.action != "allow" and "control" in rule.roles for rule in context.policy.flows) or not decided:
        return
    for name, label in context.labels.arguments(step).items():
        own = _flow(context, step, name, label, width)
        kept: list[tuple[FlowRule, PlacedStep, Flow]] = []
        for other in decided:
            assert other.contract is not None
            flow = own._replace(operation=other.operation, effect=other.contract.spec.effect)
            rule = rule_for(context.policy, flow)
            if rule is not None and rule.action != "allow":
                kept.append((rule, other, flow))
        if kept:
            rule, other, flow = min(kept, key=_mildness)
            yield _kept(context, step, flow, rule, of=other)


def _called(context: Context, step: PlacedStep) -> list[PlacedStep]:
    """Gives the steps about which a condition or loop decides."""
    if step.controls is None or step.controls.decides == "collect":
        return []
    steps = context.steps if step.task < 0 else context.task_steps[step.task]
    return [other for other in steps if other.task_id == step.task_id and other.contract and other.controls is None]


_EFFECTS: Final[tuple[Effect, ...]] = ("irreversible", "external", "write", "read")


def _mildness(kept: tuple[FlowRule, PlacedStep, Flow]) -> tuple[bool, int, str]:
    """Gives the place of what policy says in an order in which what is denied, and what does most, come first."""
    rule, other, _ = kept
    assert other.contract is not None
    return rule.action != "deny", _EFFECTS.index(other.contract.spec.effect), other.step_id


class _Guarded:
    """Which arguments of which operations a rule may keep data from, whatever its label."""

    def __init__(self, rules: tuple[FlowRule, ...]) -> None:
        self._rules = [rule for rule in rules if rule.action != "allow"]
        self._roles: dict[int, tuple[Contract, frozenset[Role]]] = {}

    def arguments(self, contract: Contract, names: Iterable[str]) -> list[str]:
        """Gives those of an operation's arguments that some rule may keep data from."""
        known = self._roles.get(id(contract))
        if known is None or known[0] is not contract:
            known = self._roles[id(contract)] = (contract, self._guarded(contract))
        return [name for name in names if contract.role(name) in known[1]] if known[1] else []

    def _guarded(self, contract: Contract) -> frozenset[Role]:
        spec = contract.spec
        speaking = (rule for rule in self._rules if spec.effect in rule.effects and fnmatchcase(spec.name, rule.tools))
        return frozenset(role for rule in speaking for role in rule.roles)


class Flow(NamedTuple):
    """What reaches one argument."""

    argument: str
    label: Label
    role: Role
    operation: str
    effect: str
    is_constant: bool
    """Whether a constant that the goal doesn't state is in it."""
    width: Width


def _flow(context: Context, step: PlacedStep, name: str, label: Label, width: dict[int, tuple[object, Width]]) -> Flow:
    assert step.contract is not None
    spec = step.contract.spec
    constant = name in context.labels.unstated(step)
    # A constant's own schema allows only itself; what counts is what else could have stood there.
    schema = step.contract.argument_schema(name) if constant else context.types.arguments[step.step_id].get(name)
    schema = schema or {}
    known = width.get(id(schema))
    if known is None or known[0] is not schema:
        known = width[id(schema)] = (schema, width_of(schema))
    return Flow(name, label, step.contract.role(name), spec.name, spec.effect, constant, known[1])


def rule_for(policy: Policy, flow: Flow) -> FlowRule | None:
    """Gives the rule that decides on what reaches an argument; None where none speaks of it."""
    for rule in policy.flows:
        if _matches(rule, flow):
            return rule
    return None


def _matches(rule: FlowRule, flow: Flow) -> bool:
    return (
        flow.role in rule.roles
        and flow.effect in rule.effects
        and flow.label.integrity in rule.integrity
        and flow.label.confidentiality in rule.confidentiality
        and rule.constants in (None, flow.is_constant)
        and (rule.types is None or flow.width in rule.types)
        and fnmatchcase(flow.operation, rule.tools)
    )


def _kept(context: Context, step: PlacedStep, flow: Flow, rule: FlowRule, *, of: PlacedStep | None = None) -> Finding:
    label, name = flow.label, flow.argument
    secret = "trusted" in rule.integrity and "public" not in rule.confidentiality

    def carries(other: Label) -> bool:
        return other.confidentiality == label.confidentiality if secret else other.integrity == label.integrity

    code, word = ("P405", label.confidentiality) if secret else ("P404", label.integrity)
    sources = [
        _named(context, reference)
        for argument, _, reference in step.references
        if argument == name and carries(context.labels.reference(reference))
    ]
    if flow.is_constant and not secret:
        sources.append("a constant that the goal doesn't state")
    sources = list(dict.fromkeys(sources))
    way = trace_of(context, step, name, carries)
    why = f": {rule.reason}" if rule.reason else ""
    does = f"reach {flow.role} argument {name!r} of {step.operation!r}" if of is None else _decision(step, of)
    message = f"{word} data from {', '.join(sources)} would {does} (effect {flow.effect!r}){why}{_way(way)}"
    asked = rule.action == "ask"
    stations: list[JsonValue] = [{"step": hop.step, "operation": hop.operation, "path": hop.path} for hop in way]
    sink: JsonValue = {"step": step.step_id, "operation": step.operation, "path": f"/{name}"}
    return finding(
        code,
        step.argument_path(name),
        message,
        task=step.task_id,
        step=step.step_id,
        softer=asked,
        needs_approval=asked,
        sources=list[JsonValue](sources),
        way=[*stations, sink],
    )


def _decision(step: PlacedStep, of: PlacedStep) -> str:
    """Gives in words what a condition or loop decides about a step."""
    assert step.controls is not None
    words = {"when": "whether", "each": "for which items"}.get(step.controls.decides, "how often")
    return f"decide {words} step {of.step_id!r} calls {of.operation!r}"


def _way(way: tuple[Hop, ...]) -> str:
    """Gives the way in short, where there is more to it than the source that the message names anyway."""
    if len(way) < 2:
        return ""
    between = "…, " if len(way) > 4 else ""
    shown = (way[0], *way[-2:]) if between else way
    return f"; it comes from {shown[0]!s}, {between}{', '.join(map(str, shown[1:]))}"


def _released(context: Context, step: PlacedStep) -> Iterator[Finding]:
    """Gives what a person must approve: an endorsement or declassification that changes something."""
    assert step.contract is not None
    spec = step.contract.spec
    rule = rule_of(spec, context.policy)
    if rule.action != "ask":
        return
    for release in spec.releases or ():
        tokens = tokens_of(release.path)
        before = context.labels.unreleased((step.step_id, tokens))
        after = release.of(before)
        if after != before:
            does = "endorses" if after.integrity != before.integrity else "declassifies"
            message = f"step {step.step_id!r} {does} {release.path or 'all'!r} of {spec.name!r} ({rule.reason})"
            path = f"{step.path}/tool_intent"
            yield finding("P403", path, message, task=step.task_id, step=step.step_id, needs_approval=True)


def _named(context: Context, reference: Reference) -> str:
    if isinstance(reference, InputReference):
        return f"input {reference.input!r}"
    return context.titled(reference.from_)
