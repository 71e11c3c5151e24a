"""Names of catalogues and operations, made of what a document or a server calls them."""

from __future__ import annotations

import re

CATALOGUE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,63}")
"""What an API may be named: the `tool_name` of its operations."""
RIGHT_NAME = "must be a letter, then up to 63 letters, digits, '_' or '-'"
"""The same for people."""

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_\-]+")


def operation_name(called: str, prefix: str) -> str:
    """Gives a name for an operation, of any length; with `prefix_` before it where it would not begin with a letter."""
    plain = _NOT_IN_A_NAME.sub("_", called).strip("_-")
    return plain if plain[:1].isalpha() else f"{prefix}_{plain}"
