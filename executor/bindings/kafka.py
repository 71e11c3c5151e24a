"""Kafka: arguments published to a topic, or sent as a request whose reply comes on another topic.

The message's key is the idempotency key, and so is the `correlation-id` of a request: whoever consumes does a key
once and answers it whenever it comes. A reply carries the same `correlation-id`; with a header `error` it is a
refusal, whose value is a code and whose body is a text for people.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from typing import Any, cast

from pydantic import JsonValue

from dagwright.canonical import ordered_json
from dagwright.exceptions import DagwrightError, TimedOut, ToolRejected, ToolUnavailable
from dagwright.tool import KafkaBinding, ToolSpec
from executor.bindings.exchange import MOST_BYTES, credential_of
from executor.bindings.hosts import target_at
from executor.bindings.loop import GuardedLoop, within
from executor.bindings.runner import ToolContext

MOST_SENT = 1_000_000
"""Bytes of a message; brokers take hardly more unless told to."""
CLOSE_SECONDS = 2.0
"""What a connection gets to close."""


def _library(name: str) -> Any:
    """Gives a module of aiokafka, which has no types."""
    return import_module(name)


class KafkaRunner:
    """Runs operations with a `KafkaBinding`: gives `{topic, partition, offset}`, or `{reply}` of a request."""

    def __init__(self, *, most_sent: int = MOST_SENT, most_bytes: int = MOST_BYTES) -> None:
        self.most_sent, self.most_bytes = most_sent, most_bytes
        for name in ("aiokafka", "kafka"):
            logging.getLogger(name).addHandler(logging.NullHandler())  # what goes wrong is raised, not printed

    def __call__(self, spec: ToolSpec, arguments: dict[str, JsonValue], context: ToolContext) -> dict[str, JsonValue]:
        """Sends the arguments, and waits for the reply of a request.

        Raises:
            ToolUnavailable: `kafka_unreachable` (nothing was sent), `kafka_broken` (it may have been).
            ToolRejected: `host_not_allowed`, `address_not_allowed`, `missing_credential`, `kafka_denied`,
                `unknown_topic`, `argument_too_large`, `bad_answer`, `too_large`; `reply_rejected`, or a code that
                the binding names, where the reply is a refusal.
            TimedOut: it was sent, and the brokers' word or the reply did not come in time.
            Cancelled: the attempt was stopped.
        """
        binding = spec.binding
        if not isinstance(binding, KafkaBinding):
            raise TypeError(f"{spec.name!r} is not bound to Kafka")
        body = ordered_json(arguments)
        if len(body) > self.most_sent:
            raise ToolRejected(f"the message has more than {self.most_sent:,} bytes", code="argument_too_large")
        call = _Call(binding, spec, context, self.most_bytes, _settings(binding, context))
        loop = GuardedLoop(context.policy.allowed_hosts)
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                return runner.run(within(call.answered(body) if binding.reply_topic else call.published(body), context))
            except Exception as error:  # noqa: BLE001 - raised again, typed
                raise _told(error, spec, sent=call.sent, refused=loop.refused) from None


def _settings(binding: KafkaBinding, context: ToolContext) -> dict[str, Any]:
    """Gives how brokers are connected to; holds credentials, so it is never shown."""
    protocol = ("SASL_" if binding.mechanism else "") + ("SSL" if binding.tls else "PLAINTEXT")
    settings: dict[str, Any] = {
        "bootstrap_servers": list(binding.servers),
        "security_protocol": protocol,
        "request_timeout_ms": max(100, round(context.remaining * 1000)),
    }
    if binding.tls:
        settings["ssl_context"] = _tls()
    if binding.mechanism and binding.username and binding.password:
        settings["sasl_mechanism"] = binding.mechanism
        settings["sasl_plain_username"] = credential_of(binding.username, context)
        settings["sasl_plain_password"] = credential_of(binding.password, context)
    return settings


@cache
def _tls() -> ssl.SSLContext:
    """Gives what certificates are checked against; made once, because reading all authorities takes long."""
    return ssl.create_default_context()


class _Call:
    """One attempt: what is sent, and whether it has been."""

    def __init__(
        self, binding: KafkaBinding, spec: ToolSpec, context: ToolContext, most_bytes: int, settings: dict[str, Any]
    ) -> None:
        self.binding, self.spec, self.context, self.most_bytes = binding, spec, context, most_bytes
        self.settings = settings
        self.sent = False

    async def published(self, body: bytes) -> dict[str, JsonValue]:
        """Gives where the brokers have put the message, once all of its replicas have it."""
        producer = _library("aiokafka").AIOKafkaProducer(acks="all", enable_idempotence=True, **self.settings)
        async with _started(producer):
            await producer.partitions_for(self.binding.topic)
            await self._check_brokers(producer.client.cluster.brokers())
            self.sent = True
            found = await producer.send_and_wait(
                self.binding.topic, body, key=self.context.idempotency_key.encode(), headers=self._headers()
            )
        return {"topic": found.topic, "partition": found.partition, "offset": found.offset}

    async def answered(self, body: bytes) -> dict[str, JsonValue]:
        """Gives the reply; listens before it asks."""
        topic, listening = self.binding.reply_topic, {"group_id": None, "enable_auto_commit": False}
        consumer = _library("aiokafka").AIOKafkaConsumer(topic, **listening, **self.settings)
        async with _started(consumer):
            partitions = list(consumer.assignment())
            if not partitions:
                raise ToolRejected(f"there is no topic {topic!r}", code="unknown_topic")
            for partition, offset in (await consumer.end_offsets(partitions)).items():
                consumer.seek(partition, offset)
            await self.published(body)
            while True:
                record = await consumer.getone()
                headers = dict(record.headers)
                if headers.get("correlation-id") == self.context.idempotency_key.encode():
                    return {"reply": self._reply(record.value, headers)}

    async def _check_brokers(self, brokers: Iterable[Any]) -> None:
        """Refuses, before anything is sent, a cluster that would send us to hosts that are not allowed."""
        allowed = self.context.policy.allowed_hosts
        for broker in brokers:
            name = str(broker.host).lower().rstrip(".")
            await asyncio.get_running_loop().run_in_executor(None, target_at, name, int(broker.port), allowed)

    def _headers(self) -> list[tuple[str, bytes]]:
        context = self.context
        headers = {
            "idempotency-key": context.idempotency_key,
            "run": context.run,
            "step": context.step,
            "tenant": context.tenant,
            "attempt": str(context.attempt),
            "operation": self.spec.name,
        }
        if self.binding.reply_topic:
            headers |= {"correlation-id": context.idempotency_key, "reply-topic": self.binding.reply_topic}
        return [(name, value.encode()) for name, value in headers.items()]

    def _reply(self, value: bytes | None, headers: dict[str, bytes]) -> JsonValue:
        body = value or b"null"
        if len(body) > self.most_bytes:
            raise ToolRejected(f"the reply has more than {self.most_bytes:,} bytes", code="too_large")
        if "error" in headers:
            # A code is shown to planners: only words that the catalogue knows.
            code = headers["error"].decode("utf-8", "replace")
            known = code if code in self.binding.error_codes else "reply_rejected"
            raise ToolRejected(f"{self.spec.name}: {body[:500].decode('utf-8', 'replace')}", code=known)
        try:
            return cast("JsonValue", json.loads(body))
        except (ValueError, RecursionError) as error:
            raise ToolRejected(f"the reply of {self.spec.name} is not JSON: {error}", code="bad_answer") from None


@asynccontextmanager
async def _started(client: Any) -> AsyncGenerator[None]:
    """Starts a producer or consumer, and stops it in bounded time."""
    try:
        await client.start()
        yield
    finally:
        await asyncio.wait({asyncio.ensure_future(client.stop())}, timeout=CLOSE_SECONDS)


def _told(error: Exception, spec: ToolSpec, *, sent: bool, refused: ToolRejected | ToolUnavailable | None) -> Exception:
    """Gives what is raised: typed, and without the library's own words, which may quote what was sent."""
    errors = _library("aiokafka.errors")
    name = type(error).__name__
    if refused is not None and not sent:
        return refused
    if isinstance(error, TimedOut) and not sent:
        return ToolUnavailable(f"no broker of {spec.name} answered in time", code="kafka_unreachable")
    if isinstance(error, DagwrightError):
        return error
    if isinstance(error, errors.UnknownTopicOrPartitionError | errors.InvalidTopicError):
        return ToolRejected(f"{spec.name}: a topic does not exist ({name})", code="unknown_topic")
    if isinstance(error, errors.MessageSizeTooLargeError | errors.RecordListTooLargeError):
        return ToolRejected(f"the brokers of {spec.name} do not take a message of that size", code="argument_too_large")
    if isinstance(error, _denials()):
        return ToolRejected(f"the brokers of {spec.name} refuse: {name}", code="kafka_denied")
    if not sent:
        return ToolUnavailable(
            f"the brokers of {spec.name} cannot be reached, or refuse who asks: {name}", code="kafka_unreachable"
        )
    if isinstance(error, errors.KafkaTimeoutError | errors.RequestTimedOutError | asyncio.TimeoutError):
        return TimedOut(f"the brokers of {spec.name} did not confirm the message in time")
    return ToolUnavailable(f"{spec.name}: {name}", code="kafka_broken")


def _denials() -> tuple[type[Exception], ...]:
    errors = _library("aiokafka.errors")
    return (
        errors.AuthenticationFailedError,
        errors.TopicAuthorizationFailedError,
        errors.ClusterAuthorizationFailedError,
        errors.UnsupportedSaslMechanismError,
        errors.IllegalSaslStateError,
        errors.SaslAuthenticationFailed,
    )
