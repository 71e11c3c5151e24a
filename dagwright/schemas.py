"""JSON Schemas of the artefacts that travel between rooms and over the wire."""

from __future__ import annotations

from typing import Final

from dagwright.catalogue import Catalogue
from dagwright.decomposition import Decomposition
from dagwright.event import Event
from dagwright.feedback import Feedback, Outcome
from dagwright.finding import Finding, Report
from dagwright.goal import Goal
from dagwright.model import Frozen, JsonSchema
from dagwright.plan import Plan
from dagwright.policy import Policy
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
"""Dialect of every schema given here."""

CONTRACTS: Final[tuple[type[Frozen], ...]] = (
    Goal,
    Plan,
    Decomposition,
    Proposal,
    ToolSpec,
    Catalogue,
    Policy,
    Finding,
    Report,
    Feedback,
    Outcome,
    Event,
)
"""The artefacts, in the order in which they come about."""


def schemas() -> dict[str, JsonSchema]:
    """Gives the JSON Schema (2020-12) of every artefact by its name, with its field docstrings."""
    return {
        contract.__name__: {"$schema": DIALECT, **contract.model_json_schema(by_alias=True)} for contract in CONTRACTS
    }
