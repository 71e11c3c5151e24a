"""The frozen base of every artefact that crosses a boundary, and the names they share."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

JsonSchema = dict[str, JsonValue]
"""A JSON Schema of the 2020-12 profile, as plain data."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
"""A letter, then up to 63 letters, digits or underscores."""

Pointer = Annotated[str, Field(pattern=r"^(/([^~/]|~[01])*)*$")]
"""A JSON Pointer (RFC 6901); the empty string is the whole value."""


class Frozen(BaseModel):
    """Base of all artefacts: immutable, unknown fields refused, docstrings in the schema."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Gives a copy with some fields changed; what was computed from the old ones, as hashes, is forgotten."""
        copied = super().model_copy(update=update, deep=deep)
        known = vars(copied)
        for name in known.keys() - type(self).model_fields.keys():
            known.pop(name)
        return copied


def faults(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Gives what is wrong with the data of a model, a line each: where, what, and for an unknown key the likely one."""
    return [f"at /{'/'.join(str(part) for part in item['loc'])}: {_fault(item, model)}" for item in error.errors()]


def _fault(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    if item["type"] != "extra_forbidden":
        return str(item["msg"])
    schema = model.model_json_schema()
    known = {key for part in (schema, *schema.get("$defs", {}).values()) for key in part.get("properties", ())}
    near = get_close_matches(str(item["loc"][-1]), sorted(known), n=1)
    return f"there is no such key here{f'; did you mean {near[0]!r}?' if near else ''}"


class Interval(Frozen):
    """A closed interval of a non-negative quantity; the unit is stated where it is used."""

    low: float = Field(ge=0)
    """Lower bound."""
    high: float = Field(ge=0)
    """Upper bound, at least `low`."""
