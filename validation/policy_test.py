"""Policies under test: calls with the verdict that is expected, judged by the validator itself; mutants of policies.

The bug that hand-written policies have is a condition or an action the wrong way round. So a policy has
tests, and the tests have mutants: `mutants` inverts one rule at a time, and some case must notice each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field, JsonValue

from dagwright.catalogue import Catalogue
from dagwright.decomposition import Decomposition, RollbackStrategy, Step, ToolIntent
from dagwright.finding import Finding
from dagwright.goal import Goal, GoalInput
from dagwright.label import Label
from dagwright.model import Frozen
from dagwright.plan import Plan, Task
from dagwright.policy import Action, Policy
from dagwright.proposal import Proposal
from dagwright.tool import Effect, HttpBinding, PythonBinding, Role, ToolSpec
from dagwright.value import InputReference, LiteralValue, Value
from validation.authority import cedar_verdict, deciding_rules
from validation.cedar import without_each
from validation.context import Context
from validation.examination import examine
from validation.flow import deciding_flows
from validation.types.schema import named_schemas

_STEP: Final = "call"
_ACTIONS: Final[tuple[Action, ...]] = ("allow", "ask", "deny")


class DeclaredOperation(Frozen):
    """An operation that a test makes up, where no catalogue has it."""

    effect: Effect
    """What it changes."""
    roles: dict[str, Role] = Field(default_factory=dict[str, Role])
    """Role per argument; `data` where nothing is said."""
    host: str | None = None
    """Host (`host` or `host:port`) that it reaches, for an operation of an HTTP API."""


class Case(Frozen):
    """One call with the verdict that is expected."""

    name: str
    """What is tested, in words."""
    call: str
    """The operation, `tool.operation`."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Arguments that stand in the plan as constants."""
    data: dict[str, Label] = Field(default_factory=dict[str, Label])
    """Arguments whose value comes from data with that label; what they are, only a run will tell.
    A value given under `arguments` is then an example, for the type."""
    goal: str = "Test the policy."
    """Text of the goal; matters where constants must be stated in it."""
    rollback: RollbackStrategy = "none"
    """Rollback strategy of the step."""
    expected: Action
    """`deny`: the plan is rejected; `ask`: a person must approve; `allow`: it runs."""
    reason: str = ""
    """Words that must stand in the explanation."""


class PolicyTest(Frozen):
    """A file of cases for one policy."""

    policy: str
    """The policy's file, relative to this one."""
    catalogues: tuple[str, ...] = ()
    """Packs, and files relative to this one, with the operations that are called."""
    operations: dict[str, DeclaredOperation] = Field(default_factory=dict[str, DeclaredOperation])
    """Further operations by `tool.operation`."""
    cases: tuple[Case, ...] = Field(min_length=1)
    """The calls."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What policy says of one call, and why."""

    action: Action
    """What happens."""
    why: tuple[str, ...]
    """What decided: rules by their place in the policy, then the findings' messages."""
    problems: tuple[str, ...] = ()
    """Why the call would get nowhere, whatever policy says of it."""

    def failure(self, case: Case) -> str:
        """Gives why a case fails; empty where it passes."""
        if self.problems:
            return f"is no call that could be made: {'; '.join(self.problems)}"
        if self.action != case.expected:
            return f"{case.expected} expected, but {self.action}: {'; '.join(self.why)}"
        if case.reason not in " ".join(self.why):
            return f"{self.action} as expected, but not for the reason {case.reason!r}: {'; '.join(self.why)}"
        return ""


def operations_of(tested: Mapping[str, DeclaredOperation]) -> Iterator[ToolSpec]:
    """Gives the operations that a test makes up; they take any arguments."""
    for name, operation in tested.items():
        tool, _, called = name.partition(".")
        method = "GET" if operation.effect == "read" else "POST"
        binding = (
            HttpBinding(method=method, url=f"https://{operation.host}/{called}")
            if operation.host is not None
            else PythonBinding(callable="tested:nothing")
        )
        yield ToolSpec(
            tool_name=tool,
            operation=called,
            description=f"{name}, made up for a test.",
            input_schema={"type": "object"},
            output_schema={"type": "object"},
            roles=operation.roles,
            effect=operation.effect,
            binding=binding,
        )


def verdict(case: Case, policy: Policy, catalogue: Catalogue) -> Verdict:
    """Gives what the validator says of a plan with this one call, as far as policy is concerned."""
    context, report = examine(
        _proposal(case, catalogue),
        catalogue=catalogue,
        policy=policy,
        workers=frozenset(("python", "http", "llm", "human")),
    )
    found = [finding for finding in report.findings if finding.level == "policy"]
    wrong = [f for f in report.errors if f.level in ("syntactic", "semantic") or f.code in ("D306", "D307")]
    denied = any(finding.severity == "error" for finding in found)
    asked = any(finding.needs_approval for finding in found)
    return Verdict(
        action="deny" if denied else "ask" if asked else "allow",
        why=tuple(_why(context, found)) if context is not None else (),
        problems=tuple(finding.message for finding in wrong),
    )


def _why(context: Context, found: list[Finding]) -> Iterator[str]:
    step = context.by_id.get(_STEP)
    if step is not None and step.contract is not None:
        for decision in deciding_rules(context, step):
            doubt = "" if decision.certain else ", for what only a run will tell"
            if decision.rule is None:
                effect = step.contract.spec.effect
                yield f"defaults.{effect} says {decision.action}{doubt}"
            else:
                index = context.policy.rules.index(decision.rule)
                yield f"rules[{index}] ({decision.rule.tools!r}) says {decision.action}{doubt}"
        if context.policy.cedar is not None:
            said = cedar_verdict(step, step.contract, context.policy.cedar)
            yield said.reason if said else "Cedar policies are asked when the arguments are known"
        for argument, rule in deciding_flows(context, step):
            index = context.policy.flows.index(rule)
            yield f"flows[{index}] says {rule.action} of argument {argument!r}"
    for finding in found:
        yield f"{finding.code}: {finding.message}"


def _proposal(case: Case, catalogue: Catalogue) -> Proposal:
    tool, _, operation = case.call.partition(".")
    spec = catalogue.get(case.call)
    names = list(dict.fromkeys((*case.arguments, *case.data)))
    values: dict[str, Value] = {}
    inputs: dict[str, GoalInput] = {}
    for number, name in enumerate(names):
        if name in case.data:
            given = f"data_{number}"
            inputs[given] = _input(spec, name, case.arguments.get(name), case.data[name])
            values[name] = InputReference(input=given)
        else:
            values[name] = LiteralValue(literal=case.arguments[name])
    intent = ToolIntent(tool_name=tool, operation=operation, required_inputs=values)
    step = Step(step_id=_STEP, action=case.name, tool_intent=intent, rollback_strategy=case.rollback)
    return Proposal(
        goal=Goal(goal_id="tested", text=case.goal, inputs=inputs),
        plan=Plan(dag_id="tested", nodes=(Task(task_id="task", description=case.name),)),
        decompositions=(Decomposition(task_id="task", steps=(step,)),),
    )


def _input(spec: ToolSpec | None, name: str, example: JsonValue, label: Label) -> GoalInput:
    """Gives an input of the type that an argument asks for."""
    schema = named_schemas(spec.input_schema, "properties").get(name) if spec else None
    return GoalInput.model_validate({"value": example, "schema": schema or {}, "label": label})


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A policy with one thing the wrong way round."""

    change: str
    """What was changed, in words."""
    policy: Policy
    """The changed policy."""


def mutants(policy: Policy) -> Iterator[Mutant]:
    """Gives every policy that differs in one rule's action, one condition, one default, one place or
    one Cedar policy.

    Budgets are left alone: single calls don't test them.
    """
    for field in ("rules", "flows", "releases"):
        rules = getattr(policy, field) or ()
        for index, rule in enumerate(rules):
            for action in _ACTIONS:
                if action != rule.action:
                    yield _mutant(policy, field, index, {"action": action}, f"{rule.action} became {action}")
            if getattr(rule, "when", None) is not None:
                yield _mutant(policy, field, index, {"when": {"not": rule.when}}, "its condition was negated")
    for effect, usual in policy.defaults.items():
        for action in _ACTIONS:
            if action != usual:
                changed = {"defaults": {**policy.defaults, effect: action}}
                yield Mutant(
                    change=f"defaults.{effect}: {usual} became {action}", policy=policy.model_copy(update=changed)
                )
    for field in ("allowed_hosts", "allowed_paths", "allowed_commands"):
        yield from _places(policy, field, getattr(policy, field))
    yield from _fewer_cedar_policies(policy)


def _fewer_cedar_policies(policy: Policy) -> Iterator[Mutant]:
    for name, others in without_each(policy.cedar) if policy.cedar is not None else ():
        yield Mutant(change=f"cedar: without {name!r}", policy=policy.model_copy(update={"cedar": others}))


def _mutant(policy: Policy, field: str, index: int, update: dict[str, Any], change: str) -> Mutant:
    rules = list(getattr(policy, field))
    rules[index] = rules[index].model_copy(update=update)
    return Mutant(change=f"{field}[{index}]: {change}", policy=policy.model_copy(update={field: tuple(rules)}))


def _places(policy: Policy, field: str, places: tuple[str, ...] | None) -> Iterator[Mutant]:
    if places is None:
        return
    if "*" not in places:
        yield Mutant(change=f"{field}: any is allowed", policy=policy.model_copy(update={field: (*places, "*")}))
    for place in places:
        rest = tuple(other for other in places if other != place)
        yield Mutant(change=f"{field}: without {place!r}", policy=policy.model_copy(update={field: rest}))


def survivors(cases: tuple[Case, ...], policy: Policy, catalogue: Catalogue) -> Iterator[str]:
    """Gives the mutants of a policy that no case notices, in words."""
    for mutant in mutants(policy):
        if not any(verdict(case, mutant.policy, catalogue).failure(case) for case in cases):
            yield mutant.change
