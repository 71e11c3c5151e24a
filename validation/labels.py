"""`Labels`: where the data of a proposal comes from, joined along references in one pass, before anything runs.

A step's output has, field by field, the label that its tool declares, joined with the labels of its
data arguments.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from dagwright.label import TRUSTED, Label, join_all
from dagwright.value import InputReference
from validation.contract import Contract
from validation.types.schema import tokens_of

if TYPE_CHECKING:
    from validation.context import Context, PlacedStep, Reference

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
        # The context keeps its labels; kept in turn, it would only be freed by a search for cycles.
        self._inputs = context.parsed.inputs
        self._steps = context.by_id
        self._joined: dict[str, Label] = {}
        self._given: dict[str, dict[str, Label]] = {}
        self._fields: dict[tuple[str, str], Label] = {}
        self._declared: dict[tuple[int, str], Label] = {}
        self._joins = _Joins()
        for step_id in context.types.order:
            self._add(self._steps[step_id])

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
            given = self._inputs.get(reference.input)
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
        step = self._steps.get(step_id)
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
