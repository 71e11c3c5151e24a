"""`Catalogue`: the operations that a plan may use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import yaml
from pydantic import ValidationError

from dagwright.canonical import Sha256, sha256
from dagwright.exceptions import CatalogueError
from dagwright.model import Frozen, faults
from dagwright.proposal import Proposal
from dagwright.tool import ProgramBinding, PythonBinding, ToolSpec


class Catalogue(Frozen):
    """A named, immutable set of operations."""

    name: str
    """Name of the catalogue or pack."""
    version: str = "1"
    """Version of its content."""
    tools: tuple[ToolSpec, ...]
    """The operations; `tool.operation` is unique."""

    @cached_property
    def by_name(self) -> dict[str, ToolSpec]:
        """Operations by `tool.operation`."""
        return {tool.name: tool for tool in self.tools}

    @cached_property
    def programs(self) -> dict[str, Proposal]:
        """Sub-programs by `tool.operation`."""
        return {tool.name: tool.binding.proposal for tool in self.tools if isinstance(tool.binding, ProgramBinding)}

    @cached_property
    def hash(self) -> Sha256:
        """SHA-256 of the canonical content, independent of the tools' order."""
        ordered = sorted(self.tools, key=lambda tool: tool.name)
        return sha256({"name": self.name, "version": self.version, "tools": ordered})

    def get(self, name: str) -> ToolSpec | None:
        """Gives the operation called `tool.operation`, or None."""
        return self.by_name.get(name)

    def restricted_to(self, names: Iterable[str]) -> Catalogue:
        """Gives a catalogue with only the named operations, in their order by name."""
        wanted = set(names)
        chosen = sorted((tool for tool in self.tools if tool.name in wanted), key=lambda tool: tool.name)
        return Catalogue(name=self.name, version=self.version, tools=tuple(chosen))

    def merged(self, *others: Catalogue) -> Catalogue:
        """Gives this catalogue with the others' tools added.

        Raises:
            CatalogueError: two tools have the same name.
        """
        tools = self.tools + tuple(tool for other in others for tool in other.tools)
        name = "+".join((self.name, *(other.name for other in others)))
        return catalogue_of(name, tools)


def catalogue_of(name: str, tools: Iterable[ToolSpec], *, version: str = "1") -> Catalogue:
    """Makes a catalogue and checks what no single tool can be checked for.

    Raises:
        CatalogueError: names are not unique, or a schema is not an object schema or not valid
            JSON Schema; all problems are listed.
    """
    listed = tuple(tools)
    problems = [
        f"{found!r} is defined {count} times" for found, count in Counter(t.name for t in listed).items() if count > 1
    ]
    for tool in listed:
        problems.extend(_schema_problems(tool))
    if problems:
        raise CatalogueError(name, problems)
    return Catalogue(name=name, version=version, tools=listed)


def _schema_problems(tool: ToolSpec) -> list[str]:
    import jsonschema_rs

    problems: list[str] = []
    for which, schema in (("input_schema", tool.input_schema), ("output_schema", tool.output_schema)):
        if schema.get("type") != "object":
            problems.append(f"{tool.name!r}: {which} must have type 'object', not {schema.get('type')!r}")
        try:
            jsonschema_rs.meta.validate(schema)
        except Exception as error:  # noqa: BLE001 - the library has several classes of its own
            problems.append(f"{tool.name!r}: {which} is not a JSON Schema: {str(error).splitlines()[0]}")
    return problems


UNBOUND: Final = PythonBinding(callable="elsewhere:not_here")
"""Binding of an operation that something else runs: plans with it can be checked, not executed."""


def load_catalogue(path: Path, *, to_run: bool = True) -> Catalogue:
    """Reads a catalogue from a YAML or JSON file.

    Args:
        path: the file.
        to_run: whether plans are to be executed here. Otherwise operations need no binding: what has
            none is `UNBOUND`, and its outputs are untrusted unless `output_labels` says otherwise.

    Raises:
        CatalogueError: the file cannot be read, or is not a catalogue; all problems are listed.
    """
    try:
        data: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CatalogueError(str(path), [str(error)]) from error
    try:
        parsed = Catalogue.model_validate(data if to_run else _bound(data))
    except ValidationError as error:
        raise CatalogueError(str(path), faults(error, Catalogue)) from error
    return catalogue_of(parsed.name, parsed.tools, version=parsed.version)


def _bound(data: Any) -> Any:
    """Gives a catalogue's data with a binding, and careful labels, for every operation that has no binding."""
    if not isinstance(data, dict) or not isinstance(data.get("tools"), list):  # pyright: ignore[reportUnknownMemberType]
        return data  # pyright: ignore[reportUnknownVariableType]
    whole = cast("dict[str, Any]", data)
    assumed = {"binding": UNBOUND.model_dump(), "output_labels": [{"path": "", "label": {"integrity": "untrusted"}}]}
    bound: list[Any] = [
        {**assumed, **cast("dict[str, Any]", tool)} if isinstance(tool, dict) and "binding" not in tool else tool
        for tool in whole["tools"]
    ]
    return {**whole, "tools": bound}
