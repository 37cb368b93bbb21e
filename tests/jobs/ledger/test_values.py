"""Values on their way: what is accepted comes to the body, and what a body gives comes to whoever asks."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from celery import chain, chord
from sqlalchemy import text

from app.celery_app import celery_app
from app.db.sessions import transaction
from app.health.doctor import messages
from app.health.doctor.finding import Level
from app.jobs.accept import accept
from app.jobs.broker import current
from app.jobs.errors import ArgumentsNotJson, NotJson
from app.jobs.factory import new_job
from app.jobs.ledger.models import Outcome, State
from tests.api_client import client_for
from tests.jobs import samples
from tests.jobs.running import all_jobs, attempts_of, ended, job_of
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs.running import Service

pytestmark = pytest.mark.usefixtures("service")
LONG = 60

MARKS: dict[str, Any] = {
    "type": {"__type__": "x"},
    "pair": {"__type__": "x", "__value__": 1},
    "look-alike": {"__type__": "decimal", "__value__": "1.5"},
    "escaped": {"__type__": "pairs", "__value__": [["a", 1]]},
    "sealed look-alike": {"$sealed": "x"},
}
TYPED: dict[str, Any] = {
    "decimal": Decimal("1.10"),
    "datetime": datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    "date": date(2026, 1, 31),
    "uuid": UUID(int=7),
    "bytes": b"\xff\x00",
    "int": 2**70,
    "half": "\udce9",
    "nul": "a\x00b",
}
EVERYTHING = [MARKS, TYPED, {"both": [MARKS, TYPED]}]
SHOWN = {
    "decimal": "1.10",
    "datetime": "2026-01-31T09:30:00+00:00",
    "date": "2026-01-31",
    "uuid": "00000000-0000-0000-0000-000000000007",
    "bytes": "/wA=",
    "int": 2**70,
    "half": "\\udce9",
    "nul": "a\x00b",
}


def nothing_is_quarantined() -> bool:
    return current.broker().quarantined().kept == 0


def test_arguments_and_results_come_as_they_were_given() -> None:
    assert tasks.echo.delay(*EVERYTHING, **MARKS).get(timeout=LONG) == [EVERYTHING, MARKS]
    assert nothing_is_quarantined()


@pytest.mark.parametrize("value", [2**70, -(2**64), 1.0, Decimal("1.10"), date(2026, 1, 31), MARKS["pair"]])
def test_a_result_that_is_one_value_is_exact(value: Any) -> None:
    [[found], _] = tasks.echo.delay(value).get(timeout=LONG)
    assert (found, type(found)) == (value, type(value))
    alone = tasks.echo_secret.delay(value).get(timeout=LONG)
    assert (alone, type(alone)) == (value, type(value))


def test_they_do_so_through_a_retry_a_chain_and_a_chord() -> None:
    assert tasks.echo_secret.delay(EVERYTHING).get(timeout=LONG) == EVERYTHING
    linked = chain(tasks.echo_secret.s(MARKS), tasks.echo.s(TYPED)).apply_async()
    assert linked.get(timeout=LONG) == [[MARKS, TYPED], {}]
    body = tasks.echo.s(TYPED, marks=MARKS)
    joined = chord([tasks.echo_secret.s(MARKS), tasks.echo_secret.s(TYPED)], body).apply_async()
    assert joined.get(timeout=LONG) == [[[MARKS, TYPED], TYPED], {"marks": MARKS}]
    assert nothing_is_quarantined()


def test_a_callback_an_errback_and_a_header_keep_them(service: Service) -> None:
    result = tasks.echo.apply_async(
        (1,),
        link=tasks.echo.s(MARKS).set(task_id="linked"),
        link_error=tasks.echo.si(MARKS),
        headers={"mine": MARKS["pair"]},
    )
    assert ended("linked").state == State.DONE
    options: Any = job_of(result.id).options
    assert options["headers"] == {"mine": MARKS["pair"]}
    assert nothing_is_quarantined()


def test_progress_shows_them(tmp_path: Path) -> None:
    go_on = tmp_path / "on"
    result: Any = tasks.tell_and_wait.delay([MARKS, TYPED], str(go_on))
    wait_until(lambda: result.state == "PROGRESS", seconds=LONG, what="it reports")
    assert result.info == {"value": [MARKS, TYPED]}
    shown = client_for().get(f"/api/v1/jobs/{result.id}").json()["progress"]
    go_on.touch()
    assert shown == {"value": [MARKS, SHOWN]}


def test_the_api_takes_what_looks_like_a_type_and_gives_types_as_text() -> None:
    api = client_for()
    submitted = api.post("/api/v1/jobs", json={"task": samples.take.name, "arguments": {"value": MARKS}})
    job = job_of(submitted.json()["id"])
    assert job.kwargs == {"value": MARKS}
    assert api.get(f"/api/v1/jobs/{job.id}").json()["arguments"] == {"value": MARKS}
    typed = ended(tasks.echo.delay(TYPED).id)
    answer = api.get(f"/api/v1/jobs/{typed.id}")
    assert (answer.status_code, answer.json()["result"]) == (200, [[SHOWN], {}])
    assert api.get("/api/v1/jobs?limit=500").status_code == 200


def test_a_light_task_gets_them_too(service: Service, tmp_path: Path) -> None:
    tasks.write_down.delay(str(tmp_path / "seen"), [MARKS, TYPED])
    wait_until((tmp_path / "seen").exists, seconds=LONG, what="the non-durable task ran")
    assert (tmp_path / "seen").read_text() == ascii([MARKS, TYPED])


@pytest.mark.parametrize(
    "value",
    [math.nan, [math.inf], {"a": {"b": -math.inf}}, {1, 2}, object(), [[]]],
    ids=["nan", "inf", "deep inf", "set", "object", "circle"],
)
def test_what_json_cannot_carry_is_refused_at_the_producer(value: Any) -> None:
    if value == [[]]:
        value.append(value)
    before = len(all_jobs())
    refused: list[Any] = [
        lambda: tasks.echo.delay(value),
        lambda: tasks.echo.delay(named=value),
        lambda: tasks.echo_secret.delay(value),
        lambda: tasks.echo.apply_async((1,), link=tasks.echo.s(value)),
        lambda: (tasks.add.si(1, 2) | tasks.echo.s(value)).apply_async(),
        lambda: celery_app.send_task("sample.echo", [value]),
    ]
    body: Any = chord([tasks.add.si(1, 2)], tasks.echo.s(value))
    with pytest.raises(NotJson, match=r"^The (body of the chord|canvas) is not JSON: "):
        body.apply_async()
    for send in refused:
        with pytest.raises((ArgumentsNotJson, NotJson), match=r" not JSON: .*\. (Pass|Use) plain values"):
            send()
    assert len(all_jobs()) == before


def test_a_result_that_json_cannot_carry_ends_the_job_with_that_sentence() -> None:
    job = ended(tasks.give_nan.delay().id)
    assert (job.state, job.attempt) == (State.DEAD, 1)
    assert "The result is not JSON" in str(job.error)


def make_ready(job_id: str, args: str) -> None:
    """Give a job arguments that an older release took as they were."""
    with transaction() as session:
        row = {"id": job_id, "args": args}
        session.execute(text("UPDATE job SET args = :args, state = 'ready' WHERE id = :id"), row)


@pytest.mark.parametrize("task", [tasks.fail_until, tasks.fail_for_ever])
def test_a_job_whose_message_no_worker_can_read_ends_dead_with_the_reason(task: Any) -> None:
    job_id = str(task.apply_async((1,), countdown=3600).id)
    make_ready(job_id, '[{"__type__": "x", "__value__": 1}]')
    job = ended(job_id)
    assert (job.state, job.attempt) == (State.DEAD, 3)
    assert str(job.error).startswith(
        "UnreadableMessage: The message that this job's row makes cannot be read."
    )
    assert "Unsupported type" in str(job.error)
    assert [attempt.outcome for attempt in attempts_of(job_id)] == [Outcome.LOST] * 3
    finding = messages.messages_can_be_read()
    assert finding.level is Level.WARNING
    assert job_id in finding.sentence
    assert messages.queues_hold_no_garbage().level is Level.OK
    current.broker().clear_quarantine()


def test_the_body_of_a_chord_that_failed_is_dead_whatever_it_holds(service: Service) -> None:
    body = tasks.echo.s(TYPED, marks=MARKS).set(task_id="never")
    failed: Any = chord([tasks.has_a_bug.si(), tasks.echo.si(MARKS)], body)
    failed.apply_async()
    assert ended("never").state == State.DEAD


def test_a_row_made_ahead_is_filled_with_them() -> None:
    with transaction() as session:
        job = new_job("sample.echo", args=[MARKS, TYPED], id="ahead", delay_seconds=3600)
        accept(session, [job])
        row = job_of_session(session)
        row.run_at = None
        session.flush()
        accept(session, [job._replace(delay_seconds=0.0)])
    assert ended("ahead").result == [[MARKS, TYPED], {}]
    assert ended("ahead").accepted_at <= datetime.now(UTC) + timedelta(minutes=1)


def job_of_session(session: Any) -> Any:
    from app.jobs.ledger.models import Job

    return session.get_one(Job, "ahead")
