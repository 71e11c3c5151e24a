"""`observed`: makes a verb of the pipeline visible to whoever watches; costs nothing where nobody does."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from orchestrator.observation.configuration import observers
from orchestrator.setup import Setup

Given = ParamSpec("Given")
Result = TypeVar("Result")


def observed(verb: Callable[Given, Result]) -> Callable[Given, Result]:
    """Gives a verb that tells of its run, under its own name, whoever is there when it begins."""

    @wraps(verb)
    def watched(*arguments: Given.args, **named: Given.kwargs) -> Result:
        watching = observers()
        if not watching:
            return verb(*arguments, **named)
        from orchestrator.observation.observer import Observers
        from orchestrator.observation.watch import Watch

        watch = Watch(Observers(watching), verb.__name__)
        try:
            result = cast("Callable[..., Result]", verb)(
                *(_seen(argument, watch) for argument in arguments),
                **{name: _seen(argument, watch) for name, argument in named.items()},
            )
        except BaseException as error:
            watch.end(error)
            raise
        watch.end(None)
        return result

    return watched


def _seen(argument: Any, watch: Any) -> Any:
    return watch.setup(argument) if isinstance(argument, Setup) else argument
