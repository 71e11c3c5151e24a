"""Policy level: where data comes from and where it may go (P404, P405).

Labels are joined along references in one pass, before anything runs. A step's output has, field by
field, the label that its tool declares, joined with the labels of its data arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import reduce

from dagwright.finding import Finding
from dagwright.label import TRUSTED, Label, join_all
from dagwright.policy import FlowRule
from dagwright.value import InputReference
from validation.context import Context, PlacedStep, Reference
from validation.contract import Contract
from validation.notes import finding
from validation.types.schema import tokens_of

_UNTRUSTED = Label(integrity="untrusted")


class _Joins:
    """Joins of labels, each pair computed once; plans have few different labels."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[Label, Label, Label]] = {}
        self._same: dict[Label, Label] = {}

    def of(self, one: Label, other: Label) -> Label:
        """Gives the join of two labels; equal joins are one object."""
        if one is other or other is TRUSTED:
            return one
        key = (id(one), id(other))
        found = self._known.get(key)
        if found is None:
            joined = one.join(other)
            # The operands are kept, so that their ids stay theirs.
            found = self._known[key] = (self._same.setdefault(joined, joined), one, other)
        return found[0]


class Labels:
    """The labels of a proposal's steps, arguments and references."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._joined: dict[str, Label] = {}
        self._given: dict[str, dict[str, Label]] = {}
        self._fields: dict[tuple[str, str], Label] = {}
        self._declared: dict[tuple[int, str], Label] = {}
        self._joins = _Joins()
        for step_id in context.types.order:
            self._add(context.by_id[step_id])

    def _add(self, step: PlacedStep) -> None:
        arguments: dict[str, Label] = {}
        for name, _, reference in step.references:
            label = self.reference(reference)
            arguments[name] = self._joins.of(arguments[name], label) if name in arguments else label
        self._given[step.step_id] = arguments
        contract = step.contract
        counted = arguments.items()
        if contract is not None and contract.label_patterns:
            counted = [(name, label) for name, label in counted if contract.role(name) == "data"]
        self._joined[step.step_id] = reduce(self._joins.of, (label for _, label in counted), TRUSTED)

    def arguments(self, step: PlacedStep) -> dict[str, Label]:
        """Gives the labels of the arguments that hold references; all others are trusted."""
        return self._given.get(step.step_id, {})

    def reference(self, reference: Reference) -> Label:
        """Gives the label of what a reference points at; untrusted where nothing is known."""
        if isinstance(reference, InputReference):
            given = self._context.parsed.inputs.get(reference.input)
            return given.label if given else _UNTRUSTED
        return self.output(reference.from_, reference.path)

    def output(self, step_id: str, path: str = "") -> Label:
        """Gives the label of a part of a step's outputs; of the whole for an empty path."""
        key = (step_id, path)
        found = self._fields.get(key)
        if found is None:
            found = self._fields[key] = self._output(step_id, path)
        return found

    def _output(self, step_id: str, path: str) -> Label:
        step = self._context.by_id.get(step_id)
        joined = self._joined.get(step_id)
        if step is None or step.contract is None or joined is None:
            return _UNTRUSTED
        declared = self._declared.get((id(step.contract), path))
        if declared is None:
            declared = self._declared[id(step.contract), path] = _declared(step.contract, tokens_of(path))
        return self._joins.of(joined, declared)


def _declared(contract: Contract, tokens: tuple[str, ...]) -> Label:
    """Gives the label that a tool declares for a place: the most specific pattern over it, with all inside it."""
    patterns = contract.label_patterns
    over = [(pattern, label) for pattern, label in patterns if _covers(pattern, tokens)]
    inside = [
        label for pattern, label in patterns if len(pattern) > len(tokens) and _covers(pattern[: len(tokens)], tokens)
    ]
    if over:
        # On equal length a named token is more specific than `*`.
        most = max(over, key=lambda item: (len(item[0]), -item[0].count("*")))
        return join_all((most[1], *inside))
    unlabelled = _UNTRUSTED if contract.spec.binding.kind == "http" else TRUSTED
    return join_all((unlabelled, *inside))


def _covers(pattern: tuple[str, ...], tokens: tuple[str, ...]) -> bool:
    return len(pattern) <= len(tokens) and all(
        wanted in ("*", token) for wanted, token in zip(pattern, tokens, strict=False)
    )


# ----------------------------------------------------------------------------------- P404, P405


def flow_findings(context: Context, labels: Labels) -> Iterator[Finding]:
    """Gives the arguments that data reaches which policy keeps from them."""
    for step in context.steps:
        contract = step.contract
        if contract is None or context.by_id[step.step_id] is not step:
            continue
        for name, label in labels.arguments(step).items():
            rule = _deciding(context.policy.flows, contract, name, label)
            if rule is not None and rule.action != "allow":
                yield _kept(context, labels, step, name, rule)


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


def _kept(context: Context, labels: Labels, step: PlacedStep, name: str, rule: FlowRule) -> Finding:
    assert step.contract is not None
    label = labels.arguments(step)[name]
    secret = "trusted" in rule.integrity and "public" not in rule.confidentiality
    code, word = ("P405", label.confidentiality) if secret else ("P404", label.integrity)
    sources = [
        _named(reference)
        for argument, _, reference in step.references
        if argument == name and _carries(labels.reference(reference), label, secret=secret)
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
