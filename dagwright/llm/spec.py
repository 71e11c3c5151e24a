"""From a model's name on the command line to a `Model`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

from dagwright.exceptions import InputError
from dagwright.llm.model import Model

OPENAI_DEFAULT = "gpt-4o-mini"
"""Used where OPENAI_API_KEY is set and no model was named."""
ANTHROPIC_DEFAULT = "claude-sonnet-4-6"
"""Used where ANTHROPIC_API_KEY is set and no model was named."""

ALLOWED = """
  local                              the default local model (`dagwright model pull` fetches it)
  local:FILE.gguf                    another GGUF file
  openai:NAME                        e.g. openai:gpt-4o-mini (key from OPENAI_API_KEY)
  anthropic:NAME                     e.g. anthropic:claude-sonnet-4-6 (key from ANTHROPIC_API_KEY)
  http(s)://HOST[:PORT]/v1#NAME      any OpenAI-compatible endpoint, e.g. http://localhost:11434/v1#qwen2.5
  cassette:FILE.jsonl                answers recorded earlier, replayed"""
"""What `open_model` takes."""


def open_model(spec: str) -> Model:
    """Gives the model that a specification names. Nothing is loaded or reached yet.

    Raises:
        InputError: the specification is none of the allowed ones, or a file or key it needs is missing.
    """
    kind, _, rest = spec.partition(":")
    if spec == "local" or (kind == "local" and rest):
        return _local(rest)
    if kind in ("http", "https") and rest.startswith("//"):
        return _endpoint(spec)
    if kind == "openai" and rest:
        from dagwright.llm.openai import OpenAIModel

        return OpenAIModel(rest, timeout=hosted_seconds())
    if kind == "anthropic" and rest:
        from dagwright.llm.anthropic import AnthropicModel

        return AnthropicModel(rest, timeout=hosted_seconds())
    if kind == "cassette" and rest:
        from dagwright.llm.cassette import Cassette

        return Cassette(Path(rest), mode="replay")
    raise InputError(f"model {spec!r} is not one. Allowed are:{ALLOWED}")


def default_spec(env: Mapping[str, str] | None = None) -> str:
    """Gives the model to use where none was named: a hosted one if its key is set, else the local one."""
    keys = os.environ if env is None else env
    if keys.get("ANTHROPIC_API_KEY"):
        return f"anthropic:{ANTHROPIC_DEFAULT}"
    if keys.get("OPENAI_API_KEY"):
        return f"openai:{OPENAI_DEFAULT}"
    return "local"


def hosted_seconds(env: Mapping[str, str] | None = None) -> float:
    """Gives how long a hosted model has for an answer: DAGWRIGHT_MODEL_TIMEOUT, else 120 seconds.

    Raises:
        InputError: the variable holds no positive number.
    """
    from dagwright.llm.hosted import SECONDS
    from dagwright.llm.transport import TIMEOUT_VARIABLE

    said = (os.environ if env is None else env).get(TIMEOUT_VARIABLE, "")
    try:
        seconds = float(said or SECONDS)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"{TIMEOUT_VARIABLE} is {said!r}; it must be a number of seconds greater than 0, e.g. 300")
    return seconds


def _local(file: str) -> Model:
    from dagwright.llm.local import LocalModel
    from dagwright.llm.weights import require

    return LocalModel(require(Path(file)) if file else None)


def _endpoint(spec: str) -> Model:
    url, _, name = spec.partition("#")
    if not name:
        raise InputError(f"model {spec!r} names no model: write {url}#NAME")
    from dagwright.llm.openai import OpenAIModel

    return OpenAIModel(name, base_url=url, timeout=hosted_seconds())
