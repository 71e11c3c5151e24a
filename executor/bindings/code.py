"""Code in a sandbox: the catalogue's own, or an argument that nothing untrusted may reach.

The code gets copies of its files, writes into a folder of its own, and what it leaves there becomes part of the
run only when it has ended well: a run that reaches a limit has changed nothing.

    spec = load_pack("code").by_name["code.run_python"]
    CodeRunner()(spec, {"code": "import json, sys; print(sum(json.load(sys.stdin)))", "data": [1, 2, 3]}, context)
    # {"stdout": "6…", "stderr": "", "exit_code": 0, "files": [], "sandbox": "bubblewrap"}
"""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from dagwright.exceptions import Cancelled, ToolRejected
from dagwright.tool import CodeBinding, ToolSpec
from executor.bindings.runner import ToolContext
from executor.sandbox.job import Bound, Folder, Job, Outcome, folder_of
from executor.sandbox.strength import admitted
from executor.toolchest.workspace import readable, write_file
from validation.places import path_problem

MARGIN_SECONDS = 0.5
"""How long before the attempt's deadline code is ended, so that it is told which limit it reached."""

_SAID = 300
"""Characters of standard error that an error message repeats."""

_REMEDIES: dict[Bound, str] = {
    "time_limit": "let it do less, or give the operation a longer `timeout`",
    "cpu_limit": "let it compute less, or give the binding more `cpu_seconds`",
    "memory_limit": "let it keep less at a time, or give the binding more `memory`",
    "process_limit": "let it start fewer processes and threads, or give the binding more `processes`",
    "file_limit": "let it write smaller files, or give the binding a larger `file`",
    "disk_limit": "let it write less, or give the binding more `disk` and `files`",
    "output_limit": "let it write to a file what is long, or give the binding more `output`",
}


class CodeRunner:
    """Runs operations with a `CodeBinding` in the strongest sandbox that works here."""

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Gives what the code wrote: the outputs themselves, or `{stdout, stderr, exit_code, files, sandbox}`.

        Raises:
            ToolRejected: the limit that the code reached (`time_limit`, `cpu_limit`, `memory_limit`,
                `process_limit`, `file_limit`, `disk_limit`, `output_limit`); `exit_status`; `bad_answer`;
                `file_kind`, `path_denied` or `path_outside` for what it left; as `readable` for its files.
            ToolUnavailable: `sandbox_failed`.
            GuardViolation: `sandbox_too_weak`: policy demands a stronger sandbox than there is.
            Cancelled: the caller stopped it.
        """
        if not isinstance(spec.binding, CodeBinding):
            raise TypeError(f"{spec.name!r} is not bound to code")
        from executor.sandbox.supervise import run_code  # not to be had on Windows

        isolation = admitted(context.policy)
        job = _job(spec, spec.binding, arguments, context)
        with folder_of(job) as folder:
            outcome = run_code(job, folder, isolation, cancelled=context.cancelled)
            _check(spec, outcome, arguments)
            files = _kept(folder, arguments.get("folder"), context)
        if spec.binding.source is not None:
            return _answer(spec, outcome)
        return {
            "stdout": outcome.stdout.decode(errors="replace"),
            "stderr": outcome.stderr.decode(errors="replace"),
            "exit_code": outcome.exit_code,
            "files": cast("JsonValue", files),
            "sandbox": isolation,
        }


def _job(spec: ToolSpec, binding: CodeBinding, arguments: dict[str, JsonValue], context: ToolContext) -> Job:
    given = arguments.get("data") if binding.source is None else arguments
    return Job(
        language=binding.language,
        code=str(arguments["code"]) if binding.source is None else binding.source,
        data=json.dumps(given, ensure_ascii=False).encode(),
        files=_given(arguments.get("files"), context),
        limits=binding.limits,
        seconds=max(0.1, min(spec.timeout, context.remaining) - MARGIN_SECONDS),
    )


def _given(files: JsonValue, context: ToolContext) -> dict[str, Path]:
    """Gives the described files by their names below `inputs/`."""
    found: dict[str, Path] = {}
    for file in cast("list[JsonValue]", files or []):
        path = readable(file, context)
        name = str(cast("dict[str, JsonValue]", file)["path"]).partition("/")[2]
        if name in found:
            raise ToolRejected(f"two files would both be 'inputs/{name}'; give one of them only", code="name_clash")
        found[name] = path
    return found


def _check(spec: ToolSpec, outcome: Outcome, arguments: dict[str, JsonValue]) -> None:
    """Refuses what code did that reached a limit or did not end well."""
    if outcome.bound == "cancelled":
        raise Cancelled(f"{spec.name} was stopped")
    said = outcome.stderr.decode(errors="replace").strip()[-_SAID:]
    if outcome.bound is not None:
        message = f"the code of {spec.name} was ended at a limit: {outcome.detail}; {_REMEDIES[outcome.bound]}"
        raise ToolRejected(f"{message}{f'; it said: {said}' if said else ''}", code=outcome.bound)
    accepted = cast("list[int]", arguments.get("exit_codes") or [0])
    if outcome.exit_code not in accepted:
        ended = f"ended with exit code {outcome.exit_code}"
        if outcome.exit_code > 128:
            ended += f" (signal {outcome.exit_code - 128})"
        wanted = " or ".join(map(str, accepted))
        raise ToolRejected(f"the code of {spec.name} {ended}, not {wanted}; it said: {said}", code="exit_status")


def _kept(folder: Folder, target: JsonValue, context: ToolContext) -> list[dict[str, JsonValue]]:
    """Moves what the code left into the run's folder, all of it or, where a name is refused, nothing."""
    if not isinstance(target, str):
        return []
    named = {f"{target.rstrip('/')}/{path.relative_to(folder.work).as_posix()}": path for path in folder.written()}
    for name, path in named.items():
        if path.is_symlink() or not path.is_file():
            raise ToolRejected(
                f"the code left {name!r}, which is no regular file; only those are kept", code="file_kind"
            )
        if problem := path_problem(name, context.policy.allowed_paths):
            raise ToolRejected(f"the code left {name!r}, a path that {problem}", code="path_denied")
    return [write_file(name, context, partial(_copy, path)) for name, path in named.items()]


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _answer(spec: ToolSpec, outcome: Outcome) -> dict[str, JsonValue]:
    """Gives the outputs that code of the catalogue wrote as JSON."""
    try:
        answer: JsonValue = json.loads(outcome.stdout)
    except ValueError as error:
        raise ToolRejected(
            f"the code of {spec.name} must write its outputs as one JSON object to standard output: {error}",
            code="bad_answer",
        ) from error
    if not isinstance(answer, dict):
        raise ToolRejected(f"the code of {spec.name} wrote JSON that is no object of outputs", code="bad_answer")
    return answer
