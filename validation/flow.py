"""Policy level: where data comes from and where it may go (P404, P405)."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from dagwright.finding import Finding
from dagwright.label import Label
from dagwright.policy import FlowRule
from dagwright.value import InputReference
from validation.context import Context, PlacedStep, Reference
from validation.contract import Contract
from validation.notes import finding


def flow_findings(context: Context) -> Iterator[Finding]:
    """Gives the arguments that data reaches which policy keeps from them."""
    for step in context.steps:
        contract = step.contract
        if contract is None or context.by_id[step.step_id] is not step:
            continue
        for name, label in context.labels.arguments(step).items():
            rule = _deciding(context.policy.flows, contract, name, label)
            if rule is not None and rule.action != "allow":
                yield _kept(context, step, name, rule)


def _deciding(rules: tuple[FlowRule, ...], contract: Contract, name: str, label: Label) -> FlowRule | None:
    spec = contract.spec
    role = contract.role(name)
    return next(
        (
            rule
            for rule in rules
            if role in rule.roles
            and spec.effect in rule.effects
            and label.integrity in rule.integrity
            and label.confidentiality in rule.confidentiality
            and fnmatchcase(spec.name, rule.tools)
        ),
        None,
    )


def _kept(context: Context, step: PlacedStep, name: str, rule: FlowRule) -> Finding:
    assert step.contract is not None
    label = context.labels.arguments(step)[name]
    secret = "trusted" in rule.integrity and "public" not in rule.confidentiality
    code, word = ("P405", label.confidentiality) if secret else ("P404", label.integrity)
    sources = [
        _named(reference)
        for argument, _, reference in step.references
        if argument == name and _carries(context.labels.reference(reference), label, secret=secret)
    ]
    role = step.contract.role(name)
    why = f": {rule.reason}" if rule.reason else ""
    message = (
        f"{word} data from {', '.join(dict.fromkeys(sources))} would reach {role} argument {name!r} "
        f"of {step.operation!r} (effect {step.contract.spec.effect!r}){why}"
    )
    asked = rule.action == "ask"
    return finding(
        code,
        step.argument_path(name),
        message,
        task=step.task_id,
        step=step.step_id,
        softer=asked,
        needs_approval=asked,
        sources=list(dict.fromkeys(sources)),
    )


def _carries(label: Label, joined: Label, *, secret: bool) -> bool:
    return label.confidentiality == joined.confidentiality if secret else label.integrity == joined.integrity


def _named(reference: Reference) -> str:
    if isinstance(reference, InputReference):
        return f"input {reference.input!r}"
    return f"step {reference.from_!r}"
