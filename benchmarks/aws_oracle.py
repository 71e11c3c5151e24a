"""An independent verdict on calls of AWS: botocore's own parameter validator, in a process of its own.

What botocore does not look at (allowed values, patterns, upper bounds) is compared with the service model
here, by code that shares nothing with the catalogue or the validator.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from benchmarks.aws_models import Json, Service
from benchmarks.packages import wheels_of
from dagwright.exceptions import TransportError

SECONDS = 120
"""Seconds that the process may take for one service's calls."""

_PROGRAM = Path(__file__).with_name("aws_oracle_process.py")


class Botocore:
    """A process that has botocore and nothing of ours."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", str(_PROGRAM), *map(str, wheels_of("aws"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def judged(self, service: Service, calls: Sequence[tuple[str, Json]]) -> list[str]:
        """Gives what is wrong with each call (operation, arguments); an empty text where nothing is.

        Raises:
            TransportError: the process ended or took too long.
        """
        asked = {"shapes": service.shapes, "operations": service.operations, "calls": calls}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watch = threading.Timer(SECONDS, self._process.kill)
        watch.start()
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError as error:
            raise TransportError(f"botocore's process went away: {error}") from error
        finally:
            watch.cancel()
        if not line:
            raise TransportError(f"botocore's process gave no verdict on {service.name} within {SECONDS} seconds")
        return json.loads(line)


def beyond_botocore(service: Service, operation: str, parameters: Json) -> list[str]:
    """Gives where a call contradicts the service model in a way that botocore does not look at."""
    given = service.operations[operation].get("input", {}).get("shape")
    return list(_contradictions(service.shapes, given, parameters, "")) if given else []


def _contradictions(shapes: dict[str, Json], name: str, value: Any, place: str) -> Iterator[str]:
    shape = shapes[name]
    if isinstance(value, str | int | float):
        yield from _of_scalar(shape, value, place)
    elif isinstance(value, list) and shape["type"] == "list":
        items = cast("list[Any]", value)
        yield from _too_many(shape, len(items), place)
        for index, item in enumerate(items):
            yield from _contradictions(shapes, shape["member"]["shape"], item, f"{place}/{index}")
    elif isinstance(value, dict):
        yield from _in_object(shapes, shape, cast("Json", value), place)


def _in_object(shapes: dict[str, Json], shape: Json, value: Json, place: str) -> Iterator[str]:
    if shape["type"] == "structure":
        for member, inner in shape["members"].items():
            if member in value:
                yield from _contradictions(shapes, inner["shape"], value[member], f"{place}/{member}")
    elif shape["type"] == "map":
        yield from _too_many(shape, len(value), place)
        for key, item in value.items():
            yield from _contradictions(shapes, shape["key"]["shape"], key, f"{place}/{key}")
            yield from _contradictions(shapes, shape["value"]["shape"], item, f"{place}/{key}")


def _of_scalar(shape: Json, value: str | int | float, place: str) -> Iterator[str]:
    if isinstance(value, str):
        yield from _text(shape, value, place) if shape["type"] == "string" else ()
    elif "max" in shape and shape["type"] in ("integer", "long", "float", "double") and value > shape["max"]:
        yield f"{place}: more than {shape['max']}"


def _text(shape: Json, value: str, place: str) -> Iterator[str]:
    yield from _too_many(shape, len(value), place)
    if shape.get("enum") and value not in shape["enum"]:
        yield f"{place}: none of the values"
    try:
        if "pattern" in shape and not re.fullmatch(shape["pattern"], value):
            yield f"{place}: not of the pattern"
    except re.error:
        return


def _too_many(shape: Json, size: int, place: str) -> Iterator[str]:
    if "max" in shape and size > shape["max"]:
        yield f"{place}: longer than {shape['max']}"
