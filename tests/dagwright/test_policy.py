"""Policies: safe by default, read from YAML, refused with the place of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagwright.exceptions import PolicyError
from dagwright.policy import DEFAULT_POLICY, Policy, Rule, load_policy


def test_the_default_allows_only_what_stays_in_the_folder() -> None:
    assert DEFAULT_POLICY.defaults == {"read": "allow", "write": "allow", "external": "deny", "irreversible": "deny"}
    assert DEFAULT_POLICY.allowed_hosts == ()
    assert [rule.action for rule in DEFAULT_POLICY.flows] == ["deny", "deny"]


def test_a_policy_is_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "name: strict\nrules:\n  - tools: 'http.*'\n    action: ask\n    reason: costs money\nbudget: {max_calls: 5}\n"
    )
    policy = load_policy(path)
    assert policy.rules == (Rule(tools="http.*", action="ask", reason="costs money"),)
    assert policy.budget.max_calls == 5
    assert policy.defaults == DEFAULT_POLICY.defaults


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"a: [", "cannot be read"),
        (b"", "is not a policy"),
        (b"rules: []", "at /name"),
        (b"name: p\nrules: [{tools: x, action: maybe}]", "at /rules/0/action"),
        (b"name: p\nbudget: {max_cost: -1}", "at /budget/max_cost"),
        (b"name: p\nsurprise: 1", "at /surprise"),
    ],
    ids=["absent", "no-text", "no-yaml", "empty", "nameless", "action", "negative", "extra"],
)
def test_what_is_no_policy_is_refused_with_its_place(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "p.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert says in str(caught.value)
    assert "p.yaml" in str(caught.value)


def test_the_hash_is_over_the_whole_content() -> None:
    assert Policy(name="a").hash == Policy(name="a").hash
    assert Policy(name="a").hash != Policy(name="a", allowed_hosts=("example.org",)).hash


def test_a_changed_copy_has_its_own_hash() -> None:
    policy = Policy(name="a")
    assert policy.model_copy(update={"allowed_hosts": ("example.org",)}).hash != policy.hash
    assert policy.model_copy(update={"name": "b"}).hash == Policy(name="b").hash
