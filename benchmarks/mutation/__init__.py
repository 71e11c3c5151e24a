"""Mutation operators: changes to a valid proposal, or to what it is judged by, each with the codes it must cause.

An operator decides from the schemas and the plan alone, never by asking the validator; where it cannot
be applied it says so.
"""

from __future__ import annotations

from benchmarks.mutation import dependency, policy, resource, semantic, syntactic, values
from benchmarks.mutation.operator import Draft, Operator

OPERATORS: tuple[Operator, ...] = (
    *syntactic.OPERATORS,
    *values.OPERATORS,
    *semantic.OPERATORS,
    *dependency.OPERATORS,
    *policy.OPERATORS,
    *resource.OPERATORS,
)
"""All operators, in the order of the five levels."""

__all__ = ["OPERATORS", "Draft", "Operator"]
