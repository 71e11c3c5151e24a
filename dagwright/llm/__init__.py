"""Language models behind one one-method protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagwright.llm.model import Message, Model, ModelReply, ModelRequest, Usage
    from dagwright.llm.spec import default_spec, open_model

__all__ = ["Message", "Model", "ModelReply", "ModelRequest", "Usage", "default_spec", "open_model"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = "dagwright.llm.spec" if name in ("default_spec", "open_model") else "dagwright.llm.model"
    return getattr(import_module(home), name)
