"""TaskBench's official n-F1 and e-F1, re-implemented from the description of its evaluator.

Per sample, names and links are sets; hits, misses and false alarms are summed over all samples. Names
outside the tool library count neither for nor against (as there). Where arguments refer to nodes, links
are rebuilt from `<node-i>`; in the temporal domain they are taken as stated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from benchmarks.taskbench_data import TEMPORAL, BenchNode, Sample

Link = tuple[str, str]
Counts = tuple[int, int, int]
"""Hits, false alarms, misses of one sample."""

_NODE = re.compile(r"<node-(\d+)>")


def plain(tool: str) -> str:
    """Gives a name as the evaluator compares it."""
    return tool.replace("_", " ")


def links_of(sample: Sample) -> list[Link]:
    """Gives the links of a sample's gold plan as the evaluator sees them."""
    if sample.domain == TEMPORAL:
        return [(link.source, link.target) for link in sample.task_links]
    return rebuilt(sample.task_nodes)


def rebuilt(nodes: Sequence[BenchNode]) -> list[Link]:
    """Gives the links that the arguments `<node-i>` say; a reference to itself or to nothing is none."""
    found: list[Link] = []
    for index, node in enumerate(nodes):
        for argument in node.arguments:
            match = _NODE.search(_text(argument))
            source = int(match.group(1)) if match else index
            if source != index and source < len(nodes):
                found.append((plain(nodes[source].task), node.task))
    return found


def counted(gold: Iterable[object], predicted: Iterable[object]) -> Counts:
    """Gives hits, false alarms and misses of one sample's sets."""
    wanted, found = set(gold), set(predicted)
    return len(wanted & found), len(found - wanted), len(wanted - found)


def f1(counts: Sequence[Counts]) -> float:
    """Gives F1 over summed counts; 0 where nothing was wanted and nothing found."""
    hits, alarms, misses = (sum(column) for column in zip(*counts, strict=True))
    return 2 * hits / (2 * hits + alarms + misses) if hits + alarms + misses else 0.0


def _text(argument: str | list[str] | dict[str, str | list[str]]) -> str:
    if isinstance(argument, dict):
        argument = next(iter(argument.values()), "")
    return " ".join(argument) if isinstance(argument, list) else argument
