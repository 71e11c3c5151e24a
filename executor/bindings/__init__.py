"""How a guarded worker runs an operation: python, http, llm, human."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagwright.llm.model import Model
    from dagwright.tool import BindingKind
    from executor.bindings.human import Asker
    from executor.bindings.llm import Listener
    from executor.bindings.runner import Runner

__all__ = ["runners"]


def runners(
    *,
    model: Model | None = None,
    ask: Asker | None = None,
    modules: Iterable[str] = (),
    on_exchange: Listener | None = None,
) -> dict[BindingKind, Runner]:
    """Gives the runner of each kind of binding that there is a worker for.

    Args:
        model: what runs quarantined language model steps; without it there is no `llm` runner.
        ask: what asks the person; without it such a step is refused.
        modules: modules and packages, besides the toolchest, whose functions may be tools.
        on_exchange: is told of every exchange with the model.
    """
    from executor.bindings.http import HttpRunner
    from executor.bindings.human import HumanRunner
    from executor.bindings.python import PythonRunner

    found: dict[BindingKind, Runner] = {
        "python": PythonRunner(modules),
        "http": HttpRunner(),
        "human": HumanRunner(ask),
    }
    if model is not None:
        from executor.bindings.llm import LlmRunner

        found["llm"] = LlmRunner(model, on_exchange=on_exchange) if on_exchange else LlmRunner(model)
    return found
