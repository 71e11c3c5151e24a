"""A call, `operation(name=value, …)`: the short form of a tool intent that a model writes.

Constants are JSON, lists and objects may hold variables. Parsing gives `Value`s; nothing is executed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import ModelAnswerError
from dagwright.value import ListValue, LiteralValue, ObjectValue, Value
from decomposer.scope import Scope

_IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")
_SPACE = re.compile(r"\s*")
_CONSTANTS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A parsed call."""

    operation: str
    """As written: `filter_rows` or `data.filter_rows`; `answer` ends a plan."""
    arguments: dict[str, Value]
    """Arguments by name; positional ones are called `0`, `1` …"""
    variables: tuple[str, ...]
    """Names of the scope that it uses, in order."""


def parse_call(line: str, scope: Scope) -> Call:
    """Gives the call that a line holds.

    Raises:
        ModelAnswerError: it is not a call, or uses a name that is not in scope.
    """
    return _Parser(line, scope).call()


class _Parser:
    def __init__(self, line: str, scope: Scope) -> None:
        self.line = line.strip()
        self.scope = scope
        self.at = 0
        self.used: list[str] = []

    def call(self) -> Call:
        operation = self.identifier()
        self.expect("(")
        arguments: dict[str, Value] = {}
        while not self.take(")"):
            if arguments:
                self.expect(",")
            name = self.argument_name() or str(len(arguments))
            arguments[name] = self.value()
        return Call(operation=operation, arguments=arguments, variables=tuple(dict.fromkeys(self.used)))

    def argument_name(self) -> str | None:
        match = re.compile(r"\s*([A-Za-z_$][\w$.-]*)\s*=").match(self.line, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match.group(1)

    def value(self) -> Value:
        self.skip()
        if self.take("["):
            return self.fold_list()
        if self.take("{"):
            return self.fold_object()
        match = _IDENTIFIER.match(self.line, self.at)
        if match:
            self.at = match.end()
            return self.named(match.group(0))
        return LiteralValue(literal=self.constant())

    def named(self, name: str) -> Value:
        if name in _CONSTANTS:
            return LiteralValue(literal=_CONSTANTS[name])
        variable = self.scope.get(name)
        if variable is None:
            raise self.wrong(f"{name!r} is not a name in scope")
        self.used.append(name)
        return variable.value

    def fold_list(self) -> Value:
        items: list[Value] = []
        while not self.take("]"):
            if items:
                self.expect(",")
            items.append(self.value())
        if all(isinstance(item, LiteralValue) for item in items):
            return LiteralValue(literal=[cast("LiteralValue", item).literal for item in items])
        return ListValue(list=tuple(items))

    def fold_object(self) -> Value:
        members: dict[str, Value] = {}
        while not self.take("}"):
            if members:
                self.expect(",")
            self.skip()
            key = self.constant()
            self.expect(":")
            members[str(key)] = self.value()
        if all(isinstance(item, LiteralValue) for item in members.values()):
            return LiteralValue(literal={key: cast("LiteralValue", item).literal for key, item in members.items()})
        return ObjectValue(object=members)

    def constant(self) -> JsonValue:
        try:
            value, end = json.JSONDecoder().raw_decode(self.line, self.at)
        except ValueError as error:
            raise self.wrong("a constant was expected") from error
        self.at = end
        return cast("JsonValue", value)

    def identifier(self) -> str:
        self.skip()
        match = _IDENTIFIER.match(self.line, self.at)
        if match is None:
            raise self.wrong("an operation's name was expected")
        self.at = match.end()
        return match.group(0)

    def take(self, token: str) -> bool:
        self.skip()
        if self.line.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise self.wrong(f"{token!r} was expected")

    def skip(self) -> None:
        match = _SPACE.match(self.line, self.at)
        self.at = match.end() if match else self.at

    def wrong(self, what: str) -> ModelAnswerError:
        return ModelAnswerError(f"the model's line {self.line!r} is not a call: {what} at character {self.at}")
