"""Plan first: the planner writes all tasks, then the decomposer writes each task's calls."""

from __future__ import annotations

from dagwright.exceptions import ModelAnswerError
from dagwright.goal import Goal
from dagwright.value import Value
from decomposer.writing import ANSWER, DONE, Conversation, write_call
from orchestrator.strategy.sheet import Sheet
from orchestrator.strategy.strategy import MAX_STEPS, Planned, PlanningContext
from planner.outline import TaskOutline, write_outline
from planner.prompt import decomposition_prompt

STEPS_PER_TASK = 6
"""Calls that one task may become."""


class PlanFirst:
    """For large models: the whole DAG in one answer, then grounded task by task."""

    name = "plan_first"

    def propose(self, goal: Goal, context: PlanningContext) -> Planned:
        """Gives a proposal; see `PlanningStrategy.propose`."""
        sheet = Sheet.opened(goal, context)
        outline = write_outline(
            context.model, goal, sheet.operations, sheet.scope_lines(), context.feedback, seed=context.seed
        )
        for task in outline:
            context.on_line(f"# {task.task_id}: {task.description}")
        for task in outline:
            self._decompose(task, outline, sheet)
        return sheet.planned(self._answer(outline, sheet))

    def _decompose(self, task: TaskOutline, outline: tuple[TaskOutline, ...], sheet: Sheet) -> None:
        opening = decomposition_prompt(sheet.goal, sheet.operations, sheet.scope_lines(), outline)
        sheet.lines.append(f"# {task.task_id}: {task.description}")
        for index in range(STEPS_PER_TASK):
            if sheet.generated >= MAX_STEPS:
                raise ModelAnswerError(f"the model wrote {MAX_STEPS} steps and no answer")
            offer = sheet.offer(may_end_task=index > 0, answering=False)
            conversation = Conversation(opening=opening, lines=tuple(sheet.lines))
            line, call = write_call(
                sheet.context.model, conversation, label=sheet.label, offer=offer, grounding=sheet.grounding
            )
            if call.operation == DONE:
                return
            sheet.add(line, call)

    def _answer(self, outline: tuple[TaskOutline, ...], sheet: Sheet) -> tuple[Value, ...]:
        opening = decomposition_prompt(sheet.goal, sheet.operations, sheet.scope_lines(), outline)
        sheet.lines.append("# the answer to the goal")
        conversation = Conversation(opening=opening, lines=tuple(sheet.lines))
        offer = sheet.offer().only_answer()
        _, call = write_call(
            sheet.context.model, conversation, label=sheet.label, offer=offer, grounding=sheet.grounding
        )
        assert call.operation == ANSWER
        return tuple(call.arguments.values())
