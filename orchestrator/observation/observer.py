"""`Observer`: told when something begins and ends; never told values, and never in the way of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Protocol
from urllib.parse import urlsplit

NAME: Final = "dagwright"
"""Name of the tracer, the meter and the logger; `dagwright.run`, `.phase`, `.step`, `.attempt` and `.model` are loggers
below it."""

Kind = Literal["run", "phase", "step", "attempt", "model"]
"""What is observed: a run has phases, execution has steps, a step has attempts; a model is asked in any phase."""

Attribute = str | int | float | bool | tuple[str, ...]
Attributes = Mapping[str, Attribute]
"""What is told: names, hashes, counts, states; never a goal's words, an argument, an output or a credential."""


class Observation(Protocol):
    """Something that has begun."""

    def tell(self, attributes: Attributes) -> None:
        """Adds what became known meanwhile."""
        ...

    def end(self, attributes: Attributes, *, error: str = "") -> None:
        """Ends it; `error` is the stable code of what went wrong."""
        ...


class Observer(Protocol):
    """Watches runs."""

    def begin(self, kind: Kind, name: str, attributes: Attributes, within: Observation | None) -> Observation:
        """Gives what is told when it ends. For `run` and `model`, both happen in one thread.

        So for `attempt`, but where its tool hangs: then another thread ends it.
        """
        ...


class Observations:
    """The same thing as several observers see it."""

    def __init__(self, each: tuple[Observation, ...]) -> None:
        self.each = each

    def tell(self, attributes: Attributes) -> None:
        """Tells all."""
        for one in self.each:
            one.tell(attributes)

    def end(self, attributes: Attributes, *, error: str = "") -> None:
        """Ends all."""
        for one in self.each:
            one.end(attributes, error=error)


class Observers:
    """Several observers as one."""

    def __init__(self, each: tuple[Observer, ...]) -> None:
        self._each = each

    def begin(self, kind: Kind, name: str, attributes: Attributes, within: Observation | None) -> Observation:
        """Begins it for all."""
        parents = within.each if isinstance(within, Observations) else (None,) * len(self._each)
        pairs = zip(self._each, parents, strict=True)
        return Observations(tuple(one.begin(kind, name, attributes, parent) for one, parent in pairs))


def model_attributes(name: str) -> dict[str, Attribute]:
    """Gives provider and model of a model's name, in OpenTelemetry's words; of a URL its host and port alone."""
    if "://" in name:
        address, _, model = name.partition("#")
        parts = urlsplit(address)
        found: dict[str, Attribute] = {"gen_ai.provider.name": "openai-compatible", "gen_ai.request.model": model}
        found |= {"server.address": parts.hostname} if parts.hostname else {}
        return found | ({"server.port": parts.port} if parts.port else {})
    provider, colon, model = name.partition(":")
    return {"gen_ai.provider.name": provider if colon else "unknown", "gen_ai.request.model": model or name}
