"""Canonical JSON and the hashes over it.

Canonical form: UTF-8, keys sorted by code point, no white space, shortest float notation,
no non-finite numbers and no lone surrogates. Two values that are equal as JSON have one form.
"""

from __future__ import annotations

import hashlib
import json
import json.encoder
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, JsonValue

Sha256 = str
"""64 lower-case hexadecimal digits."""


def _of_model(value: Any) -> JsonValue:
    """Gives a model as plain JSON data.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    raise TypeError(f"{type(value).__name__} is no JSON")


def to_json(value: Any) -> JsonValue:
    """Gives `value` (a model, or JSON with models inside) as plain JSON data, by alias."""
    if isinstance(value, BaseModel):
        return _of_model(value)
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _encoder(*, sort_keys: bool) -> Callable[[Any], str]:
    """Gives what writes JSON without white space; it is made once, which `json` does for each value."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # no CPython
        return json.JSONEncoder(
            sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_of_model
        ).encode
    quoted: Any = json.encoder.encode_basestring  # type: ignore[attr-defined]
    parts = make(None, _of_model, quoted, None, ":", ",", sort_keys, False, False)
    return lambda value: "".join(parts(value, 0))


_CANONICAL, _ORDERED = _encoder(sort_keys=True), _encoder(sort_keys=False)


def canonical_json(value: Any) -> bytes:
    """Gives the canonical JSON of a model or of plain JSON data.

    Raises:
        ValueError: a number is not finite, or a string holds a lone surrogate.
    """
    return _CANONICAL(value).encode("utf-8")


def ordered_json(value: Any) -> bytes:
    """Gives compact JSON whose members keep their order: for data in which order carries meaning.

    The columns of a table are the members of its rows, and people see them in their order.

    Raises:
        ValueError: a number is not finite, or a string holds a lone surrogate.
    """
    return _ORDERED(value).encode("utf-8")


def sha256(value: Any) -> Sha256:
    """Gives the SHA-256 of a value's canonical JSON as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def sha256_bytes(data: bytes) -> Sha256:
    """Gives the SHA-256 of raw bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
