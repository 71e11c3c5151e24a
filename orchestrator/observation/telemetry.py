"""`Telemetry`: runs as OpenTelemetry spans and metrics, through its API alone.

Model calls and tool calls follow the semantic conventions for generative AI (`gen_ai.*`); what they
have no name for is `dagwright.*`. Durations are seconds, cost is US dollars.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from opentelemetry import context, metrics, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from orchestrator.observation.observer import NAME, Attributes, Kind, Observation

IN_THREAD = frozenset(("run", "attempt", "model"))
"""What begins and goes on in one thread, and is therefore the parent of whatever else is instrumented there."""

TOKENS = {"input": "gen_ai.usage.input_tokens", "output": "gen_ai.usage.output_tokens"}


class Telemetry:
    """Watches runs for the providers that are set up."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(NAME)
        self._measures = _Measures()

    def begin(self, kind: Kind, name: str, attributes: Attributes, within: Observation | None) -> Observation:
        """Starts a span below that of `within`, or below the current one."""
        above = trace.set_span_in_context(within.span) if isinstance(within, _Spanned) else None
        span = self._tracer.start_span(
            name,
            context=above,
            kind=SpanKind.CLIENT if kind == "model" else SpanKind.INTERNAL,
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        )
        return _Spanned(kind, span, dict(attributes), self._measures)


class _Spanned:
    """A span that has begun, with what its metrics need."""

    def __init__(self, kind: Kind, span: Span, attributes: dict[str, Any], measures: _Measures) -> None:
        self.span = span
        self._kind: Kind = kind
        self._known, self._measures = attributes, measures
        self._begun = time.perf_counter()
        inside = kind in IN_THREAD
        self._token = context.attach(trace.set_span_in_context(span)) if inside else None
        self._thread = threading.get_ident()

    def tell(self, attributes: Attributes) -> None:
        self._known |= attributes
        self.span.set_attributes(dict(attributes))

    def end(self, attributes: Attributes, *, error: str = "") -> None:
        self.tell({**attributes, **({"error.type": error} if error else {})})
        if error:
            self.span.set_status(Status(StatusCode.ERROR, error))
        if self._token is not None and self._thread == threading.get_ident():
            context.detach(self._token)
        self._measures.take(self._kind, self._known, time.perf_counter() - self._begun)
        self.span.end()


class _Measures:
    """The metrics."""

    def __init__(self) -> None:
        meter = metrics.get_meter(NAME)
        self._seconds = {
            "run": meter.create_histogram("dagwright.run.duration", "s", "Time of a run"),
            "phase": meter.create_histogram("dagwright.phase.duration", "s", "Time of a phase of a run"),
            "step": meter.create_histogram("dagwright.step.duration", "s", "Time of a step, all attempts and waits"),
            "attempt": meter.create_histogram("dagwright.attempt.duration", "s", "Time of an attempt at a step"),
            "model": meter.create_histogram("gen_ai.client.operation.duration", "s", "Time of a model's answer"),
        }
        self._tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}", "Tokens read and written")
        self._cost = meter.create_counter("dagwright.model.cost", "{USD}", "What models cost, as far as it is known")
        self._runs = meter.create_counter("dagwright.runs", "{run}", "Runs, by how they ended")
        self._steps = meter.create_counter("dagwright.steps", "{step}", "Steps, by how they ended")
        self._retries = meter.create_counter("dagwright.retries", "{retry}", "Attempts after the first")

    def take(self, kind: Kind, known: dict[str, Any], seconds: float) -> None:
        labels = {name: known[name] for name in LABELS[kind] if name in known}
        self._seconds[kind].record(seconds, labels)
        if kind == "run":
            self._runs.add(1, labels)
        elif kind == "step":
            self._steps.add(1, labels)
        elif kind == "attempt" and known.get("dagwright.attempt.number", 1) > 1:
            self._retries.add(1, labels)
        elif kind == "model":
            for token, name in TOKENS.items():
                if name in known:
                    self._tokens.record(known[name], {**labels, "gen_ai.token.type": token})
            if known.get("dagwright.model.cost"):
                self._cost.add(known["dagwright.model.cost"], labels)


_MODEL = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "error.type")
LABELS: dict[Kind, tuple[str, ...]] = {
    "run": ("dagwright.run.status", "error.type"),
    "phase": ("dagwright.phase",),
    "step": ("gen_ai.tool.name", "dagwright.step.state", "error.type"),
    "attempt": ("gen_ai.tool.name", "error.type"),
    "model": _MODEL,
}
"""Attributes by which metrics are told apart: few values each, no ids."""
