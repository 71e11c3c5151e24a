"""How a guarded worker runs an operation: one runner per kind of binding."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagwright.llm.model import Model
    from dagwright.tool import BindingKind
    from executor.bindings.human import Asker
    from executor.bindings.llm import Listener
    from executor.bindings.runner import Runner, Runners

__all__ = ["close", "runners"]


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
    from executor.bindings.code import CodeRunner
    from executor.bindings.http import HttpRunner
    from executor.bindings.human import HumanRunner
    from executor.bindings.python import PythonRunner
    from executor.bindings.transform import TransformRunner
    from executor.bindings.worker import WorkerRunner

    found: dict[BindingKind, Runner] = {
        "python": PythonRunner(modules),
        "http": HttpRunner(),
        "human": HumanRunner(ask),
        "code": CodeRunner(),
        "transform": TransformRunner(),
        "worker": WorkerRunner(),
        **_installed(),
    }
    if model is not None:
        from executor.bindings.llm import LlmRunner

        found["llm"] = LlmRunner(model, on_exchange=on_exchange) if on_exchange else LlmRunner(model)
    return found


def _installed() -> dict[BindingKind, Runner]:
    """Gives the runners that need an extra, where it is installed: `dagwright[kafka]`, `dagwright[mcp]`."""
    found: dict[BindingKind, Runner] = {}
    if find_spec("aiokafka") is not None:
        from executor.bindings.kafka import KafkaRunner

        found["kafka"] = KafkaRunner()
    if find_spec("mcp") is not None:
        from executor.bindings.mcp.runner import McpRunner

        found["mcp"] = McpRunner()
    return found


def close(found: Runners) -> None:
    """Ends what runners have started, such as MCP servers and connections to brokers; they start again when used."""
    from executor.bindings.runner import Closing

    for runner in found.values():
        if isinstance(runner, Closing):
            runner.close()
