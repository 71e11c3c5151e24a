"""Rules of your own: small pure functions with codes of their own, which can add findings and nothing else.

    @rule("X-SHOP001", title="refund without a look", remedy="Look at the order before it is refunded.")
    def looked_at(view: View) -> Iterator[Finding]:
        for step in view.steps:
            if step.spec.name == "shop.refundOrder" and not any(view.comes_before(other, step) …):
                yield view.finding(step, "…")

A rule is given copies, so that nothing that it does changes what is certified, and it is run twice, so
that one which looks at a clock is found out. It runs in this process all the same: a rule is code that
you trust, like any other that you import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from dagwright.canonical import Sha256, to_json
from dagwright.control import Control
from dagwright.decomposition import Step
from dagwright.exceptions import RuleError
from dagwright.finding import Finding, Level, Severity
from dagwright.label import Label
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from validation.context import Context, PlacedStep

OWN_CODE: Final = re.compile(r"X-[A-Z]{2,16}[0-9]{3}")
"""Form of a code of your own: `X-`, who it is of, a number. No other code begins with `X`."""
MAX_FINDINGS: Final = 1_000
"""Findings that one rule may give for one proposal."""


@dataclass(frozen=True, kw_only=True)
class StepView:
    """One step as a rule sees it: a copy."""

    step: Step
    """The step."""
    task_id: str
    """Its task."""
    spec: ToolSpec
    """Its operation."""
    path: str
    """Its place in the proposal."""
    literals: Mapping[str, JsonValue]
    """Arguments that are constants through and through, by name."""
    labels: Mapping[str, Label]
    """Labels of the arguments that references bring; all others are trusted."""
    control: Control | None = None
    """What surrounds the steps of its task; None where they are simply run."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One proposal as a rule sees it: a copy. All of its parts have the right form."""

    code: str
    """The rule's code."""
    proposal: Proposal
    """The proposal."""
    steps: tuple[StepView, ...]
    """The steps whose operation the catalogue has, in the order in which they are written."""
    _rule: OwnRule
    _before: Callable[[str, str], bool]

    def comes_before(self, earlier: StepView, later: StepView) -> bool:
        """Whether a step is always finished before another one starts."""
        return self._before(earlier.step.step_id, later.step.step_id)

    def finding(
        self,
        step: StepView | None,
        message: str,
        *,
        argument: str | None = None,
        needs_approval: bool = False,
        **evidence: JsonValue,
    ) -> Finding:
        """Gives a finding about a step, or one of its arguments; about the whole proposal for None.

        Args:
            step: the step that it is about.
            message: what is wrong, where, what would be allowed.
            argument: the argument that it is about.
            needs_approval: whether a person may settle it; for rules of severity `warning` or `info`.
            evidence: facts behind it, for machines.
        """
        from validation.types.schema import pointer_of

        inside = "/tool_intent" + (f"/required_inputs{pointer_of(argument)}" if argument is not None else "")
        return Finding(
            code=self.code,
            level=self._rule.level,
            severity=self._rule.severity,
            task_id=step.task_id if step else None,
            step_id=step.step.step_id if step else None,
            path=step.path + inside if step else "",
            message=message,
            suggested_fix=self._rule.remedy,
            evidence=evidence,
            needs_approval=needs_approval,
        )


Check = Callable[[View], Iterable[Finding]]


@dataclass(frozen=True, kw_only=True)
class OwnRule:
    """A rule of your own; made by `rule`."""

    code: str
    """Its code."""
    title: str
    """A few words."""
    description: str
    """What its findings say about a proposal."""
    remedy: str
    """What settles them."""
    severity: Severity
    """Severity of its findings; an error rejects the proposal."""
    level: Level
    """The level that its findings belong to."""
    check: Check
    """Gives the findings."""
    source: Sha256 = ""
    """Hash of the file that it stands in; a certificate names it."""


def rule(
    code: str,
    *,
    title: str,
    remedy: str,
    description: str = "",
    severity: Severity = "error",
    level: Level = "policy",
    source: Sha256 = "",
) -> Callable[[Check], OwnRule]:
    """Makes a rule of a function.

    Args:
        code: `X-`, 2 to 16 capital letters, three digits: `X-SHOP001`.
        title: a few words.
        remedy: what settles its findings.
        description: what they say; the function's docstring if not given.
        severity: an error rejects the proposal; a warning or info may ask for a person's approval.
        level: the level that they belong to.
        source: hash that certificates name; `--rules` and entry points fill in that of the file.

    Raises:
        RuleError: the code is reserved or has another form.
    """
    if not OWN_CODE.fullmatch(code):
        reserved = "is reserved for built-in checks" if re.fullmatch(r"[A-WYZ][0-9]+", code) else "is no code of a rule"
        raise RuleError(f"code {code!r} {reserved}; write 'X-', 2 to 16 capital letters and three digits: 'X-SHOP001'")

    def made(check: Check) -> OwnRule:
        return OwnRule(
            code=code,
            title=title,
            description=description or (check.__doc__ or title).strip(),
            remedy=remedy,
            severity=severity,
            level=level,
            check=check,
            source=source,
        )

    return made


def distinct(rules: Iterable[OwnRule]) -> tuple[OwnRule, ...]:
    """Gives rules as they are.

    Raises:
        RuleError: two have one code.
    """
    found: dict[str, OwnRule] = {}
    for item in rules:
        if item.code in found:
            raise RuleError(f"two rules have the code {item.code!r}; give one of them another")
        found[item.code] = item
    return tuple(found.values())


def named(rules: Iterable[OwnRule]) -> dict[str, Sha256] | None:
    """Gives what a certificate says of the rules that were obeyed: hashes by code; None for no rules.

    Raises:
        RuleError: one does not say which source it has.
    """
    hashes = {item.code: item.source for item in rules}
    for code, source in hashes.items():
        if not source:
            raise RuleError(f"rule {code!r} does not say its source's hash; load it with --rules, or give `source`")
    return hashes or None


def own_findings(context: Context, rules: Iterable[OwnRule]) -> Iterator[Finding]:
    """Gives what rules of your own find in a proposal that has the right form; nothing in any other.

    Raises:
        RuleError: a rule raises, changes what it looks at, or gives what is no finding of its own.
    """
    proposal = context.parsed.proposal
    if proposal is None:
        return
    copies = _Copies(context, proposal)
    for item in distinct(rules):
        first = copies.run(item)
        if copies.run(item) != first:
            raise RuleError(f"rule {item.code!r} gives different findings for the same proposal; it must be pure")
        yield from first


class _Copies:
    """Copies of a proposal for rules to look at, and what they must still be afterwards."""

    def __init__(self, context: Context, proposal: Proposal) -> None:
        self._context, self._original = context, proposal
        self._steps = [step for step in context.steps if step.contract is not None and step.controls is None]
        # As they stand in the proposal, without what blocks make of their references.
        self._written = {part.path: part.value for group in context.parsed.groups for part in group.steps}

    def run(self, item: OwnRule) -> list[Finding]:
        """Gives what a rule finds in a copy of its own."""
        view = self._view(item)
        before = _digest(view)
        try:
            found = _taken(item, item.check(view))
        except RuleError:
            raise
        except Exception as error:
            raise RuleError(f"rule {item.code!r} raised {type(error).__name__}: {error}{_place(error)}") from error
        if _digest(view) != before:
            raise RuleError(f"rule {item.code!r} changed the proposal that it was to look at; it must be pure")
        for finding in found:
            self._judge(item, finding)
        return found

    def _view(self, item: OwnRule) -> View:
        specs = {step.operation: step.contract.spec.model_copy(deep=True) for step in self._steps if step.contract}
        return View(
            code=item.code,
            proposal=self._original.model_copy(deep=True),
            steps=tuple(self._step(step, specs[step.operation]) for step in self._steps),
            _rule=item,
            _before=self._comes_before,
        )

    def _step(self, step: PlacedStep, spec: ToolSpec) -> StepView:
        from copy import deepcopy

        return StepView(
            step=self._written[step.path].model_copy(deep=True),
            task_id=step.task_id,
            control=self._context.controls.get(step.task_id),
            spec=spec,
            path=step.path,
            literals=deepcopy(step.literals),
            labels=dict(self._context.labels.arguments(step)),
        )

    def _comes_before(self, earlier: str, later: str) -> bool:
        steps = self._context.by_id
        return self._context.upstream(steps[earlier], steps[later])

    def _judge(self, item: OwnRule, finding: Finding) -> None:
        wrong = None
        if (finding.code, finding.level, finding.severity) != (item.code, item.level, item.severity):
            wrong = f"code, level or severity of another one ({finding.code}, {finding.level}, {finding.severity})"
        elif finding.fix is not None:
            wrong = "a fix; rules of your own find, they don't repair"
        elif finding.step_id is not None and finding.step_id not in self._context.by_id:
            wrong = f"the step {finding.step_id!r}, which the proposal doesn't have"
        elif finding.needs_approval and (finding.severity == "error" or finding.step_id is None):
            wrong = "a need for approval that is an error, or about no step"
        if wrong is not None:
            raise RuleError(f"rule {item.code!r} gives a finding with {wrong}; make findings with view.finding(…)")


def _taken(item: OwnRule, found: object) -> list[Finding]:
    """Gives the findings that a rule's function gave, where it is such."""
    if not isinstance(found, Iterable):
        raise RuleError(f"rule {item.code!r} gives {type(found).__name__!r}; yield findings, or give a list of them")
    taken: list[Finding] = []
    for one in found:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(one, Finding):
            kind = type(one).__name__  # pyright: ignore[reportUnknownArgumentType]
            raise RuleError(f"rule {item.code!r} gives a {kind!r} where a finding must stand; use view.finding(…)")
        if len(taken) >= MAX_FINDINGS:
            raise RuleError(f"rule {item.code!r} gives more than {MAX_FINDINGS} findings for one proposal")
        taken.append(one)
    return taken


def _digest(view: View) -> str:
    """Gives all that a view holds as text; it may hold what has no canonical form."""
    held = [view.proposal, *([step.step, step.spec, dict(step.literals)] for step in view.steps)]
    return json.dumps(to_json(held), sort_keys=True)


def _place(error: Exception) -> str:
    """Gives where an error was raised last, in words."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno})" if trace is not None else ""
