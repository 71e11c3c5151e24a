"""Who watches: found out at the beginning of each run, without importing anything where nobody does."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from dagwright.exceptions import InputError
from orchestrator.observation.observer import NAME, Observer

LOG = "DAGWRIGHT_LOG"
"""Environment variable: `json` or `text` sends structured logs to standard error."""

_EXPORTERS = ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER")
_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)


def observers() -> tuple[Observer, ...]:
    """Gives who watches: a telemetry provider that is set up, a logger that somebody listens to."""
    found: list[Observer] = []
    if _has_provider():
        from orchestrator.observation.telemetry import Telemetry

        found.append(Telemetry())
    logger = logging.getLogger(NAME)
    if logger.isEnabledFor(logging.INFO) and logger.hasHandlers():
        from orchestrator.observation.logs import Logs

        found.append(Logs())
    return tuple(found)


def configure(environment: Mapping[str, str] = os.environ) -> None:
    """Sets up what environment variables ask for; for the command line, a library leaves that to its program.

    `DAGWRIGHT_LOG` turns logs on. Standard `OTEL_*` variables that name an exporter or an endpoint turn
    telemetry on, by the exporters that are installed; the endpoint alone means `otlp`.

    Raises:
        InputError: the SDK or an exporter that is named is not installed, or a name is unknown.
    """
    if environment.get(LOG):
        from orchestrator.observation.logs import write_logs

        write_logs(environment[LOG])
    if asked_for(environment) and not _has_provider():
        try:
            _set_up(environment)
        except ImportError as error:
            raise InputError(
                f"OTEL_* variables ask for telemetry, and {error.name or error} is not installed: "
                "pip install opentelemetry-sdk opentelemetry-exporter-otlp"
            ) from error


def asked_for(environment: Mapping[str, str]) -> bool:
    """Whether variables ask for telemetry."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    named = {environment.get(name, "") for name in _EXPORTERS} - {"", "none"}
    return bool(named) or any(environment.get(name) for name in _ENDPOINTS)


def _has_provider() -> bool:
    """Whether the program that this runs in, or `configure`, has set up spans or metrics."""
    traces, metrics = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.metrics")
    if traces is not None and not isinstance(traces.get_tracer_provider(), traces.ProxyTracerProvider):
        return True
    return metrics is not None and type(metrics.get_meter_provider()).__name__ != "_ProxyMeterProvider"


def _set_up(environment: Mapping[str, str]) -> None:
    """Makes providers with the exporters that are named; they send what is left when the process ends."""
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {} if environment.get("OTEL_SERVICE_NAME") else {"service.name": NAME}
    resource = Resource.create(named)
    spans = TracerProvider(resource=resource)
    for exporter in _exporters("traces", environment):
        spans.add_span_processor(BatchSpanProcessor(exporter))
    readers = [PeriodicExportingMetricReader(exporter) for exporter in _exporters("metrics", environment)]
    trace.set_tracer_provider(spans)
    metrics.set_meter_provider(MeterProvider(readers, resource=resource))


def _exporters(signal: str, environment: Mapping[str, str]) -> list[Any]:
    named = environment.get(f"OTEL_{signal.upper()}_EXPORTER")
    if named is None:
        named = "otlp" if any(environment.get(name) for name in _ENDPOINTS) else "none"
    return [
        _exporter(signal, name.strip(), environment) for name in named.split(",") if name.strip() not in ("", "none")
    ]


def _exporter(signal: str, name: str, environment: Mapping[str, str]) -> Any:
    protocol = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    wanted = {"grpc": "otlp_proto_grpc"}.get(protocol, "otlp_proto_http") if name == "otlp" else name
    group = entry_points(group=f"opentelemetry_{signal}_exporter")
    offered = {entry.name: entry for entry in group}
    if wanted not in offered:
        known = ", ".join(sorted(offered)) or "none"
        raise InputError(f"there is no exporter {wanted!r} for {signal}; installed are: {known}")
    return offered[wanted].load()()
