"""Dependency level: whether what references give fits the arguments (D307, D308)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dagwright.finding import Finding
from dagwright.model import JsonSchema
from dagwright.value import InputReference, StepReference
from validation.blocks import written
from validation.context import Context, PlacedStep, Reference
from validation.contract import Contract
from validation.notes import Fix, add, finding, replace
from validation.types import assignable, conversion


class Relation:
    """Whether what references give fits the arguments; each pair of schemas is compared once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._skipped: set[tuple[str, str]] = set()
        self._verdicts: dict[tuple[int, int], tuple[str, str]] = {}
        # Every reference of every argument has been looked up by now, most of them in few schemas.
        self._some_may_lack = any(not found.certain for _, found in context.types.scope.found.values())

    def without(self, step: PlacedStep, argument: str) -> None:
        """Leaves out an argument whose references are wrong anyway."""
        self._skipped.add((step.path, argument))

    def findings(self, step: PlacedStep, contract: Contract) -> Iterator[Finding]:
        """Gives the arguments of a step that don't fit, or of which it can't be decided."""
        arguments = self._context.types.arguments[step.step_id]
        for name in dict.fromkeys([argument for argument, _, _ in step.references]):
            wanted = contract.argument_schema(name)
            if wanted is None:
                continue
            given = arguments[name]
            key = (id(given), id(wanted))
            answer, reason = self._verdicts.get(key) or self._decided(key, given, wanted)
            if answer == "yes" and self._some_may_lack and not self._is_there(step, name):
                answer, reason = "unknown", "it need not be there"
            if answer == "yes" or (step.path, name) in self._skipped:
                continue
            if answer == "no" or not self._undecided(step, name):
                yield self._misfit(step, name, answer, reason)

    def _decided(self, key: tuple[int, int], given: JsonSchema, wanted: JsonSchema) -> tuple[str, str]:
        verdict = assignable(given, wanted)
        found = self._verdicts[key] = (verdict.answer, verdict.reason)
        return found

    def _is_there(self, step: PlacedStep, argument: str) -> bool:
        """Whether every run has what the references of an argument point at."""
        resolved = self._context.types.scope.resolved
        for name, _, reference in step.references:
            found = resolved(reference) if name == argument else None
            if found is not None and not found.certain:
                return False
        return True

    def _undecided(self, step: PlacedStep, argument: str) -> bool:
        """Whether an argument depends on a step of which nothing is known for a reason reported elsewhere."""
        unknown = self._context.types.undecided
        sources = (reference for name, _, reference in step.references if name == argument)
        broken = self._context.parsed.broken
        return any(
            (source.from_ in unknown or source.from_ in broken)
            if isinstance(source, StepReference)
            else source.input in broken
            for source in sources
        )

    def _misfit(self, step: PlacedStep, name: str, answer: str, reason: str) -> Finding:
        named = partial(finding, task=step.task_id, step=step.step_id, argument=name)
        path = step.argument_path(name)
        sources = ", ".join(
            named_source(self._context, reference) for argument, _, reference in step.references if argument == name
        )
        where = f"argument {name!r} of {step.operation!r}" if step.controls is None else step.title
        if answer == "no":
            remedy, fix = self._conversion(step, name) if step.controls is None else (None, None)
            return named("D307", path, f"{sources} doesn't fit {where}: {reason}", remedy=remedy, fix=fix)
        return named("D308", path, f"whether {sources} fits {where} is open: {reason}")

    def _conversion(self, step: PlacedStep, name: str) -> tuple[str | None, Fix | None]:
        """Gives what would make a single reference fit: in words, and as a fix where nothing of it is lost."""
        value = step.step.tool_intent.required_inputs[name]
        wanted = step.contract.argument_schema(name) if step.contract else None
        if not isinstance(value, StepReference | InputReference) or wanted is None:
            return None, None
        found = conversion(self._context.types.arguments[step.step_id][name], wanted)
        if found is None:
            return None, None
        place, path = step.argument_path(name), value.path + found.path
        if found.name == "member":
            return f"Refer to its part that fits, {path!r}.", add(f"{place}/path", path)
        if found.name == "in_list":
            return "Put it into a list.", replace(place, {"list": [written(value)]})
        return _WORDS[found.name].format(path=path), None


_WORDS = {
    "first_element": "If only the first item is meant, refer to {path!r}.",
    "round": "Round it first, with an operation that does.",
    "to_text": "Write it as a text first, with an operation that does.",
    "to_number": "Read it as a number first, with an operation that does.",
}


def named_source(context: Context, reference: Reference) -> str:
    """Gives what a reference leads to, in words."""
    is_step = isinstance(reference, StepReference)
    name = context.titled(reference.from_) if is_step else f"input {reference.input!r}"
    return f"{name} at {reference.path!r}" if reference.path else name
