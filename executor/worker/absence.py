"""`Absent`: the error of a reference to a step that has given nothing."""

from __future__ import annotations

from dagwright.exceptions import GuardViolation


class Absent(GuardViolation):
    """Raised where a step has given nothing: it was skipped, failed in an optional block, or has not run."""

    def __init__(self, step: str) -> None:
        self.step = step
        super().__init__(f"step {step!r} has given nothing", code="missing_reference")
