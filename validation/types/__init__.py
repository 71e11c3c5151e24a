"""Types of what flows through a plan: pointers, propagation, tables, the type relation."""

from __future__ import annotations

from validation.types.column_check import ColumnProblem, column_problems
from validation.types.conversion import Conversion, ConversionName, conversion
from validation.types.memo import Memo, without_nullable
from validation.types.pointer import Resolved, resolve
from validation.types.propagation import Propagation, literals_of, propagate
from validation.types.relation import assignable
from validation.types.rule import output_schema
from validation.types.schema import json_equal, pointer_of, standalone, type_of, types_of
from validation.types.scope import TypeScope, constant_schema, inputs_of, value_schema
from validation.types.table import Column, ColumnKind, Rows, column_kind, columns, rows_of
from validation.types.verdict import Answer, Verdict

__all__ = [
    "Answer",
    "Column",
    "ColumnKind",
    "ColumnProblem",
    "Conversion",
    "ConversionName",
    "Memo",
    "Propagation",
    "Resolved",
    "Rows",
    "TypeScope",
    "Verdict",
    "assignable",
    "column_kind",
    "column_problems",
    "columns",
    "constant_schema",
    "conversion",
    "inputs_of",
    "json_equal",
    "literals_of",
    "output_schema",
    "pointer_of",
    "propagate",
    "resolve",
    "rows_of",
    "standalone",
    "type_of",
    "types_of",
    "value_schema",
    "without_nullable",
]
