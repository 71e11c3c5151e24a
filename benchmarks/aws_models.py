"""AWS's service models and documented examples, as they lie in the botocore wheel.

Source: boto/botocore 1.44.5 (Apache-2.0), `data/SERVICE/VERSION/service-2.json.gz` and `examples-1.json`:
the newest version of each service that has examples.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zipfile import ZipFile

from dagwright.exceptions import InputError

Json = dict[str, Any]

_EXAMPLES = re.compile(r"botocore/data/([^/]+)/([^/]+)/examples-1\.json")


@dataclass(frozen=True, kw_only=True)
class Example:
    """One documented call."""

    item: str
    """`service/operation/number`."""
    service: str
    operation: str
    parameters: Json
    """Its arguments, as documented."""
    text: str
    """What it does, in the documentation's words."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service: its shapes and operations, and its documented calls."""

    name: str
    endpoint: str
    operations: dict[str, Json]
    shapes: dict[str, Json]
    examples: tuple[Example, ...]


def load_services(wheel: ZipFile) -> Iterator[Service]:
    """Gives the services that have documented examples, by name.

    Raises:
        InputError: the archive holds no examples.
    """
    newest: dict[str, str] = {}
    for path in sorted(wheel.namelist()):
        match = _EXAMPLES.fullmatch(path)
        if match:
            newest[match[1]] = path
    if not newest:
        raise InputError("the archive holds no examples of AWS services: it is not the botocore wheel")
    for name, path in sorted(newest.items()):
        examples: Json = json.loads(wheel.read(path)).get("examples", {})
        if examples:
            model = _model(wheel, path.replace("examples-1.json", "service-2.json.gz"))
            yield _service(name, model, examples)


def _model(wheel: ZipFile, path: str) -> Json:
    return json.loads(gzip.decompress(wheel.read(path)))


def _service(name: str, model: Json, examples: Json) -> Service:
    found = (
        Example(
            item=f"{name}/{operation}/{number}",
            service=name,
            operation=operation,
            parameters=given.get("input") or {},
            text=str(given.get("description") or given.get("title") or operation),
        )
        for operation, listed in sorted(examples.items())
        for number, given in enumerate(listed)
        if operation in model["operations"]
    )
    return Service(
        name=name,
        endpoint=str(model["metadata"]["endpointPrefix"]),
        operations=model["operations"],
        shapes=model["shapes"],
        examples=tuple(found),
    )
