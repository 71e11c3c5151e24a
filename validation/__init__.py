"""Five levels of checks, the type relation, information flow, fixes; certify. Pure."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from validation.certification import certify
    from validation.codes import CODES, VALIDATOR_VERSION
    from validation.examination import validate
    from validation.repairs import Repair, repair
    from validation.text import parse_proposal
    from validation.widening import widened

_HOMES = {
    "CODES": "codes",
    "VALIDATOR_VERSION": "codes",
    "Repair": "repairs",
    "certify": "certification",
    "parse_proposal": "text",
    "repair": "repairs",
    "validate": "examination",
    "widened": "widening",
}

__all__ = [
    "CODES",
    "VALIDATOR_VERSION",
    "Repair",
    "certify",
    "parse_proposal",
    "repair",
    "validate",
    "widened",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"validation.{_HOMES[name]}"), name)
