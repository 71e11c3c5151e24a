"""`TaskOrder`: the partial order of tasks, with its circles, ancestors and direct predecessors."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import cached_property


class TaskOrder:
    """The order over tasks 0 … n-1 that their dependencies give.

    Sets of tasks are bit masks over positions in a topological order, so that a union of
    ancestors costs a few words per thousand tasks; they are built only when a question needs them.
    """

    def __init__(self, dependencies: Sequence[Sequence[int]]) -> None:
        self.dependencies = dependencies
        self.successors: list[list[int]] = [[] for _ in dependencies]
        for task, needed in enumerate(dependencies):
            for dependency in needed:
                self.successors[dependency].append(task)

    @cached_property
    def sequence(self) -> tuple[int, ...]:
        """Tasks in a topological order; those in or behind a circle are left out."""
        waiting = [len(needed) for needed in self.dependencies]
        ready = deque(task for task, count in enumerate(waiting) if count == 0)
        done: list[int] = []
        while ready:
            task = ready.popleft()
            done.append(task)
            for successor in self.successors[task]:
                waiting[successor] -= 1
                if waiting[successor] == 0:
                    ready.append(successor)
        return tuple(done)

    @cached_property
    def rank(self) -> dict[int, int]:
        """Position of each task in `sequence`."""
        return {task: position for position, task in enumerate(self.sequence)}

    @cached_property
    def depth(self) -> dict[int, int]:
        """Number of tasks on the longest way to each task in `sequence`."""
        depth: dict[int, int] = {}
        for task in self.sequence:
            depth[task] = 1 + max((depth[needed] for needed in self.dependencies[task]), default=-1)
        return depth

    @cached_property
    def _masks(self) -> dict[int, int]:
        masks: dict[int, int] = {}
        for task in self.sequence:
            mask = 0
            for dependency in self.dependencies[task]:
                mask |= masks[dependency] | (1 << self.rank[dependency])
            masks[task] = mask
        return masks

    def precedes(self, earlier: int, later: int) -> bool:
        """Whether `earlier` is finished before `later` starts, whatever else happens."""
        if earlier in self.dependencies[later]:
            return True
        if not self.dependencies[later]:
            return False
        if earlier not in self.rank or later not in self.rank:
            return False
        return self.rank[earlier] < self.rank[later] and bool(self._masks[later] >> self.rank[earlier] & 1)

    def direct(self, task: int) -> tuple[int, ...]:
        """Gives the dependencies of a task that no other of its dependencies implies."""
        needed = tuple(dict.fromkeys(self.dependencies[task]))
        if len(needed) < 2:
            return needed
        implied = 0
        for dependency in needed:
            implied |= self._masks[dependency]
        return tuple(dependency for dependency in needed if not implied >> self.rank[dependency] & 1)

    def circles(self) -> list[list[int]]:
        """Gives one circle for each knot of tasks that depend on each other, smallest number first."""
        knotted = set(range(len(self.dependencies))) - set(self.sequence)
        knots = _components(sorted(knotted), self.dependencies, knotted)
        return sorted(_circle(min(knot), knot, self.dependencies) for knot in knots)


def _components(nodes: list[int], edges: Sequence[Sequence[int]], within: set[int]) -> list[set[int]]:
    """Gives the strongly connected components of more than one node (Tarjan, without recursion)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    held: list[int] = []
    on_stack: set[int] = set()
    found: list[set[int]] = []
    for root in nodes:
        work = [(root, iter(edges[root]))] if root not in index else []
        while work:
            node, rest = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                held.append(node)
                on_stack.add(node)
            following = next(
                (edge for edge in rest if edge in within and _open(edge, node, index, low, on_stack)), None
            )
            if following is not None:
                work.append((following, iter(edges[following])))
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
            if low[node] == index[node]:
                component = _popped(held, node)
                on_stack -= component
                if len(component) > 1:
                    found.append(component)
    return found


def _open(edge: int, node: int, index: dict[int, int], low: dict[int, int], on_stack: set[int]) -> bool:
    """Whether an edge leads to a node not seen yet; notes the link back where it is on the stack."""
    if edge not in index:
        return True
    if edge in on_stack:
        low[node] = min(low[node], index[edge])
    return False


def _popped(held: list[int], node: int) -> set[int]:
    component: set[int] = set()
    while node not in component:
        component.add(held.pop())
    return component


def _circle(start: int, knot: set[int], edges: Sequence[Sequence[int]]) -> list[int]:
    """Gives a shortest circle through `start` within its knot."""
    before: dict[int, int] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for edge in edges[node]:
            if edge == start:
                return _path(node, start, before)
            if edge in knot and edge not in before:
                before[edge] = node
                queue.append(edge)
    return [start]


def _path(node: int, start: int, before: dict[int, int]) -> list[int]:
    path = [node]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]
