"""Lint of a catalogue itself: a validator is as good as what it is told about the operations. Pure."""

from validation.lint.codes import LINT_CODES
from validation.lint.examination import lint

__all__ = ["LINT_CODES", "lint"]
