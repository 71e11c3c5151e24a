"""Citing: the words that ask for a step, then the step, until the goal has no more words to quote.

For small models and catalogues that no worked example fits. The model is good at finding the words and
at filling in a call, and poor at choosing among many operations: those come from the documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from dagwright.exceptions import InputError, ModelAnswerError
from dagwright.goal import Goal
from dagwright.llm.model import Message
from dagwright.tool import ToolSpec
from dagwright.value import StepReference, leaves
from decomposer.call import Call
from decomposer.writing import Conversation, Offer, is_open, write_call
from orchestrator.strategy.nearest import Nearest
from orchestrator.strategy.sheet import Sheet
from orchestrator.strategy.strategy import MAX_STEPS, Planned, PlanningContext
from planner.citation import END, Clauses, cite
from planner.prompt import cited_prompt

NEAREST = 2
"""Operations among which the model chooses for each citation."""
ROUNDS = 2
"""How often the next ones are offered where the model only repeats an earlier line."""


class Cited:
    """Task and intent in turn, where the task is a quotation of the goal."""

    name = "cited"

    def propose(self, goal: Goal, context: PlanningContext) -> Planned:
        """Gives a proposal; see `PlanningStrategy.propose`.

        Raises:
            InputError: the model takes no grammar, so nothing holds it to the goal's words.
        """
        if not context.model.accepts_grammar:
            raise InputError("strategy 'cited' needs a model that takes a grammar (a local one); use 'plan_first'")
        return written(Sheet.opened(goal, context))


def written(sheet: Sheet) -> Planned:
    """Gives the proposal of a sheet that is filled citation by citation; what no step uses is the answer.

    Raises:
        ModelAnswerError: no step came of any words.
        TransportError: the model cannot be reached.
    """
    context = sheet.context
    opening = cited_prompt(sheet.goal, sheet.operations, sheet.scope_lines(), context.feedback)
    writing = _Writing(sheet, opening, Nearest(sheet.operations.values()))
    clauses, start = Clauses.of(sheet.goal.text), 0
    while sheet.generated < MAX_STEPS:
        grammar = clauses.grammar(start, may_end=sheet.generated > 0)
        if grammar is None:
            break
        citation = cite(
            context.model, opening, sheet.lines, grammar, seed=context.seed, temperature=context.temperature
        )
        if citation == END:
            break
        start = max(clauses.after(citation, start), start + 1)
        writing.step(citation)
    chosen = _unused(sheet)
    if not chosen:
        raise ModelAnswerError("no step of a plan came of the goal's words")
    return sheet.planned(chosen)


@dataclass(frozen=True)
class _Writing:
    sheet: Sheet
    opening: tuple[Message, ...]
    nearest: Nearest

    def step(self, citation: str) -> None:
        """Puts the call that some words ask for on the sheet; nothing, where none fits them."""
        for offer in self.offers(citation):
            task = f"# {citation}  ({' or '.join(offer.operations)})"
            found = self._written(task, offer)
            if found is not None:
                self.sheet.context.on_line(f"# {citation}")
                self.sheet.lines.append(task)
                self.sheet.add(*found)
                return

    def _written(self, task: str, offer: Offer) -> tuple[str, Call] | None:
        sheet = self.sheet
        try:
            return write_call(
                sheet.context.model,
                Conversation(opening=self.opening, lines=(*sheet.lines, task)),
                label=sheet.label,
                offer=offer,
                grounding=sheet.grounding,
                seed=sheet.context.seed,
                temperature=sheet.context.temperature,
            )
        except ModelAnswerError:  # it repeats itself: the next operations may fit
            return None

    def offers(self, citation: str) -> Iterator[Offer]:
        """Gives the nearest operations that anything in scope fits, and those that come next."""
        words = {spec.name: word for word, spec in self.sheet.operations.items()}
        everything = self.sheet.offer(answering=False)
        each = (
            replace(everything, operations=_only(self.sheet, words[name]))
            for name in self.nearest.to(Clauses.asking(citation))
            if words[name] in everything.operations
        )
        fitting = (one for one in each if is_open(one, self.sheet.grounding))
        for several in _in_groups(fitting):
            yield replace(everything, operations={k: v for one in several for k, v in one.operations.items()})


def _in_groups(offers: Iterator[Offer]) -> Iterator[tuple[Offer, ...]]:
    for _ in range(ROUNDS):
        group = tuple(islice(offers, NEAREST))
        if group:
            yield group


def _only(sheet: Sheet, word: str) -> dict[str, ToolSpec]:
    return {word: sheet.operations[word]}


def _unused(sheet: Sheet) -> tuple[StepReference, ...]:
    used = {
        leaf.from_
        for draft in sheet.drafts
        for value in draft.intent.required_inputs.values()
        for _, leaf in leaves(value)
        if isinstance(leaf, StepReference)
    }
    return tuple(
        variable.value
        for variable in sheet.scope.variables
        if variable.loader is None
        and isinstance(variable.value, StepReference)
        and variable.value.from_ not in used
        and variable.value.path.count("/") <= 1
    )
