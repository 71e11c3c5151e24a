"""`validate`: all five levels over anything that may be a proposal."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Final

from dagwright.catalogue import Catalogue
from dagwright.finding import Finding, Report
from dagwright.policy import Policy
from validation.authority import authority_findings
from validation.capacity import capacity_findings
from validation.codes import CODES
from validation.context import Context
from validation.control import control_findings
from validation.dependency import dependency_findings
from validation.expansion import expand
from validation.facts import fact_findings
from validation.fallback import Fallbacks, fallbacks_of
from validation.flow import flow_findings
from validation.notes import finding, sorted_findings
from validation.places import place_findings
from validation.resource import resource_findings
from validation.rollback import rollback_findings
from validation.rules import OwnRule, own_findings
from validation.salvage import parsed
from validation.semantic import semantic_findings
from validation.state import state_findings
from validation.syntactic import syntactic_findings
from validation.text import Text, parse_proposal, text_findings
from validation.usefulness import usefulness_findings

MAX_FINDINGS: Final = 10_000
"""Findings that the levels give before a report ends."""

_ELSEWHERE = frozenset(("P407", "P411"))
_UNREADABLE = frozenset(("S101", "S108"))


def validate(
    proposal: object,
    *,
    catalogue: Catalogue,
    policy: Policy,
    workers: frozenset[str],
    at: date | None = None,
    rules: tuple[OwnRule, ...] = (),
) -> Report:
    """Gives all findings about a proposal, of every level.

    Args:
        proposal: A `Proposal`, plain JSON data, or JSON text as `str` or `bytes`; it may be anything.
        catalogue: The operations that it may use.
        policy: What it may do.
        workers: Kinds of binding that there are workers for.
        at: The day by which validity is judged; None judges no dates.
        rules: Rules of your own, which can add findings.

    Raises:
        RuleError: a rule of your own raises, or does what no rule may.
    """
    with collection_paused():
        return _validated(proposal, catalogue=catalogue, policy=policy, workers=workers, at=at, rules=rules)


def _validated(
    proposal: object,
    *,
    catalogue: Catalogue,
    policy: Policy,
    workers: frozenset[str],
    at: date | None,
    rules: tuple[OwnRule, ...],
) -> Report:
    context, report, _ = examine_with_fallbacks(
        proposal, catalogue=catalogue, policy=policy, workers=workers, at=at, rules=rules
    )
    return as_written(context, report)


def examine(
    proposal: object,
    *,
    catalogue: Catalogue,
    policy: Policy,
    workers: frozenset[str],
    at: date | None = None,
    rules: tuple[OwnRule, ...] = (),
) -> tuple[Context | None, Report]:
    """Gives the report together with the context it was made from; None where the proposal is unreadable.

    What calls sub-programs is first judged as it is written, with each call as the operation that it is declared
    to be; where nothing is wrong with that, context and report are about what it stands for.
    """
    text = _read(proposal)
    found = list(text.findings)
    # What is nested too deeply, or is no JSON, is not even parsed: nothing that follows need be prepared for it.
    if any(item.code in _UNREADABLE for item in found):
        return None, _report(found, checked="S")
    context = Context(parsed=parsed(text.data), catalogue=catalogue, policy=policy, workers=workers, at=at)
    if catalogue.programs and any(step.operation in catalogue.programs for step in context.steps):
        found.extend(islice(_form(context), MAX_FINDINGS))
        written = context.parsed.proposal
        expansion = expand(written, catalogue) if written and all(it.severity != "error" for it in found) else None
        if expansion is None or expansion.findings:
            return context, _report([*found, *(expansion.findings if expansion else ())], checked="S")
        found = list(_read(expansion.proposal).findings)
        context = replace(context, parsed=parsed(expansion.proposal), expansion=expansion)
    found.extend(islice(_levels(context), MAX_FINDINGS))
    if len(found) >= MAX_FINDINGS:
        found.append(finding("S108", "", f"there are more than {MAX_FINDINGS} findings; the rest isn't looked for"))
    found.extend(own_findings(context, rules))
    return context, _report(found, own=rules)


def examine_with_fallbacks(
    proposal: object,
    *,
    catalogue: Catalogue,
    policy: Policy,
    workers: frozenset[str],
    at: date | None = None,
    rules: tuple[OwnRule, ...] = (),
) -> tuple[Context | None, Report, Fallbacks]:
    """Gives the same, and what may take an operation's place; the report says where policy names some in vain."""

    def examined(given: object) -> tuple[Context | None, Report]:
        return examine(given, catalogue=catalogue, policy=policy, workers=workers, at=at, rules=rules)

    context, report = examined(proposal)
    if context is None or not report.is_valid or not policy.fallbacks:
        return context, report, Fallbacks()
    found = fallbacks_of(context, report, examined)
    passed = () if found.findings else ("P411",)
    findings = sorted_findings([*report.findings, *found.findings])
    return context, Report(findings=findings, checks_passed=(*report.checks_passed, *passed)), found


@contextmanager
def collection_paused() -> Generator[None]:
    """Pauses cyclic garbage collection.

    What an examination builds is kept until its end, and holds no cycles; looking for rubbish among
    it again and again would take half of the time for large proposals. Its context must be let go
    of inside, or all of it is looked through once more at the end.
    """
    paused = gc.isenabled()
    if paused:
        gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _read(proposal: object) -> Text:
    if isinstance(proposal, str | bytes):
        text = parse_proposal(proposal)
        return text if text.data is None else Text(text.data, (*text.findings, *text_findings(text.data)))
    return Text(proposal, tuple(text_findings(proposal)))


def as_written(context: Context | None, report: Report) -> Report:
    """Gives a report with the places of the proposal as it was written, calls of sub-programs included."""
    return context.expansion.as_written(report) if context and context.expansion else report


def _form(context: Context) -> Iterator[Finding]:
    yield from syntactic_findings(context)
    yield from semantic_findings(context)
    yield from dependency_findings(context)
    yield from control_findings(context)
    yield from usefulness_findings(context)


def _levels(context: Context) -> Iterator[Finding]:
    yield from _form(context)
    yield from state_findings(context)
    yield from fact_findings(context)
    yield from authority_findings(context)
    yield from rollback_findings(context)
    yield from place_findings(context)
    yield from flow_findings(context)
    yield from resource_findings(context)
    yield from capacity_findings(context)


def _report(found: list[Finding], *, checked: str = "", own: tuple[OwnRule, ...] = ()) -> Report:
    """Gives the report; where not all was looked at, `checked` is the letter of the codes that were."""
    findings = sorted_findings(found)
    failed = {item.code for item in findings} | _ELSEWHERE
    looked_for = [code for code in CODES if code.startswith(checked)] + [rule.code for rule in own]
    return Report(findings=findings, checks_passed=tuple(code for code in looked_for if code not in failed))
