"""Rules of your own, from files and installed packages, with the hash that certificates name."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Final

from dagwright.canonical import Sha256, sha256_bytes
from dagwright.exceptions import RuleError
from validation.rules import OwnRule, distinct

GROUP: Final = "dagwright.rules"
"""Entry points under which packages offer modules with rules."""


def open_rules(names: Sequence[str]) -> tuple[OwnRule, ...]:
    """Gives the rules of Python files (`….py`) and of entry points, in their order.

    The code of what is named is run. A rule's hash is that of the file that it stands in; what the
    file imports is not in it.

    Raises:
        RuleError: a file or entry point cannot be loaded, has no rules, or two rules have one code.
    """
    return distinct(rule for name in names for rule in _opened(name))


def _opened(name: str) -> list[OwnRule]:
    module, digest = _from_file(Path(name)) if name.endswith(".py") else _from_package(name)
    found = [replace(rule, source=digest) for rule in _rules_in(module)]
    if not found:
        raise RuleError(f"{name!r} has no rules; write functions under @rule(…) from validation.rules")
    return found


def _rules_in(module: ModuleType) -> Iterator[OwnRule]:
    for value in vars(module).values():
        if isinstance(value, OwnRule):
            yield value


def _from_file(path: Path) -> tuple[ModuleType, Sha256]:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise RuleError(f"rules {str(path)!r} cannot be read: {error.strerror or error}") from error
    digest = sha256_bytes(source)
    module = ModuleType(f"dagwright_rules_{digest[:16]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        # The very bytes that were hashed are run.
        exec(compile(source, str(path), "exec"), vars(module))  # noqa: S102
    except RuleError:
        raise
    except Exception as error:
        raise RuleError(f"rules {str(path)!r} cannot be loaded: {type(error).__name__}: {error}") from error
    return module, digest


def _from_package(name: str) -> tuple[ModuleType, Sha256]:
    entry = _entry(name, entry_points(group=GROUP))
    try:
        module = entry.load()
    except Exception as error:
        raise RuleError(f"rules {name!r} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(module, ModuleType) or module.__file__ is None:
        raise RuleError(f"rules {name!r} ({entry.value}) are no Python module with a file; name the module itself")
    return module, sha256_bytes(Path(module.__file__).read_bytes())


def _entry(name: str, offered: Iterable[EntryPoint]) -> EntryPoint:
    listed = list(offered)
    found = next((entry for entry in listed if entry.name == name), None)
    if found is None:
        known = ", ".join(sorted(entry.name for entry in listed)) or "none"
        raise RuleError(f"there are no rules {name!r}: neither a .py file nor an entry point of {GROUP!r} ({known})")
    return found
