"""Phase 1: what a person gives becomes typed inputs of a goal."""

from __future__ import annotations

from orchestrator.ingest.given import read_input

__all__ = ["read_input"]
