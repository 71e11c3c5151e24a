"""The table of all codes that lint of a catalogue can give. Stable like those of proposals; they begin with L."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dagwright.finding import Finding, Level, Severity


@dataclass(frozen=True, slots=True)
class LintCode:
    """What one code says of a catalogue."""

    code: str
    """The code, e.g. `L103`."""
    severity: Severity
    """An error is a contradiction; a warning weakens what can be proven."""
    title: str
    """A few words."""
    description: str
    """What it says."""
    remedy: str
    """What settles it."""
    level: Level
    """The level of proposals' findings that the catalogue lets down."""


_ROWS: tuple[LintCode, ...] = (
    LintCode(
        "L101",
        "error",
        "required but not allowed",
        "A schema requires a property that it does not allow, so that no value fulfils it.",
        "Describe the property under `properties`, or don't require it.",
        "syntactic",
    ),
    LintCode(
        "L102",
        "error",
        "value outside its schema",
        "A value of `enum` or `const` does not fit the rest of its schema and can never be used.",
        "Remove the value, or widen the schema.",
        "syntactic",
    ),
    LintCode(
        "L103",
        "error",
        "bounds that cross",
        "A lower bound of a schema is above its upper bound, so that no value fulfils it.",
        "Exchange or correct the bounds.",
        "syntactic",
    ),
    LintCode(
        "L104",
        "error",
        "default that doesn't fit",
        "A default does not fit its own schema.",
        "Correct the default, or widen the schema.",
        "syntactic",
    ),
    LintCode(
        "L105",
        "error",
        "pattern that doesn't compile",
        "A pattern is no regular expression (ECMA-262), so that nothing can be checked against it.",
        "Correct the pattern.",
        "syntactic",
    ),
    LintCode(
        "L106",
        "warning",
        "unknown format",
        "A format is none that is known; nothing is checked against it.",
        "Use a format of JSON Schema, or a pattern.",
        "syntactic",
    ),
    LintCode(
        "L107",
        "error",
        "reference to nothing",
        "A `$ref` leads nowhere in its schema.",
        "Add the definition, or correct the reference.",
        "syntactic",
    ),
    LintCode(
        "L201",
        "warning",
        "no outputs",
        "A reading operation names no output, so that no step can use what it gives.",
        "Describe the outputs under `properties` of the output schema.",
        "dependency",
    ),
    LintCode(
        "L202",
        "warning",
        "output of any type",
        "An output may be anything; what uses it can only be checked while running.",
        "Say its type, or how it follows from the arguments (`output_rules`).",
        "dependency",
    ),
    LintCode(
        "L203",
        "warning",
        "argument of any type",
        "An argument may be anything; nothing that is passed can be found wrong.",
        "Say its type.",
        "semantic",
    ),
    LintCode(
        "L204",
        "warning",
        "description that says nothing",
        "A description says no more than the operation's name does.",
        "Say what it does, with what, and what it gives.",
        "semantic",
    ),
    LintCode(
        "L205",
        "warning",
        "descriptions that tell nothing apart",
        "Two operations are described with the same words; whoever plans cannot tell which one is meant.",
        "Say in each how it differs from the other.",
        "semantic",
    ),
    LintCode(
        "L301",
        "warning",
        "effect against method",
        "The declared effect is not what the HTTP method means (RFC 9110, 9.2.1): GET and HEAD read, others don't.",
        "Declare the effect that the call really has.",
        "policy",
    ),
    LintCode(
        "L302",
        "warning",
        "sink that is not declared",
        "An argument is named like a place where something goes, yet its role is `data`: untrusted data may decide it.",
        "Declare its role: `sink`, or `control` where it decides what is done.",
        "policy",
    ),
    LintCode(
        "L303",
        "error",
        "names what isn't there",
        "Roles, rules, labels, resources or replacements name an argument, output or operation that doesn't exist.",
        "Correct the name.",
        "policy",
    ),
    LintCode(
        "L304",
        "warning",
        "all answers trusted",
        "Everything that an API answers is declared trusted: it may decide what is done and where something goes.",
        "Label only those fields as trusted that the provider assigns itself.",
        "policy",
    ),
    LintCode(
        "L305",
        "error",
        "repeats what must happen once",
        "An operation that is not idempotent is tried again when transport fails.",
        "Set `retry.attempts` to 1, or `idempotent` where a second call changes nothing.",
        "resource",
    ),
    LintCode(
        "L306",
        "error",
        "reads, and writes",
        "An operation of effect `read` declares that it writes resources or removes facts.",
        "Declare the effect that it really has.",
        "policy",
    ),
)

LINT_CODES: Final[dict[str, LintCode]] = {row.code: row for row in _ROWS}
"""All codes, by code."""


def flaw(code: str, path: str, message: str) -> Finding:
    """Gives a finding about a catalogue; `path` points into it."""
    row = LINT_CODES[code]
    return Finding(
        code=code, level=row.level, severity=row.severity, path=path, message=message, suggested_fix=row.remedy
    )
