"""Which hosts an HTTP tool may reach: what the policy names, at an address that is not the inside of a network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from dagwright.exceptions import ToolRejected, ToolUnavailable
from dagwright.hosts import PORTS, admitting, is_explicit


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
        allowed: entries as `dagwright.hosts` reads them. A private, loopback or link-local address is
            reached only where an entry without globs names the host.

    Raises:
        ToolRejected: `host_not_allowed`, `address_not_allowed`, or `bad_url`.
        ToolUnavailable: `host_unknown`: the name has no address this time.
    """
    scheme, host, port = _parts(url)
    matching = admitting(allowed, host, port)
    if not matching:
        raise ToolRejected(f"the policy does not allow host {host}:{port}", code="host_not_allowed")
    address = _address(host, port)
    if not any(map(is_explicit, matching)) and not _is_global(address):
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
    if split.scheme not in PORTS or not host or split.username is not None:
        raise ToolRejected("a URL must be http or https, with a host and without a user", code="bad_url")
    return split.scheme, host.lower().rstrip("."), port or PORTS[split.scheme]


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
