"""Which hosts an HTTP tool may reach: what the policy names, at an address that is not the inside of a network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from dagwright.exceptions import ToolRejected, ToolUnavailable

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a request goes."""

    scheme: str
    host: str
    """Name or address, lower case."""
    port: int
    address: str
    """The address that was looked at and that is connected to."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials belong to."""
        return (self.scheme, self.host, self.port)


def target_of(url: str, allowed: Iterable[str]) -> Target:
    """Gives where a URL leads, if it may be reached.

    Args:
        url: an absolute http or https URL.
        allowed: `host` or `host:port`, globs allowed. A private, loopback or link-local address is
            reached only where an entry without globs names the host.

    Raises:
        ToolRejected: `host_not_allowed`, `address_not_allowed`, or `bad_url`.
        ToolUnavailable: `host_unknown`: the name has no address this time.
    """
    scheme, host, port = _parts(url)
    matching = [entry for entry in allowed if _matches(entry.lower(), host, port)]
    if not matching:
        raise ToolRejected(f"the policy does not allow host {host}:{port}", code="host_not_allowed")
    address = _address(host, port)
    explicit = any(not set("*?[") & set(entry) for entry in matching)
    if not explicit and not _is_global(address):
        raise ToolRejected(
            f"host {host} lies at the private address {address}; a policy must name such a host without globs",
            code="address_not_allowed",
        )
    return Target(scheme=scheme, host=host, port=port, address=address)


def _parts(url: str) -> tuple[str, str, int]:
    try:
        split = urlsplit(url)
        host, port = split.hostname, split.port
    except ValueError as error:
        raise ToolRejected(f"not a URL: {error}", code="bad_url") from error
    if split.scheme not in _PORTS or not host or split.username is not None:
        raise ToolRejected("a URL must be http or https, with a host and without a user", code="bad_url")
    return split.scheme, host.lower().rstrip("."), port or _PORTS[split.scheme]


def _matches(entry: str, host: str, port: int) -> bool:
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and (name.endswith("]") or ":" not in name):
        return number == str(port) and fnmatchcase(host, name.strip("[]"))
    return entry.strip("[]") == host or fnmatchcase(host, entry)


def _address(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ToolUnavailable(f"host {host} has no address: {error}", code="host_unknown") from error
    addresses = [str(entry[4][0]) for entry in found]
    # The strictest one decides: a name must not hide an inner address behind an outer one.
    return next((address for address in addresses if not _is_global(address)), addresses[0])


def _is_global(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_global and not parsed.is_multicast
