"""Which hosts a policy names: one rule for validator, guard and worker."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dagwright.hosts import admitting, host_of, is_explicit


@dataclass(frozen=True)
class Case:
    entry: str
    url: str
    admitted: bool


CASES = (
    Case("api.example.org", "https://api.example.org/v1", True),
    Case("api.example.org", "http://api.example.org:8080", True),
    Case("API.Example.org", "https://api.example.ORG", True),
    Case("api.example.org:443", "https://api.example.org", True),
    Case("api.example.org:443", "http://api.example.org", False),
    Case("127.0.0.1:*", "http://127.0.0.1:18080/api", True),
    Case("*.example.org", "https://a.b.example.org", True),
    Case("*.example.org", "https://example.org", False),
    Case("example.org", "https://example.org.evil.net", False),
    Case("example.org", "https://example.org@evil.net", False),
    Case("[::1]:8080", "http://[::1]:8080", True),
    Case("[::1]:8080", "http://[::1]:8081", False),
    Case("::1", "http://[::1]:8081", True),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.entry} {case.url}")
def test_an_entry_names_a_host_and_perhaps_a_port(case: Case) -> None:
    reached = host_of(case.url)
    assert reached is not None
    assert bool(admitting((case.entry,), *reached)) is case.admitted


@pytest.mark.parametrize("url", ["ftp://example.org", "https://", "nothing", "http://host:port/"])
def test_what_is_no_url_leads_to_no_host(url: str) -> None:
    assert host_of(url) is None


@pytest.mark.parametrize(
    ("entry", "explicit"),
    [("127.0.0.1:*", True), ("127.0.0.1", True), ("[::1]:80", True), ("127.*", False), ("*:80", False)],
)
def test_only_a_host_without_globs_is_named(entry: str, explicit: bool) -> None:
    assert is_explicit(entry) is explicit
