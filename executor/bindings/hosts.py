"""Which hosts a tool may reach: what the policy names, at an address that is not the inside of a network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from dagwright.exceptions import ToolRejected, ToolUnavailable
from dagwright.hosts import admitting, host_in, is_explicit

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a request goes."""

    host: str
    """Name or address, lower case."""
    port: int
    address: str
    """The address that was looked at and that is connected to."""


def target_of(url: str, allowed: Iterable[str]) -> Target:
    """Gives where a URL leads, if it may be reached.

    Args:
        url: an absolute http or https URL.
        allowed: entries as `dagwright.hosts` reads them. A private or loopback address is reached only
            where an entry without globs names the host; a link-local one, where cloud machines keep their
            credentials, only where an entry names the address itself.

    Raises:
        ToolRejected: `host_not_allowed`, `address_not_allowed`, or `bad_url`.
        ToolUnavailable: `host_unknown`: the name has no address this time.
    """
    return target_at(*_parts(url), allowed)


def target_at(host: str, port: int, allowed: Iterable[str]) -> Target:
    """Gives where a host and port lead, if they may be reached; raises what `target_of` does."""
    matching = admitting(allowed, host, port)
    if not matching:
        raise ToolRejected(f"the policy does not allow host {host}:{port}", code="host_not_allowed")
    address = _address(host, port)
    problem = _address_problem(host, address, named=any(map(is_explicit, matching)))
    if problem:
        raise ToolRejected(f"host {host} lies at the {problem}", code="address_not_allowed")
    return Target(host=host, port=port, address=address)


def _parts(url: str) -> tuple[str, int]:
    try:
        split = urlsplit(url)
        found = host_in(split)
    except ValueError as error:
        raise ToolRejected(f"not a URL: {error}", code="bad_url") from error
    if found is None or split.username is not None:
        raise ToolRejected("a URL must be http or https, with a host and without a user", code="bad_url")
    return found


def _address(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ToolUnavailable(f"host {host} has no address: {error}", code="host_unknown") from error
    addresses = [str(entry[4][0]) for entry in found]
    # The strictest one decides: a name must not hide an inner address behind an outer one.
    return min(addresses, key=_openness)


def _openness(address: str) -> int:
    """Orders addresses: link-local ones first, then other inner ones, then those of the open network."""
    return 2 if _is_global(address) else 0 if _inner(address).is_link_local else 1


def _address_problem(host: str, address: str, *, named: bool) -> str | None:
    """Gives why an address is not reached; `named`: an entry without globs names its host."""
    if _is_global(address):
        return None
    if not named:
        return f"private address {address}; a policy must name such a host without globs"
    if host != address and _inner(address).is_link_local:
        return f"link-local address {address}; a policy must name such an address itself"
    return None


def _is_global(address: str) -> bool:
    inner = _inner(address)
    return inner.is_global and not inner.is_multicast


def _inner(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Gives an address, or the IPv4 address that it stands for: mapped, 6to4, Teredo or translated (NAT64)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed
    if parsed in _NAT64:
        return ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None, None))[1] or parsed
