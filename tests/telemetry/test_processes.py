"""Services that are traced, and report errors: what their processes tell a collector and Sentry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.jobs.ledger.models import State
from tests.http.test_gunicorn_worker import running
from tests.jobs.running import job_of
from tests.sample import telemetry as samples
from tests.sample.tasks import add
from tests.servers import wait_until
from tests.telemetry.receivers import receiving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fleet import Fleet
    from tests.telemetry.receivers import Received, Span

pytestmark = pytest.mark.databases("postgresql")

#: Of a caller that is traced itself.
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRET = "correct horse battery"


@pytest.fixture
def collector() -> Iterator[Received]:
    with receiving() as received:
        yield received


@pytest.fixture
def sentry() -> Iterator[Received]:
    with receiving() as received:
        yield received


@pytest.fixture
def telling(fleet: Fleet, collector: Received, sentry: Received, configure: Callable[..., None]) -> Fleet:
    """A fleet whose processes tell both."""
    fleet.include = samples.__name__
    configure(
        otel_endpoint=collector.url,
        otel_headers="api-key=of-the-collector",
        sentry_dsn=f"{sentry.url.replace('//', '//of-sentry@')}/7",
        sentry_environment="trial",
    )
    return fleet


def named(collector: Received, name: str) -> Span:
    """The span of that name; what ends is told within seconds."""

    def found() -> Span | None:
        return next((span for span in collector.spans if span.name == name), None)

    span: Span = wait_until(found, seconds=20, what=f"there is a span {name}")
    return span


def ended(job_id: str) -> State:
    wait_until(lambda: State(job_of(job_id).state).is_terminal, seconds=30, what="the job has ended")
    return State(job_of(job_id).state)


def test_a_request_the_job_that_it_asks_for_and_its_run_are_one_trace(
    telling: Fleet, collector: Received, tmp_path: Path
) -> None:
    telling.start_worker(processes=1)
    with running(tmp_path) as api, api.client() as client:
        asked = {"task": "pricing.recompute_all_discounts", "arguments": {"days_threshold": 30}}
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        answer = client.post("/api/v1/jobs?of=nobody", json=asked, headers=headers)
        assert answer.status_code == 202
        job_id = answer.json()["id"]
        assert ended(job_id) is State.DONE
        request = named(collector, "POST /api/v1/jobs")
    accepted = named(collector, "accept pricing.recompute_all_discounts")
    run = named(collector, "run pricing.recompute_all_discounts")
    assert {span.trace for span in (request, accepted, run)} == {TRACE}
    assert (request.parent, accepted.parent, run.parent) == (CALLER, request.id, accepted.id)
    assert request.attributes["http.response.status_code"] == 202
    assert run.attributes["messaging.message.id"] == accepted.attributes["messaging.message.id"] == job_id
    assert (run.attributes["groundwork.outcome"], run.attributes["groundwork.attempt"]) == ("success", 1)
    assert run.resource["service.version"] == "dev"
    path, sent, _ = collector.requests[0]
    assert (path, sent["api-key"]) == ("/v1/traces", "of-the-collector")
    assert not [body for _, _, body in collector.requests if b"nobody" in body], "a query may hold anything"


@pytest.mark.parametrize("kind", ["prefork", "threads"])
def test_a_job_that_another_queues_belongs_to_its_trace(
    kind: str, telling: Fleet, collector: Received
) -> None:
    telling.start_worker(processes=1, kind=kind)
    ended(str(samples.add_later.delay(1).id))
    run, accepted = named(collector, "run sample.add"), named(collector, "accept sample.add")
    parent = named(collector, "run sample.add_later")
    assert (accepted.parent, run.parent) == (parent.id, accepted.id)
    assert run.trace == accepted.trace == parent.trace


def test_a_job_that_fails_is_told_of_without_what_is_secret(
    telling: Fleet, collector: Received, sentry: Received
) -> None:
    telling.start_worker(processes=1)
    job_id = str(samples.sign_in.delay("ann", password={"word": SECRET}).id)
    assert ended(job_id) is State.DEAD
    [event] = wait_until(lambda: sentry.events, seconds=20, what="Sentry hears of it")
    assert event["tags"] == {"job_id": job_id, "task": "sample.sign_in", "attempt": "1"}
    assert (event["release"], event["environment"]) == ("dev", "trial")
    assert event["contexts"]["job"]["kwargs"] == {"user": "ann", "password": "***"}
    raised = event["exception"]["values"][-1]
    assert (raised["type"], raised["value"]) == ("ValueError", "ann cannot sign in with ***")
    assert raised["stacktrace"]["frames"][-1]["function"] == "sign_in"
    span = named(collector, "run sample.sign_in")
    assert (span.raw.status.message, span.attributes["groundwork.outcome"]) == (raised["value"], "failure")
    told = [body for received in (collector, sentry) for _, _, body in received.requests]
    assert not [body for body in told if SECRET.encode() in body]
    assert sentry.requests[0][0] == "/api/7/envelope/"


def test_of_what_is_personal_the_kind_of_the_error_is_told(
    telling: Fleet, collector: Received, sentry: Received
) -> None:
    telling.start_worker(processes=1)
    assert ended(str(samples.remind.delay("ann").id)) is State.DEAD
    [event] = wait_until(lambda: sentry.events, seconds=20, what="Sentry hears of it")
    raised = event["exception"]["values"][-1]
    assert (raised["type"], raised["value"], "job" in event["contexts"]) == ("ValueError", "***", False)
    named(collector, "run sample.remind")
    told = [body for received in (collector, sentry) for _, _, body in received.requests]
    assert not [body for body in told if b"ann is reminded" in body]


def test_a_job_that_dies_with_its_worker_is_told_of_once_by_whoever_finds_it(
    telling: Fleet, sentry: Received, tmp_path: Path
) -> None:
    killed = telling.start_worker(processes=1)
    path = tmp_path / "never"
    job_id = str(samples.wait_signed_in.delay(str(path), password={"word": SECRET}).id)
    wait_until(lambda: Path(f"{path}.started").exists(), seconds=30, what="the job runs")
    killed.kill()
    after = telling.start_worker(processes=1)
    assert ended(job_id) is State.DEAD
    [event] = wait_until(lambda: sentry.events, seconds=20, what="Sentry hears of it")
    assert event["tags"] == {"job_id": job_id, "task": "sample.wait_signed_in", "attempt": "1"}
    assert event["contexts"]["job"]["kwargs"]["password"] == "***"
    raised = event["exception"]["values"][-1]
    assert raised["type"] == "WorkerDied"
    assert raised["value"].endswith("ended before the job did.")
    after.stop()
    assert len(sentry.events) == 1
    assert not [body for _, _, body in sentry.requests if SECRET.encode() in body]


@pytest.mark.parametrize("status", [None, 503])
def test_who_hangs_or_says_no_fails_no_job_and_keeps_no_worker(
    status: int | None, telling: Fleet, collector: Received, sentry: Received
) -> None:
    collector.status = sentry.status = status
    worker = telling.start_worker(processes=1)
    refused = [str(samples.sign_in.delay("ann", password={"word": SECRET}).id) for _ in range(5)]
    wait_until(lambda: collector.requests and sentry.requests, seconds=30, what="both were told")
    done = [str(add.delay(number, y=1).id) for number in range(20)]
    assert {ended(job_id) for job_id in done} == {State.DONE}
    assert {ended(job_id) for job_id in refused} == {State.DEAD}
    if status is None:
        assert not collector.released.is_set(), "nobody was answered"
    worker.stop()


def test_what_a_process_has_to_tell_when_it_ends_is_told(telling: Fleet, collector: Received) -> None:
    worker = telling.start_worker(processes=1)
    job_id = str(add.delay(1, y=1).id)
    ended(job_id)
    worker.stop()
    assert [span for span in collector.spans if span.attributes.get("messaging.message.id") == job_id]
