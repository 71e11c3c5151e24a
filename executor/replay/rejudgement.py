"""`rejudge`: what would now be decided otherwise about a past run: another policy, catalogue or validator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, cast

from pydantic import JsonValue

from dagwright.canonical import Sha256
from dagwright.catalogue import Catalogue
from dagwright.exceptions import ArchiveError, DagwrightError, GuardViolation, ProposalRejected
from dagwright.finding import Finding, Report
from dagwright.policy import Policy
from dagwright.program import Program
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from executor.archive.archive import Archive
from executor.archive.recertify import ALL_KINDS
from executor.engine.history import History
from executor.worker.guard import action_for, check_payload, check_places
from executor.worker.resolve import filled, resolve
from validation.rules import OwnRule

Verdict = Literal["allowed", "asked", "denied"]
"""`asked`: a person's approval is needed."""

OF_REPLANS = "P407"
"""Code of what a version may do beyond the one before it: no judgement about a proposal by itself."""


@dataclass(frozen=True, kw_only=True)
class StepChange:
    """A step about which is now decided otherwise."""

    step: str
    operation: str
    then: Verdict
    now: Verdict
    reason: str
    """Why now."""


@dataclass(frozen=True, kw_only=True)
class Rejudgement:
    """One proposal of a run, judged again."""

    version: int
    """Version of the plan."""
    was_valid: bool
    is_valid: bool
    added: tuple[Finding, ...]
    """Findings that there were not."""
    removed: tuple[Finding, ...]
    """Findings that there are no more."""
    steps: tuple[StepChange, ...]
    """Steps about which is decided otherwise."""
    certificate: dict[str, tuple[JsonValue, JsonValue]]
    """Members of the certificate that differ: then, now; None where there is no certificate."""

    @property
    def differs(self) -> bool:
        """Whether anything is decided otherwise; another certificate alone is no other decision."""
        return bool(self.was_valid != self.is_valid or self.added or self.removed or self.steps)

    def as_json(self) -> dict[str, JsonValue]:
        """Gives it as JSON."""
        return {
            "version": self.version,
            "was_valid": self.was_valid,
            "is_valid": self.is_valid,
            "differs": self.differs,
            "added": [finding.model_dump(mode="json") for finding in self.added],
            "removed": [finding.model_dump(mode="json") for finding in self.removed],
            "steps": [cast("JsonValue", vars(change)) for change in self.steps],
            "certificate": {name: {"then": then, "now": now} for name, (then, now) in self.certificate.items()},
        }


@dataclass(frozen=True, kw_only=True)
class _Authority:
    """What a proposal is judged under."""

    policy: Policy
    catalogue: Catalogue


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """What the archive says about one proposal."""

    proposal: Proposal
    report: Report | None
    program: dict[str, Any] | None = None
    """Body of its `program` event; None where it was rejected."""
    under: _Authority | None = None
    """What that names; None where it was rejected."""


def rejudge(
    archive: Archive,
    *,
    policy: Policy | None = None,
    catalogue: Catalogue | None = None,
    rules: tuple[OwnRule, ...] = (),
) -> tuple[Rejudgement, ...]:
    """Judges each proposal of a run again, in their order, as of the day of the run.

    Decisions about steps use the arguments that they were really called with, where they were.

    Args:
        archive: of the run; nothing is written to it.
        policy: the policy now; None for that of the run.
        catalogue: the operations now; None for those of the run.
        rules: rules of your own that must be obeyed now.

    Raises:
        ArchiveError: the archive cannot be read, or holds no proposal that can be judged: one that was
            rejected brings no catalogue and no policy along.
    """
    proposals = list(_proposals(archive))
    if not proposals:
        raise ArchiveError(f"run {archive.run!r} holds no proposal")
    known = next((judged.under for judged in proposals if judged.under is not None), None)
    found: list[Rejudgement] = []
    for judged in proposals:
        then = judged.under or known
        allowed, offered = policy or (then and then.policy), catalogue or (then and then.catalogue)
        if allowed is None or offered is None:
            raise ArchiveError(
                f"run {archive.run!r} was rejected before it had a program: name both the policy and the catalogue"
            )
        now = _Authority(policy=allowed, catalogue=offered)
        found.append(_Judgement(archive, judged, now, rules).given())
    return tuple(found)


def _proposals(archive: Archive) -> Iterator[_Judged]:
    """Gives each proposal that was judged: the last before its report, or before its program where there is none."""
    proposal: Sha256 = ""
    report: Report | None = None
    for event in archive.events():
        body = cast("dict[str, Any]", event.body)
        if event.kind == "proposal":
            if report is not None:
                yield _Judged(proposal=_read(archive, proposal), report=report)
            proposal, report = body["proposal"], None
        elif event.kind == "report":
            report = Report.model_validate(event.body)
        elif event.kind == "program":
            under = _authority(archive, body)
            yield _Judged(proposal=_read(archive, body["proposal"]), report=report, program=body, under=under)
            report = None
    if report is not None and proposal:
        yield _Judged(proposal=_read(archive, proposal), report=report)


def _read(archive: Archive, digest: Sha256) -> Proposal:
    return Proposal.model_validate(archive.get(digest))


def _authority(archive: Archive, program: dict[str, Any]) -> _Authority:
    return _Authority(
        policy=Policy.model_validate(archive.get(program["policy"])),
        catalogue=Catalogue.model_validate(archive.get(program["catalogue"])),
    )


class _Judgement:
    """One proposal, then and now."""

    def __init__(self, archive: Archive, judged: _Judged, now: _Authority, rules: tuple[OwnRule, ...]) -> None:
        from validation import certify

        self._archive, self._judged, self._policy = archive, judged, now.policy
        body = judged.program or {}
        at = date.fromisoformat(body["at"]) if body.get("at") else None
        self._program: Program | None = None
        try:
            self._program = certify(
                judged.proposal, catalogue=now.catalogue, policy=now.policy, workers=ALL_KINDS, at=at, rules=rules
            )
            self._now = self._program.report
        except ProposalRejected as error:
            self._now = error.report
        self._then = judged.report or Report()

    def given(self) -> Rejudgement:
        then = {_key(finding): finding for finding in self._then.findings if finding.code != OF_REPLANS}
        now = {_key(finding): finding for finding in self._now.findings}
        return Rejudgement(
            version=self._judged.proposal.version,
            was_valid=self._judged.program is not None,
            is_valid=self._program is not None,
            added=tuple(finding for key, finding in now.items() if key not in then),
            removed=tuple(finding for key, finding in then.items() if key not in now),
            steps=tuple(self._steps()),
            certificate=self._certificate(),
        )

    def _steps(self) -> Iterator[StepChange]:
        body, under = self._judged.program, self._judged.under
        if body is None or under is None:
            return
        called = self._arguments(body["program"], under.catalogue)
        for _, step in self._judged.proposal.steps():
            name, operation = step.step_id, step.tool_intent.operation_name
            spec = under.catalogue.get(operation)
            then, _ = _verdict(name, spec, called.get(name), under.policy, self._then)
            item = self._program.by_id.get(name) if self._program else None
            now, reason = _verdict(name, item.spec if item else spec, called.get(name), self._policy, self._now)
            if then != now:
                yield StepChange(step=name, operation=operation, then=then, now=now, reason=reason)

    def _arguments(self, program: Sha256, catalogue: Catalogue) -> dict[str, dict[str, JsonValue]]:
        """Gives the arguments by step, for each step whose references the archive can follow."""
        finished, inputs = History(self._archive, program).finished(), self._judged.proposal.goal.inputs
        found: dict[str, dict[str, JsonValue]] = {}
        for _, step in self._judged.proposal.steps():
            spec = catalogue.get(step.tool_intent.operation_name)
            try:
                given = {
                    name: resolve(value, lambda source: self._archive.get(finished[source]), inputs)
                    for name, value in step.tool_intent.required_inputs.items()
                }
            except (DagwrightError, KeyError):
                continue
            found[step.step_id] = filled(given, spec.input_schema) if spec else given
        return found

    def _certificate(self) -> dict[str, tuple[JsonValue, JsonValue]]:
        body = self._judged.program or {}
        then = cast("dict[str, JsonValue]", body.get("certificate") or {})
        now: dict[str, JsonValue] = {}
        if self._program is not None:
            now = cast("dict[str, JsonValue]", self._program.certificate.model_dump(mode="json", exclude_none=True))
        names = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
        return {name: (then.get(name), now.get(name)) for name in names}


def _key(finding: Finding) -> tuple[object, ...]:
    """What makes two findings the same: all but words."""
    return (finding.code, finding.severity, finding.task_id, finding.step_id, finding.path, finding.needs_approval)


def _verdict(
    step: str, spec: ToolSpec | None, arguments: dict[str, JsonValue] | None, policy: Policy, report: Report
) -> tuple[Verdict, str]:
    """Gives what is decided about a step, and why: the validator's word, then the guard's about its arguments."""
    wrong = next((finding for finding in report.errors if finding.step_id == step), None)
    if wrong is not None:
        return "denied", f"{wrong.code}: {wrong.message}"
    action, reason = action_for(spec, arguments, policy) if spec and arguments is not None else ("allow", "")
    if spec is not None and arguments is not None and action != "deny":
        try:
            check_places(spec, arguments, policy)
            check_payload(spec, arguments, policy)
        except GuardViolation as error:
            action, reason = "deny", str(error)
    if action == "deny":
        return "denied", reason
    asked = next((finding for finding in report.findings if finding.step_id == step and finding.needs_approval), None)
    if action == "ask" or asked is not None:
        return "asked", f"{asked.code}: {asked.message}" if asked else reason
    return "allowed", reason
