"""JSON Patches (RFC 6902: add, remove, replace) over plain JSON data."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from pydantic import JsonValue

from dagwright.finding import PatchOperation
from dagwright.value import tokens_of


def patched(document: JsonValue, operations: Iterable[PatchOperation]) -> JsonValue:
    """Gives a copy of a document with operations applied in their order.

    Raises:
        LookupError: an operation's place doesn't exist.
    """
    box: dict[str, Any] = {"document": deepcopy(document)}
    for operation in operations:
        tokens = ("document", *tokens_of(operation.path))
        container: Any = box
        for token in tokens[:-1]:
            container = _member(container, token)
        _apply(container, tokens[-1], operation)
    return box["document"]


def at(document: JsonValue, path: str) -> JsonValue:
    """Gives what lies at a JSON Pointer.

    Raises:
        LookupError: nothing lies there.
    """
    found: Any = document
    for token in tokens_of(path):
        found = _member(found, token)
    return found


def _member(container: Any, token: str) -> Any:
    if isinstance(container, dict):
        return container[token]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(container, list) and token.isdecimal():
        return container[int(token)]  # pyright: ignore[reportUnknownVariableType]
    raise LookupError(token)


def _apply(container: Any, token: str, operation: PatchOperation) -> None:
    key: Any = token
    if isinstance(container, list):
        length = len(container)  # pyright: ignore[reportUnknownArgumentType]
        if not (token.isdecimal() or token == "-"):  # noqa: S105 - a part of a path
            raise LookupError(token)
        key = int(token) if token.isdecimal() else length
    if operation.op == "remove":
        del container[key]
    elif isinstance(container, list) and operation.op == "add":
        container.insert(key, deepcopy(operation.value))  # pyright: ignore[reportUnknownMemberType]
    else:
        container[key] = deepcopy(operation.value)
