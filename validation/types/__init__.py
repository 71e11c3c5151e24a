"""Types of what flows through a plan: pointers, propagation, tables, the type relation."""

from __future__ import annotations

from validation.types.pointer import Resolved, resolve
from validation.types.propagation import Propagation, literals_of, propagate
from validation.types.rule import output_schema
from validation.types.schema import json_equal, pointer_of, tokens_of, type_of, types_of
from validation.types.scope import TypeScope, constant_schema, inputs_of, value_schema
from validation.types.table import Column, ColumnKind, Rows, column_kind, columns, rows_of

__all__ = [
    "Column",
    "ColumnKind",
    "Propagation",
    "Resolved",
    "Rows",
    "TypeScope",
    "column_kind",
    "columns",
    "constant_schema",
    "inputs_of",
    "json_equal",
    "literals_of",
    "output_schema",
    "pointer_of",
    "propagate",
    "resolve",
    "rows_of",
    "tokens_of",
    "type_of",
    "types_of",
    "value_schema",
]
