"""The partial order that a workflow's JSON means, from the graph that engines run."""

from __future__ import annotations

from collections.abc import Iterator

from executor.workflow.definition import WorkflowDef
from executor.workflow.order import Graph, graph_of

Pair = tuple[str, str]


def order_of(workflow: WorkflowDef) -> frozenset[Pair]:
    """Gives the strict partial order of a workflow's steps, each taken once: all pairs (earlier, later)."""
    graph = graph_of(workflow)
    return frozenset(_pairs(graph, frozenset(), frozenset(graph.steps())))


def _pairs(graph: Graph, outside: frozenset[str], steps: frozenset[str]) -> Iterator[Pair]:
    """Gives the pairs of a graph that begins after the steps `outside`; what waits for a node waits for its bodies."""
    ended: dict[str, frozenset[str]] = {}
    for reference, node in graph.nodes.items():
        before = outside.union(*(ended[name] for name in node.before))
        own = frozenset((reference,)) & steps
        bodies = graph.bodies.get(reference, {}).values()
        yield from ((earlier, later) for later in own for earlier in before)
        for body in bodies:
            yield from _pairs(body, before | own, steps)
        ended[reference] = before.union(own, *(body.steps() for body in bodies))
