"""Resolving a path through a schema is sound: what it says holds of values drawn from the schema."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from dagwright.value import part
from tests.validation.types.test_relation_laws import LAW, SCHEMAS, VALUES, fits, instances
from validation.types import resolve
from validation.types.schema import pointer_of

TOKENS = st.lists(st.sampled_from(["a", "b", "c", "0", "1", "*"]), min_size=1, max_size=3)


def agrees(schema: dict[str, Any], value: Any, path: str) -> None:
    """What lies at a path of a value is what was said: surely there, surely not, or of the schema found."""
    said = resolve(schema, path)
    try:
        found = part(value, path)
    except LookupError:
        assert said.answer != "found" or not said.certain
        return
    assert said.answer != "absent"
    if said.answer == "found":
        assert fits(said.schema, found)


@LAW
@given(schema=SCHEMAS, value=VALUES, tokens=TOKENS)
def test_a_path_leads_any_value_of_a_schema_where_it_was_said_to(
    schema: dict[str, Any], value: Any, tokens: list[str]
) -> None:
    assume(fits(schema, value))
    agrees(schema, value, pointer_of(*tokens))


@LAW
@given(data=st.data(), schema=SCHEMAS, tokens=TOKENS)
def test_a_path_leads_a_value_drawn_from_a_schema_where_it_was_said_to(
    data: st.DataObject, schema: dict[str, Any], tokens: list[str]
) -> None:
    value = data.draw(instances(schema, schema))
    assume(fits(schema, value))
    agrees(schema, value, pointer_of(*tokens))
