"""Which hosts a policy names: one rule for validator, guard and worker.

An entry of `allowed_hosts` is `host`, `host:port` or `host:*`, in which `host` may be a glob; without a
port any port is meant. `[::1]:8080` names an address of IPv6 and a port.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443}
"""Ports of the schemes that may be reached."""


def host_of(url: str) -> tuple[str, int] | None:
    """Gives host (lower case) and port that a URL leads to; None where it is no http or https URL."""
    try:
        return host_in(urlsplit(url))
    except ValueError:
        return None


def host_in(url: SplitResult) -> tuple[str, int] | None:
    """Gives what `host_of` gives, of a URL that is split already.

    Raises:
        ValueError: the port is none.
    """
    port = url.port
    if url.scheme not in PORTS or not url.hostname:
        return None
    return url.hostname.lower().rstrip("."), port or PORTS[url.scheme]


def bracketed(host: str) -> str:
    """Gives a host as it stands before a port: an address of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def admitting(allowed: Iterable[str], host: str, port: int) -> tuple[str, ...]:
    """Gives the entries of `allowed_hosts` that name a host and port."""
    return tuple(entry for entry in allowed if _matches(entry.lower(), host, port))


def is_explicit(entry: str) -> bool:
    """Whether an entry names its host without globs: only so is an address inside a network reached."""
    return not set("*?[") & set(_parts(entry)[0])


def _matches(entry: str, host: str, port: int) -> bool:
    name, number = _parts(entry)
    return number in ("*", str(port)) and (name == host or fnmatchcase(host, name))


def _parts(entry: str) -> tuple[str, str]:
    name, colon, number = entry.rpartition(":")
    if colon and (number.isdigit() or number == "*") and (name.endswith("]") or ":" not in name):
        return _bare(name), number
    return _bare(entry), "*"


def _bare(name: str) -> str:
    return name[1:-1] if name.startswith("[") and name.endswith("]") and ":" in name else name
