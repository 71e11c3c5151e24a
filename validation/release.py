"""Endorsement and declassification: what operations declare, and what policy says of it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from dagwright.label import Label
from dagwright.policy import Policy, ReleaseRule
from dagwright.tool import ToolSpec
from dagwright.value import tokens_of

ASKED: Final = ReleaseRule(tools="*", action="ask", reason="no rule of the policy speaks of this release")


def rule_of(spec: ToolSpec, policy: Policy) -> ReleaseRule:
    """Gives the rule that decides on what an operation releases; a person is asked where there is none."""
    rules = policy.releases or ()
    return next((rule for rule in rules if fnmatchcase(spec.name, rule.tools)), ASKED)


def released(spec: ToolSpec, tokens: tuple[str, ...], label: Label, policy: Policy) -> Label:
    """Gives the label of a place of an operation's outputs after its releases, as far as policy lets it release."""
    releases = spec.releases or ()
    if not releases or rule_of(spec, policy).action == "deny":
        return label
    for release in releases:
        if covers(tokens_of(release.path), tokens):
            label = release.of(label)
    return label


def covers(pattern: tuple[str, ...], tokens: tuple[str, ...]) -> bool:
    """Whether a pattern, where `*` stands for any token, is over a place: it names it or what it lies in."""
    return len(pattern) <= len(tokens) and all(
        wanted in ("*", token) for wanted, token in zip(pattern, tokens, strict=False)
    )
