"""`Peer`: a scheduler of others, from our side."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks.own_environment import OwnEnvironment
from dagwright.exceptions import InputError, TransportError

_HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Job:
    """A DAG to be run."""

    item: str
    """Names it in the answer."""
    after: Mapping[str, Sequence[str]]
    """Predecessors by task, in a topological order."""
    seconds: Mapping[str, float]
    """How long each task sleeps; 0 does nothing."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A scheduler in an environment of its own."""

    name: str
    """What `install` and records call it."""
    process: Path
    """The program that its environment runs."""
    environment: OwnEnvironment

    def run(
        self, jobs: Sequence[Job], *, together: int = 1, durable: Path | None = None, patience: float
    ) -> Iterator[tuple[str, float]]:
        """Gives item and seconds of each DAG as it ends, `together` of them at a time.

        `durable` is the file of checkpoints, one after each step; None keeps nothing. `patience` is how many
        seconds all of it may take.

        Raises:
            InputError: it is not installed; says which command does it.
            TransportError: it failed, ran tasks other than those asked for, or took too long.
        """
        if not self.environment.interpreter.exists():
            raise InputError(
                f"{self.name} needs an environment of its own ({self.environment.name}); "
                f"make it with: python -m benchmarks.peers.install {self.name}"
            )
        asked = {
            "jobs": [asdict(job) for job in jobs],
            "together": together,
            "durable": str(durable) if durable else None,
        }
        command = [str(self.environment.interpreter), "-I", str(self.process)]
        with subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            watch = threading.Timer(patience, process.kill)
            watch.start()
            try:
                yield from self._answers(process, json.dumps(asked), {job.item: len(job.after) for job in jobs})
            finally:
                watch.cancel()
                process.kill()

    def _answers(
        self, process: subprocess.Popen[str], asked: str, sizes: dict[str, int]
    ) -> Iterator[tuple[str, float]]:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(asked)
            process.stdin.close()
        except OSError as error:
            raise TransportError(f"{self.name} went away: {error}") from error
        for line in process.stdout:
            answer = cast("dict[str, Any]", json.loads(line))
            if "failed" in answer:
                raise TransportError(f"{self.name} failed at {answer['item']}: {answer['failed']}")
            if answer["tasks"] != sizes.pop(answer["item"]):
                raise TransportError(f"{self.name} ran {answer['tasks']} tasks of {answer['item']}, not all once")
            yield str(answer["item"]), float(answer["seconds"])
        if sizes:
            raise TransportError(f"{self.name} went away or took too long; not ended: {', '.join(sizes)}")


def _peer(name: str, version: str) -> Peer:
    environment = OwnEnvironment(name=f"{name}-{version}", lock=_HERE / f"{name}.lock")
    return Peer(name=name, process=_HERE / f"{name}_process.py", environment=environment)


LANGGRAPH = _peer("langgraph", "1.2.22")
PEERS = {peer.name: peer for peer in (LANGGRAPH,)}
