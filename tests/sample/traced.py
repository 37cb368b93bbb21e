"""A service that is traced, by OpenTelemetry and by Sentry at once, and a client of it."""

from __future__ import annotations

import json
import sys

import sentry_sdk
from celery import signals
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.integrations.celery import CeleryIntegration

from app.jobs.celery.task import task

SPANS = InMemorySpanExporter()


@signals.celeryd_after_setup.connect
def trace_everything(**_: object) -> None:
    """As the packages' manuals say; in a worker before its processes start, which inherit it."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SPANS))
    trace.set_tracer_provider(provider)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    sentry_sdk.init(
        integrations=[CeleryIntegration()],
        default_integrations=False,
        auto_enabling_integrations=False,
        traces_sample_rate=1.0,
    )


def trace_ids() -> dict[str, str]:
    """The traces that the running code belongs to."""
    sentry = (sentry_sdk.get_traceparent() or "").partition("-")[0]
    return {"opentelemetry": f"{trace.get_current_span().get_span_context().trace_id:032x}", "sentry": sentry}


@task()
def traces_of_a_job() -> dict[str, str]:
    """The traces that a job belongs to."""
    return trace_ids()


@task()
def traces_of_a_child() -> str:
    """The id of a job that this one queues."""
    return str(traces_of_a_job.delay().id)


def main() -> None:
    """Queue jobs within a trace, and print both ends."""
    trace_everything()
    tracer = trace.get_tracer("client")
    with tracer.start_as_current_span("request"), sentry_sdk.start_transaction(name="request"):
        expected = trace_ids()
        job, parent = traces_of_a_job.delay(), traces_of_a_child.delay()
        assert trace_ids() == expected
    child = traces_of_a_job.AsyncResult(parent.get(timeout=20))
    spans = [span.name for span in SPANS.get_finished_spans()]
    found = {"expected": expected, "job": job.get(timeout=20), "child": child.get(timeout=20), "spans": spans}
    json.dump(found, sys.stdout)
