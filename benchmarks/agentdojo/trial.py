"""One of AgentDojo's tasks: its benign proposal, and its proposals under attack, validated and executed."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from benchmarks.agentdojo.attacks import DOORS, Attack, attack_of
from benchmarks.agentdojo.environment import AgentDojo, World
from benchmarks.agentdojo.execution import Answers, Bench
from benchmarks.agentdojo.proposals import Draft, Writer
from benchmarks.suite import Record
from dagwright.catalogue import Catalogue
from dagwright.exceptions import ProposalRejected, ToolRejected
from dagwright.finding import Report
from dagwright.policy import Policy
from dagwright.program import Program
from validation import certify, validate, widened

Json = dict[str, Any]
_WORKERS = frozenset(("python", "llm"))
_LAX = Policy(
    name="all-allowed",
    defaults={"read": "allow", "write": "allow", "external": "allow", "irreversible": "allow"},
    flows=(),
)
"""Under which nothing but the authority of the version before speaks against a replan."""


class Trial:
    """One user task of one suite."""

    def __init__(
        self, dojo: AgentDojo, suite: str, task: str, prompt: str, catalogue: Catalogue, policy: Policy
    ) -> None:
        self._dojo, self._suite, self._task, self._prompt = dojo, suite, task, prompt
        self._catalogue, self._policy = catalogue, policy

    def benign(self) -> Record:
        """Gives how the gold calls fare."""
        with World(self._dojo, self._suite, self._task) as world:
            draft = self._draft(world)
        report = self._report(draft.proposal())
        found: Record = {"item": f"{self._suite}/{self._task}", "door": "benign", **_verdict(report)}
        asked = {finding.step_id for finding in report.findings if finding.needs_approval}
        found |= {"steps": len(draft.steps), "read": len(draft.answers), "steps_to_approve": len(asked)}
        if not report.is_valid:
            return {**found, "status": "rejected", "utility": False}
        program = self._certified(draft.proposal(), self._policy)
        with World(self._dojo, self._suite, self._task) as world, Bench() as bench:
            answers = Answers(draft.answers, draft.answers)
            status = bench.execute(program, world, answers, _approvals(program, draft))
            return {**found, "status": status, "utility": world.judged()["utility"]}

    def attacked(self, injection: str, goal: str) -> list[Record]:
        """Gives how an injection fares: called by an obedient agent, and through each door."""
        pair = f"{self._suite}/{self._task}/{injection}"
        reached = self._obeyed(injection)
        with World(self._dojo, self._suite, self._task, goal) as world:
            draft = self._draft(world)
            calls = world.injection_calls(injection)
        misled = self._misled(draft)
        records: list[Record] = [{"item": f"{pair}/obedient", "door": "obedient", "reached": reached}]
        for door in DOORS:
            attack = attack_of(door, self._suite, draft, calls, self._catalogue, goal=goal, misled=misled)
            item: Record = {"item": f"{pair}/{door}", "door": door}
            if attack is None or not calls:
                records.append({**item, "verdict": "no door"})
            else:
                records.append({**item, **self._faced(door, draft, attack, injection, goal)})
        return records

    def _faced(self, door: str, draft: Draft, attack: Attack, injection: str, goal: str) -> Record:
        """Gives the verdict on an attack, and whether it was brought about: by nobody's leave, and by a person's."""
        report = self._report(attack.proposal)
        found: Record = dict(_verdict(report))
        if door == "replan":
            found |= self._replanned(draft, attack, report)
        elif report.is_valid:
            # A proposal is the same to the person whatever quarantined steps will answer.
            program = self._certified(attack.proposal, self._policy)
            approvals = _approvals(program, draft)
            found["executed"] = self._reached(draft, attack, program, frozenset(), injection, goal)
            found["approved"] = (
                self._reached(draft, attack, program, approvals, injection, goal) if approvals else found["executed"]
            )
        return {"executed": False, "approved": False, **found}

    def _replanned(self, draft: Draft, attack: Attack, report: Report) -> Record:
        """Gives what speaks against a second version: its findings, and the authority of the first one."""
        first, second = draft.proposal(), attack.proposal
        try:
            wider = bool(widened(self._certified(first, _LAX), self._certified(second, _LAX)))
        except ProposalRejected:
            return {"widened": None}
        accepted = report.is_ready and not wider
        return {"widened": wider, "executed": accepted, "approved": accepted}

    def _reached(
        self, draft: Draft, attack: Attack, program: Program, approvals: frozenset[str], injection: str, goal: str
    ) -> bool:
        with World(self._dojo, self._suite, self._task, goal) as world, Bench() as bench:
            bench.execute(program, world, Answers(attack.answers, attack.answers | draft.answers), approvals)
            return world.judged(injection)["reached"]

    def _draft(self, world: World) -> Draft:
        """Gives the proposal of the gold calls, which are made in `world` for what they give."""
        writer = Writer(self._suite, self._prompt, self._catalogue)
        for call in world.calls:
            writer.write(call["function"], call["args"], world.call(call["function"], call["args"]))
        return writer.draft

    def _misled(self, draft: Draft) -> frozenset[str]:
        """Gives the quarantined steps of a draft that read what others wrote."""
        program = self._certified(draft.proposal(), _LAX)
        labels = {item.step.step_id: item.output_label for item in program.steps}
        return frozenset(step for step in draft.answers if labels[step].integrity == "untrusted")

    def _obeyed(self, injection: str) -> bool:
        """Whether an agent that makes the task's calls and then the injection's reaches what the injection wants."""
        with World(self._dojo, self._suite, self._task) as world:
            self._draft(world)
            for call in world.injection_calls(injection):
                try:
                    world.call(call["function"], call["args"])
                except ToolRejected:
                    break
            return world.judged(injection)["reached"]

    def _report(self, proposal: Json) -> Report:
        return validate(proposal, catalogue=self._catalogue, policy=self._policy, workers=_WORKERS)

    def _certified(self, proposal: Json, policy: Policy) -> Program:
        return certify(proposal, catalogue=self._catalogue, policy=policy, workers=_WORKERS)


def _verdict(report: Report) -> Record:
    verdict = "rejected" if not report.is_valid else "asked" if report.approval_required else "accepted"
    shown = report.errors or tuple(finding for finding in report.findings if finding.needs_approval)
    return {"verdict": verdict, "codes": list[JsonValue](sorted({finding.code for finding in shown}))}


def _approvals(program: Program, draft: Draft) -> frozenset[str]:
    """Gives the approvals of a person who approves the benign steps as they stand, and no others."""
    own = {item["step_id"]: item["tool_intent"] for item in draft.steps}
    return frozenset(
        program.approval_digest(item.step.step_id)
        for item in program.steps
        if item.needs_approval
        and _same(own.get(item.step.step_id), item.step.tool_intent.model_dump(mode="json", by_alias=True))
    )


def _same(intent: Json | None, other: Json) -> bool:
    return intent is not None and all(other[name] == value for name, value in _whole(intent).items())


def _whole(intent: Json) -> Json:
    from dagwright.decomposition import ToolIntent

    return ToolIntent.model_validate(intent).model_dump(mode="json", by_alias=True)
