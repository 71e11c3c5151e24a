"""The one table of all codes that a report can hold. Codes are stable: they are never given a new meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dagwright.finding import Level, Severity

VALIDATOR_VERSION: Final = "1.0.0"
"""Version of the rules; part of every certificate."""

_LEVEL: dict[str, Level] = {
    "S": "syntactic",
    "M": "semantic",
    "D": "dependency",
    "P": "policy",
    "R": "resource",
}


@dataclass(frozen=True, slots=True)
class Code:
    """What one code means."""

    code: str
    """The code, e.g. `D305`."""
    severity: Severity
    """Its severity as a rule."""
    title: str
    """A few words."""
    description: str
    """What it says about a proposal."""
    remedy: str
    """What settles it."""
    softer: Severity | None = None
    """A lower severity that it also occurs with, where there is one."""

    @property
    def level(self) -> Level:
        """The level that finds it."""
        return _LEVEL[self.code[0]]


_ROWS: tuple[Code, ...] = (
    Code("S101", "error", "not the schema", "A part has the wrong type or form.", "Write what the schema asks for."),
    Code("S102", "error", "missing field", "A field that must be there is absent.", "Add the field."),
    Code("S103", "error", "unknown field", "A field or a repeated key that the schema doesn't know.", "Remove it."),
    Code(
        "S104",
        "error",
        "duplicate task",
        "Two tasks, or two decompositions, have one id.",
        "Rename or remove one of them.",
    ),
    Code("S105", "error", "duplicate step", "Two steps of the proposal have one id.", "Rename one of them."),
    Code(
        "S106",
        "error",
        "bad identifier",
        "A name is not a letter followed by at most 63 letters, digits or underscores.",
        "Choose such a name.",
    ),
    Code("S107", "error", "empty", "There is no task, or a task has no step.", "Add a task or a step, or remove it."),
    Code("S108", "error", "too large", "Too many tasks or steps, too deep or too long.", "Make it smaller."),
    Code(
        "S109",
        "error",
        "characters that are not allowed",
        "A text holds `${`, a control character or one that reverses the direction of writing.",
        "Remove the characters; use a reference where a value is meant.",
    ),
    Code("S110", "error", "non-finite number", "A number is NaN or infinite.", "Write a finite number or null."),
    Code("M201", "error", "unknown tool", "The catalogue has no such tool.", "Use a tool of the catalogue."),
    Code("M202", "error", "unknown operation", "The tool has no such operation.", "Use one of its operations."),
    Code("M203", "error", "missing input", "A required argument is absent.", "Add the argument."),
    Code("M204", "error", "unknown input", "The operation has no such argument.", "Remove or rename it."),
    Code("M205", "error", "literal does not fit", "A literal fails the input schema.", "Write a value that fits."),
    Code("M206", "error", "not one of the values", "A literal is none of the allowed values.", "Use one of them."),
    Code("M207", "error", "format", "A literal doesn't have the format that is asked for.", "Write it in that format."),
    Code(
        "M208",
        "error",
        "deprecated or not valid",
        "The operation may not be used at the plan's date, or its provider advises against it (a warning).",
        "Use its replacement.",
        softer="warning",
    ),
    Code(
        "M209",
        "error",
        "capability lacking",
        "No tool of the task has a capability that the task requires.",
        "Use a tool that has it, or don't require it.",
    ),
    Code(
        "M210",
        "error",
        "document reference",
        "A document reference is absent from the catalogue or documents another operation.",
        "Refer to a document of the operation that is used.",
    ),
    Code(
        "M211",
        "error",
        "unexpected output",
        "The step expects an output that the operation doesn't give, or one of another type.",
        "Expect what the operation gives.",
    ),
    Code(
        "M212",
        "error",
        "criterion that can't hold",
        "A criterion or condition speaks of an output that doesn't exist, or compares it with what it can't be.",
        "Speak of an output that exists, and compare it with a value of its type.",
    ),
    Code("D301", "error", "cycle", "Tasks depend on each other in a circle.", "Remove one of the dependencies."),
    Code(
        "D302",
        "error",
        "dangling dependency",
        "A dependency or a decomposition names a task that the plan doesn't have.",
        "Name a task of the plan, or remove it.",
    ),
    Code("D303", "error", "dependency on itself", "A task depends on itself.", "Remove the dependency."),
    Code(
        "D304",
        "error",
        "reference to nothing",
        "A reference names a step or goal input that doesn't exist.",
        "Name one that exists.",
    ),
    Code(
        "D305",
        "error",
        "reference not upstream",
        "A step uses the output of a step that need not have run before it.",
        "Add the dependency between their tasks.",
    ),
    Code(
        "D306",
        "error",
        "no such output or column",
        "A path isn't in the producer's output, or a column isn't in the table.",
        "Use a path or column that is there.",
    ),
    Code(
        "D307",
        "error",
        "type mismatch",
        "What a reference gives doesn't fit the argument.",
        "Refer to something that fits, or convert it first.",
    ),
    Code(
        "D308",
        "warning",
        "type not decidable",
        "Whether a value fits can't be decided beforehand; a worker checks it.",
        "Nothing, or give the producer a tighter schema.",
    ),
    Code(
        "D309",
        "warning",
        "unused step",
        "Nobody uses the step's result, it has no effect and the answer doesn't name it.",
        "Use the result, name it in the answer, or remove the step.",
    ),
    Code(
        "D310",
        "info",
        "idle dependency",
        "A dependency carries neither data nor an order of effects.",
        "Remove it, so that the tasks may run side by side.",
    ),
    Code(
        "D311",
        "error",
        "conflicting access",
        "Two steps use one resource, at least one writes it, and no order is given.",
        "Add a dependency between their tasks, or use different resources.",
    ),
    Code(
        "D312",
        "error",
        "precondition never established",
        "A fact that must hold, or must not, before a step doesn't in every order in which the steps may run.",
        "Add a step that establishes it before, or drop the precondition.",
        softer="warning",
    ),
    Code(
        "D313",
        "error",
        "postcondition contradicted",
        "A step's postcondition is the opposite of what its operation does, or of another one.",
        "Correct the postcondition.",
    ),
    Code(
        "D314",
        "error",
        "producer may be skipped",
        "A value is used that need not be there: its task has a condition, or may fail while the plan goes on.",
        "Put it into a coalesce whose last alternative is always there.",
    ),
    Code(
        "D315",
        "error",
        "call that can't be written out",
        "A step calls a sub-program where its steps can't stand, or says of it what can't be said of its steps.",
        "Call it in a task of its own, and refer to single values of its answer.",
    ),
    Code("P401", "error", "prohibited", "Policy or goal prohibits the operation.", "Use another operation."),
    Code(
        "P402",
        "error",
        "argument prohibited",
        "Policy prohibits the operation with these arguments, or can't rule out that it does.",
        "Change the arguments, or write them as literals so that they can be judged.",
    ),
    Code("P403", "warning", "approval required", "Policy wants a person's approval.", "Ask for the approval."),
    Code(
        "P404",
        "error",
        "untrusted data in control",
        "Data read from outside would decide what is done or where something goes.",
        "Use a trusted value, or ask a person.",
        softer="warning",
    ),
    Code(
        "P405",
        "error",
        "confidential data leaves",
        "Confidential data would reach an operation that sends it outside.",
        "Leave the data out, or ask a person.",
        softer="warning",
    ),
    Code(
        "P406",
        "warning",
        "irreversible effect",
        "An effect that cannot be undone needs a person's approval.",
        "Ask for the approval.",
    ),
    Code(
        "P407",
        "warning",
        "authority widened",
        "A new version of a plan may do more than the version before.",
        "Ask for a new approval.",
    ),
    Code(
        "P408",
        "error",
        "no rollback",
        "Policy demands a way to undo the step that it doesn't name, or that its operation doesn't have; "
        "where policy has no rollback rules, a compensation that can't be run is a warning.",
        "Name a rollback strategy that policy accepts, or use an operation that can be undone.",
        softer="warning",
    ),
    Code(
        "P409",
        "error",
        "place not allowed",
        "A host, command or path is not one that policy allows.",
        "Use an allowed place, or change the policy.",
    ),
    Code("P410", "error", "secret in the plan", "A literal looks like a secret.", "Name a credential instead."),
    Code(
        "P411",
        "warning",
        "no fallback",
        "Policy names operations that may take the place of a step's own, but none of them can.",
        "Offer an operation of the same arguments, outputs and effect, or take it out of the policy's fallbacks.",
    ),
    Code(
        "R501",
        "error",
        "cost over budget",
        "The plan can cost more than the budget, or its cost is unknown (a warning).",
        "Leave steps out, use cheaper tools or raise the budget.",
        softer="warning",
    ),
    Code(
        "R502",
        "error",
        "deadline",
        "The critical path takes longer than the deadline; a warning where it only may.",
        "Run more side by side, use quicker tools or extend the deadline.",
        softer="warning",
    ),
    Code(
        "R503",
        "error",
        "quota",
        "More calls than are allowed or left; a warning where only retries make them so many.",
        "Call less often.",
        softer="warning",
    ),
    Code(
        "R504",
        "error",
        "rate or concurrency",
        "More calls of an operation can run at a time than its provider takes, or than its rate lets through in time.",
        "Let some of the tasks wait for others.",
        softer="warning",
    ),
    Code(
        "R505",
        "error",
        "payload size",
        "A call carries more bytes than its provider takes or policy allows; a warning where it only may.",
        "Pass less on, or bound the size of what is passed on in the producer's schema.",
        softer="warning",
    ),
    Code(
        "R506",
        "error",
        "unbounded loop",
        "Nothing bounds how often a block is run, or the bound is above what policy allows.",
        "Say at_most.",
    ),
    Code("R507", "error", "no worker", "No worker runs operations of this kind.", "Start such a worker."),
    Code(
        "R508",
        "error",
        "token ceiling",
        "The answers of the language model steps may take more tokens than are allowed; a warning for retries.",
        "Use fewer language model steps, or raise the limit.",
        softer="warning",
    ),
)

CODES: Final[dict[str, Code]] = {row.code: row for row in _ROWS}
"""All codes, by code."""
