"""`Labels`: where the data of a proposal comes from, joined along references in one pass, before anything runs.

A step's output has, field by field, the label that its tool declares, joined with the labels of its
data arguments, and made milder where its tool releases it. Where an output rule passes fields on as
they are, a field keeps its own label (`follow`), joined with that of everything that decided which rows there are.

What the steps of a block give has the labels of what decided whether and how often the block is run too: that
something is there, or is not, tells about it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from typing import TYPE_CHECKING, Final

from dagwright.label import CONFIDENTIALITY, TRUSTED, Label, join_all
from dagwright.reach import OUTSIDE
from dagwright.value import InputReference, LiteralValue, leaves, tokens_of
from validation.contract import Contract
from validation.passage import Passage, passage_of
from validation.release import covers, released
from validation.stated import Stated, is_own_word

if TYPE_CHECKING:
    from validation.context import Context, PlacedStep, Reference

UNTRUSTED: Final = Label(integrity="untrusted")
PLACES: Final = 32
"""Fields of one step's outputs that are followed by themselves; of any further one the whole counts."""

Place = tuple[str, tuple[str, ...]]
"""A step and a place in its outputs."""


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

    def all(self, labels: Iterable[Label]) -> Label:
        """Gives the join of all labels."""
        return reduce(self.of, labels, TRUSTED)


class Labels:
    """The labels of a proposal's steps, arguments and references."""

    def __init__(self, context: Context) -> None:
        # The context keeps its labels; kept in turn, it would only be freed by a search for cycles.
        self._inputs, self._steps, self._policy = context.parsed.inputs, context.by_id, context.policy
        # What cannot be read whole is rejected anyway, and its goal's text is not to be had.
        proposal = context.parsed.proposal if context.policy.constants == "stated" else None
        self._stated = Stated(proposal.goal.text) if proposal else None
        self._joins = _Joins()
        self._joined: dict[str, Label] = {}
        self._numbers: dict[str, int] = {}
        self._given: dict[str, dict[str, Label]] = {}
        self._unstated: dict[str, tuple[str, ...]] = {}
        # By step first, so that those of a block's steps can be forgotten when the block closes.
        self._fields: dict[str, dict[str, Label]] = defaultdict(dict)
        self._places: dict[str, dict[tuple[str, ...], Label]] = defaultdict(dict)
        self._count: dict[str, int] = {}
        self._declared: dict[tuple[int, tuple[str, ...]], Label] = {}
        self._decisions: dict[str, Label] = {}
        self._decided: dict[str, Label] = {}
        self._members: dict[str, list[str]] = defaultdict(list)
        self._closing, self._controls = context.closing, context.controls
        for step_id in context.types.order:
            self._add(self._steps[step_id])

    def _add(self, step: PlacedStep) -> None:
        arguments: dict[str, Label] = {}
        for name, _, reference in step.references:
            label = self.reference(reference)
            arguments[name] = self._joins.of(arguments[name], label) if name in arguments else label
        if self._stated is not None:
            self._unstated[step.step_id] = _unstated(step, self._stated)
            for name in self._unstated[step.step_id]:
                arguments[name] = self._joins.of(arguments.get(name, TRUSTED), UNTRUSTED)
        self._given[step.step_id] = arguments
        self._numbers[step.step_id] = len(self._numbers)
        self._joined[step.step_id] = self._joins.all(arguments[name] for name in counted(step, arguments))
        if step.task_id in self._controls:
            self._decide(step)

    # -------------------------------------------------------------- what decides about a block

    def _decide(self, step: PlacedStep) -> None:
        """Notes what decided about a step of a block, and what it decides itself."""
        task, decides = step.task_id, step.controls.decides if step.controls else None
        self._members[task].append(step.step_id)
        so_far = self._decided[step.step_id] = self._decisions.get(task, TRUSTED)
        if decides == "when":
            self._decisions[task] = self._joins.of(so_far, self._joined[step.step_id])
        elif decides == "each":
            references = [self._existence(reference) for _, _, reference in step.references]
            constant = UNTRUSTED if self.unstated(step) else TRUSTED
            self._decisions[task] = self._joins.all((so_far, constant, *references))
        if self._closing.get(task) == step.step_id:
            self._close(step)

    def _close(self, last: PlacedStep) -> None:
        """Lets all that a block gave tell how its repetition ended, or that nothing in it failed."""
        members = self._members[last.task_id]
        told = self._joined[last.step_id] if last.controls is not None else TRUSTED
        if self._controls[last.task_id].optional:
            listed = [name for name in members if self._steps[name].controls is None]
            told = self._joins.all((told, *(self.output(name) for name in listed)))
        for name in members:
            self._decided[name] = self._joins.of(self._decided[name], told)
            self._fields.pop(name, None)
            self._places.pop(name, None)

    def _existence(self, reference: Reference) -> Label:
        """Gives the label of how many items a list has: of what its steps looked at, not of what the items hold.

        Where an operation declares labels of what lies in the items, the mildest of them counts: what it vouches
        for in each item, it vouches for that there is.
        """
        if isinstance(reference, InputReference):
            return self.reference(reference)
        place: Place = (reference.from_, (*tokens_of(reference.path), "*"))
        found = TRUSTED
        while (passage := self.passage(place)) is not None:
            found = self._joins.of(found, self.beside(place[0], passage))
            if isinstance(passage.source, InputReference):
                return self._joins.of(found, self.reference(passage.source))
            place = (passage.source.from_, (*tokens_of(passage.source.path), *passage.inside))
        step, joined = self._steps.get(place[0]), self._joined.get(place[0])
        if step is None or step.contract is None or joined is None:
            return UNTRUSTED
        inside = [label for tokens, label in step.contract.label_patterns if covers(place[1], tokens)]
        mildest = min(inside, key=_strictness) if inside else self.declared(step.contract, place[1])
        decided = self._decided.get(place[0], TRUSTED)
        return self._joins.all((found, joined, mildest, decided))

    def arguments(self, step: PlacedStep) -> dict[str, Label]:
        """Gives the labels of the arguments with references or with constants of nobody; all others are trusted."""
        return self._given.get(step.step_id, {})

    def unstated(self, step: PlacedStep) -> tuple[str, ...]:
        """Gives the arguments with a constant that the goal doesn't state, where policy asks for that."""
        return self._unstated.get(step.step_id, ())

    def reference(self, reference: Reference, inside: tuple[str, ...] = ()) -> Label:
        """Gives the label of what a reference points at, or of a place in it; untrusted where nothing is known."""
        if isinstance(reference, InputReference):
            given = self._inputs.get(reference.input)
            return given.label if given else UNTRUSTED
        if inside:
            return self._at((reference.from_, (*tokens_of(reference.path), *inside)))
        return self.output(reference.from_, reference.path)

    def output(self, step_id: str, path: str = "") -> Label:
        """Gives the label of a part of a step's outputs; of the whole for an empty path."""
        known = self._fields[step_id]
        found = known.get(path)
        if found is None:
            found = known[path] = self._at((step_id, tokens_of(path)))
        return found

    def _at(self, place: Place) -> Label:
        """Gives the label of a place, followed through steps that pass it on as it is."""
        trail: list[tuple[Place, Label]] = []
        while (label := self._places[place[0]].get(place[1])) is None:
            made = self.made(place)
            # Where all together is trusted, so is each part.
            followed = made is not TRUSTED and self._count.get(place[0], 0) < PLACES
            passage = self.passage(place) if followed else None
            if passage is None:
                label = self._places[place[0]][place[1]] = made
                break
            self._count[place[0]] = self._count.get(place[0], 0) + 1
            trail.append((place, self.beside(place[0], passage)))
            if isinstance(passage.source, InputReference):
                label = self.reference(passage.source)
                break
            place = (passage.source.from_, (*tokens_of(passage.source.path), *passage.inside))
        for (step_id, tokens), beside in reversed(trail):
            label = self._places[step_id][tokens] = self._joins.of(label, beside)
        return label

    def passage(self, place: Place) -> Passage | None:
        """Gives how a step passes on what lies at a place of its outputs; None where it makes it itself."""
        step = self._steps.get(place[0])
        if step is None or step.contract is None or not step.contract.spec.output_rules:
            return None
        if step.contract.label_patterns or step.contract.spec.releases:
            return None
        passage = passage_of(step, place[1])
        if passage is None or isinstance(passage.source, InputReference):
            return passage
        # In a proposal with a cycle a source may be no earlier step.
        earlier = self._numbers.get(passage.source.from_, len(self._numbers))
        return passage if earlier < self._numbers.get(place[0], 0) else None

    def beside(self, step_id: str, passage: Passage) -> Label:
        """Gives the join of all that decides what a step passes on: its other arguments, the columns it looks at."""
        others = (label for name, label in self._given[step_id].items() if name != passage.of)
        looked_at = (self.reference(passage.source, inside) for inside in passage.looked_at)
        decided = self._decided.get(step_id, TRUSTED)
        return self._joins.all((*others, *looked_at, decided))

    def made(self, place: Place) -> Label:
        """Gives what a tool declares for a place, joined with its data arguments, releases taken into account."""
        step = self._steps.get(place[0])
        label = self.unreleased(place)
        return (
            label
            if step is None or step.contract is None
            else released(step.contract.spec, place[1], label, self._policy)
        )

    def unreleased(self, place: Place) -> Label:
        """Gives what `made` gives before any release."""
        step, joined = self._steps.get(place[0]), self._joined.get(place[0])
        if step is None or step.contract is None or joined is None:
            return UNTRUSTED
        declared = self._joins.of(joined, self.declared(step.contract, place[1]))
        return self._joins.of(declared, self._decided.get(place[0], TRUSTED)) if self._decided else declared

    def declared(self, contract: Contract, tokens: tuple[str, ...]) -> Label:
        """Gives the label that a tool declares for a place."""
        key = (id(contract), tokens)
        found = self._declared.get(key)
        if found is None:
            found = self._declared[key] = _declared(contract, tokens)
        return found


def counted(step: PlacedStep, arguments: Iterable[str]) -> list[str]:
    """Gives the arguments whose labels the outputs have: of an operation that declares labels, those that are data."""
    contract = step.contract
    if contract is None or not contract.label_patterns:
        return list(arguments)
    return [name for name in arguments if contract.role(name) == "data"]


def _strictness(label: Label) -> tuple[bool, int, bool]:
    return label.integrity == "untrusted", CONFIDENTIALITY.index(label.confidentiality), label.readers is not None


def _unstated(step: PlacedStep, stated: Stated) -> tuple[str, ...]:
    """Gives the arguments with a constant that the goal doesn't state.

    The contract's own words are nobody's message: a default, one of a closed set, the name of a column.
    """
    contract = step.contract
    return tuple(
        name
        for name, value in step.step.tool_intent.required_inputs.items()
        if any(isinstance(leaf, LiteralValue) and not stated.holds(leaf.literal) for _, leaf in leaves(value))
        and not (contract is not None and name in step.literals and is_own_word(contract, name, step.literals[name]))
    )


def _meets(pattern: tuple[str, ...], tokens: tuple[str, ...]) -> bool:
    """Whether one place can lie at both, or in both."""
    return all(one == other or "*" in (one, other) for one, other in zip(pattern, tokens, strict=False))


def _declared(contract: Contract, tokens: tuple[str, ...]) -> Label:
    """Gives the label that a tool declares for a place: the most specific pattern over it, with all inside it."""
    patterns = contract.label_patterns
    over = [(pattern, label) for pattern, label in patterns if covers(pattern, tokens)]
    # What lies inside the place, and, where a `*` on either side means any row, whatever may be the same place.
    inside = [label for pattern, label in patterns if not covers(pattern, tokens) and _meets(pattern, tokens)]
    if over:
        # On equal length a named token is more specific than `*`.
        most = max(over, key=lambda item: (len(item[0]), -item[0].count("*")))
        return join_all((most[1], *inside))
    # What stands in a resource may have been put there by anybody, an earlier step of the plan included.
    unlabelled = UNTRUSTED if contract.spec.binding.kind in OUTSIDE or contract.spec.reads else TRUSTED
    return join_all((unlabelled, *inside))
