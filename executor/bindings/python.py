"""Python functions as tools: only those of modules that were named beforehand, never any that a plan names."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, cast

from pydantic import JsonValue

from dagwright.exceptions import CatalogueError, DagwrightError, ToolRejected
from dagwright.tool import PythonBinding, ToolSpec
from executor.bindings.runner import ToolContext

Tool = Callable[[dict[str, JsonValue], ToolContext], dict[str, JsonValue]]
"""`f(arguments, context) -> outputs`."""

OWN_MODULES = ("executor.toolchest",)
"""Packages whose functions may always be tools."""


class PythonRunner:
    """Runs functions of the toolchest and of the packages that the catalogue's owner registered."""

    def __init__(self, modules: Iterable[str] = ()) -> None:
        """Takes the dotted names of further modules or packages whose functions may be tools."""
        self.modules = (*OWN_MODULES, *modules)
        self._found: dict[str, Tool] = {}

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Gives what the function gives.

        Raises:
            ToolRejected: the function refuses, or fails in a way it did not mean to (`tool_failed`).
            ToolUnavailable: the function says so.
            CatalogueError: the binding names no function that may be a tool.
        """
        if not isinstance(spec.binding, PythonBinding):
            raise TypeError(f"{spec.name!r} is not bound to a Python function")
        name = spec.binding.callable
        function = self._found.get(name) or self._found.setdefault(name, self.resolve(name))
        try:
            return function(arguments, context)
        except DagwrightError:
            raise
        except Exception as error:
            raise ToolRejected(f"{spec.name} failed: {type(error).__name__}: {error}", code="tool_failed") from error

    def resolve(self, name: str) -> Tool:
        """Gives the function `package.module:function`.

        Raises:
            CatalogueError: its module is not registered or not there, or it is not a public
                function that this module defines.
        """
        module_name, _, function_name = name.partition(":")
        if not any(module_name == known or module_name.startswith(f"{known}.") for known in self.modules):
            known = ", ".join(self.modules)
            raise CatalogueError(name, [f"module {module_name!r} is not registered; registered are {known}"])
        try:
            found: Any = getattr(importlib.import_module(module_name), function_name, None)
        except ImportError as error:
            raise CatalogueError(name, [f"module {module_name!r} cannot be imported: {error}"]) from error
        own = isinstance(found, FunctionType) and found.__module__ == module_name
        if not own or function_name.startswith("_"):
            raise CatalogueError(name, [f"{function_name!r} is not a public function of module {module_name!r}"])
        return cast("Tool", found)
