"""Evidence: which operations, by which documents, a model is shown for a goal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import cast

from pydantic import Field

from dagwright.catalogue import Catalogue
from dagwright.goal import Goal
from dagwright.model import Frozen, JsonSchema
from dagwright.policy import Policy
from dagwright.tool import ContentRule, ElementRule, ListRule, ToolSpec
from knowledge.store import KnowledgeStore
from planner.worked import Note, operations_of

SHOWN_WHOLE = 48
"""A catalogue of up to so many operations is shown whole."""
PER_CLAUSE = 8
"""Operations that are looked up for each clause of the goal."""
MOST = 24
"""Operations that are shown of a larger catalogue."""

LOOKED_AT = 12
"""Documents of the person's own that are looked at."""
MOST_NOTES = 2
"""Notes that are shown."""
LONGEST_NOTE = 1_500
"""Characters of a note."""

_CLAUSES = re.compile(r"[.;!?\n]+|, (?:and |then )?| and then | then | and ", re.IGNORECASE)


class Evidence(Frozen):
    """The documents that were shown, and why."""

    documents: dict[str, tuple[str, ...]]
    """Ids of documents by operation."""
    why: dict[str, str]
    """Reason by operation."""
    notes: dict[str, str] = Field(default_factory=dict[str, str])
    """Texts of documents that the person added, by id."""


def gather(
    goal: Goal,
    catalogue: Catalogue,
    policy: Policy,
    store: KnowledgeStore | None,
    *,
    at: date,
    notes: Mapping[str, str] = MappingProxyType({}),
) -> Evidence:
    """Gives what a model is shown: all permitted operations, or those that the goal's words find.

    Args:
        goal: what is wanted.
        catalogue: what there is.
        policy: what is permitted.
        store: the catalogue's documents; None where the catalogue is small.
        at: the day by which validity is judged.
        notes: texts of the person's own documents, by id.
    """
    offered = {tool.name: tool for tool in permitted(catalogue, goal, policy) if _valid(tool, at)}
    if len(offered) <= SHOWN_WHOLE or store is None:
        return Evidence(
            documents={name: (tool.documents[0],) for name, tool in offered.items()},
            why=dict.fromkeys(offered, "the whole catalogue is shown"),
            notes=dict(notes),
        )
    found = _searched(goal, offered, store, at) | _worked(offered, notes)
    for name, tool in offered.items():
        if goal.inputs and any(isinstance(rule, ContentRule) for rule in tool.output_rules.values()):
            found.setdefault(name, "reads an input of the goal")
        elif _connects(tool):
            found.setdefault(name, "leads from a table to its rows and values")
    return Evidence(documents={name: (offered[name].documents[0],) for name in found}, why=found, notes=dict(notes))


def notes(goal: Goal, folder: Path, *, at: date) -> dict[str, str]:
    """Gives what the person's own documents say about a goal, by id; nothing where there are none.

    Raises:
        ArchiveError: another process has them open, or they are damaged.
    """
    if not (folder / "knowledge.json").is_file():
        return {}
    from knowledge import open_store

    with open_store(folder) as store:
        hits = store.search(goal.text, limit=LOOKED_AT, at=at)
    found = [hit.document for hit in hits if hit.document.operation is None]
    return {document.doc_id: f"{document.title}\n{document.body[:LONGEST_NOTE]}" for document in found[:MOST_NOTES]}


def permitted(catalogue: Catalogue, goal: Goal, policy: Policy) -> Iterable[ToolSpec]:
    """Gives the operations that neither the goal nor the policy forbids whatever their arguments."""
    for tool in catalogue.tools:
        if any(fnmatchcase(tool.name, pattern) for pattern in goal.constraints.denied_tools):
            continue
        matching = [rule for rule in policy.rules if fnmatchcase(tool.name, rule.tools)]
        conditional = all(rule.when is not None for rule in matching)
        by_default = conditional and policy.defaults.get(tool.effect, "deny") != "deny"
        if by_default or any(rule.action != "deny" for rule in matching):
            yield tool


def _searched(goal: Goal, offered: dict[str, ToolSpec], store: KnowledgeStore, at: date) -> dict[str, str]:
    clauses = [clause.strip() for clause in _CLAUSES.split(goal.text) if len(clause.split()) > 1]
    found: dict[str, str] = {}
    for query in (goal.text, *clauses):
        for hit in store.search(query, limit=PER_CLAUSE, at=at, operations=tuple(offered)):
            if hit.document.operation and len(found) < MOST:
                found.setdefault(hit.document.operation, f"{query[:60]!r}: {hit.why}")
    return {name: found[name] for name in offered if name in found}


def _worked(offered: dict[str, ToolSpec], notes: Mapping[str, str]) -> dict[str, str]:
    named = {name for text in notes.values() for plan in Note.of(text).plans for name in operations_of(plan)}
    found = (name for name, tool in offered.items() if name in named or tool.operation in named)
    return dict.fromkeys(found, "a worked plan of yours uses it")


def _connects(tool: ToolSpec) -> bool:
    """Whether an operation picks rows or values out of a table: what one API gives, another takes through these."""
    if tool.effect != "read" or tool.binding.kind != "python":
        return False
    arguments = cast("dict[str, JsonSchema]", tool.input_schema.get("properties") or {})
    picks = any(isinstance(rule, ListRule | ElementRule) for rule in tool.output_rules.values())
    return picks or any("x-value-of" in schema for schema in arguments.values())


def _valid(tool: ToolSpec, at: date) -> bool:
    return (tool.valid_from is None or tool.valid_from <= at) and (tool.valid_to is None or at < tool.valid_to)
