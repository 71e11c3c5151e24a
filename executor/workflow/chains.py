"""Chains of a partial order: its transitive reduction and a minimum cover by paths.

The cover is the classical reduction to bipartite matching (Fulkerson 1956), the matching is
Hopcroft and Karp's (1973): O(edges · √steps). Orders are lists: the predecessors of each element,
by index, in a topological order.
"""

from __future__ import annotations

from collections.abc import Sequence

_FAR = 1 << 60


def reduced_predecessors(before: Sequence[Sequence[int]]) -> list[list[int]]:
    """Gives the transitive reduction: only the predecessors that no other one implies, sorted.

    Raises:
        ValueError: an element does not come after all its predecessors.
    """
    ancestors: list[int] = []  # one bit per element
    reduced: list[list[int]] = []
    for index, befores in enumerate(before):
        if any(not 0 <= other < index for other in befores):
            raise ValueError(f"element {index} does not come after all of its predecessors {list(befores)}")
        seen, kept = 0, list[int]()
        for other in sorted(set(befores), reverse=True):
            if not seen >> other & 1:
                kept.append(other)
                seen |= ancestors[other] | 1 << other
        ancestors.append(seen)
        reduced.append(kept[::-1])
    return reduced


def minimum_chains(before: Sequence[Sequence[int]]) -> list[list[int]]:
    """Gives the fewest paths along the edges that cover each element exactly once.

    Each path is in order; paths are ordered by their first element.
    """
    after: list[list[int]] = [[] for _ in before]
    for index, befores in enumerate(before):
        for other in befores:
            after[other].append(index)
    successor = _matching(after)
    started = set(successor) - {-1}
    chains: list[list[int]] = []
    for index in range(len(before)):
        if index not in started:
            chain = [index]
            while successor[chain[-1]] != -1:
                chain.append(successor[chain[-1]])
            chains.append(chain)
    return chains


def _matching(after: Sequence[Sequence[int]]) -> list[int]:
    """Gives a maximum matching of elements with successors: the successor of each, or -1."""
    successor, predecessor = [-1] * len(after), [-1] * len(after)
    while True:
        layer = _layers(after, successor, predecessor)
        grown = [_augment(root, after, successor, predecessor, layer) for root in range(len(after)) if layer[root] == 0]
        if not any(grown):
            return successor


def _layers(after: Sequence[Sequence[int]], successor: list[int], predecessor: list[int]) -> list[int]:
    """Gives each element's distance from the unmatched ones along alternating paths."""
    layer = [0 if match == -1 else _FAR for match in successor]
    queue = [index for index, match in enumerate(successor) if match == -1]
    for index in queue:  # grows while it is walked
        for other in after[index]:
            owner = predecessor[other]
            if owner != -1 and layer[owner] == _FAR:
                layer[owner] = layer[index] + 1
                queue.append(owner)
    return layer


def _augment(
    root: int, after: Sequence[Sequence[int]], successor: list[int], predecessor: list[int], layer: list[int]
) -> bool:
    """Grows the matching by one along an alternating path from `root`, if there is one."""
    path = [root]
    choices = [iter(after[root])]
    taken: list[int] = []
    while path:
        other = next(choices[-1], None)
        if other is None:
            layer[path.pop()] = _FAR
            choices.pop()
            if taken:
                taken.pop()
            continue
        owner = predecessor[other]
        if owner == -1:
            for element, match in zip(path, [*taken, other], strict=True):
                successor[element], predecessor[match] = match, element
            return True
        if layer[owner] == layer[path[-1]] + 1:
            path.append(owner)
            taken.append(other)
            choices.append(iter(after[owner]))
    return False
