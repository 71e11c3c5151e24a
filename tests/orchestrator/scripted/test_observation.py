"""Runs may be watched: spans, metrics and log lines say what happened and how long it took, and never a value."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dagwright.exceptions import InputError, Unreachable
from orchestrator.observation.configuration import asked_for, configure, observers
from orchestrator.observation.observer import model_attributes
from orchestrator.pipeline import run_goal

SECRET = "Rome"
LINES = ('group_aggregate(table=sales, by=["city"], value="price", function="sum")', "answer(s1)")
GOAL = f"What did {SECRET} and each other city sell, the sum of the price?"


@pytest.fixture
def spans() -> Iterator[Any]:
    """The SDK's providers for one test, with exporters in memory."""
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    meters = MeterProvider([reader])
    # The API takes a provider once a process; tests put the former state back.
    before = (trace._TRACER_PROVIDER, metrics._internal._METER_PROVIDER)
    trace._TRACER_PROVIDER, metrics._internal._METER_PROVIDER = provider, meters
    exporter.reader = reader  # type: ignore[attr-defined]
    yield exporter
    trace._TRACER_PROVIDER, metrics._internal._METER_PROVIDER = before
    provider.shutdown()
    meters.shutdown()


def points(exporter: Any, name: str) -> list[Any]:
    data = exporter.reader.get_metrics_data()
    return [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


def test_a_run_is_a_tree_of_spans(bench: Any, sales: Path, spans: Any) -> None:
    outcome = run_goal(GOAL, {"sales": sales}, bench.setup(*LINES))
    assert outcome.status == "done", outcome.reason
    found = spans.get_finished_spans()
    ids = {span.context.span_id: span for span in found}
    above = {span.name: ids[span.parent.span_id].name if span.parent else None for span in found}
    assert above["run_goal"] is None
    assert above["plan"] == above["execute"] == "run_goal"
    assert above["chat scripted"] == "plan"
    assert above["s1"] == "execute"
    assert above["execute_tool data.group_aggregate"] == "s1"
    run = next(span for span in found if span.name == "run_goal")
    assert run.attributes["dagwright.run.id"] == outcome.run
    assert run.attributes["dagwright.run.status"] == "done"


def test_model_calls_carry_tokens_and_cost_by_the_conventions(bench: Any, sales: Path, spans: Any) -> None:
    run_goal(GOAL, {"sales": sales}, bench.setup(*LINES))
    chat = next(span for span in spans.get_finished_spans() if span.name == "chat scripted")
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.usage.input_tokens"] == 10
    assert chat.attributes["gen_ai.usage.output_tokens"] == 5
    assert chat.attributes["dagwright.model.cost"] == 0.001
    tokens = points(spans, "gen_ai.client.token.usage")
    assert {point.attributes["gen_ai.token.type"] for point in tokens} == {"input", "output"}


def test_metrics_count_steps_and_runs(bench: Any, sales: Path, spans: Any) -> None:
    run_goal(GOAL, {"sales": sales}, bench.setup(*LINES))
    steps = points(spans, "dagwright.steps")
    assert sum(point.value for point in steps) == 2
    assert {point.attributes["dagwright.step.state"] for point in steps} == {"completed"}
    assert [point.attributes["dagwright.run.status"] for point in points(spans, "dagwright.runs")] == ["done"]
    assert sum(point.count for point in points(spans, "dagwright.step.duration")) == 2


def test_no_value_is_told(bench: Any, sales: Path, spans: Any) -> None:
    run_goal(GOAL, {"sales": sales}, bench.setup(*LINES))
    told = "".join(span.to_json() for span in spans.get_finished_spans()) + spans.reader.get_metrics_data().to_json()
    for value in (SECRET, "Oslo", "sum_price", "sales.csv", "What did"):
        assert value not in told


def test_a_failure_has_its_code_and_no_words(bench: Any, sales: Path, spans: Any) -> None:
    setup = bench.setup(Unreachable("the model", f"no {SECRET}"))
    with pytest.raises(Unreachable):
        run_goal(GOAL, {"sales": sales}, setup)
    found = {span.name: span for span in spans.get_finished_spans()}
    assert found["run_goal"].attributes["error.type"] == "Unreachable"
    assert found["chat scripted"].status.status_code.name == "ERROR"
    assert SECRET not in "".join(span.to_json() for span in found.values())


def test_what_a_tool_instruments_is_within_its_attempt(bench: Any, sales: Path, spans: Any) -> None:
    from opentelemetry import trace

    within: list[int] = []

    def tool(spec: Any, arguments: Any, context: Any) -> Any:
        within.append(trace.get_current_span().get_span_context().span_id)
        return bench_runner(spec, arguments, context)

    setup = bench.setup(*LINES)
    bench_runner = setup.runners(setup.model)["python"]
    run_goal(GOAL, {"sales": sales}, replace(setup, runners=lambda served: {"python": tool}))
    attempts = [span for span in spans.get_finished_spans() if span.name.startswith("execute_tool ")]
    assert within == [span.context.span_id for span in attempts]


def test_an_attempt_whose_tool_hangs_is_ended_by_another_thread(
    bench: Any, sales: Path, spans: Any, caplog: pytest.LogCaptureFixture
) -> None:
    released, left = threading.Event(), threading.Event()
    setup = bench.setup(*LINES)

    def tool(spec: Any, arguments: Any, context: Any) -> Any:
        setup.cancelled.set()
        released.wait(60)
        left.set()
        return {}

    outcome = run_goal(GOAL, {"sales": sales}, replace(setup, runners=lambda served: {"python": tool}))
    assert outcome.status == "cancelled"
    released.set()
    assert left.wait(60)
    [attempt] = [span for span in spans.get_finished_spans() if span.name.startswith("execute_tool ")]
    assert attempt.status.status_code.name == "ERROR"
    assert "Failed to detach context" not in caplog.text


def test_nobody_watches_by_default(bench: Any, sales: Path) -> None:
    assert observers() == ()


@pytest.mark.parametrize("form", ["json", "text"])
def test_logs_are_lines_without_values(bench: Any, sales: Path, capsys: Any, form: str) -> None:
    logger = logging.getLogger("dagwright")
    before = (list(logger.handlers), logger.level, logger.propagate)
    try:
        configure({"DAGWRIGHT_LOG": form})
        run_goal(GOAL, {"sales": sales}, bench.setup(*LINES))
    finally:
        logger.handlers, logger.level, logger.propagate = before
    lines = capsys.readouterr().err.splitlines()
    assert SECRET not in "".join(lines)
    if form == "json":
        events = [json.loads(line)["event"] for line in lines]
        assert events[0] == "run.began"
        assert events[-1] == "run.ended"
        assert {"step.ended", "attempt.ended", "model.ended", "phase.ended"} <= set(events)
    else:
        assert "run_goal ended" in lines[-1]


ASKED = {
    "nothing": ({}, False),
    "an exporter": ({"OTEL_TRACES_EXPORTER": "console"}, True),
    "none": ({"OTEL_TRACES_EXPORTER": "none"}, False),
    "an endpoint": ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, True),
    "switched off": ({"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"}, False),
    "another variable": ({"OTEL_SERVICE_NAME": "x"}, False),
}


@pytest.mark.parametrize(("environment", "expected"), ASKED.values(), ids=ASKED.keys())
def test_variables_ask_for_telemetry(environment: dict[str, str], expected: bool) -> None:
    assert asked_for(environment) is expected


WRONG = {
    "form": ({"DAGWRIGHT_LOG": "xml"}, "it can be json or text"),
    "exporter": (
        {"OTEL_TRACES_EXPORTER": "pigeon"},
        "there is no exporter 'pigeon' for traces; installed are: .*console",
    ),
}


@pytest.mark.parametrize(("environment", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_not_there_is_said(environment: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        configure(environment)


def test_a_url_tells_its_host_and_no_credentials() -> None:
    told = model_attributes("http://user:key@models.example:8000/v1#qwen2.5")
    assert told == {
        "gen_ai.provider.name": "openai-compatible",
        "gen_ai.request.model": "qwen2.5",
        "server.address": "models.example",
        "server.port": 8000,
    }


def test_nothing_of_it_is_imported_before_somebody_asks() -> None:
    code = "import sys, orchestrator.cli.app, orchestrator.pipeline; print('opentelemetry' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
