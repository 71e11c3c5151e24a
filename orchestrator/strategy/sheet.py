"""`Sheet`: the plan that a strategy is writing, line by line, with the types that follow statically."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic import JsonValue

from dagwright.decomposition import ToolIntent
from dagwright.goal import Goal
from dagwright.model import JsonSchema
from dagwright.proposal import Proposal
from dagwright.tool import AddRule, CastRule, DropRule, GroupRule, JoinRule, RenameRule, SameRule, SelectRule, ToolSpec
from dagwright.value import StepReference, Value, leaves
from decomposer.call import Call
from decomposer.grammar import is_count, is_measured
from decomposer.grounding import Grounding, ground, is_key
from decomposer.owed import (
    asked_values,
    choices_of,
    counted_columns,
    giving,
    in_order,
    is_asked,
    named_columns,
    used_names,
    used_values,
    using,
)
from decomposer.scope import Scope, Variable, initial_scope, keys_of, properties_of, words_for_rows
from decomposer.writing import ANSWER, Offer, is_open
from orchestrator.strategy.strategy import Finished, Planned, PlanningContext
from planner.derivation import Draft, answer_names, decompositions_of, plan_of
from planner.signature import described, header, words_of
from planner.worked import Note

if TYPE_CHECKING:
    from validation.types.table import Column

_KEEPING_ORDER = (SameRule, SelectRule, DropRule, AddRule, RenameRule, CastRule)
"""Rules of operations that leave the order of a table's rows as it was."""

_EXTREMES = ("max", "min")


@dataclass
class Sheet:
    """Steps so far, what can be referred to, what is still owed."""

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
    generated: int = 0
    """Steps that the model wrote (loaders are derived)."""

    @classmethod
    def opened(cls, goal: Goal, context: PlanningContext) -> Sheet:
        """Gives the sheet before the model's first line, finished steps of a replan on it."""
        offered = [tool for tool in context.catalogue.tools if context.evidence.get(tool.name)]
        scope = initial_scope(goal, context.catalogue)
        columns = list(_columns_of(scope.variables))
        grounding = ground(
            goal.text,
            given=_file_names(goal),
            choices=choices_of(offered),
            rows=words_for_rows(scope.variables),
            groupable=[column.name for column in columns if not is_measured(column)],
            numeric=[column.name for column in columns if column.kind == "numeric" and not is_key(column.name)],
            measured=[column.name for column in columns if is_measured(column)],
            keys=keys_of(scope.variables),
        )
        sheet = cls(goal=goal, context=context, grounding=grounding, operations=words_of(offered), scope=scope)
        for finished in context.finished:
            sheet._keep(finished)
        return sheet

    def _keep(self, finished: Finished) -> None:
        self._append(finished.draft, finished.schema)
        if finished.line:
            self.calls[finished.draft.step_id] = finished.line
            self.lines.append(f"{finished.draft.step_id} = {finished.line}{self._comment(finished.draft.step_id)}")
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
        answerable = () if owed or not self.generated or not answering else self._answerable()
        return Offer(
            operations={word: spec for word, spec in self._operations() if not self._counts_rows_instead(spec)},
            scope=self.scope,
            answerable=answerable,
            may_end_task=may_end_task,
            taken=frozenset(self.written_files()),
            banned=self.context.banned | frozenset(self.calls.values()),
        )

    def _operations(self) -> Iterator[tuple[str, ToolSpec]]:
        """Gives the operations; where the goal says in which order rows are to stand, files hold them in order."""
        for word, spec in self.operations.items():
            yield word, in_order(spec) if self.grounding.orders else spec

    def _counts_rows_instead(self, spec: ToolSpec) -> bool:
        """Whether an operation counts the rows of groups where the goal asks for a column's numbers, not added yet."""
        counts = any(
            isinstance(rule, GroupRule) and rule.value not in properties_of(spec.input_schema)
            for rule in spec.output_rules.values()
        )
        return counts and not counted_columns(self._columns(), self.grounding) <= used_names(self._constants())

    def _constants(self) -> list[dict[str, JsonValue]]:
        from validation.types import literals_of

        return [literals_of(draft.intent.required_inputs) for draft in self.drafts]

    def owed(self, call: Call) -> Offer | None:
        """Gives the calls that give what the goal asks for in so many words and no step has given; None for none.

        Args:
            call: the one that is to conclude, an answer or a report.
        """
        specs, constants = self.operations.values(), self._constants()
        known = list(self._columns())
        asked = asked_values(specs, self.grounding, (column.name for column in known))
        made = {draft.spec.name for draft in self.drafts}
        wanted = {word: spec for word, spec in self.operations.items() if is_asked(spec, self.grounding)}
        missing = {word: spec for word, spec in wanted.items() if spec.name not in made}
        offer = self._offered(missing) or self._offered(giving(self.operations, asked - used_values(specs, constants)))
        if offer is None:
            named = named_columns(known, self.grounding) - used_names(constants) - self._shown(call)
            offer = self._offered(using(self.operations, named))
        return offer or self._ranking(call) or self._extreme()

    def _extreme(self) -> Offer | None:
        """Gives the calls that find what is largest or smallest, where the goal asks for that and no step has."""
        values = used_names(self._constants())
        if (
            not self.grounding.asks_extreme
            or not values.isdisjoint(_EXTREMES)
            or any(_orders(d.spec) for d in self.drafts)
        ):
            return None
        ordering = {word: spec for word, spec in self.operations.items() if _orders(spec)}
        return self._offered(ordering | giving(self.operations, _EXTREMES))

    def _ranking(self, call: Call) -> Offer | None:
        """Gives the calls that rank groups, then take the first, where a goal that asks which is shown all of them."""
        if not self.grounding.asks_which:
            return None
        grouped = {draft.step_id for draft in self.drafts if _makes_groups(draft.spec)}
        sources = {source for draft in self.drafts for source in draft.sources}
        shown = [variable for name in call.variables if (variable := self.scope.get(name)) is not None]
        groups = [variable for variable in shown if _step_of(variable) in grouped - sources]
        ranked = [
            variable
            for variable in shown
            if variable.is_ordered and not variable.made_of.isdisjoint(grouped) and not self._is_cut(variable)
        ]
        operations = {word: spec for word, spec in self.operations.items() if _orders(spec)}
        if not groups:
            operations = {word: spec for word, spec in self.operations.items() if _cuts(spec)}
        scope = Scope(tuple(groups or ranked))
        offer = replace(self.offer(answering=False), operations=operations, scope=scope)
        return offer if scope.variables and operations and is_open(offer, self.grounding) else None

    def _is_cut(self, variable: Variable) -> bool:
        """Whether only some of the first rows of a table are left."""
        steps = {*variable.made_of, _step_of(variable)}
        return any(_cuts(draft.spec) for draft in self.drafts if draft.step_id in steps)

    def _offered(self, operations: dict[str, ToolSpec]) -> Offer | None:
        offer = replace(self.offer(answering=False), operations=operations)
        return offer if operations and is_open(offer, self.grounding) else None

    def _shown(self, call: Call) -> frozenset[str]:
        """Gives the columns of the tables that a call takes."""
        from validation.types import columns

        taken = (variable for name in call.variables if (variable := self.scope.get(name)) is not None)
        return frozenset(column.name for variable in taken for column in columns(variable.schema) or ())

    def concludes(self, call: Call) -> bool:
        """Whether a call gathers what was found: an answer, or what takes any results as a list."""
        if call.operation == ANSWER:
            return True
        return _gathers(self.operations[call.operation])

    def unanswered(self, call: Call) -> Offer | None:
        """Gives an answer with what was found, where a call answers a question with nothing but files."""
        taken = [variable for name in call.variables if (variable := self.scope.get(name)) is not None]
        if "?" not in self.goal.text or not all(map(_is_file, taken)):
            return None
        used = {source for draft in self.drafts for source in draft.sources}
        files = {_step_of(variable) for variable in self.scope.variables if _is_file(variable)}
        results = (variable for variable in self.scope.variables if _is_of_steps(variable))
        found = tuple(variable.name for variable in results if _step_of(variable) not in used | files)
        return replace(self.offer().only_answer(), answerable=found) if found else None

    def completed(self, call: Call) -> Call:
        """Gives an answer together with the single values and first rows that were found and nothing has used."""
        used = {source for draft in self.drafts if not _gathers(draft.spec) for source in draft.sources}
        taken = [variable for name in call.variables if (variable := self.scope.get(name)) is not None]
        taken = [variable for variable in taken if not _is_file(variable)]
        shown = {_step_of(variable) for variable in taken}
        behind = used.union(shown, *(variable.made_of for variable in taken))
        singles = (item for item in self.scope.variables if _is_of_steps(item) and self._is_single(item))
        asked = self.grounding.counts
        left = [
            variable
            for variable in singles
            if _step_of(variable) not in (shown if asked and is_count(variable.schema) else behind)
        ]
        values = (*call.arguments.values(), *(variable.value for variable in left))
        return Call(
            operation=call.operation,
            arguments={str(place): value for place, value in enumerate(values)},
            variables=(*call.variables, *(variable.name for variable in left)),
        )

    def _is_single(self, variable: Variable) -> bool:
        """Whether a step gives a number and nothing else, or the first rows of a table."""
        is_number = variable.schema.get("type") in ("number", "integer") and variable.name == _step_of(variable)
        return is_number or (variable.is_ordered and self._is_cut(variable))

    def joining(self) -> Offer | None:
        """Gives the calls that bring the goal's tables together; None where there is nothing to be joined."""
        joins = {
            word: spec
            for word, spec in self.operations.items()
            if any(isinstance(rule, JoinRule) for rule in spec.output_rules.values())
        }
        return self._offered(joins)

    def leaves_out(self) -> bool:
        """Whether some of the goal's tables were used and some were not."""
        tables = [variable for variable in self.scope.variables if variable.loader]
        used = [variable.loader.step_id in self.schemas for variable in tables if variable.loader]
        return any(used) and not all(used)

    def _columns(self) -> Iterator[Column]:
        """Gives the columns of the goal's tables."""
        return _columns_of(initial_scope(self.goal, self.context.catalogue).variables)

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
        before = (variable.compared for variable in self.scope.variables if _step_of(variable) in draft.sources)
        return frozenset(own).union(*before)

    def _is_ordered(self, draft: Draft) -> bool:
        """Whether the rows that a step gives are in an order that a step has made."""
        rules = draft.spec.output_rules.values()
        if _orders(draft.spec):
            return True
        ordered = {
            variable.value.from_
            for variable in self.scope.variables
            if variable.is_ordered and isinstance(variable.value, StepReference)
        }
        return any(isinstance(rule, _KEEPING_ORDER) for rule in rules) and not ordered.isdisjoint(draft.sources)

    def _answerable(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self.scope.variables if _is_of_steps(variable))

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
        shown = f"{draft.step_id} = {line}{self._comment(draft.step_id)}"
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

    def _comment(self, step_id: str) -> str:
        outputs = properties_of(self.schemas[step_id])
        return next((shown for shown in map(header, outputs.values()) if shown), "")

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


def _gathers(spec: ToolSpec) -> bool:
    """Whether an operation takes any results as a list, as a report does."""
    schemas = properties_of(spec.input_schema).values()
    lists = (schema for schema in schemas if schema.get("type") == "array" and "x-column-of" not in schema)
    return any(not schema.get("items") for schema in lists)


def _makes_groups(spec: ToolSpec) -> bool:
    return any(isinstance(rule, GroupRule) for rule in spec.output_rules.values())


def _orders(spec: ToolSpec) -> bool:
    return any(isinstance(rule, SameRule) and rule.ordered_by for rule in spec.output_rules.values())


def _cuts(spec: ToolSpec) -> bool:
    """Whether an operation takes the first rows of a table in order."""
    return any(schema.get("x-ordered") is True for schema in properties_of(spec.input_schema).values())


def _is_file(variable: Variable) -> bool:
    return "sha256" in properties_of(variable.schema)


def _step_of(variable: Variable) -> str:
    return variable.value.from_ if isinstance(variable.value, StepReference) else ""


def _is_of_steps(variable: Variable) -> bool:
    return variable.loader is None and isinstance(variable.value, StepReference)


def _number(step_id: str) -> int:
    digits = step_id.removeprefix("s")
    return int(digits) if digits.isdigit() else 0
