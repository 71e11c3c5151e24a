"""Operators on what a plan is allowed to do (P401-P410)."""

from __future__ import annotations

from typing import Any

from benchmarks.mutation.operator import Draft, Json, Operator, Table
from benchmarks.mutation.sites import Site, constants, links
from dagwright.label import Label

operator = Table()


def _step(draft: Draft) -> Json:
    return draft.random.choice(draft.steps)


def _rule(draft: Draft, **rule: Any) -> None:
    """Puts a rule before all others."""
    draft.change_policy(rules=[rule, *(old.model_dump() for old in draft.policy.rules)])


@operator("P401")
def operation_denied(draft: Draft) -> bool:
    """Policy denies the operation of a step."""
    _rule(draft, tools=draft.spec(_step(draft)).name, action="deny")
    return True


@operator("P401")
def operation_denied_by_goal(draft: Draft) -> bool:
    """The goal denies a tool that a step uses."""
    draft.constrain(denied_tools=[f"{draft.spec(_step(draft)).tool_name}.*"])
    return True


@operator("P401")
def nothing_allowed(draft: Draft) -> bool:
    """No rule allows what reaches beyond the run."""
    if all(draft.spec(step).effect in ("read", "write") for step in draft.steps):
        return False
    draft.change_policy(rules=[])
    return True


@operator("P402")
def argument_denied(draft: Draft) -> bool:
    """Policy denies an operation with the very constant that a step gives it."""
    found = [site for site in constants(draft) if site.depth == 0 and isinstance(site.value, str | int)]
    if not found:
        return False
    site = draft.random.choice(found)
    when = {"properties": {site.argument: {"const": site.value}}, "required": [site.argument]}
    _rule(draft, tools=draft.spec(site.step).name, when=when, action="deny")
    return True


@operator("P402")
def argument_perhaps_denied(draft: Draft) -> bool:
    """Policy denies an operation with certain texts, and a step takes the text from another."""
    found = [link for link in links(draft) if link.whole]
    if not found:
        return False
    link = draft.random.choice(found)
    when = {"properties": {link.argument: {"pattern": "^prod-"}}, "required": [link.argument]}
    _rule(draft, tools=draft.spec(link.step).name, when=when, action="deny")
    return True


@operator("P403")
def approval_wanted(draft: Draft) -> bool:
    """Policy wants a person to approve a step."""
    found = [step for step in draft.steps if draft.spec(step).effect != "irreversible"]
    if not found:
        return False
    _rule(draft, tools=draft.spec(draft.random.choice(found)).name, action="ask")
    return True


@operator("P404")
def untrusted_into_a_sink(draft: Draft) -> bool:
    """What an earlier step read from outside decides where something goes."""
    found = [link for link in links(draft) if draft.spec(link.step).effect != "read"]
    if not found:
        return False
    link = draft.random.choice(found)
    draft.change_spec(link.step, roles={link.argument: "sink"})
    return True


@operator("P404")
def untrusted_into_control(draft: Draft) -> bool:
    """What an earlier step read from outside decides what is done."""
    found = [link for link in links(draft) if draft.spec(link.step).effect != "read"]
    if not found:
        return False
    link = draft.random.choice(found)
    draft.change_spec(link.step, roles={link.argument: "control"})
    return True


@operator("P405")
def confidential_to_the_outside(draft: Draft) -> bool:
    """A secret input of the goal goes to an operation that reaches beyond the run."""
    found = [step for step in draft.steps if draft.spec(step).effect in ("external", "irreversible")]
    found = [step for step in found if step["tool_intent"]["required_inputs"]]
    if not found:
        return False
    given = draft.random.choice(found)["tool_intent"]["required_inputs"]
    label = Label(integrity="trusted", confidentiality=draft.random.choice(("tenant", "secret"))).model_dump()
    draft.proposal["goal"]["inputs"]["diary"] = {"value": "…", "schema": {"type": "string"}, "label": label}
    given[draft.random.choice(sorted(given))] = {"input": "diary"}
    return True


@operator("P406")
def irreversible_step(draft: Draft) -> bool:
    """A step does what cannot be undone, and no rule allows it."""
    draft.change_spec(_step(draft), effect="irreversible")
    draft.change_policy(rules=[], defaults=dict.fromkeys(("read", "write", "external", "irreversible"), "ask"))
    return True


@operator("P409")
def host_not_allowed(draft: Draft) -> bool:
    """A step reaches a host that policy does not name."""
    if any(draft.spec(step).binding.kind != "http" for step in draft.steps):
        return False
    draft.change_policy(allowed_hosts=["example.org"])
    return True


@operator("P409")
def path_out_of_the_folder(draft: Draft) -> bool:
    """A path leaves the run's folder."""
    site = _text(draft)
    if site is None:
        return False
    schema: Any = draft.spec(site.step).input_schema
    properties = {**schema["properties"], site.argument: {"type": "string", "x-path": True}}
    draft.change_spec(site.step, input_schema={**schema, "properties": properties})
    site.write(draft.random.choice(("/etc/passwd", "../../other/run", "a/../../b", "C:\\windows", "~/.ssh/id_rsa")))
    return True


@operator("P410")
def secret_in_the_plan(draft: Draft) -> bool:
    """A constant is a secret."""
    site = _text(draft)
    if site is None:
        return False
    secrets = (
        "-----BEGIN RSA PRIVATE KEY-----",
        "ghp_" + "a1B2" * 9,
        "sk-" + "Ab12" * 8,
        "https://admin:hunter22@example.org/",
        "xoxb-1234567890-abcdefghij",
    )
    site.write(draft.random.choice(secrets))
    return True


def _text(draft: Draft) -> Site | None:
    found = [site for site in constants(draft) if site.depth == 0 and isinstance(site.value, str)]
    return draft.random.choice(found) if found else None


OPERATORS: tuple[Operator, ...] = tuple(operator)
