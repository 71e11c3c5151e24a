"""`Program`: a proposal that was proven. Only `validation.certify` can make one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NoReturn

from dagwright.canonical import Sha256, sha256
from dagwright.catalogue import Catalogue
from dagwright.decomposition import Step
from dagwright.finding import Report
from dagwright.label import Label
from dagwright.model import Frozen, Interval, JsonSchema
from dagwright.policy import Policy
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec


class Seal:
    """The right to make a Program. There is one, and only `validation.certify` holds it."""

    def __reduce__(self) -> NoReturn:
        """Refuses: what could be written down could be read back, and a Program must never come from outside."""
        raise TypeError("a Program is never serialised; archive its proposal, and certify that again")


SEAL: Final = Seal()


_ONCE: Final = Interval(low=1, high=1)


class Fallback(Frozen):
    """An operation that was proven to be able to take the place of a step's own, where that is down."""

    step: str
    """The step."""
    operation: str
    """Full name of the operation."""
    proposal: Sha256
    """Hash of the proposal, as a further version, that calls it instead, and that was proven whole."""


class Certificate(Frozen):
    """What was proven, over what, by whom. `dagwright verify` re-checks it offline."""

    proposal: Sha256
    """Hash of the proposal (goal, plan, decompositions, answer)."""
    catalogue: Sha256
    """Hash of the catalogue, restricted to the operations that are used."""
    policy: Sha256
    """Hash of the policy."""
    validator: str
    """Version of the validator."""
    rules: dict[str, Sha256] | None = None
    """Rules of your own that were obeyed too: hash of each one's source by its code; None for none."""
    fallbacks: tuple[Fallback, ...] | None = None
    """What may take a step's operation's place where that is down, the next one first; None for nothing."""


class Bounds(Frozen):
    """What running the program can take, retries included. None is unknown, never 0."""

    cost: Interval | None
    """US dollars."""
    makespan: Interval | None
    """Seconds from the first step's start to the last one's end."""
    calls: Interval
    """Tool calls."""
    tokens: Interval | None = None
    """Tokens of the answers of its language model steps."""
    concurrency: Interval | None = None
    """Steps at a time: the upper bound is the largest set of steps without an order among them."""
    payload: Interval | None = None
    """Bytes of the largest call's arguments, as canonical JSON."""


@dataclass(frozen=True, kw_only=True)
class Compensation:
    """How a step is undone, as it was proven together with the step."""

    spec: ToolSpec
    """The operation that undoes it."""
    sources: Mapping[str, str]
    """Where its arguments are found: JSON Pointers into `{"arguments": …, "outputs": …}` of the step, by name."""
    needs_approval: bool
    """Whether policy asks a person before it runs."""


@dataclass(frozen=True, kw_only=True)
class ProgramStep:
    """One step with everything that was found out about it."""

    task_id: str
    """Its task."""
    step: Step
    """The intent."""
    spec: ToolSpec
    """The operation."""
    after: tuple[str, ...]
    """Steps that come directly before it in the partial order (transitively reduced)."""
    output_schema: JsonSchema
    """Schema of its outputs, after propagation along the plan."""
    output_label: Label
    """Label of its outputs as a whole."""
    runtime_checks: tuple[str, ...]
    """Arguments whose type could not be decided beforehand and is checked by the worker."""
    needs_approval: bool
    """Whether policy asks a person before it runs."""
    times: Interval = _ONCE
    """How often it is run, failures and retries apart; of what controls a block, 1."""
    compensation: Compensation | None = None
    """How it is undone; None where it names no compensation, or none that was proven."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A certified proposal: immutable, hashed, ready to compile."""

    seal: Seal
    """Proof that `validation.certify` made it."""
    certificate: Certificate
    """What was proven."""
    proposal: Proposal
    """What was proven about."""
    catalogue: Catalogue
    """The operations that are used, and no others."""
    policy: Policy
    """The policy that it was proven under."""
    report: Report
    """Warnings, and what needs approval."""
    steps: tuple[ProgramStep, ...]
    """In a topological order."""
    bounds: Bounds
    """What it can take."""

    def __post_init__(self) -> None:
        if self.seal is not SEAL:
            raise TypeError("a Program is made by validation.certify and by nothing else")

    @cached_property
    def hash(self) -> Sha256:
        """SHA-256 of the certificate: names this program."""
        return sha256(self.certificate)

    @cached_property
    def by_id(self) -> dict[str, ProgramStep]:
        """Steps by id."""
        return {item.step.step_id: item for item in self.steps}

    def fallbacks_of(self, step_id: str) -> tuple[ToolSpec, ...]:
        """Gives the operations that may take the place of a step's own, the next one first."""
        named = [found.operation for found in self.certificate.fallbacks or () if found.step == step_id]
        return tuple(self.catalogue.by_name[name] for name in named)

    def approval_digest(self, step_id: str) -> Sha256:
        """Gives what an approval of a step binds to: this very step, its arguments, this program, the policy."""
        item = self.by_id[step_id]
        return sha256(
            {
                "step": step_id,
                "operation": item.spec.name,
                "arguments": item.step.tool_intent.required_inputs,
                "program": self.hash,
                "policy": self.certificate.policy,
            }
        )
