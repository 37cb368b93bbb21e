"""Makes spans and sends them to the collector, by OTLP over HTTP, from a thread of their own."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.settings.config import settings
from app.settings.telemetry_kinds import headers_of
from app.telemetry.per_process import PerProcess

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

TRACES_PATH = "/v1/traces"
#: What a collector has not taken by then is dropped.
EXPORT_SECONDS = 5.0
#: Of what others may carry along, their baggage included, no more than where a span belongs.
PROPAGATOR = TraceContextTextMapPropagator()


def tracer() -> Tracer:
    """Where this process begins its spans."""
    return _provider.get().get_tracer("groundwork", settings().release)


def context_of(traceparent: object) -> Context:
    """The context of a span elsewhere; an empty one for what names none."""
    # In this one, not in that of a span which happens to be open.
    carrier = {"traceparent": traceparent} if isinstance(traceparent, str) else {}
    return PROPAGATOR.extract(carrier, context={})  # type: ignore[arg-type]


def _make() -> TracerProvider:
    given = settings()
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(given.otel_share)),
        resource=Resource.create(
            {
                "service.name": "groundwork",
                "service.version": given.release,
                "host.name": socket.gethostname(),
            }
        ),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(
        endpoint=given.otel_endpoint.rstrip("/").removesuffix(TRACES_PATH) + TRACES_PATH,
        headers=headers_of(given.otel_headers.get_secret_value()),
        timeout=EXPORT_SECONDS,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


_provider = PerProcess(_make, end=TracerProvider.shutdown)
