"""Transforms: JMESPath over the arguments, bounded in size, steps and time; nothing is read and nothing done."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from dagwright.exceptions import Cancelled, DagwrightError, TimedOut, ToolRejected
from dagwright.tool import ToolSpec, TransformBinding
from executor.bindings.runner import ToolContext

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

MOST_SIZE = 50_000_000
"""Values (objects, arrays, texts, numbers …) and characters of texts, together, in the arguments, in each
output, and in whatever an expression puts together in between."""
MOST_STEPS = 20_000_000
"""Parts of an expression that are evaluated, each counted once per value that it is evaluated for."""
DEEPEST = 200
"""Nesting of an output."""

_MAKING = frozenset({"multi_select_list", "multi_select_dict", "function_expression"})
"""What puts values together, and so can make more of them than there were."""
_LOOK = 4_096
"""Steps after which the clock is looked at."""


class TransformRunner:
    """Runs operations with a `TransformBinding`; gives one output per expression."""

    def __init__(self, *, most_size: int = MOST_SIZE, most_steps: int = MOST_STEPS) -> None:
        self.most_size, self.most_steps = most_size, most_steps

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Gives what the expressions give.

        Raises:
            ToolRejected: `argument_too_large`, `transform_failed` (an expression does not suit these arguments),
                or `result_too_large`.
            TimedOut: it took too long.
            Cancelled: the attempt was stopped.
        """
        if not isinstance(spec.binding, TransformBinding):
            raise TypeError(f"{spec.name!r} is not bound to a transform")
        if not _is_within(arguments, self.most_size):
            message = f"the arguments of {spec.name} are larger than {self.most_size:,} values and characters"
            raise ToolRejected(message, code="argument_too_large")
        found: dict[str, JsonValue] = {}
        for output, expression in spec.binding.expressions.items():
            found[output] = self._value(f"output {output!r} of {spec.name}", expression, arguments, context)
        return found

    def _value(self, what: str, expression: str, arguments: dict[str, JsonValue], context: ToolContext) -> JsonValue:
        try:
            value = _evaluated(_compiled(expression), arguments, context, self.most_steps, self.most_size)
        except DagwrightError:
            raise
        except MemoryError:
            raise ToolRejected(f"{what} does not fit into memory", code="result_too_large") from None
        except Exception as error:
            # Besides its own errors the library lets pass what Python's functions raise.
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            raise ToolRejected(f"{what}: {reason}", code="transform_failed") from error
        if not _is_within(value, self.most_size):
            raise ToolRejected(f"{what} is {_too_large(self.most_size)}", code="result_too_large")
        return value


@lru_cache(maxsize=256)
def _compiled(expression: str) -> ParsedResult:
    import jmespath

    return jmespath.compile(expression)


def _evaluated(
    parsed: ParsedResult, arguments: dict[str, JsonValue], context: ToolContext, most_steps: int, most_size: int
) -> JsonValue:
    """Evaluates with a count: JMESPath ends always, but what it puts together can double with every pipe."""
    from jmespath.visitor import TreeInterpreter

    steps = count()

    class Counted(TreeInterpreter):
        def visit(self, node: Any, *args: Any, **more: Any) -> Any:
            step = next(steps)
            if step % _LOOK == 0:
                _check_time(context)
            if step > most_steps:
                raise ToolRejected(f"an expression takes more than {most_steps:,} steps", code="result_too_large")
            value = super().visit(node, *args, **more)
            if node["type"] in _MAKING and not _is_within(value, most_size):
                raise ToolRejected(f"something in between is {_too_large(most_size)}", code="result_too_large")
            return value

    return cast("JsonValue", Counted().visit(parsed.parsed, arguments))


def _too_large(most: int) -> str:
    return f"larger than {most:,} values and characters, deeper than {DEEPEST}, or no JSON"


def _check_time(context: ToolContext) -> None:
    if context.cancelled.is_set():
        raise Cancelled(f"step {context.step!r} was stopped")
    if not context.remaining:
        raise TimedOut(f"step {context.step!r} did not end within its time")


def _is_within(value: Any, most: int) -> bool:
    """Whether a value is JSON of at most that size, counted as it would be written, not as it is shared."""
    size, level = 0, [value]
    for _ in range(DEEPEST):
        following: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                members = cast("dict[str, Any]", item)
                following += members.values()
                size += sum(map(len, members))
            elif isinstance(item, list):
                following += cast("list[Any]", item)
            elif isinstance(item, str):
                size += len(item)
            elif not (item is None or isinstance(item, int) or (isinstance(item, float) and math.isfinite(item))):
                return False
            if size + len(following) > most:
                return False
        if not following:
            return True
        size += len(following)
        level = following
    return False
