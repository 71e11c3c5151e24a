"""Output rules: how an output's schema follows from the arguments' schemas and literals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import JsonValue

from dagwright.model import JsonSchema
from dagwright.tool import (
    AddRule,
    CastRule,
    CollectRule,
    ContentRule,
    DropRule,
    ElementRule,
    FileRule,
    FirstRule,
    GroupRule,
    ItemRule,
    JoinRule,
    ListRule,
    PivotRule,
    RenameRule,
    SameRule,
    SelectRule,
    ToolSpec,
)
from dagwright.value import EACH
from validation.types.pointer import resolve
from validation.types.schema import constants, is_nullable, or_null, standalone, subschema, types_of
from validation.types.table import Rows, rows_of

COUNT: JsonSchema = {"type": "integer", "minimum": 0}
NUMBER: JsonSchema = {"type": "number"}
NUMBER_OR_NULL: JsonSchema = {"type": ["number", "null"]}

CASTS: dict[str, JsonSchema] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "date-time": {"type": "string", "format": "date-time"},
}
"""Schema of a column by the type that a cast names."""

_KEPT = frozenset(("min", "max", "first", "last"))
_COUNTED = frozenset(("count", "nunique"))


class Call(NamedTuple):
    """An operation with what is known of its arguments."""

    spec: ToolSpec
    arguments: Mapping[str, JsonSchema]
    """Schemas by argument; `{}` where nothing is known."""
    literals: Mapping[str, JsonValue]
    """Values of the arguments that are constants."""

    def schema(self, name: str) -> JsonSchema | None:
        """Gives the schema of an argument; None where nothing is known of it."""
        return self.arguments.get(name) or None

    def rows(self, name: str) -> Rows | None:
        """Gives the rows of an argument that is a table; None where it isn't known to be one."""
        found = self.arguments.get(name)
        return rows_of(found) if found else None

    def is_given(self, name: str) -> bool:
        """Whether the argument is there, by itself or by its default."""
        return name in self.literals or name in self.arguments or self._default(name) is not None

    def literal(self, name: str) -> JsonValue:
        """Gives an argument's constant, or its default; None where it isn't known."""
        if name in self.literals:
            return self.literals[name]
        found = self.arguments.get(name)
        return self._default(name) if found is None else found.get("const")

    def text(self, name: str) -> str | None:
        """Gives an argument's constant where it's a text, else None."""
        found = self.literal(name)
        return found if isinstance(found, str) else None

    def texts(self, name: str) -> list[str] | None:
        """Gives an argument's constant where it's a text or a list of texts, as a list, else None."""
        found = self.literal(name)
        if isinstance(found, str):
            return [found]
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            return None
        return [item for item in found if isinstance(item, str)]

    def mapping(self, name: str) -> dict[str, str] | None:
        """Gives an argument's constant where it's an object of texts, else None."""
        found = self.literal(name)
        if not isinstance(found, dict) or not all(isinstance(item, str) for item in found.values()):
            return None
        return {key: item for key, item in found.items() if isinstance(item, str)}

    def _default(self, name: str) -> JsonValue:
        declared = self.spec.input_schema.get("properties")
        found = declared.get(name) if isinstance(declared, dict) else None
        return found.get("default") if isinstance(found, dict) else None


def output_schema(spec: ToolSpec, arguments: Mapping[str, JsonSchema], literals: Mapping[str, JsonValue]) -> JsonSchema:
    """Gives the schema of an operation's outputs, refined by its output rules.

    An output whose rule can't be decided, because too little is known of the arguments, keeps its
    declared schema. Parts of the arguments' schemas are shared with the result: don't change it.
    """
    if not spec.output_rules:
        return spec.output_schema
    call = Call(spec, arguments, literals)
    declared = spec.output_schema.get("properties")
    refined: dict[str, JsonValue] = dict(declared) if isinstance(declared, dict) else {}
    for name, rule in spec.output_rules.items():
        found = _RULES[type(rule)](call, rule, subschema(refined.get(name)))
        if found is not None:
            refined[name] = found
    return {**spec.output_schema, "properties": refined}


def _same(call: Call, rule: SameRule, _: JsonSchema) -> JsonSchema | None:
    schema = call.schema(rule.of)
    if schema is None:
        return None
    if types_of(schema) == frozenset(("array",)) and "items" in schema and schema.keys() <= {"type", "items"}:
        return schema
    rows = rows_of(schema)
    if rows is not None:
        return rows.table()
    return None if "array" in (types_of(schema) or ("array",)) else schema


def _content(call: Call, rule: ContentRule, _: JsonSchema) -> JsonSchema | None:
    schema = call.schema(rule.of)
    if schema is None:
        return None
    if rule.key is None:
        found = schema.get("x-content")
    else:
        contents, key = schema.get("x-contents"), call.text(rule.key)
        found = contents.get(key) if isinstance(contents, dict) and key is not None else None
    return found if isinstance(found, dict) and found else None


def _select(call: Call, rule: SelectRule, _: JsonSchema) -> JsonSchema | None:
    rows, names = call.rows(rule.of), call.texts(rule.columns)
    if rows is None or names is None:
        return None
    kept = {name: rows.columns.get(name, {}) for name in names if rows.is_open or name in rows.columns}
    return Rows(kept, rows.optional & kept.keys()).table()


def _drop(call: Call, rule: DropRule, _: JsonSchema) -> JsonSchema | None:
    rows, names = call.rows(rule.of), call.texts(rule.columns)
    if rows is None or names is None:
        return None
    gone = set(names)
    return rows.having({name: schema for name, schema in rows.columns.items() if name not in gone}).table()


def _add(call: Call, rule: AddRule, _: JsonSchema) -> JsonSchema | None:
    rows, name = call.rows(rule.of), call.text(rule.column)
    if rows is None or name is None:
        return None
    return Rows({**rows.columns, name: rule.schema_}, rows.optional - {name}, rows.is_open).table()


def _rename(call: Call, rule: RenameRule, _: JsonSchema) -> JsonSchema | None:
    rows, mapping = call.rows(rule.of), call.mapping(rule.mapping)
    if rows is None or mapping is None:
        return None
    renamed = {mapping.get(name, name): schema for name, schema in rows.columns.items()}
    if rows.is_open:
        renamed.update({new: {} for old, new in mapping.items() if old not in rows.columns})
    return Rows(renamed, frozenset(mapping.get(name, name) for name in rows.optional), rows.is_open).table()


def _cast(call: Call, rule: CastRule, _: JsonSchema) -> JsonSchema | None:
    rows, types = call.rows(rule.of), call.mapping(rule.types)
    if rows is None or types is None:
        return None
    changed = {name: _as_type(rows.columns.get(name, {}), word) for name, word in types.items()}
    known = {name: schema for name, schema in changed.items() if rows.is_open or name in rows.columns}
    return rows.having({**rows.columns, **known}).table()


def _as_type(schema: JsonSchema, word: str) -> JsonSchema:
    target = CASTS.get(word)
    if target is None:
        return {}
    return or_null(target) if is_nullable(schema) else target


def _group(call: Call, rule: GroupRule, _: JsonSchema) -> JsonSchema | None:
    rows, by = call.rows(rule.of), call.texts(rule.by)
    if rows is None or by is None:
        return None
    aggregate = _aggregate(call, rule, rows)
    if aggregate is None:
        return None
    grouped = {name: rows.value(name) for name in by if rows.is_open or name in rows.columns}
    return Rows({**grouped, aggregate[0]: aggregate[1]}).table()


def _aggregate(call: Call, rule: GroupRule, rows: Rows) -> tuple[str, JsonSchema] | None:
    if not call.is_given(rule.value) or (call.is_given(rule.function) and call.text(rule.function) == "count"):
        return "count", COUNT
    value, function = call.text(rule.value), call.text(rule.function)
    if value is None or function is None:
        return None
    source = rows.value(value)
    if function in _COUNTED:
        return f"{function}_{value}", COUNT
    if function in _KEPT:
        return f"{function}_{value}", source
    certain = function == "sum" or (function != "std" and not is_nullable(source))
    return f"{function}_{value}", NUMBER if certain else NUMBER_OR_NULL


def _join(call: Call, rule: JoinRule, _: JsonSchema) -> JsonSchema | None:
    left, right, on = call.rows(rule.left), call.rows(rule.right), call.texts(rule.on)
    if left is None or right is None or on is None:
        return None
    joined = dict(left.columns)
    joined.update({name: {} for name in on if name not in joined and left.is_open})
    optional, keys = set(left.optional), set(on)
    for name, schema in right.columns.items():
        if name not in keys:
            target = f"{name}_right" if name in left.columns else name
            joined[target] = schema
            optional.discard(target)
            optional.update((target,) if name in right.optional else ())
    return Rows(joined, frozenset(optional), left.is_open or right.is_open).table()


def _pivot(call: Call, rule: PivotRule, _: JsonSchema) -> JsonSchema | None:
    rows, index, spread = call.rows(rule.of), call.text(rule.index), call.text(rule.columns)
    if rows is None or index is None or spread is None:
        return None
    first = {index: rows.value(index)} if rows.is_open or index in rows.columns else {}
    values = constants(rows.columns.get(spread, {}))
    if values is None or not all(isinstance(value, str | int | float | None) for value in values):
        return Rows(first, is_open=True).table()
    cells = {str(value): NUMBER_OR_NULL for value in values if value is not None}
    # A value that a filter took away makes no column: each is possible, none is certain.
    return Rows({**first, **cells}, frozenset(cells)).table()


def _first(call: Call, rule: FirstRule, _: JsonSchema) -> JsonSchema | None:
    rows = call.rows(rule.of)
    return None if rows is None else rows.row()


def _column_schema(call: Call, table: str, column: str) -> JsonSchema | None:
    rows, name = call.rows(table), call.text(column)
    return None if rows is None or name is None else rows.value(name) or None


def _element(call: Call, rule: ElementRule, _: JsonSchema) -> JsonSchema | None:
    return _column_schema(call, rule.of, rule.column)


def _list(call: Call, rule: ListRule, _: JsonSchema) -> JsonSchema | None:
    found = _column_schema(call, rule.of, rule.column)
    return None if found is None else {"type": "array", "items": found}


def _file(call: Call, rule: FileRule, declared: JsonSchema) -> JsonSchema | None:
    schema = call.schema(rule.of)
    if schema is None or rows_of(schema) is None:
        return None
    if rule.key is None:
        return {**declared, "x-content": schema}
    name = call.text(rule.key)
    return None if name is None else {**declared, "x-contents": {name: schema}}


def _item(call: Call, rule: ItemRule, _: JsonSchema) -> JsonSchema | None:
    found = resolve(call.arguments.get(rule.of, {}), f"/{EACH}")
    items = found.schema.get("items") if found.answer == "found" else None
    return standalone(items, found.schema) if isinstance(items, dict) and items else None


def _collect(call: Call, rule: CollectRule, declared: JsonSchema) -> JsonSchema | None:
    return {**declared, "items": call.arguments.get(rule.of, {})}


_RULES: dict[type, Callable[[Call, Any, JsonSchema], JsonSchema | None]] = {
    SameRule: _same,
    ContentRule: _content,
    SelectRule: _select,
    DropRule: _drop,
    AddRule: _add,
    RenameRule: _rename,
    CastRule: _cast,
    GroupRule: _group,
    JoinRule: _join,
    PivotRule: _pivot,
    FirstRule: _first,
    ElementRule: _element,
    ListRule: _list,
    FileRule: _file,
    ItemRule: _item,
    CollectRule: _collect,
}
