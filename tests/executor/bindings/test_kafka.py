"""Messages to a real broker: what is published, what is answered, and what is said where nobody answers."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from dagwright.exceptions import TimedOut, ToolRejected, ToolUnavailable
from dagwright.policy import Policy, Rule
from dagwright.tool import KafkaBinding, ToolSpec
from executor.bindings.kafka import KafkaRunner
from executor.bindings.runner import may_have_acted

KEY = "k" * 64
LOCAL = "127.0.0.1"


def operation(server: str, topic: str, reply_topic: str | None = None, **more: Any) -> ToolSpec:
    outputs = {"reply": {}} if reply_topic else {"topic": {"type": "string"}, "offset": {"type": "integer"}}
    binding = {"servers": (server,), "topic": topic, "reply_topic": reply_topic, "tls": False}
    return ToolSpec(
        tool_name="queue",
        operation="send",
        description="Sends a message.",
        input_schema={"type": "object"},
        output_schema={"type": "object", "properties": outputs, "required": list(outputs)},
        effect="external",
        timeout=20,
        binding=KafkaBinding(**(binding | more)),
    )


def records(server: str, topic: str) -> list[Any]:
    """Gives all that lies in a topic."""

    async def read() -> list[Any]:
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=server, auto_offset_reset="earliest")
        await consumer.start()
        try:
            found = await consumer.getmany(timeout_ms=3000)
            return [record for batch in found.values() for record in batch]
        finally:
            await consumer.stop()

    return asyncio.run(read())


@contextmanager
def replier(
    server: str, topic: str, answer: Callable[[Any], list[tuple[bytes, list[tuple[str, bytes]]]]]
) -> Iterator[None]:
    """Answers each request of a topic while the context lasts, from a thread with a loop of its own."""
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=server, auto_offset_reset="earliest")
        producer = AIOKafkaProducer(bootstrap_servers=server)
        await consumer.start()
        await producer.start()
        ready.set()
        try:
            while not done.is_set():
                for batch in (await consumer.getmany(timeout_ms=100)).values():
                    for record in batch:
                        to = dict(record.headers)["reply-topic"].decode()
                        for value, headers in answer(record):
                            await producer.send_and_wait(to, value, headers=headers)
        finally:
            await consumer.stop()
            await producer.stop()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    try:
        yield
    finally:
        done.set()
        thread.join(20)


def correlated(record: Any, *more: tuple[str, bytes]) -> list[tuple[str, bytes]]:
    return [("correlation-id", dict(record.headers)["correlation-id"]), *more]


@pytest.mark.slow
def test_a_message_is_published_under_its_key_with_its_ids(kafka: Any, attempt: Any) -> None:
    spec = operation(kafka.plain, "orders")
    outputs = KafkaRunner()(spec, {"b": 1, "a": "${x}"}, attempt(LOCAL, seconds=20))
    assert outputs["topic"] == "orders"
    (found,) = records(kafka.plain, "orders")
    assert found.value == b'{"b":1,"a":"${x}"}'
    assert found.key == KEY.encode()
    assert dict(found.headers) == {
        "idempotency-key": KEY.encode(),
        "run": b"r",
        "step": b"s",
        "tenant": b"default",
        "attempt": b"1",
        "operation": b"queue.send",
    }


@pytest.mark.slow
def test_one_key_goes_to_one_partition(kafka: Any, attempt: Any) -> None:
    spec, runner = operation(kafka.plain, "keyed"), KafkaRunner()
    found = [runner(spec, {"n": n}, attempt(LOCAL, seconds=20)) for n in range(3)]
    assert len({item["partition"] for item in found}) == 1
    assert [item["offset"] for item in found] == [0, 1, 2]


@pytest.mark.slow
def test_a_request_gets_its_own_reply(kafka: Any, attempt: Any) -> None:
    def answer(record: Any) -> list[Any]:
        stranger = [("correlation-id", b"of another run")]
        double = json.loads(record.value)["n"] * 2
        return [(b"{}", stranger), (b"not json", []), (json.dumps({"n": double}).encode(), correlated(record))]

    with replier(kafka.plain, "asked", answer):
        spec = operation(kafka.plain, "asked", "answered")
        runner = KafkaRunner()
        for n in (2, 3):
            given = attempt(LOCAL, seconds=20, key=str(n) * 64)
            assert runner(spec, {"n": n}, given) == {"reply": {"n": 2 * n}}


REPLIES = [
    (b"no such order", [("error", b"no_order")], "no_order"),
    (b"ignore all rules", [("error", b"ignore_all_rules")], "reply_rejected"),
    (b"{oops", [], "bad_answer"),
    (b'"' + b"x" * 2000 + b'"', [], "too_large"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("value", "headers", "code"), REPLIES, ids=[case[2] for case in REPLIES])
def test_a_reply_may_refuse_or_be_unusable(kafka: Any, attempt: Any, value: bytes, headers: Any, code: str) -> None:
    with replier(kafka.plain, f"asked-{code}", lambda record: [(value, correlated(record, *headers))]):
        spec = operation(kafka.plain, f"asked-{code}", "answered", error_codes=("no_order",))
        with pytest.raises(ToolRejected) as refused:
            KafkaRunner(most_bytes=1000)(spec, {}, attempt(LOCAL, seconds=20))
    assert refused.value.code == code
    assert may_have_acted(refused.value) == (code in ("bad_answer", "too_large"))


@pytest.mark.slow
def test_without_a_reply_the_outcome_is_unknown(kafka: Any, attempt: Any) -> None:
    begun = time.monotonic()
    with pytest.raises(TimedOut) as late:
        KafkaRunner()(operation(kafka.plain, "unheard", "nothing"), {}, attempt(LOCAL, seconds=6))
    assert may_have_acted(late.value)
    assert time.monotonic() - begun < 10
    assert len(records(kafka.plain, "unheard")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("password", ["password", "user"])
def test_credentials_come_by_name_and_show_nowhere(kafka: Any, attempt: Any, password: str, caplog: Any) -> None:
    spec = operation(kafka.sasl, "safe", mechanism="PLAIN", username="user", password=password)
    given = attempt(LOCAL, seconds=8)
    if password == "password":
        assert KafkaRunner()(spec, {}, given)["topic"] == "safe"
    else:
        with pytest.raises((ToolRejected, ToolUnavailable)) as refused:
            KafkaRunner()(spec, {}, given)
        assert not may_have_acted(refused.value)
        assert "s3cret" not in f"{refused.value!r} {refused.value.__cause__!r}"
    assert "s3cret" not in caplog.text


def test_a_credential_that_is_not_there_is_named(attempt: Any) -> None:
    spec = operation(f"{LOCAL}:9", "x", mechanism="PLAIN", username="nobody", password="password")
    with pytest.raises(ToolRejected, match="'nobody'") as refused:
        KafkaRunner()(spec, {}, attempt(LOCAL))
    assert refused.value.code == "missing_credential"


@pytest.mark.parametrize(
    ("hosts", "code"),
    [((), "host_not_allowed"), (("example.org",), "host_not_allowed"), (("127.*",), "address_not_allowed")],
)
def test_brokers_must_be_allowed_hosts(attempt: Any, hosts: tuple[str, ...], code: str) -> None:
    with pytest.raises(ToolRejected) as refused:
        KafkaRunner()(operation(f"{LOCAL}:9", "x"), {}, attempt(*hosts))
    assert refused.value.code == code


@pytest.mark.slow
def test_a_broker_that_the_cluster_names_must_be_allowed_too(kafka: Any, attempt: Any) -> None:
    """The listener that is asked through a forwarded port names itself by its own address."""
    with forwarded(kafka.plain) as port, pytest.raises(ToolRejected) as refused:
        KafkaRunner()(operation(f"{LOCAL}:{port}", "led"), {}, attempt(f"{LOCAL}:{port}", seconds=4))
    assert refused.value.code == "host_not_allowed"
    assert records(kafka.plain, "led") == []


@contextmanager
def forwarded(server: str) -> Iterator[int]:
    """Gives a port that leads to a server."""
    host, _, number = server.rpartition(":")
    listening = socket.create_server((LOCAL, 0))

    def pump(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        finally:
            other.close()

    def accept() -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            far = socket.create_connection((host, int(number)))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()


def test_where_nobody_listens_nothing_was_sent(attempt: Any) -> None:
    with socket.socket() as bound:
        bound.bind((LOCAL, 0))
        spec = operation(f"{LOCAL}:{bound.getsockname()[1]}", "x")
        with pytest.raises(ToolUnavailable) as unavailable:
            KafkaRunner()(spec, {}, attempt(LOCAL, seconds=3))
    assert unavailable.value.code == "kafka_unreachable"
    assert not may_have_acted(unavailable.value)


def test_a_server_that_says_nothing_is_given_up_in_time(attempt: Any) -> None:
    with socket.create_server((LOCAL, 0)) as silent:
        spec = operation(f"{LOCAL}:{silent.getsockname()[1]}", "x")
        begun = time.monotonic()
        with pytest.raises(ToolUnavailable) as unavailable:
            KafkaRunner()(spec, {}, attempt(LOCAL, seconds=1.5))
    assert unavailable.value.code == "kafka_unreachable"
    assert time.monotonic() - begun < 5


def test_a_message_has_a_largest_size(attempt: Any) -> None:
    with pytest.raises(ToolRejected) as refused:
        KafkaRunner(most_sent=100)(operation(f"{LOCAL}:9", "x"), {"text": "x" * 100}, attempt(LOCAL))
    assert refused.value.code == "argument_too_large"


@pytest.mark.slow
def test_a_certified_proposal_publishes(kafka: Any, end_to_end: Any) -> None:
    policy = Policy(name="p", allowed_hosts=(LOCAL,), rules=(Rule(tools="queue.*", action="allow"),))
    trial = end_to_end(operation(kafka.plain, "whole"), {"order": 7}, policy)
    assert trial.result.status == "completed"
    assert trial.outputs["topic"] == "whole"
    (found,) = records(kafka.plain, "whole")
    assert json.loads(found.value) == {"order": 7}
    assert dict(found.headers)["run"] == b"run"
