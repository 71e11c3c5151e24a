"""The largest set of elements of a partial order of which none comes before another (Dilworth 1950).

It has as many elements as the fewest chains that cover the order, and those follow from a maximum
matching of elements with later ones (Fulkerson 1956). Rows of the comparability graph are bit masks,
so that a step of the search looks at a few words per thousand elements; searches share what they have
seen within a phase (Pothen and Fan 1990). Orders are lists: the predecessors of each element, by
index, in a topological order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

PHASES: Final = 24
"""Phases of the search for a maximum matching; of an order that needs more, the answer is an interval.

A phase takes at most one step for each element; a few phases are enough for orders of 10,000 elements."""


COPIES: Final = 10_000
"""Copies of elements that are looked at for their weight."""


class Antichain(NamedTuple):
    """The largest antichain, or what is known of it."""

    members: tuple[int, ...]
    """An antichain, in order of index; the largest one where `most` is its length."""
    most: int
    """No antichain has more elements."""


def largest_antichain(before: Sequence[Sequence[int]], among: Collection[int] | None = None) -> Antichain:
    """Gives the largest antichain among some elements of an order, or among all.

    Where `PHASES` are not enough, `members` is the largest set at one depth, and `most` the number of
    chains of the cover that was found.
    """
    chosen = sorted(set(range(len(before)) if among is None else among))
    later = _later(before, chosen)
    successor = _greedy(later)
    if not _maximise(later, successor):
        return Antichain(_widest_layer(before, chosen), successor.count(-1))
    return Antichain(tuple(chosen[index] for index in _uncovered(later, successor)), successor.count(-1))


def heaviest_antichain(before: Sequence[Sequence[int]], weights: Sequence[int]) -> Antichain:
    """Gives the antichain with the largest sum of weights, an element as often as it weighs.

    Elements without weight are in none. Where the weights add up to more than `COPIES`, `members` is the largest
    set that counts elements once, and `most` is not exact.
    """
    among = {element for element, weight in enumerate(weights) if weight}
    if sum(weights) > COPIES:
        plain = largest_antichain(before, among)
        return Antichain(plain.members, plain.most * max(weights, default=0))
    owner: list[int | None] = []
    ends: list[int] = []
    order: list[list[int]] = []
    for element, needed in enumerate(before):
        earlier = [ends[other] for other in needed]
        copies = range(len(order), len(order) + weights[element])
        order.extend(earlier for _ in copies)
        owner.extend(element for _ in copies)
        if len(copies) != 1:  # what comes after all copies comes after one element that stands behind them
            order.append([*copies, *earlier])
            owner.append(None)
        ends.append(len(order) - 1)
    found = largest_antichain(order, [place for place, element in enumerate(owner) if element is not None])
    members = [owner[place] for place in found.members]
    return Antichain(tuple(element for element in members if element is not None), found.most)


def _later(before: Sequence[Sequence[int]], chosen: Sequence[int]) -> list[int]:
    """Gives for each chosen element the mask, over positions in `chosen`, of those that come after it."""
    position = {element: index for index, element in enumerate(chosen)}
    following: list[list[int]] = [[] for _ in before]
    for element, befores in enumerate(before):
        for other in befores:
            following[other].append(element)
    masks = [0] * len(before)
    for element in range(len(before) - 1, -1, -1):
        mask = 0
        for other in following[element]:
            mask |= masks[other]
            if other in position:
                mask |= 1 << position[other]
        masks[element] = mask
    return [masks[element] for element in chosen]


def _greedy(later: Sequence[int]) -> list[int]:
    """Gives a matching: each element with the nearest later one that is free, else -1."""
    free = (1 << len(later)) - 1
    successor = [-1] * len(later)
    for index, mask in enumerate(later):
        open_ = mask & free
        if open_:
            lowest = open_ & -open_
            successor[index] = lowest.bit_length() - 1
            free ^= lowest
    return successor


def _maximise(later: Sequence[int], successor: list[int]) -> bool:
    """Grows a matching along alternating paths; gives whether it came to be a maximum one."""
    predecessor = [-1] * len(later)
    for index, match in enumerate(successor):
        if match != -1:
            predecessor[match] = index
    free = sum(1 << index for index, match in enumerate(predecessor) if match == -1)
    for _ in range(PHASES):
        before, unseen = free, (1 << len(later)) - 1
        for root in range(len(later)):
            if successor[root] == -1 and later[root]:
                unseen, matched = _augmented(root, later, successor, predecessor, unseen, free)
                free ^= matched
        if free == before:
            return True
    return False


def _augmented(
    root: int, later: Sequence[int], successor: list[int], predecessor: list[int], unseen: int, free: int
) -> tuple[int, int]:
    """Looks for an alternating path from `root` and takes it; gives what is still unseen, and the bit now matched."""
    path, taken = [root], list[int]()
    while path:
        reachable = later[path[-1]] & unseen
        ends = reachable & free
        if ends:
            lowest = ends & -ends
            for element, match in zip(path, [*taken, lowest.bit_length() - 1], strict=True):
                successor[element], predecessor[match] = match, element
            return unseen ^ lowest, lowest
        if reachable:
            lowest = reachable & -reachable
            unseen ^= lowest
            taken.append(lowest.bit_length() - 1)
            path.append(predecessor[taken[-1]])
        else:
            path.pop()
            if taken:
                taken.pop()
    return unseen, 0


def _uncovered(later: Sequence[int], successor: Sequence[int]) -> list[int]:
    """Gives the elements that no end of a minimum vertex cover touches (König 1931): a largest antichain."""
    predecessor = [-1] * len(later)
    for index, match in enumerate(successor):
        if match != -1:
            predecessor[match] = index
    reached = {index for index, match in enumerate(successor) if match == -1}
    waiting, unseen = list(reached), (1 << len(later)) - 1
    while waiting:
        mask = later[waiting.pop()] & unseen
        unseen ^= mask
        while mask:
            lowest = mask & -mask
            mask ^= lowest
            owner = predecessor[lowest.bit_length() - 1]
            if owner not in reached:
                reached.add(owner)
                waiting.append(owner)
    return [index for index in range(len(later)) if index in reached and unseen >> index & 1]


def _widest_layer(before: Sequence[Sequence[int]], chosen: Sequence[int]) -> tuple[int, ...]:
    """Gives the largest set of chosen elements of one depth."""
    depth: list[int] = []
    for befores in before:
        depth.append(1 + max((depth[other] for other in befores), default=-1))
    layers: dict[int, list[int]] = {}
    for element in chosen:
        layers.setdefault(depth[element], []).append(element)
    return tuple(max(layers.values(), key=len)) if layers else ()
