"""Large workflows as sub-workflows, where the order allows it: Conductor's effort grows faster than their size.

What can become one task without changing the order is exactly what its surroundings treat as one: a
module of the partial order, whose members have the same relation to each part outside. Two ways of
putting modules together are looked for, again and again: parts of which one is all that comes directly
after the other (a chain, or part of one), and parts with the same predecessors and the same
successors (side by side). So all series-parallel orders are divided: wide forks, long chains, maps
and reductions, trees. Where everything is interwoven there are no modules, and nothing is divided:
a sub-workflow there would have to wait for more, or be waited for longer, than the plan says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dagwright.program import Program
from executor.workflow.arrangement import Part, arranged
from executor.workflow.block import sub_workflow

LIMIT: Final = 200
"""Parts that one workflow has at most, where it can be divided."""

PIECE: Final = 100
"""Parts that a sub-workflow has at most."""

SMALLEST: Final = 10
"""Parts that a sub-workflow has at least."""

Unit = tuple[int, ...]
"""Indices of the parts of a module, in a topological order."""


def split(parts: Sequence[Part], program: Program) -> Sequence[Part]:
    """Gives parts in the same order, with modules as sub-workflows where there are more than `LIMIT`."""
    level, size = 0, len(parts) + 1
    while LIMIT < len(parts) < size:
        level, size = level + 1, len(parts)
        chosen = sorted((unit for unit in _modules(parts) if len(unit) >= SMALLEST), key=len, reverse=True)
        parts = _folded(parts, _needed(chosen, len(parts)), program, level)
    return parts


def _needed(units: Sequence[Unit], size: int) -> list[Unit]:
    """Gives as many of the units, largest first, as bring the number of parts to the limit, if they can."""
    found: list[Unit] = []
    for unit in units:
        if size <= LIMIT:
            break
        found.append(unit)
        size -= len(unit) - 1
    return found


def _modules(parts: Sequence[Part]) -> list[Unit]:
    units: list[Unit] = [(index,) for index in range(len(parts))]
    before = [frozenset(part.before) for part in parts]
    while True:
        after = _successors(before)
        groups = _side_by_side(units, before, after)
        if len(groups) == len(units):
            groups = _in_line(units, before, after)
        if len(groups) == len(units):
            return units
        units, before = _merged(units, before, groups)


def _successors(before: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    after: list[list[int]] = [[] for _ in before]
    for index, befores in enumerate(before):
        for other in befores:
            after[other].append(index)
    return [frozenset(found) for found in after]


def _side_by_side(
    units: Sequence[Unit], before: Sequence[frozenset[int]], after: Sequence[frozenset[int]]
) -> list[list[int]]:
    """Gives units that stand between the same others together."""
    open_groups: dict[tuple[frozenset[int], frozenset[int]], list[int]] = {}
    groups: list[list[int]] = []
    for index in range(len(units)):
        key = (before[index], after[index])
        group = open_groups.get(key)
        if group is None or sum(len(units[other]) for other in group) + len(units[index]) > PIECE:
            group = open_groups[key] = []
            groups.append(group)
        group.append(index)
    return groups


def _in_line(
    units: Sequence[Unit], before: Sequence[frozenset[int]], after: Sequence[frozenset[int]]
) -> list[list[int]]:
    """Gives each unit together with the one that is alone before it and that it alone follows."""
    group_of: dict[int, list[int]] = {}
    groups: list[list[int]] = []
    for index in range(len(units)):
        group = _line_before(index, before, after, group_of)
        if group is None or sum(len(units[other]) for other in group) + len(units[index]) > PIECE:
            group = list[int]()
            groups.append(group)
        group.append(index)
        group_of[index] = group
    return groups


def _line_before(
    index: int, before: Sequence[frozenset[int]], after: Sequence[frozenset[int]], group_of: dict[int, list[int]]
) -> list[int] | None:
    if len(before[index]) != 1:
        return None
    (previous,) = before[index]
    return group_of[previous] if len(after[previous]) == 1 else None


def _merged(
    units: Sequence[Unit], before: Sequence[frozenset[int]], groups: Sequence[Sequence[int]]
) -> tuple[list[Unit], list[frozenset[int]]]:
    place = {index: number for number, group in enumerate(groups) for index in group}
    merged: list[Unit] = [tuple(sorted(part for index in group for part in units[index])) for group in groups]
    befores = [
        frozenset(place[other] for index in group for other in before[index]) - {number}
        for number, group in enumerate(groups)
    ]
    return merged, befores


def _folded(parts: Sequence[Part], units: Sequence[Unit], program: Program, level: int) -> list[Part]:
    """Gives the parts with each of the units as one."""
    unit_of = {index: unit for unit in units for index in unit}
    place: dict[int, int] = {}
    found: list[Part] = []
    for index in range(len(parts)):
        unit = unit_of.get(index, (index,))
        if index == unit[0]:
            place.update(dict.fromkeys(unit, len(found)))
            before = sorted({place[other] for member in unit for other in parts[member].before if other not in unit})
            made = parts[index] if len(unit) == 1 else _nested(parts, unit, program, f"part-{level}-{len(found)}")
            found.append(made._replace(before=before))
    return found


def _nested(parts: Sequence[Part], unit: Unit, program: Program, name: str) -> Part:
    inside = {index: number for number, index in enumerate(unit)}
    members = [
        parts[index]._replace(before=[inside[other] for other in parts[index].before if other in inside])
        for index in unit
    ]
    return Part(name, name, (sub_workflow(name, arranged(members, name), program),), [])
