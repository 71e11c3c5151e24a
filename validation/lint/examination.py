"""`lint`: all that is wrong with a catalogue itself."""

from __future__ import annotations

from collections.abc import Iterator

from dagwright.catalogue import Catalogue
from dagwright.finding import Finding, Report
from validation.lint.codes import LINT_CODES, flaw
from validation.lint.operation import operation_flaws, words_of
from validation.lint.schemas import schema_flaws
from validation.notes import sorted_findings


def lint(catalogue: Catalogue) -> Report:
    """Gives what is wrong with a catalogue, or keeps a validator from proving more; takes linear time.

    Paths point into the catalogue as JSON: `/tools/0/input_schema/…`. An error is a contradiction,
    a warning weakens what can be proven about plans.
    """
    found = sorted_findings(list(_flaws(catalogue)))
    failed = {finding.code for finding in found}
    return Report(findings=found, checks_passed=tuple(code for code in LINT_CODES if code not in failed))


def _flaws(catalogue: Catalogue) -> Iterator[Finding]:
    operations = catalogue.by_name.keys()
    for index, tool in enumerate(catalogue.tools):
        path = f"/tools/{index}"
        yield from operation_flaws(tool, path, operations)
        yield from schema_flaws(tool.input_schema, f"{path}/input_schema", f"arguments of {tool.name!r}")
        yield from schema_flaws(tool.output_schema, f"{path}/output_schema", f"outputs of {tool.name!r}")
    yield from _alike(catalogue)


def _alike(catalogue: Catalogue) -> Iterator[Finding]:
    """Gives the operations whose descriptions have the same words as an earlier one's."""
    first: dict[frozenset[str], str] = {}
    for index, tool in enumerate(catalogue.tools):
        words = words_of(tool.description)
        other = first.setdefault(words, tool.name)
        if other != tool.name and words:
            message = f"{tool.name!r} and {other!r} are described with the same words"
            yield flaw("L205", f"/tools/{index}/description", message)
