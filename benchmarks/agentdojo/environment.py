"""AgentDojo's environments, from our side: the process that holds them, and how it is installed."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from benchmarks.own_environment import OwnEnvironment
from dagwright.exceptions import InputError, ToolRejected, TransportError

NAME = "agentdojo-0.1.35"
SECONDS = 600
"""Seconds that one answer may take; the first one loads AgentDojo."""

_HERE = Path(__file__).parent
_OWN = OwnEnvironment(name=NAME, lock=_HERE / "requirements.lock")
Json = dict[str, Any]


def interpreter() -> Path:
    """Gives the interpreter of AgentDojo's own environment, there or not."""
    return _OWN.interpreter


def install() -> Path:
    """Makes an environment of its own for AgentDojo, from a lock file with checksums; gives its interpreter.

    Raises:
        TransportError: the package index did not give what the lock file names.
    """
    return _OWN.install()


class AgentDojo:
    """A process that has AgentDojo and nothing of ours. One request at a time, from any thread."""

    def __init__(self) -> None:
        if not interpreter().exists():
            raise InputError(
                f"suite 'agentdojo' needs {NAME} in an environment of its own; "
                "make it with: python -m benchmarks.agentdojo.install"
            )
        command = [str(interpreter()), "-I", str(_HERE / "process.py")]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, do: str, **request: Any) -> Any:
        """Gives the answer to a request.

        Raises:
            TransportError: the process went away, took too long or failed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._turn:
            watch = threading.Timer(SECONDS, self._process.kill)
            watch.start()
            try:
                self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline()
            except OSError as error:
                raise TransportError(f"AgentDojo's process went away: {error}") from error
            finally:
                watch.cancel()
        if not line:
            raise TransportError(f"AgentDojo's process gave no answer to {do!r} within {SECONDS} seconds")
        answer = cast("Json", json.loads(line))
        if "failed" in answer:
            raise TransportError(f"AgentDojo failed at {do!r}: {answer['failed']}")
        return answer["ok"]


class World:
    """One of AgentDojo's environments, opened for a task."""

    def __init__(self, dojo: AgentDojo, suite: str, user_task: str, injection: str = "") -> None:
        """Opens it, with `injection` in all places where AgentDojo injects, if it is not empty."""
        self._dojo, self.suite, self.user_task = dojo, suite, user_task
        opened = dojo.ask("open", suite=suite, user_task=user_task, injection=injection)
        self._session: int = opened["session"]
        self.calls: list[Json] = opened["calls"]
        """The gold calls of the task: `function` and `args`."""
        self.output: str = opened["output"]
        """What the gold answer says."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._dojo.ask("close", session=self._session)

    def call(self, function: str, args: Json) -> Any:
        """Calls a tool.

        Raises:
            ToolRejected: the tool refuses.
        """
        answer = self._dojo.ask("call", session=self._session, function=function, args=args)
        if "error" in answer:
            raise ToolRejected(f"{function}: {answer['error'][:300]}", code="tool_refused")
        return answer["result"]

    def injection_calls(self, injection_task: str) -> list[Json]:
        """Gives the calls that reach an injection's goal from here."""
        return self._dojo.ask("injection_calls", session=self._session, injection_task=injection_task)

    def judged(self, injection_task: str | None = None, output: str | None = None) -> dict[str, bool]:
        """Gives AgentDojo's verdicts: `utility`, and with an injection `reached`."""
        said = self.output if output is None else output
        judge = {"user_task": self.user_task, "injection_task": injection_task, "output": said}
        return self._dojo.ask("judge", session=self._session, **judge)
