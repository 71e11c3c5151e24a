"""OpenAPI 3.0 and 3.1 documents as catalogues and documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import JsonValue

from dagwright.catalogue import Catalogue
from dagwright.exceptions import CatalogueError, InputError
from dagwright.tool import ToolSpec
from knowledge.document import Document, documents_of
from knowledge.ingest.naming import CATALOGUE_NAME, RIGHT_NAME, operation_name
from knowledge.ingest.operation import Method, OperationReader
from knowledge.ingest.parameters import Inexpressible
from knowledge.ingest.schema import Dangling

Json = dict[str, JsonValue]

METHODS: dict[str, Method] = {
    "get": "GET",
    "post": "POST",
    "put": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "head": "HEAD",
}
_INEXPRESSIBLE = ("options", "trace")
LONGEST = 128
"""Characters of an operation's name."""
_URL = re.compile(r"^https?://[^/\s{}]+(/[^\s{}]*)?$")

ASSUMPTIONS = (
    "GET and HEAD are taken to read only, DELETE to be irreversible, every other method to have an effect outside",
    "GET, HEAD, PUT and DELETE are taken to be idempotent (RFC 9110) and are tried up to three times",
    "path, query and header arguments of methods that change something decide what is done (role control); "
    "arguments of GET and HEAD, and bodies, are data",
    "everything that a response says is untrusted; with a credential it is confidential to the tenant",
)
"""What is assumed of every API, because OpenAPI does not say it."""


@dataclass(frozen=True)
class OpenApiImport:
    """What became of an OpenAPI document."""

    catalogue: Catalogue
    """One operation of tool `name` per operation that can be expressed."""
    documents: tuple[Document, ...]
    """One document per operation."""
    notes: tuple[str, ...]
    """Every assumption, and every operation or parameter that was left out, with the reason."""


@dataclass
class _Reading:
    tools: list[ToolSpec] = field(default_factory=list[ToolSpec])
    notes: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """What is to be said, with the operations of which it is true."""
    names: set[str] = field(default_factory=set[str])

    def note(self, operation: str, text: str) -> None:
        """Says something of an operation."""
        self.notes.setdefault(text, []).append(operation)

    def lines(self) -> list[str]:
        """Gives the notes, the same thing said once for all operations that it is true of."""
        return [f"{_listed(operations)}: {text}" for text, operations in self.notes.items()]


def _listed(operations: list[str]) -> str:
    shown = ", ".join(operations[:3])
    return shown if len(operations) <= 3 else f"{shown} and {len(operations) - 3} more"


def import_openapi(source: Path | str | Mapping[str, Any], *, name: str, base_url: str | None = None) -> OpenApiImport:
    """Makes tools and documents of an OpenAPI 3.0 or 3.1 document.

    Args:
        source: A JSON or YAML file, or the document as data.
        name: Name of the API: the `tool_name` of all its operations.
        base_url: Where the API is; by default the document's first server.

    Raises:
        InputError: the file cannot be read.
        CatalogueError: it is not an OpenAPI 3.0 or 3.1 document; all problems are listed.
    """
    document = dict(source) if isinstance(source, Mapping) else read_document(Path(source))
    where = name if isinstance(source, Mapping) else str(source)
    problems = list(_problems(document, name, base_url))
    if problems:
        raise CatalogueError(where, problems)
    base = _base_url(document, base_url)
    info = cast("Json", document["info"])
    version = str(info.get("version") or "1")
    reading = _read(document, OperationReader(document, api=name, version=version, base_url=base))
    if not reading.tools:
        raise CatalogueError(where, reading.lines() or ["'paths' has no operation"])
    catalogue = Catalogue(name=name, version=version, tools=tuple(reading.tools))
    notes = (f"operations are called at {base}", *ASSUMPTIONS, *reading.lines())
    return OpenApiImport(catalogue=catalogue, documents=documents_of(catalogue), notes=notes)


def read_document(path: Path) -> Json:
    """Reads a JSON or YAML file that holds one object.

    Raises:
        InputError: it cannot be read, or is neither JSON nor YAML.
        CatalogueError: it holds something else than an object.
    """
    import orjson
    import yaml

    try:
        data = path.read_bytes()
        loaded = orjson.loads(data) if data.lstrip()[:1] in (b"{", b"[") else yaml.load(data, Loader=_loader())  # noqa: S506
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror or error}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{str(path)!r} is neither JSON nor YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise CatalogueError(str(path), [f"the document must be an object, not {type(loaded).__name__}"])
    return cast("Json", loaded)


def _loader() -> Any:
    """The safe loader without dates, so that what is read is JSON."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("JsonLoader", (base,), {})
    resolvers: dict[str, list[tuple[str, Any]]] = base.yaml_implicit_resolvers
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in resolvers.items()
    }
    return loader


def _problems(document: Json, name: str, base_url: str | None) -> Iterator[str]:
    if not CATALOGUE_NAME.fullmatch(name):
        yield f"the API's name {name!r} {RIGHT_NAME}"
    version = document.get("openapi")
    if "swagger" in document:
        yield f"at /swagger: version {document['swagger']!r} must be converted to OpenAPI 3 first"
    elif not isinstance(version, str) or not version.startswith(("3.0", "3.1")):
        yield f"at /openapi: must be a version 3.0 or 3.1, not {version!r}"
    if not isinstance(document.get("info"), dict):
        yield "at /info: must be an object with title and version"
    yield from _path_problems(document.get("paths"))
    base = _base_url(document, base_url)
    if not _URL.match(base):
        yield f"at /servers: {base!r} is not an absolute http(s) address; say where the API is with base_url"


def _path_problems(paths: JsonValue) -> Iterator[str]:
    if not isinstance(paths, dict):
        yield "at /paths: must be an object"
        return
    for path, item in paths.items():
        pointer = f"/paths/{path.replace('~', '~0').replace('/', '~1')}"
        if path.startswith("x-"):
            continue
        if not path.startswith("/"):
            yield f"at {pointer}: a path must begin with '/'"
        if not isinstance(item, dict):
            yield f"at {pointer}: must be an object"
            continue
        for method in METHODS:
            if method in item and not isinstance(item[method], dict):
                yield f"at {pointer}/{method}: must be an object"


def _base_url(document: Json, base_url: str | None) -> str:
    if base_url is not None:
        return base_url
    servers = document.get("servers")
    server = servers[0] if isinstance(servers, list) and servers else None
    if not isinstance(server, dict):
        return ""
    url, variables = str(server.get("url", "")), server.get("variables")
    for variable, facts in variables.items() if isinstance(variables, dict) else ():
        if isinstance(facts, dict):
            url = url.replace(f"{{{variable}}}", str(facts.get("default", "")))
    return url


def _read(document: Json, reader: OperationReader) -> _Reading:
    reading = _Reading()
    paths = cast("dict[str, Json]", document["paths"])
    ids = Counter(_operation_id(item[method]) for item in paths.values() for method in METHODS if method in item)
    for path, item in paths.items():
        for key in _INEXPRESSIBLE:
            if key in item:
                reading.note(f"{key.upper()} {path}", f"left out: no tool has the method {key.upper()}")
        for key, method in METHODS.items():
            operation = item.get(key)
            if isinstance(operation, dict):
                _read_operation(reading, reader, path, method, item, ids)
    return reading


def _operation_id(operation: JsonValue) -> str:
    return str(operation.get("operationId") or "") if isinstance(operation, dict) else ""


def _read_operation(
    reading: _Reading, reader: OperationReader, path: str, method: Method, item: Json, ids: Counter[str]
) -> None:
    operation = cast("Json", item[method.lower()])
    name, note = _name(operation, method, path, reading.names, ids)
    where = f"{method} {path}"
    try:
        tool, notes = reader.read(name, path, method, item, operation)
    except (Inexpressible, Dangling) as error:
        reading.note(where, f"left out: {error}")
        return
    reading.names.add(name)
    reading.tools.append(tool)
    for text in (*note, *notes):
        reading.note(where, text)


def _name(operation: Json, method: str, path: str, taken: set[str], ids: Counter[str]) -> tuple[str, tuple[str, ...]]:
    given = _operation_id(operation)
    fallback = operation_name(f"{method.lower()}{path}", "op")[:LONGEST]
    name = operation_name(given, "op")[:LONGEST] if given and ids[given] == 1 else fallback
    number = 2
    while name in taken:
        name, number = f"{fallback[:120]}_{number}", number + 1
    if name == given:
        return name, ()
    return name, (f"named {name!r}: " + (f"its operationId is {given!r}" if given else "it has no operationId"),)
