"""What the tests of bindings share: a context for one attempt, and a real Kafka broker."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagwright.catalogue import catalogue_of
from dagwright.policy import Policy
from dagwright.program import Program
from dagwright.proposal import Proposal
from dagwright.tool import ToolSpec
from executor.archive.archive import Archive
from executor.bindings import close, runners
from executor.bindings.runner import ToolContext
from executor.engine.engine import EngineResult
from validation import certify

ROOT = Path(__file__).parents[3]
KEY = "k" * 64
SECRETS = {"token": "s3cret-token", "user": "worker", "password": "s3cret-password"}


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., ToolContext]:
    """Gives a function that makes the context of an attempt."""

    def made(*hosts: str, seconds: float = 10, key: str = KEY, **more: Any) -> ToolContext:
        policy = more.pop("policy", Policy(name="p", allowed_hosts=hosts))
        given: dict[str, Any] = {
            "run": "r",
            "step": "s",
            "attempt": 1,
            "idempotency_key": key,
            "files": tmp_path,
            "inputs": tmp_path,
            "policy": policy,
            "secrets": SECRETS.get,
            "deadline": time.monotonic() + seconds,
        }
        return ToolContext(**(given | more))

    return made


@dataclass(frozen=True)
class Trial:
    """A certified proposal of one step, run on the embedded engine with the real runners."""

    program: Program
    result: EngineResult
    outputs: Any
    """Of the step; None where it failed."""
    events: str
    """All that the archive says, as text."""


@pytest.fixture
def end_to_end(tmp_path: Path, build: Any) -> Callable[..., Trial]:
    """Gives a function that certifies a proposal of one call, and runs it."""

    def ran(spec: ToolSpec, arguments: dict[str, Any], policy: Policy) -> Trial:
        intent = {
            "tool_name": spec.tool_name,
            "operation": spec.operation,
            "required_inputs": {name: {"literal": value} for name, value in arguments.items()},
        }
        step = {"step_id": "s1", "action": "call", "tool_intent": intent}
        (output, *_) = spec.output_schema["properties"]  # type: ignore[misc]
        proposal = Proposal.model_validate(
            {
                "goal": {"goal_id": "g", "text": "call it"},
                "plan": {"dag_id": "d", "nodes": [{"task_id": "t1", "description": "call it"}]},
                "decompositions": [{"task_id": "t1", "steps": [step]}],
                "answer": {"found": {"from": "s1", "path": f"/{output}"}},
            }
        )
        available = runners()
        program = certify(proposal, catalogue=catalogue_of("c", [spec]), policy=policy, workers=frozenset(available))
        with Archive.create(tmp_path, "run") as archive:
            try:
                result = build.executed(program, archive, available, secrets=SECRETS.get)
            finally:
                close(available)
            outputs = archive.get(result.outputs["s1"]) if "s1" in result.outputs else None
            events = "\n".join(str(event.body) for event in archive.events())
        return Trial(program, result, outputs, events)

    return ran


@dataclass(frozen=True)
class Broker:
    """A running broker of one node."""

    plain: str
    """Address of the listener that takes anybody."""
    sasl: str
    """Address of the listener that wants a user and a password."""


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real broker (Apache Kafka, KRaft), fetched once, started once and ended at the end."""
    java = shutil.which("java")
    if java is None:
        pytest.skip("a Kafka broker needs Java 17 or newer; there is none on the path")
    fetched = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "kafka_jars.py")],
        capture_output=True,
        text=True,
        timeout=700,
        check=False,
    )
    if fetched.returncode:
        pytest.skip(f"no Kafka broker: {fetched.stderr.strip()}")
    folder = tmp_path_factory.mktemp("kafka")
    ports = [_free_port() for _ in range(3)]
    broker = Broker(plain=f"127.0.0.1:{ports[0]}", sasl=f"127.0.0.1:{ports[1]}")
    properties = folder / "server.properties"
    properties.write_text(_properties(broker, ports[2], folder), encoding="utf-8")
    command = [java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{fetched.stdout.strip()}/*"]
    cluster = uuid.uuid4().hex[:22]
    subprocess.run(
        [*command, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "kafka.Kafka", str(properties)], stdout=log, stderr=log)
        try:
            _await_port(ports[0], process, folder / "log")
            yield broker
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _properties(broker: Broker, controller: int, folder: Path) -> str:
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    login = f'{module} required user_{SECRETS["user"]}="{SECRETS["password"]}";'
    listeners = f"PLAIN://{broker.plain},SASL://{broker.sasl}"
    return "\n".join(
        (
            "process.roles=broker,controller",
            "node.id=1",
            f"controller.quorum.voters=1@127.0.0.1:{controller}",
            f"listeners={listeners},CONTROLLER://127.0.0.1:{controller}",
            f"advertised.listeners={listeners}",
            "controller.listener.names=CONTROLLER",
            "inter.broker.listener.name=PLAIN",
            "listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms=PLAIN",
            f"listener.name.sasl.plain.sasl.jaas.config={login}",
            f"log.dirs={folder / 'data'}",
            "offsets.topic.replication.factor=1",
            "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1",
            "group.initial.rebalance.delay.ms=0",
            "auto.create.topics.enable=true",
            "num.partitions=2",
        )
    )


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the broker did not start: {log.read_text(errors='replace')[-1000:]}")
