"""How an API wants its callers to identify themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from pydantic import JsonValue

Json = dict[str, JsonValue]


@dataclass(frozen=True)
class Credential:
    """A credential that travels in a header; its value is never here."""

    scheme: str
    """Name of the security scheme in the document."""
    header: str
    """Header that carries it."""
    prefix: str
    """What stands before it."""


def credential_of(document: Json, operation: Json) -> tuple[Credential | None, str | None]:
    """Gives the credential that an operation needs, or None, and a note where it cannot be expressed."""
    requirements = operation.get("security", document.get("security"))
    if not isinstance(requirements, list) or not requirements or {} in requirements:
        return None, None
    schemes = _schemes(document)
    alternatives = [list(item) for item in requirements if isinstance(item, dict)]
    for alternative in alternatives:
        found = [_in_header(name, schemes.get(name)) for name in alternative]
        if len(found) == 1 and found[0] is not None:
            return found[0], None
    wanted = " or ".join(" and ".join(map(repr, names)) for names in alternatives)
    return None, f"it needs the credential {wanted}, which is not a single header: it is called without"


def _schemes(document: Json) -> dict[str, Json]:
    components = cast("dict[str, Any]", document.get("components") or {})
    schemes: dict[str, Any] = components.get("securitySchemes") or {}
    return {name: scheme for name, scheme in schemes.items() if isinstance(scheme, dict)}


def _in_header(name: str, scheme: Json | None) -> Credential | None:
    return next(_credentials(name, scheme), None) if scheme else None


def _credentials(name: str, scheme: Json) -> Iterator[Credential]:
    kind, style = scheme.get("type"), str(scheme.get("scheme", "")).lower()
    if kind == "apiKey" and scheme.get("in") == "header":
        yield Credential(name, str(scheme.get("name", "Authorization")), "")
    elif kind == "http" and style in {"bearer", "basic"}:
        yield Credential(name, "Authorization", f"{style.capitalize()} ")
    elif kind in {"oauth2", "openIdConnect"}:
        yield Credential(name, "Authorization", "Bearer ")
