"""Cosmic Ray's operators over files: a program of its own, given the folder of the packages and nothing of ours.

`operators_process.py PACKAGES list FILE...` prints a JSON line per mutant; `… make FILE OPERATOR NUMBER`
prints the file with that mutant in it.
"""

# pyright: basic, reportMissingImports=false
# Cosmic Ray is no dependency of ours: it's unpacked where this program is told.

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, sys.argv[1])

from cosmic_ray.ast import Visitor, ast_nodes, get_ast
from cosmic_ray.operators.provider import OperatorProvider

PROVIDER: Any = OperatorProvider()


def operators() -> Iterator[tuple[str, Any]]:
    """Gives the operators that need not be told what to replace."""
    for name in PROVIDER:
        if name != "NoOp" and not PROVIDER[name].arguments():
            yield name, PROVIDER[name]()


def listed(file: str) -> Iterator[dict[str, Any]]:
    """Gives every mutant of a file: the operator, its number there, where it stands."""
    tree = get_ast(Path(file).read_text(encoding="utf-8"))
    for name, operator in operators():
        sites = (site for node in ast_nodes(tree) for site in operator.mutation_positions(node))
        for number, (start, end) in enumerate(sites):
            yield {"file": file, "operator": name, "number": number, "start": start, "end": end}


class Maker(Visitor):
    """Puts one mutant into a tree."""

    def __init__(self, operator: Any, number: int) -> None:
        self.operator, self.number, self.seen = operator, number, 0

    def visit(self, node: Any) -> Any:
        """Changes the node if the mutant lies in it."""
        for index, _ in enumerate(self.operator.mutation_positions(node)):
            if self.seen == self.number:
                node = self.operator.mutate(node, index)
            self.seen += 1
        return node


def made(file: str, name: str, number: int) -> str:
    """Gives a file with one mutant in it."""
    return Maker(PROVIDER[name](), number).walk(get_ast(Path(file).read_text(encoding="utf-8"))).get_code()


if __name__ == "__main__":
    if sys.argv[2] == "make":
        sys.stdout.buffer.write(made(sys.argv[3], sys.argv[4], int(sys.argv[5])).encode())
    else:
        for path in sys.argv[3:]:
            for mutant in listed(path):
                print(json.dumps(mutant))
