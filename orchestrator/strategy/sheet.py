"""`Sheet`: the plan that a strategy is writing, line by line, with the types that follow statically."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dagwright.decomposition import ToolIntent
from dagwright.goal import Goal
from dagwright.model import JsonSchema
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from dagwright.value import StepReference, Value, leaves
from decomposer.call import Call
from decomposer.grammar import asked_for
from decomposer.grounding import Grounding, ground, is_key
from decomposer.scope import Scope, Variable, initial_scope, keys_of, properties_of
from decomposer.shape import choices_of, in_order, keeps_order, keeps_rows, puts_in_order
from decomposer.writing import Offer
from orchestrator.strategy.strategy import Finished, Planned, PlanningContext
from planner.derivation import Draft, answer_names, decompositions_of, plan_of
from planner.signature import described, header, words_of
from planner.worked import Note

if TYPE_CHECKING:
    from validation.types.table import Column


@dataclass
class Sheet:
    """Steps so far, and what can be referred to."""

    goal: Goal
    context: PlanningContext
    grounding: Grounding
    operations: dict[str, ToolSpec]
    scope: Scope
    drafts: list[Draft] = field(default_factory=list[Draft])
    lines: list[str] = field(default_factory=list[str])
    schemas: dict[str, JsonSchema] = field(default_factory=dict[str, JsonSchema])
    """Schema of the outputs, by step."""
    calls: dict[str, str] = field(default_factory=dict[str, str])
    """The call that the model wrote, by step."""
    familiar: frozenset[str] = frozenset()
    """Operations that goals like this one call."""
    generated: int = 0
    """Steps that the model wrote (loaders are derived)."""

    @classmethod
    def opened(cls, goal: Goal, context: PlanningContext) -> Sheet:
        """Gives the sheet before the model's first line, finished steps of a replan on it."""
        offered = [tool for tool in context.catalogue.tools if context.evidence.get(tool.name)]
        scope = initial_scope(goal, context.catalogue)
        columns = _columns_of(scope.variables)
        grounding = ground(
            goal.text,
            given=_file_names(goal),
            choices=choices_of(offered),
            numeric=[column.name for column in columns if column.kind == "numeric" and not is_key(column.name)],
            keys=keys_of(scope.variables),
        )
        words = words_of(offered)
        sheet = cls(goal=goal, context=context, grounding=grounding, operations=words, scope=scope)
        for finished in context.finished:
            sheet._keep(finished)
        return sheet

    def _keep(self, finished: Finished) -> None:
        self._append(finished.draft, finished.schema)
        if finished.line:
            self.calls[finished.draft.step_id] = finished.line
            self.lines.append(f"{finished.draft.step_id} = {finished.line}{self._comment(finished.draft)}")
            self.generated = max(self.generated, _number(finished.draft.step_id))
        if not any(
            variable.loader and variable.loader.step_id == finished.draft.step_id for variable in self.scope.variables
        ):
            self._bring(finished.draft, finished.schema)

    @property
    def label(self) -> str:
        """Id of the next step that the model writes."""
        return f"s{self.generated + 1}"

    def offer(self, *, may_end_task: bool = False, answering: bool = True) -> Offer:
        """Gives what the next line may be."""
        owed = set(self.grounding.files) - set(self.written_files())
        results = self._results()
        answerable = () if owed or not self.generated or not answering else results
        return Offer(
            operations=dict(self._operations()),
            scope=self.scope,
            answerable=answerable,
            results=frozenset(results),
            may_end_task=may_end_task,
            taken=frozenset(self.written_files()),
            banned=self.context.banned | frozenset(self.calls.values()),
        )

    def _operations(self) -> Iterator[tuple[str, ToolSpec]]:
        """Gives the operations that the goal has a word for, and those that like goals call.

        A model without grammar chooses for itself. Where the goal says in which order rows stand, files hold them so.
        """
        taken = frozenset(self.written_files())
        for word, spec in self.operations.items():
            is_familiar = spec.effect == "read" and word in self.familiar
            if not self.context.model.accepts_grammar:
                yield word, spec
            elif is_familiar or asked_for(spec, self.grounding, taken):
                yield word, in_order(spec) if self.grounding.orders else spec

    def _bring(self, draft: Draft, schema: JsonSchema) -> None:
        """Brings what a step gives into scope."""
        self.scope = self.scope.with_outputs(
            draft.step_id,
            schema,
            self._behind(draft.sources),
            is_ordered=self._is_ordered(draft),
            compared=self._compared(draft),
        )

    def _compared(self, draft: Draft) -> frozenset[tuple[str, str | float]]:
        """Gives the columns with the constants that the rows that a step gives have been compared with."""
        from validation.types import literals_of

        constants = literals_of(draft.intent.required_inputs)
        own = (
            (str(constants[schema["x-value-of"]]), value)
            for name, schema in properties_of(draft.spec.input_schema).items()
            if "x-value-of" in schema and schema["x-value-of"] in constants
            if isinstance(value := constants.get(name), str | int | float)
        )
        before = (variable.compared for variable in self.scope.variables if variable.step in draft.sources)
        return frozenset(own).union(*before)

    def _is_ordered(self, draft: Draft) -> bool:
        """Whether the rows that a step gives are in an order that a step has made."""
        ordered = {variable.step for variable in self.scope.variables if variable.is_ordered}
        return puts_in_order(draft.spec) or (keeps_order(draft.spec) and not ordered.isdisjoint(draft.sources))

    def _results(self) -> tuple[str, ...]:
        """Gives the names of what was found: not of tables that a step gives again, in order or with more columns."""
        again = {source for draft in self.drafts if keeps_rows(draft.spec) for source in draft.sources}
        results = (variable for variable in self.scope.variables if variable.is_result)
        return tuple(variable.name for variable in results if variable.step not in again)

    def scope_lines(self) -> tuple[str, ...]:
        """Gives what the prompt says before the goal: notes that were found, one line per goal input."""
        initial = initial_scope(self.goal, self.context.catalogue)
        lines = [described(variable.name, variable.schema, variable.source) for variable in initial.variables]
        return (*(f"Note: {note.text}" for note in map(Note.of, self.context.notes) if note.text), *lines)

    def plans(self) -> tuple[str, ...]:
        """Gives the worked plans in the notes that were found."""
        return tuple(plan for note in self.context.notes for plan in Note.of(note).plans)

    def written_files(self) -> tuple[str, ...]:
        """Gives the files that the steps so far write."""
        return tuple(resource.removeprefix("file:") for draft in self.drafts for resource in draft.writes)

    def add(self, line: str, call: Call) -> Draft:
        """Puts a call on the sheet, with the loaders that it needs before it."""
        for name in call.variables:
            self._load(name)
        spec = self.operations[call.operation]
        intent = ToolIntent(tool_name=spec.tool_name, operation=spec.operation, required_inputs=call.arguments)
        draft = Draft(step_id=self.label, intent=intent, spec=spec, evidence=self.context.evidence.get(spec.name, ()))
        schema = self._output_schema(spec, call)
        self._append(draft, schema)
        self._bring(draft, schema)
        self.generated += 1
        self.calls[draft.step_id] = line
        shown = f"{draft.step_id} = {line}{self._comment(draft)}"
        self.lines.append(shown)
        self.context.on_line(shown)
        return draft

    def _behind(self, steps: Iterable[str]) -> frozenset[str]:
        """Gives some steps with all those that their outputs are made of."""
        sources = {draft.step_id: draft.sources for draft in self.drafts}
        waiting, found = list(steps), set[str]()
        while waiting:
            step = waiting.pop()
            if step not in found:
                found.add(step)
                waiting.extend(sources.get(step, ()))
        return frozenset(found)

    def _load(self, name: str) -> None:
        loader = next((v.loader for v in self.scope.variables if v.name == name and v.loader), None)
        if loader is None or loader.step_id in self.schemas:
            return
        spec = self.context.catalogue.by_name[loader.intent.operation_name]
        evidence = self.context.evidence.get(spec.name, ())
        self._append(Draft(step_id=loader.step_id, intent=loader.intent, spec=spec, evidence=evidence), loader.schema)

    def _append(self, draft: Draft, schema: JsonSchema) -> None:
        self.drafts.append(draft)
        self.schemas[draft.step_id] = schema

    def _output_schema(self, spec: ToolSpec, call: Call) -> JsonSchema:
        from validation.types import TypeScope, literals_of, output_schema, value_schema

        inputs = {name: given.schema_ for name, given in self.goal.inputs.items()}
        known = TypeScope(inputs=inputs, steps=self.schemas)
        arguments = {name: value_schema(value, known) for name, value in call.arguments.items()}
        return output_schema(spec, arguments, literals_of(call.arguments))

    def _comment(self, draft: Draft) -> str:
        """Gives the columns of the table that a step gives, where they are others than those of a table it takes."""
        taken = tuple(draft.intent.required_inputs.values())
        before = {header(variable.schema) for variable in self.scope.variables if variable.value in taken}
        outputs = properties_of(self.schemas[draft.step_id])
        shown = next((shown for shown in map(header, outputs.values()) if shown), "")
        return "" if shown in before else shown

    def _needed(self, chosen: Sequence[Value]) -> frozenset[str]:
        given = [leaf.from_ for value in chosen for _, leaf in leaves(value) if isinstance(leaf, StepReference)]
        changing = [draft.step_id for draft in self.drafts if draft.spec.effect != "read"]
        return self._behind([*given, *changing])

    def planned(self, chosen: Sequence[Value]) -> Planned:
        """Gives the proposal: steps that neither the answer nor an effect needs are left out."""
        needed = self._needed(chosen)
        drafts = [draft for draft in self.drafts if draft.step_id in needed]
        by_id = {draft.step_id: draft for draft in drafts}
        named = answer_names(
            [(value, by_id.get(value.from_) if isinstance(value, StepReference) else None) for value in chosen]
        )
        plan = plan_of(self.goal.goal_id, drafts, at=self.context.at)
        proposal = Proposal(
            goal=self.goal,
            plan=plan,
            decompositions=decompositions_of(drafts),
            answer=named,
            version=self.context.version,
        )
        return Planned(proposal=proposal, lines={step: line for step, line in self.calls.items() if step in needed})


def _columns_of(variables: Iterable[Variable]) -> Iterator[Column]:
    from validation.types import columns

    for variable in variables:
        yield from columns(variable.schema) or ()


def _file_names(goal: Goal) -> frozenset[str]:
    paths = [given.value.get("path") for given in goal.inputs.values() if isinstance(given.value, dict)]
    return frozenset(str(path).rsplit("/", 1)[-1] for path in paths if path)


def _number(step_id: str) -> int:
    digits = step_id.removeprefix("s")
    return int(digits) if digits.isdigit() else 0
