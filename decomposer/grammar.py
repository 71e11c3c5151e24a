"""The grammar of one call: what the validator's rules, the scope's types and the goal's words admit.

A call reads `operation(name=value, …)`. A value is a variable of the scope whose type fits, or a
constant that the goal or the data contain. Arguments that others depend on (a table whose columns
are named, a column whose values are compared) are expanded choice by choice, so that what follows
always fits. An operation for which some required argument admits nothing has no grammar at all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from dagwright.llm.gbnf import constant, either, json_of, list_of, literal, text
from dagwright.model import JsonSchema
from dagwright.tool import GroupRule, JoinRule, ToolSpec
from decomposer.grounding import Grounding, categories, is_key
from decomposer.scope import Scope, Variable, properties_of
from decomposer.shape import joins
from decomposer.words import SIDES

if TYPE_CHECKING:
    from validation.types.table import Column

_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]')
_RULE = re.compile(r"\br\d+\b")
DISTINCT = 6
"""Items of which no list has one twice; of more of them a list might have, and is found out later."""
SCALARS = {"string", "number", "integer", "boolean"}


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of an operation, as its grammar sees it."""

    name: str
    schema: JsonSchema
    required: bool
    column_of: str | None
    """Argument whose column this names."""
    value_of: str | None
    """Argument that names the column whose value this is."""
    is_path: bool
    """Whether it names a file to write."""

    def excludes(self, other: Argument) -> bool:
        """Whether both name one column of the same table: a column is not set against itself."""
        return self.is_column and other.is_column and self.column_of == other.column_of

    @property
    def is_column(self) -> bool:
        """Whether it names exactly one column."""
        return self.column_of is not None and self.schema.get("type") == "string"

    @property
    def is_table(self) -> bool:
        """Whether it takes an array of row objects."""
        items = self.schema.get("items")
        return self.schema.get("type") == "array" and isinstance(items, dict) and items.get("type") == "object"


def arguments_of(spec: ToolSpec) -> tuple[Argument, ...]:
    """Gives an operation's arguments, required ones first, each after those that it depends on."""
    required = cast("list[str]", spec.input_schema.get("required") or [])
    found = [
        Argument(
            name=name,
            schema=schema,
            required=name in required,
            column_of=cast("str | None", schema.get("x-column-of")),
            value_of=cast("str | None", schema.get("x-value-of")),
            is_path=schema.get("format") == "run-path",
        )
        for name, schema in properties_of(spec.input_schema).items()
    ]
    return tuple(sorted(found, key=lambda argument: not argument.required))


@dataclass
class Rules:
    """Named rules; equal expressions share a name, so that what follows a choice is written once."""

    names: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, expression: str) -> str:
        """Gives the name of the rule with this expression."""
        return self.names.setdefault(expression, f"r{len(self.names)}")

    def grammar(self, root: str) -> str:
        """Gives the whole GBNF text."""
        needed = self._needed(root)
        rules = (f"{name} ::= {expression}" for expression, name in self.names.items() if name in needed)
        return "\n".join([f"root ::= {root}", *rules]) + "\n"

    def _needed(self, root: str) -> set[str]:
        """Gives the names of the rules that an expression leads to."""
        expressions = {name: expression for expression, name in self.names.items()}
        found, waiting = set[str](), [root]
        while waiting:
            names = set(_RULE.findall(_LITERAL.sub("", waiting.pop()))) - found
            found |= names
            waiting.extend(expressions[name] for name in names)
        return found


@dataclass(frozen=True, kw_only=True)
class CallGrammar:
    """Builds the expression of one operation's arguments."""

    spec: ToolSpec
    scope: Scope
    grounding: Grounding
    rules: Rules
    taken: frozenset[str] = field(default_factory=frozenset[str])
    """Files that are written already."""
    results: frozenset[str] | None = None
    """Names that lists of results may hold; None for any."""

    def expression(self) -> str | None:
        """Gives the expression after the opening parenthesis; None where nothing qualifies."""
        return self._sequence(arguments_of(self.spec), {}, first=True)

    def _sequence(self, rest: tuple[Argument, ...], chosen: Mapping[str, Variable | str], *, first: bool) -> str | None:
        expression = self._rest(rest, chosen, first=first)
        return self.rules.add(expression) if expression and rest else expression

    def _rest(self, rest: tuple[Argument, ...], chosen: Mapping[str, Variable | str], *, first: bool) -> str | None:
        if not rest:
            return '")"'
        argument, after = rest[0], rest[1:]
        prefix = literal(("" if first else ", ") + f"{argument.name}=")
        if self._others_depend(argument, after):
            branches = list(self._branches(argument, after, chosen, prefix))
        else:
            inner = self.admitted(argument, chosen)
            tail = self._sequence(after, chosen, first=False)
            branches = [f"{prefix} {inner} {tail}"] if inner and tail else []
        if not argument.required and self._asked(argument) in (None, argument.schema.get("default")):
            without = self._sequence(tuple(a for a in after if a.value_of != argument.name), chosen, first=first)
            branches = [*branches, without] if without else branches
        return either(branches)

    def _others_depend(self, argument: Argument, after: tuple[Argument, ...]) -> bool:
        joined = any(
            isinstance(rule, JoinRule) and rule.right == argument.name for rule in self.spec.output_rules.values()
        )
        return joined or any(
            argument.name in (other.column_of, other.value_of) or argument.excludes(other) for other in after
        )

    def _branches(
        self, argument: Argument, after: tuple[Argument, ...], chosen: Mapping[str, Variable | str], prefix: str
    ) -> Iterator[str]:
        if argument.column_of:
            for column in self.columns(argument, chosen):
                tail = self._sequence(after, {**chosen, argument.name: column}, first=False)
                if tail:
                    yield f"{prefix} {constant(column)} {tail}"
            return
        for variable in self.fitting(argument):
            if any(other is variable or self._is_own(variable, other) for other in chosen.values()):
                continue
            tail = self._sequence(after, {**chosen, argument.name: variable}, first=False)
            if tail:
                yield f"{prefix} {literal(variable.name)} {tail}"

    def _is_own(self, variable: Variable, other: Variable | str) -> bool:
        """Whether one of two tables was made of the other: joined, they say what the first says already.

        Rows may still be set against what was made of them where the goal compares.
        """
        if isinstance(other, str):
            return False
        is_own = variable.step in other.made_of or other.step in variable.made_of
        return is_own and not self.grounding.compares

    def fitting(self, argument: Argument) -> Iterator[Variable]:
        """Gives the variables whose type fits an argument, and whose rows are in order where that matters."""
        in_order = argument.schema.get("x-ordered") is True and not self.grounding.takes_first_rows
        joined = joins(self.spec) and not self.grounding.compares
        for variable in self.scope.variables:
            left_behind = (in_order and not variable.is_ordered) or (joined and self._is_narrowed(variable))
            if fits(variable.schema, argument.schema) and not left_behind:
                yield variable

    def _is_narrowed(self, variable: Variable) -> bool:
        """Whether rows of a table have been picked and nothing has been made of these yet: they stand for it."""
        variables = self.scope.variables
        picked = (other for other in variables if variable.step in other.made_of and other.compared > variable.compared)
        return any(not any(other.step in third.made_of for third in variables) for other in picked)

    def columns(self, argument: Argument, chosen: Mapping[str, Variable | str]) -> tuple[str, ...]:
        """Gives the columns that an argument may name."""
        from validation.types import columns

        table = chosen.get(argument.column_of or "")
        found = columns(table.schema) if isinstance(table, Variable) else None
        wanted = _column_type(argument.schema)
        shared = self._shared(argument, chosen)
        used = {
            chosen.get(other.name)
            for other in arguments_of(self.spec)
            if argument.is_column and other.excludes(argument)
        }
        return tuple(
            column.name
            for column in found or ()
            if (wanted is None or column.kind in (wanted, "unknown"))
            and (shared is None or column.name in shared)
            and column.name not in used
            and not (self._makes_groups(argument) and not self._is_kind(column))
            and not (self._is_compared(argument) and not self._may_be_limited(column))
            and not (wanted == "numeric" and self._is_key(column.name))
        )

    def _is_kind(self, column: Column) -> bool:
        """Whether rows with one value of a column are a group: not of measurements, keys, or numbers not asked for."""
        if is_measured(column) or column.name in self.grounding.keys:
            return False
        return column.kind != "numeric" or self._is_made(column.name) or self.grounding.parts_by(column.name)

    def _makes_groups(self, argument: Argument) -> bool:
        return any(isinstance(rule, GroupRule) and rule.by == argument.name for rule in self.spec.output_rules.values())

    def _is_compared(self, argument: Argument) -> bool:
        return any(other.value_of == argument.name for other in arguments_of(self.spec))

    def _may_be_limited(self, column: Column) -> bool:
        """Whether the goal may set a column against a number: measurements are hardly ever equal to one."""
        return not is_measured(column) or bool(self.grounding.sides) or self.grounding.says_none_of(column.name)

    def _is_key(self, column: str) -> bool:
        """Whether a numeric column numbers its rows: nothing is calculated from it unless it is named."""
        return is_key(column) and not self.grounding.mentions(column)

    def _shared(self, argument: Argument, chosen: Mapping[str, Variable | str]) -> set[str] | None:
        """Gives the columns of the other table where this argument joins two, else None."""
        from validation.types import columns

        rules = (rule for rule in self.spec.output_rules.values() if isinstance(rule, JoinRule))
        rule = next((rule for rule in rules if rule.on == argument.name), None)
        other = chosen.get(rule.right) if rule else None
        return {column.name for column in columns(other.schema) or ()} if isinstance(other, Variable) else None

    def admitted(self, argument: Argument, chosen: Mapping[str, Variable | str]) -> str | None:
        """Gives the expression of one argument's value; None where nothing qualifies."""
        if argument.column_of:
            return self._columns_expression(argument, chosen)
        if argument.value_of:
            return self._compared(argument, chosen)
        if argument.is_path:
            return self._path(argument)
        return either(self._options(argument))

    def _columns_expression(self, argument: Argument, chosen: Mapping[str, Variable | str]) -> str | None:
        names = self.columns(argument, chosen)
        kind = argument.schema.get("type")
        if kind == "array" and not joins(self.spec):
            names = self._touched(names, chosen[argument.column_of or ""]) or names
        one = either(constant(name) for name in names)
        if one is None:
            return None
        if kind == "array":
            return self._distinct_list([constant(name) for name in names], most=12)
        if kind == "object":
            return self._mapping(one, cast("JsonSchema", argument.schema.get("additionalProperties") or {}), len(names))
        return one

    def _distinct_list(self, items: Sequence[str], *, most: int) -> str:
        """Gives the expression of a list of some of these items, none twice unless there are too many."""
        if len(items) > DISTINCT:
            return list_of(either(items) or "", least=1, most=min(len(items), most))
        return f'"[" {self._distinct(frozenset(items))}'

    def _distinct(self, items: frozenset[str]) -> str:
        """Gives the expression of some of these items in any order, none twice, and the end of their list."""
        branches = (
            f'{item} ( "]" | ", " {self._distinct(items - {item})} )' if len(items) > 1 else f'{item} "]"'
            for item in sorted(items)
        )
        return self.rules.add(either(branches) or "")

    def _touched(self, names: tuple[str, ...], table: Variable | str) -> tuple[str, ...]:
        """Gives the columns that the goal touches with a word or a value, and those that steps have made."""
        from validation.types import columns

        found = columns(table.schema) if isinstance(table, Variable) else None
        values = {column.name: column.categories or () for column in found or ()}
        return tuple(
            name for name in names if self._is_made(name) or self.grounding.touches(name, values.get(name, ()))
        )

    def _is_made(self, name: str) -> bool:
        from validation.types import columns

        given = (columns(variable.schema) or () for variable in self.scope.variables if variable.loader)
        return not any(column.name == name for found in given for column in found)

    def _mapping(self, key: str, schema: JsonSchema, most: int) -> str | None:
        value = (
            json_of(schema)
            if schema.get("enum")
            else either((*self._said(), '"\\"" [A-Za-z] [A-Za-z0-9_ ]{0,30} "\\""'))
        )
        pair = f'{key} ": " {value}'
        return f'"{{" ( {pair} ( ", " {pair} ){{0,{max(most - 1, 0)}}} )? "}}"'

    def _said(self) -> Iterator[str]:
        for word in (*self.grounding.quoted, *self.grounding.names):
            yield constant(word)

    def _compared(self, argument: Argument, chosen: Mapping[str, Variable | str]) -> str | None:
        from validation.types import columns

        dependent = next(a for a in arguments_of(self.spec) if a.name == argument.value_of)
        table = chosen.get(dependent.column_of or "")
        found = columns(table.schema) if isinstance(table, Variable) else None
        column = next((c for c in found or () if c.name == chosen.get(dependent.name)), None)
        if column is None:
            return either((*self._numbers("number"), *self._said())) or text(60)
        before = table.compared if isinstance(table, Variable) else ()
        done = {value for name, value in before if name == column.name}
        if column.categories and done:
            return None
        options = list(self._references(column.kind))
        if column.kind == "numeric":
            numbers = self._numbers("number", done)
            return either((*numbers, *self._nothing(column), *options))
        if column.kind == "boolean":
            return '( "true" | "false" )'
        if column.kind == "time":
            return either((*self._dates(), *options))
        known = categories(self.grounding, column.name, column.categories or ())
        elsewhere = {value for other in found or () for value in other.categories if isinstance(value, str)}
        names = (*self.grounding.quoted, *self.grounding.names)
        said = known if column.categories else [name for name in names if name not in elsewhere]
        return either((*(constant(value) for value in said if value not in done), *options))

    def _nothing(self, column: Column) -> Iterator[str]:
        """Gives 0 where the goal says that there is nothing of what a column holds, and 0 is the least of it."""
        least = cast("list[float]", column.schema.get("x-range") or [0])[0]
        if 0 not in self.grounding.numbers and least == 0 and self.grounding.says_none_of(column.name):
            yield '"0"'

    def _dates(self) -> Iterator[str]:
        for match in re.finditer(r"\d{4}-\d{2}(?:-\d{2})?", self.grounding.text):
            yield constant(match.group(0))

    def _references(self, kind: str) -> Iterator[str]:
        wanted = {"numeric": {"number", "integer"}, "text": {"string"}, "time": {"string"}}.get(kind, set())
        for variable in self.scope.variables:
            kind_of_value = variable.schema.get("type")
            if isinstance(kind_of_value, str) and kind_of_value in wanted and not is_count(variable.schema):
                yield literal(variable.name)

    def _numbers(self, kind: str, done: Collection[str | float] = ()) -> Iterator[str]:
        for value in self.grounding.numbers:
            if (kind == "number" or isinstance(value, int)) and value not in done:
                yield constant(value)

    def _path(self, argument: Argument) -> str | None:
        endings = suffixes(argument.schema)
        named = [name for name in self.grounding.files if _ends(name, endings)]
        if named:
            return either(constant(name) for name in named if name not in self.taken)
        ending = either(literal(f".{ending}") for ending in endings[:1]) or literal(".txt")
        return f'"\\"" [a-z] [a-z0-9_]{{2,24}} {ending} "\\""'

    def _options(self, argument: Argument) -> Iterator[str]:
        schema = argument.schema
        kind = schema.get("type")
        asked = self._asked(argument)
        if asked is not None:
            yield constant(asked)
        elif self._sided(schema) != schema:
            yield json_of(self._sided(schema)) or ""
        elif "enum" in schema or "const" in schema or kind in {"boolean", "string"}:
            inner = json_of(schema)
            if inner:
                yield inner
        elif kind in {"number", "integer"}:
            yield from self._grounded(argument, kind)
        elif kind == "array":
            yield from self._list(argument)
        elif kind == "object" and argument.required and not self._is_given(argument):
            inner = json_of(schema)
            if inner:
                yield inner
        if kind != "boolean" and "enum" not in schema:
            yield from (literal(variable.name) for variable in self.fitting(argument))

    def _sided(self, schema: JsonSchema) -> JsonSchema:
        """Gives a choice without what the goal has no word for: values, or comparisons on one side."""
        given = cast("list[JsonValue]", schema.get("enum") or [])
        needed = cast("dict[str, list[str]]", schema.get("x-said-by") or {})
        if needed:
            kept = [value for value in given if self._is_said(needed.get(str(value)))]
            return {**schema, "enum": kept}
        unsaid = SIDES.keys() - self.grounding.sides
        if not SIDES.keys() <= {value for value in given if isinstance(value, str)}:
            return schema
        kept = [value for value in given if value not in unsaid]
        return {**schema, "enum": kept}

    def _is_said(self, words: list[str] | None) -> bool:
        """Whether the goal has one of some words, `un*` standing for all that begin so; None is always said."""
        if words is None:
            return True
        begun = tuple(word.removesuffix("*") for word in words if word.endswith("*"))
        return any(map(self.grounding.has, words)) or any(
            word.startswith(begun) for word in re.findall(r"[a-z']+", self.grounding.text) if begun
        )

    def _asked(self, argument: Argument) -> bool | None:
        """Gives which of yes and no the goal asks for in so many words; None for neither, or both."""
        cues = argument.schema.get("x-cues")
        if argument.schema.get("type") != "boolean" or not isinstance(cues, dict):
            return None
        words = cast("dict[str, list[str]]", cues)
        asked = [value for value in ("true", "false") if any(map(self.grounding.has, words.get(value, ())))]
        return asked[0] == "true" if len(asked) == 1 else None

    def _is_given(self, argument: Argument) -> bool:
        """Whether an object comes from the scope or not at all: files are never made up."""
        return "sha256" in properties_of(argument.schema) or any(True for _ in self.fitting(argument))

    def _grounded(self, argument: Argument, kind: str) -> Iterator[str]:
        yield from self._numbers(kind)
        if "default" in argument.schema and not self.grounding.numbers:
            yield constant(argument.schema["default"])
        elif kind == "integer" and argument.required and 1 not in self.grounding.numbers:
            yield '"1"'

    def _list(self, argument: Argument) -> Iterator[str]:
        items = argument.schema.get("items", {})
        if argument.is_table or not isinstance(items, dict):
            return
        inner = [literal(v.name) for v in self.scope.variables if self._is_listed(v) and fits(v.schema, items)]
        if items.get("type") in SCALARS or "enum" in items:
            constants = [constant(word) for word in (*self.grounding.quoted, *self.grounding.names)]
            plain = either(constants) if items.get("type") == "string" and "enum" not in items else json_of(items)
            inner = [*([plain] if plain else []), *inner]
        if inner and not items:
            yield self._distinct_list(inner, most=8)
        elif inner:
            yield list_of(either(inner) or "", least=1, most=8)

    def _is_listed(self, variable: Variable) -> bool:
        is_passing = variable.is_result and self.results is not None and variable.name not in self.results
        return variable.loader is None and not is_passing


def is_count(schema: JsonSchema) -> bool:
    """Whether a number says how many there are of something."""
    return schema.get("type") == "integer" and schema.get("minimum") == 0


def is_measured(column: Column) -> bool:
    """Whether a column holds measurements, hardly two of them alike: they make no groups."""
    types = column.schema.get("type")
    return column.kind == "numeric" and "number" in (types if isinstance(types, list) else [types])


def asked_for(spec: ToolSpec, grounding: Grounding, taken: frozenset[str]) -> bool:
    """Whether the goal has a cue of an operation, or names a file of the kind that it writes."""
    endings = next((suffixes(argument.schema) for argument in arguments_of(spec) if argument.is_path), None)
    if endings and any(_ends(name, endings) and name not in taken for name in grounding.files):
        return True
    return not spec.cues or any(map(grounding.mentions, spec.cues))


def fits(producer: JsonSchema, consumer: JsonSchema) -> bool:
    """Whether a grammar offers a value of one type where another is wanted."""
    from validation.types import assignable

    if not producer:
        return False
    return assignable(producer, consumer).answer != "no"


def suffixes(schema: JsonSchema) -> tuple[str, ...]:
    r"""Gives the endings that a path may have, from its pattern `\.(a|b)$`; none means any."""
    match = re.search(r"\\\.\(([\w|]+)\)\$$", str(schema.get("pattern", "")))
    return tuple(match.group(1).split("|")) if match else ()


def _ends(name: str, endings: tuple[str, ...]) -> bool:
    return not endings or name.rsplit(".", 1)[-1].lower() in endings


def _column_type(schema: JsonSchema) -> str | None:
    return cast("str | None", schema.get("x-column-type"))
