"""The exception tree. Errors about content and errors about transport never share a class.

DagwrightError
├── ContentError            what was given is wrong; trying again gives the same answer
│   ├── InputError          a goal, its inputs or a file cannot be read or used
│   ├── CatalogueError      a catalogue is not one; lists every problem found
│   ├── PolicyError         a policy file is not one
│   ├── RuleError           a rule of your own cannot be loaded, or does what no rule may
│   ├── ProposalRejected    the validator found errors; carries the report
│   ├── ModelAnswerError    a model answered with something that is not what was asked for
│   ├── ToolRejected        a tool looked at its arguments and refused them for good
│   ├── GuardViolation      a guarded worker found that a check certified earlier does not hold
│   └── ArchiveError        a run archive is missing, damaged or held by another process
│       └── DiskError       the disk is full or broken; says where to make room
├── TransportError          the way to a component broke; only these are ever retried
│   ├── Unreachable         a component is not there; says which command starts it
│   ├── TimedOut            no answer within the stated time
│   └── ToolUnavailable     a tool could not answer this time
├── ApprovalRequired        a run waits for a person
└── Cancelled               the person or the caller stopped it
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagwright.finding import Report
    from dagwright.llm.model import Usage


class DagwrightError(Exception):
    """Base of every error that dagwright raises on purpose."""

    exit_code: int = 3
    """What the command line exits with when this error ends a command."""


class ContentError(DagwrightError):
    """What was given is wrong; trying again would give the same answer."""

    exit_code = 2


class InputError(ContentError):
    """Raised when a goal, one of its inputs or a file cannot be read or used."""


class CatalogueError(ContentError):
    """Raised when a catalogue is not one. Lists every problem, not the first only."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        shown = "\n".join(f"  - {problem}" for problem in self.problems[:20])
        more = f"\n  … and {len(self.problems) - 20} more" if len(self.problems) > 20 else ""
        super().__init__(f"catalogue {source!r} cannot be used:\n{shown}{more}")


class PolicyError(ContentError):
    """Raised when a policy file is not a policy."""


class RuleError(ContentError):
    """Raised when a rule of your own cannot be loaded, raises, or does what no rule may."""


class ProposalRejected(ContentError):
    """Raised when a proposal has findings of severity error and a Program was asked for."""

    exit_code = 1

    def __init__(self, report: Report) -> None:
        self.report = report
        errors = report.errors
        first = "; ".join(f"{finding.code} {finding.message}" for finding in errors[:3])
        more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
        super().__init__(f"the proposal was rejected: {first}{more}")


class ModelAnswerError(ContentError):
    """Raised when a model's answer is garbage, a refusal or cut off by its token limit.

    `usage` is what the useless answer took, where it is known.
    """

    exit_code = 1

    def __init__(self, message: str, *, usage: Usage | None = None) -> None:
        self.usage = usage
        super().__init__(message)


class ToolRejected(ContentError):
    """Raised by a tool that refuses its arguments for good (a missing column, a 404).

    `code` is a stable word that a planner may see; the message is for people only.
    """

    exit_code = 3

    def __init__(self, message: str, *, code: str = "rejected") -> None:
        self.code = code
        super().__init__(message)


class GuardViolation(ContentError):
    """Raised by a guarded worker when inputs, outputs, policy or approval do not hold."""

    exit_code = 3

    def __init__(self, message: str, *, code: str) -> None:
        self.code = code
        super().__init__(message)


class ArchiveError(ContentError):
    """Raised when a run archive is missing, damaged or held by another process."""


class DiskError(ArchiveError):
    """Raised when the disk takes nothing more. What was written before stays whole."""

    exit_code = 3

    @staticmethod
    def is_why(error: OSError) -> bool:
        """Whether the disk is what an error of the system is about, not a permission or a name."""
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

    def __init__(self, what: str, where: Path, cause: Exception) -> None:
        said = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        super().__init__(f"{what} cannot be written, the disk refuses ({said}); make room in {str(where.parent)!r}")


class TransportError(DagwrightError):
    """The way to a component broke; the same request may succeed later."""


class Unreachable(TransportError):
    """Raised when a component is not there. `remedy` is the command that starts it, `advice` what else would help."""

    exit_code = 5

    def __init__(self, component: str, detail: str, *, remedy: str = "", advice: str = "") -> None:
        self.component = component
        self.remedy = remedy
        help_ = f"Start it with: {remedy}" if remedy else f"{advice}."
        super().__init__(f"{component} is not reachable: {detail}. {help_}")


class TimedOut(TransportError):
    """Raised when no answer came within the stated time."""


class ToolUnavailable(TransportError):
    """Raised by a tool that could not answer this time (a 503, a broken connection)."""

    def __init__(self, message: str, *, code: str = "unavailable", retry_after: float = 0.0) -> None:
        """`retry_after` is for how many seconds it will not answer another time either, as far as that is known."""
        self.code, self.retry_after = code, retry_after
        super().__init__(message)


class ApprovalRequired(DagwrightError):
    """Raised when a run cannot go on before a person approves."""

    exit_code = 4


class Cancelled(DagwrightError):
    """Raised when the person or the caller stopped the work."""

    exit_code = 130
