"""`Conclusion`: what a plan still owes its goal when a model would end it, and what belongs to its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from dagwright.tool import ToolSpec
from decomposer.call import Call
from decomposer.clauses import asked_over, columns_asked, free_columns, grouping, singly
from decomposer.grammar import is_count
from decomposer.owed import (
    comparing,
    giving,
    is_asked,
    named_columns,
    picked_columns,
    used_constants,
    used_names,
    used_values,
    using,
)
from decomposer.scope import Scope, Variable
from decomposer.shape import gathers, joins, makes_groups, puts_in_order, takes_first
from decomposer.writing import ANSWER, Offer, is_open
from orchestrator.strategy.sheet import Sheet

_EXTREMES = ("max", "min")


def concludes(sheet: Sheet, call: Call) -> bool:
    """Whether a call gathers what was found: an answer, or what takes any results as a list."""
    return call.operation == ANSWER or gathers(sheet.operations[call.operation])


def leaves_out(sheet: Sheet) -> bool:
    """Whether some of the goal's tables were used and some were not."""
    used = [variable.loader.step_id in sheet.schemas for variable in sheet.scope.variables if variable.loader]
    return any(used) and not all(used)


def joining(sheet: Sheet) -> Offer | None:
    """Gives the calls that bring tables together; None where there is nothing to be joined."""
    return _offered(sheet, _those(sheet, joins))


@dataclass(frozen=True)
class Conclusion:
    """A call that is to conclude a plan, an answer or a report."""

    sheet: Sheet
    call: Call

    def owed(self) -> Offer | None:
        """Gives the calls that give what the goal asks for in so many words and no step has given; None for none."""
        return (
            _offered(self.sheet, self._picked())
            or _offered(self.sheet, self._operations())
            or _offered(self.sheet, self._singles())
            or _offered(self.sheet, self._groups())
            or _offered(self.sheet, self._values())
            or _offered(self.sheet, self._columns())
            or self._ranking()
            or _offered(self.sheet, self._extremes())
            or (self._results() if self.call.operation == ANSWER else None)
        )

    def _picked(self) -> dict[str, ToolSpec]:
        """Gives the operations that pick rows by a value or a limit that the goal names and no step has used."""
        owed = picked_columns(self.sheet.columns, self.sheet.grounding, used_constants(self.sheet.constants()))
        picking = comparing(self.sheet.operations, owed)
        return {} if self._may_be_found(picking) else picking

    def _operations(self) -> dict[str, ToolSpec]:
        """Gives the operations that the goal asks for by name."""
        made = {word for draft in self.sheet.drafts for word in draft.spec.asked_by or ()}
        asked = _those(self.sheet, lambda spec: is_asked(spec, self.sheet.grounding))
        return {
            word: asked_over(spec, self.sheet.grounding, self.sheet.columns)
            for word, spec in asked.items()
            if made.isdisjoint(spec.asked_by or ()) and not self._is_idle(spec)
        }

    def _is_idle(self, spec: ToolSpec) -> bool:
        """Whether it would look at no columns but those that are used: statistics leave out what is missing there."""
        columns = columns_asked(spec, self.sheet.grounding, self.sheet.columns)
        return bool(free_columns(spec)) and used_names(self.sheet.constants()).issuperset(columns)

    def _groups(self) -> dict[str, ToolSpec]:
        """Gives the operations that make groups of a column of which a clause asks for one value."""
        operations = self.sheet.offer().operations
        made = [draft for draft in self.sheet.drafts if makes_groups(draft.spec)]
        used = used_names([self.sheet.constants_of(draft) for draft in made])
        wanted = grouping(self.sheet.grounding, operations, self.sheet.columns)
        found = [owed for column, owed in wanted.items() if column not in used]
        picking = next(filter(None, found), dict[str, ToolSpec]())
        return {} if self._may_be_found(picking) else picking

    def _values(self) -> dict[str, ToolSpec]:
        """Gives the operations that give a statistic that the goal names."""
        given = used_values(self.sheet.operations.values(), self.sheet.constants())
        return giving(self.sheet.operations, self.sheet.asked_values() - given)

    def _singles(self) -> dict[str, ToolSpec]:
        """Gives the operations that give a statistic over all rows that one of several clauses asks for."""
        single = _those(self.sheet, lambda spec: not makes_groups(spec))
        found = [singly(single, pair) for pair in sorted(self.sheet.owed_singles())]
        return next(filter(None, found), dict[str, ToolSpec]())

    def _columns(self) -> dict[str, ToolSpec]:
        """Gives the operations that take a column that the goal names and that is neither used nor shown."""
        from validation.types import columns

        shown = {column.name for variable in self._taken() for column in columns(variable.schema) or ()}
        named = named_columns(self.sheet.columns, self.sheet.grounding)
        taking = using(self.sheet.operations, named - used_names(self.sheet.constants()) - shown)
        return {} if self._may_be_found(taking) else taking

    def _ranking(self) -> Offer | None:
        """Gives the calls that rank groups, then take the first, where a goal that asks which is shown all of them."""
        if not self.sheet.grounding.asks_which:
            return None
        grouped = {draft.step_id for draft in self.sheet.drafts if makes_groups(draft.spec)}
        unused = grouped - {source for draft in self.sheet.drafts for source in draft.sources}
        groups = tuple(variable for variable in self._shown() if variable.step in unused)
        cut = {source for draft in self.sheet.drafts if takes_first(draft.spec) for source in draft.sources}
        whole = (variable for variable in self._shown() if variable.step not in cut and not self._is_cut(variable))
        ordered = (variable for variable in whole if variable.is_ordered)
        ranked = tuple(variable for variable in ordered if not variable.made_of.isdisjoint(grouped))
        operations = _those(self.sheet, puts_in_order if groups else takes_first)
        return _offered(self.sheet, operations if groups or ranked else {}, Scope(groups or ranked))

    def _extremes(self) -> dict[str, ToolSpec]:
        """Gives the operations that find what is largest or smallest, where the goal asks for that."""
        finding = _those(self.sheet, puts_in_order) | giving(self.sheet.operations, _EXTREMES)
        found = self._may_be_found(finding) or any(puts_in_order(draft.spec) for draft in self.sheet.drafts)
        found |= not used_names(self.sheet.constants()).isdisjoint(_EXTREMES)
        return finding if self.sheet.grounding.asks_extreme and not found else {}

    def _may_be_found(self, operations: dict[str, ToolSpec]) -> bool:
        """Whether a step calls another tool than these operations are of: it may have found what they find."""
        known = {spec.tool_name for spec in operations.values()}
        return any(draft.spec.tool_name not in known for draft in self.sheet.drafts)

    def _results(self) -> Offer | None:
        """Gives an answer with what was found, where a question is answered with nothing but files."""
        if "?" not in self.sheet.goal.text or not all(variable.is_file for variable in self._taken()):
            return None
        used = {source for draft in self.sheet.drafts for source in draft.sources}
        used |= {variable.step for variable in self.sheet.scope.variables if variable.is_file}
        results = (variable for variable in self.sheet.scope.variables if variable.is_result)
        found = tuple(variable.name for variable in results if variable.step not in used)
        return replace(self.sheet.offer().only_answer(), answerable=found) if found else None

    def completed(self) -> Call:
        """Gives an answer together with what was found and nothing has used."""
        left = self._left()
        values = (*self.call.arguments.values(), *(variable.value for variable in left))
        names = (*self.call.variables, *(variable.name for variable in left))
        arguments = {str(place): value for place, value in enumerate(values)}
        return Call(operation=self.call.operation, arguments=arguments, variables=names)

    def extended(self, line: str) -> str:
        """Gives the line of a report together with what was found and nothing has used."""
        listed = f"[{', '.join(self.call.variables)}]"
        names = (*self.call.variables, *(variable.name for variable in self._left()))
        return line.replace(listed, f"[{', '.join(names)}]")

    def _left(self) -> list[Variable]:
        """Gives the single values and first rows that were found and that no step, but a report, has used."""
        used = {source for draft in self.sheet.drafts if not gathers(draft.spec) for source in draft.sources}
        taken = [variable for variable in self._taken() if not variable.is_file]
        shown = {variable.step for variable in taken}
        behind = used.union(shown, *(variable.made_of for variable in taken))
        counts = self.sheet.grounding.counts
        singles = (variable for variable in self.sheet.scope.variables if self._is_single(variable))
        return [
            variable
            for variable in singles
            if variable.step not in (shown if counts and is_count(variable.schema) else behind)
        ]

    def _is_single(self, variable: Variable) -> bool:
        """Whether a step gives a number and nothing else, or the first rows of a table."""
        is_number = variable.schema.get("type") in ("number", "integer") and variable.name == variable.step
        return variable.is_result and (is_number or (variable.is_ordered and self._is_cut(variable)))

    def _is_cut(self, variable: Variable) -> bool:
        """Whether only some of the first rows of a table are left."""
        steps = {*variable.made_of, variable.step}
        return any(takes_first(draft.spec) for draft in self.sheet.drafts if draft.step_id in steps)

    def _shown(self) -> list[Variable]:
        """Gives the variables that the call takes, and the results that no step has used."""
        used = {source for draft in self.sheet.drafts for source in draft.sources}
        results = (variable for variable in self.sheet.scope.variables if variable.is_result)
        taken = self._taken()
        return [*taken, *(one for one in results if one.step not in used and one not in taken)]

    def _taken(self) -> list[Variable]:
        """Gives the variables that the call takes."""
        found = (self.sheet.scope.get(name) for name in self.call.variables)
        return [variable for variable in found if variable is not None]


def _those(sheet: Sheet, wanted: Callable[[ToolSpec], bool]) -> dict[str, ToolSpec]:
    return {word: spec for word, spec in sheet.operations.items() if wanted(spec)}


def _offered(sheet: Sheet, operations: dict[str, ToolSpec], scope: Scope | None = None) -> Offer | None:
    """Gives an offer of these operations, over these variables; None where no line qualifies."""
    offer = replace(sheet.offer(answering=False), operations=operations, scope=scope or sheet.scope)
    return offer if operations and is_open(offer, sheet.grounding) else None
