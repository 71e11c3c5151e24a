"""`Review`: what a person must see of a proposal to approve it, gathered from the validator's own context."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from dagwright.canonical import sha256, to_json
from dagwright.catalogue import Catalogue
from dagwright.finding import Finding, Report
from dagwright.label import TRUSTED, Label
from dagwright.model import Interval
from dagwright.policy import Policy
from dagwright.program import Bounds
from dagwright.reach import destinations
from dagwright.tool import Effect, HttpBinding, Role
from dagwright.value import InputReference, LiteralValue, StepReference, Value, leaves
from orchestrator.view.blocks import how_often, words
from orchestrator.view.fallbacks import words as fallback_words
from orchestrator.view.text import origin
from validation.blocks import listed_id
from validation.codes import VALIDATOR_VERSION
from validation.context import Context, PlacedStep, constant
from validation.examination import examine_with_fallbacks
from validation.fallback import Fallbacks
from validation.passes import ONCE
from validation.resource import bounds_of
from validation.rules import OwnRule


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a step."""

    name: str
    value: str
    """The whole value: JSON of a constant, `step:…/path`, `input:…/path` or, for a loop's item, `each:…/path`."""
    sources: tuple[str, ...]
    """Steps and inputs that it comes from, as `step:…` and `input:…`."""
    role: Role
    label: Label


@dataclass(frozen=True, kw_only=True)
class ReviewStep:
    """One step."""

    step_id: str
    task_id: str
    action: str
    """What it does, and the sub-programs that it is of."""
    operation: str
    effect: Effect | None
    """None where the catalogue has no such operation."""
    often: str
    """How often it may run, in words; empty where that is once."""
    runs_again: bool
    """Whether it may run more than once."""
    places: tuple[str, ...]
    """Hosts and resources that it reaches."""
    arguments: tuple[Argument, ...]
    label: Label
    """Of its outputs as a whole."""
    checks: tuple[str, ...]
    """Arguments whose type is checked while running."""
    rollback: str
    fallbacks: tuple[str, ...]
    """What may take the operation's place where that is down, in words, the next one first."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class ReviewBlock:
    """What surrounds the steps of a task."""

    task_id: str
    words: str
    """What it does."""
    first: str
    """The first of its steps."""
    arguments: tuple[Argument, ...]
    """What decides: the values that its conditions compare, the list that it runs for."""
    controls: tuple[str, ...]
    """Steps that control it, by which findings know it."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task of the plan."""

    task_id: str
    description: str
    dependencies: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Review:
    """One proposal as it is shown."""

    goal: str
    inputs: tuple[tuple[str, str, Label], ...]
    """Name, value as JSON, label."""
    tasks: tuple[Task, ...]
    steps: tuple[ReviewStep, ...]
    """In an order in which they may run; those that have none, last."""
    blocks: tuple[ReviewBlock, ...]
    """Those of tasks that have steps."""
    after: dict[str, tuple[str, ...]]
    """Steps directly before each step, for want of data between them also by order alone."""
    answer: tuple[Argument, ...]
    bounds: Bounds | None
    report: Report
    identity: tuple[tuple[str, str], ...]
    """What is judged, by hashes: words and values."""

    @property
    def verdict(self) -> str:
        """Gives the verdict in a word or two."""
        if not self.report.is_valid:
            return "rejected"
        return "needs approval" if self.report.approval_required else "ready"


def review(
    proposal: object,
    *,
    catalogue: Catalogue,
    policy: Policy,
    workers: frozenset[str],
    at: date | None = None,
    rules: tuple[OwnRule, ...] = (),
) -> Review:
    """Gives what there is to see of anything that may be a proposal. Arguments as for `validate`."""
    context, report, others = examine_with_fallbacks(
        proposal, catalogue=catalogue, policy=policy, workers=workers, at=at, rules=rules
    )
    identity = [("policy", f"{policy.name} {policy.hash}"), ("validator", VALIDATOR_VERSION)]
    identity += [(f"rule {rule.code}", rule.source) for rule in rules]
    if context is None:
        return _nothing(report, identity)
    whole = context.parsed.proposal
    used = catalogue.restricted_to(step.operation for step in context.steps)
    identity = [("operations used", used.hash), *identity]
    if whole is not None and report.is_valid:  # what isn't need not have a canonical form
        identity = [("proposal", sha256(whole)), *identity]
    ordered = set(context.order.sequence)
    placed = [*context.sequence, *(step for step in context.steps if step.task not in ordered)]
    steps = [step for step in placed if step.controls is None]
    return Review(
        goal=whole.goal.text if whole else "",
        inputs=tuple((name, _json(given.value), given.label) for name, given in context.parsed.inputs.items()),
        tasks=tuple(
            Task(task_id=task.task_id, description=task.description, dependencies=task.dependencies)
            for task in context.tasks
        ),
        steps=tuple(_step(context, step, report, others) for step in steps),
        blocks=tuple(_blocks(context, placed)),
        after=_after(context, placed),
        answer=tuple(_answers(context)),
        bounds=bounds_of(context) if whole is not None else None,
        report=report,
        identity=tuple(identity),
    )


def _nothing(report: Report, identity: list[tuple[str, str]]) -> Review:
    return Review(
        goal="",
        inputs=(),
        tasks=(),
        steps=(),
        blocks=(),
        after={},
        answer=(),
        bounds=None,
        report=report,
        identity=tuple(identity),
    )


def _step(context: Context, step: PlacedStep, report: Report, others: Fallbacks) -> ReviewStep:
    contract = step.contract
    mine = [finding for finding in report.findings if finding.step_id == step.step_id]
    passes = context.passes.get(step.task_id, ONCE)
    return ReviewStep(
        step_id=step.step_id,
        task_id=step.task_id,
        action=step.step.action + origin(step.step),
        operation=step.operation,
        effect=contract.spec.effect if contract else None,
        often=how_often(Interval(low=passes.low, high=passes.high)),
        runs_again=passes.high > 1,
        places=tuple(_places(step)),
        arguments=tuple(_arguments(context, step)),
        label=context.labels.output(step.step_id),
        checks=tuple(sorted(str(f.evidence.get("argument")) for f in mine if f.code == "D308")),
        rollback=step.step.rollback_strategy,
        fallbacks=tuple(
            fallback_words(context.catalogue.by_name[found.operation])
            for found in others.proven
            if found.step == step.step_id
        ),
        findings=tuple(mine),
    )


def _arguments(context: Context, step: PlacedStep) -> Iterator[Argument]:
    contract = step.contract
    labels = context.labels.arguments(step) if context.by_id[step.step_id] is step else {}
    for name, value in step.step.tool_intent.required_inputs.items():
        yield Argument(
            name=name,
            value=_words(value, context),
            sources=_sources(value, context),
            role=contract.role(name) if contract else "data",
            label=labels.get(name, TRUSTED),
        )


def _blocks(context: Context, steps: list[PlacedStep]) -> Iterator[ReviewBlock]:
    """Gives the blocks of the tasks that have steps of their own."""
    by_task: dict[str, list[PlacedStep]] = {}
    for step in steps:
        by_task.setdefault(step.task_id, []).append(step)
    for block in context.parsed.groups:
        inner = by_task.get(block.task_id, [])
        first = next((step.step_id for step in inner if step.controls is None), None)
        if block.control is None or first is None or not (said := words(block.control)):
            continue
        deciding = [step for step in inner if step.controls is not None]
        yield ReviewBlock(
            task_id=block.task_id,
            words=said,
            first=first,
            arguments=tuple(found for step in deciding for found in _decisive(context, step)),
            controls=tuple(step.step_id for step in deciding),
        )


def _decisive(context: Context, step: PlacedStep) -> Iterator[Argument]:
    """Gives what a control step decides by, under a name that says what for; gathering decides nothing."""
    assert step.controls is not None
    if step.controls.decides == "collect":
        return
    word = {"when": "only if", "each": "for each", "until": "until"}[step.controls.decides]
    for found in _arguments(context, step):
        yield replace(found, name=word)


def _places(step: PlacedStep) -> Iterator[str]:
    if step.contract is None:
        return
    binding = step.contract.spec.binding
    if isinstance(binding, HttpBinding):
        yield f"{binding.method} {binding.url}"
        return
    yield from (f"{found.kind} {found}" for found in destinations(binding))
    for name, template, written in step.contract.resources(step.literals):
        yield f"{'writes' if written else 'reads'} {name if name is not None else template}"


def _after(context: Context, steps: list[PlacedStep]) -> dict[str, tuple[str, ...]]:
    """Gives the steps directly before each that the proposal lists; what controls blocks is passed over."""
    direct = {step.step_id: _directly(context, step) for step in steps}
    controls = {step.step_id for step in steps if step.controls is not None}

    def before(name: str, past: frozenset[str]) -> Iterator[str]:
        for other in direct.get(name, ()):
            if other not in controls:
                yield other
            elif other not in past:  # what is rejected may go round in circles
                yield from before(other, past | {other})

    return {
        step.step_id: tuple(dict.fromkeys(before(step.step_id, frozenset()))) for step in steps if not step.controls
    }


def _directly(context: Context, step: PlacedStep) -> tuple[str, ...]:
    if step.position > 0 and step.task >= 0:
        return (context.task_steps[step.task][step.position - 1].step_id,)
    direct = context.order.direct(step.task) if step.task in set(context.order.sequence) else ()
    return tuple(context.task_steps[task][-1].step_id for task in direct if context.task_steps.get(task))


def _answers(context: Context) -> Iterator[Argument]:
    for name, part in context.outside_answer.items():
        references = [leaf for _, leaf in leaves(part.value) if isinstance(leaf, StepReference | InputReference)]
        label = TRUSTED
        for reference in references:
            label = label.join(context.labels.reference(reference))
        yield Argument(
            name=name,
            value=_words(part.value, context),
            sources=_sources(part.value, context),
            role="data",
            label=label,
        )


def _words(value: Value, context: Context) -> str:
    known, literal = constant(value)
    if known:
        return _json(literal)
    if isinstance(value, StepReference):
        kind = "each" if _is_head(value.from_, context) else "step"
        return f"{kind}:{listed_id(value.from_)}{value.path}"
    if isinstance(value, InputReference):
        return f"input:{value.input}{value.path}"
    return _json(to_json(value))


def _sources(value: Value, context: Context, past: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Gives steps and inputs that a value comes from; for an item of a loop those that its list comes from."""
    found: list[str] = []
    for _, leaf in leaves(value):
        if isinstance(leaf, StepReference):
            if _is_head(leaf.from_, context):
                given = context.by_id[leaf.from_].step.tool_intent.required_inputs.values()
                for items in given if leaf.from_ not in past else ():
                    found += _sources(items, context, past | {leaf.from_})
            else:
                found.append(f"step:{listed_id(leaf.from_)}")
        elif isinstance(leaf, InputReference):
            found.append(f"input:{leaf.input}")
        else:
            assert isinstance(leaf, LiteralValue)
    return tuple(dict.fromkeys(found))


def _is_head(name: str, context: Context) -> bool:
    """Whether a name is a loop's, for its item, and not a step's."""
    step = context.by_id.get(name)
    return step is not None and step.controls is not None and step.controls.decides == "each"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
