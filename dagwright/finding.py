"""`Finding` and `Report`: what the validator says."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from dagwright.model import Frozen, Pointer

Level = Literal["syntactic", "semantic", "dependency", "policy", "resource"]
Severity = Literal["error", "warning", "info"]

LEVELS: tuple[Level, ...] = ("syntactic", "semantic", "dependency", "policy", "resource")


class PatchOperation(Frozen):
    """One operation of a JSON Patch (RFC 6902)."""

    op: Literal["add", "remove", "replace"]
    path: Pointer
    value: JsonValue = None

    @model_serializer(mode="wrap")
    def _with_null(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return handler(self) if self.op == "remove" else {"value": None, **handler(self)}


class Finding(Frozen):
    """One thing that is wrong, or worth knowing, at one place."""

    code: str
    """Stable code, e.g. `D305`."""
    level: Level
    """Which of the five levels found it."""
    severity: Severity
    """An error rejects the proposal."""
    task_id: str | None = None
    """The task, where there is one."""
    step_id: str | None = None
    """The step, where there is one."""
    path: Pointer = ""
    """Where in the proposal."""
    message: str
    """What is wrong, where, what would be allowed."""
    suggested_fix: str = ""
    """The fix in words."""
    fix: tuple[PatchOperation, ...] | None = None
    """The fix as a JSON Patch on the proposal; None where there is no certain one."""
    evidence: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Facts behind it, for machines."""
    needs_approval: bool = False
    """True where a person's approval settles it."""


class Report(Frozen):
    """All findings about one proposal."""

    findings: tuple[Finding, ...] = ()
    """In order of level, place and code."""
    checks_passed: tuple[str, ...] = ()
    """Codes that were checked and found nothing."""

    @cached_property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that reject the proposal."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def is_valid(self) -> bool:
        """Whether nothing rejects the proposal."""
        return not self.errors

    @property
    def approval_required(self) -> bool:
        """Whether a person must approve something before it runs."""
        return any(finding.needs_approval for finding in self.findings)

    @property
    def is_ready(self) -> bool:
        """Whether it is valid and nothing is left to approve."""
        return self.is_valid and not self.approval_required

    def validation_result(self) -> dict[str, JsonValue]:
        """Gives the wire format, `{"validation_result": {is_valid, checks_passed, checks_failed, …}}`."""
        failed: list[JsonValue] = [
            {"check_type": finding.level, **finding.model_dump(mode="json", exclude={"needs_approval"})}
            for finding in self.findings
        ]
        return {
            "validation_result": {
                "is_valid": self.is_valid,
                "checks_passed": list(self.checks_passed),
                "checks_failed": failed,
                "approval_required": self.approval_required,
            }
        }

    def rows(self) -> list[dict[str, JsonValue]]:
        """Gives one flat row per finding, for `pandas.DataFrame`."""
        return [finding.model_dump(mode="json", exclude={"fix", "evidence"}) for finding in self.findings]
