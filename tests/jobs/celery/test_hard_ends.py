"""Whatever is wrong with an end, it is recorded at once, with its cause, after one run of the body."""

from __future__ import annotations

import json
import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, chain, chord

from app.celery_app import celery_app
from app.jobs.ledger.models import Job, Outcome, State
from app.settings.config import settings
from tests.api_client import client_for
from tests.jobs.running import attempts_of, effects, ended, is_in, job_of
from tests.sample import hard_ends, tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs.running import Service

pytestmark = pytest.mark.usefixtures("service")


def dead_at_once(job_id: Any) -> Job:
    """The row of a job that died of one failure; an end that its lease had to find counts as lost."""
    job = ended(str(job_id))
    assert (job.state, job.attempt) == (State.DEAD, 1), job.error
    assert [attempt.outcome for attempt in attempts_of(job.id)] == [Outcome.FAILED]
    assert job.error
    answer = client_for().get(f"/api/v1/jobs/{job.id}")
    assert answer.status_code == 200, answer.text
    return job


@pytest.mark.parametrize("kind", hard_ends.ARGUMENTS)
def test_an_exception_ends_its_job_whatever_it_holds(kind: str) -> None:
    job = dead_at_once(hard_ends.fail_with.delay(kind).id)
    assert str(job.error).startswith("ValueError: ")
    assert isinstance(hard_ends.fail_with.AsyncResult(job.id).result, ValueError)
    assert str(attempts_of(job.id)[0].traceback).startswith("Traceback ")


@pytest.mark.parametrize("kind", hard_ends.ARGUMENTS)
def test_the_last_retry_ends_its_job_whatever_its_exception_holds(kind: str) -> None:
    job = dead_at_once(hard_ends.give_up_with.delay(kind).id)
    assert str(job.error).startswith("KeyError: ")


@pytest.mark.parametrize(
    ("kind", "raised"),
    [("Mute", "RuntimeError"), ("Quits", "SystemExit"), ("Interrupts", "KeyboardInterrupt")],
)
def test_an_exception_that_fails_to_say_what_it_is_ends_its_job(kind: str, raised: str) -> None:
    job = dead_at_once(hard_ends.fail_without_words.delay(kind).id)
    assert job.error == f"{kind}: <{kind}, of which str() raises {raised}>"


@pytest.mark.parametrize("how", ["raised", "last retry", "argument"])
@pytest.mark.parametrize("kind", hard_ends.PICKLED)
def test_an_exception_that_ends_whoever_pickles_it_ends_its_job_once(
    kind: str, how: str, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    job = dead_at_once(hard_ends.fail_to_be_pickled.delay(kind, how, str(runs)).id)
    name = "ValueError" if how == "argument" else kind
    assert str(job.error).startswith(f"{name}: ")
    if kind != "PickledAndMute":
        assert "the cause" in str(job.error)
    assert runs.read_text() == "ran\n"
    assert "in fail_to_be_pickled" in str(attempts_of(job.id)[0].traceback)


@pytest.mark.parametrize("kind", ["Pickled", "Opened"])
def test_an_exception_that_ends_whoever_pickles_it_is_tried_again_as_declared(
    kind: str, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    job = ended(str(hard_ends.fail_twice_to_be_pickled.delay(kind, str(runs)).id))
    assert (job.state, runs.read_text()) == (State.DEAD, "ran\n" * 2)
    assert [attempt.outcome for attempt in attempts_of(job.id)] == [Outcome.RETRIED, Outcome.FAILED]
    assert all(str(attempt.error).startswith(f"{kind}: ") for attempt in attempts_of(job.id))


def test_an_exception_without_a_hash_ends_its_job() -> None:
    assert dead_at_once(hard_ends.fail_without_a_hash.delay().id).error == "Unhashable: 5"


def test_an_exception_keeps_the_types_of_its_arguments() -> None:
    job = dead_at_once(hard_ends.fail_to_decode.delay().id)
    back = hard_ends.fail_to_decode.AsyncResult(job.id).result
    assert (type(back), back.args[:4]) == (UnicodeDecodeError, ("utf-8", b"\xff", 0, 1))


@pytest.mark.parametrize("kind", ["nan", "inf", "nested", "set"])
def test_a_result_that_cannot_be_kept_ends_its_job(kind: str) -> None:
    job = dead_at_once(hard_ends.return_value.delay(kind).id)
    assert str(job.error).startswith("NotJson: The result is not JSON: ")
    assert "None or text in place of NaN" in str(job.error)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("surrogate", "\\udce9"), ("nul", "a\x00b"), ("deep", json.loads("[" * 64 + '"..."' + "]" * 64))],
    ids=lambda kind: kind[0],
)
def test_an_odd_result_is_kept_and_shown(kind: str, shown: Any) -> None:
    job = ended(str(hard_ends.return_value.delay(kind).id))
    assert (job.state, job.result) == (State.DONE, hard_ends.RESULTS[kind])
    answer = client_for().get(f"/api/v1/jobs/{job.id}")
    assert answer.status_code == 200
    assert answer.json()["result"] == shown


def follow(signature: Any) -> Any:
    return signature.set(task_id=str(uuid.uuid4()))


@pytest.mark.parametrize("how", ["chain", "link"])
def test_a_result_too_large_for_the_next_link_is_said_at_once(how: str, tmp_path: Path) -> None:
    runs, after = tmp_path / "runs", follow(hard_ends.measure.s())
    large = hard_ends.blob.s(300_000, str(runs)).set(task_id=str(uuid.uuid4()))
    if how == "chain":
        chain(large, after).apply_async()
    else:
        large.apply_async(link=after)
    job = dead_at_once(large.id)
    assert "ArgumentsTooLarge: The arguments of sample.measure take 300006 bytes" in str(job.error)
    assert "at most 262144 are accepted" in str(job.error)
    assert runs.read_text() == "ran\n"
    if how == "chain":
        assert "at most 262144" in str(ended(str(after.id)).error)


def test_a_chord_whose_parts_are_too_large_together_ends_at_once() -> None:
    result: Any = chord(
        [hard_ends.blob.s(10_000) for _ in range(30)], hard_ends.measure_all.s()
    ).apply_async()
    body = ended(result.id)
    assert body.state == State.DEAD
    assert "at most 262144 are accepted" in str(body.error)
    states = [ended(str(part.id)).state for part in result.parent.results]
    assert sorted(states) == [State.DEAD, *[State.DONE] * 29]


@pytest.mark.parametrize(
    ("after", "cause"),
    [
        (lambda: hard_ends.take_nothing.s(), "TypeError: take_nothing() takes 0 positional arguments"),
        (lambda: celery_app.signature("no.such_task"), 'There is no task "no.such_task"'),
    ],
    ids=["arity", "task"],
)
@pytest.mark.parametrize("how", ["chain", "link"])
def test_a_next_link_that_cannot_be_accepted_ends_the_job_before_it(how: str, after: Any, cause: str) -> None:
    first = tasks.add.s(1, 1).set(task_id=str(uuid.uuid4()))
    if how == "chain":
        chain(first, follow(after())).apply_async()
    else:
        first.apply_async(link=after())
    job = dead_at_once(first.id)
    assert str(job.error).startswith("EndNotWritten: ")
    assert cause in str(job.error)


def test_a_body_that_swallows_an_sql_error_is_told_which() -> None:
    job = ended(str(hard_ends.swallow_an_sql_error.delay("swallowed").id))
    if job.state == State.DONE:
        # SQLite lets a transaction go on after an error in one statement.
        assert effects("swallowed") == ["swallowed"]
        return
    dead_at_once(job.id)
    assert effects("swallowed") == []
    assert str(job.error).startswith("BrokenTransaction: The task went on after an SQL error in its session")
    assert "UndefinedTable" in str(job.error)


def test_a_body_that_makes_its_session_read_only_is_not_run_on_and_on(
    service: Service, tmp_path: Path
) -> None:
    if settings().is_sqlite:
        pytest.skip("SQLite has no such transactions")
    runs = tmp_path / "runs"
    job = ended(str(hard_ends.make_the_session_read_only.delay(str(runs)).id), seconds=30)
    assert (job.state, job.attempt) == (State.DEAD, 1)
    assert str(job.error).startswith("ReadOnlyTransaction: The task's transaction takes no writes")
    assert runs.read_text() == "ran\n" * 3


def test_a_wrong_statement_is_not_taken_for_a_database_that_is_away() -> None:
    # SQLite's driver calls this an OperationalError.
    assert "there_is_no_such_table" in str(dead_at_once(hard_ends.make_an_sql_error.delay().id).error)


def test_a_value_that_no_statement_can_carry_is_the_cause_that_is_told() -> None:
    error = str(dead_at_once(hard_ends.write_half_a_pair.delay().id).error)
    assert error.startswith("UnicodeEncodeError: 'utf-8' codec can't encode character '\\udce9'")


CHAINS: dict[str, Any] = {
    "a number": [1],
    "text": ["x"],
    "text alone": "x",
    "an object": {"a": 1},
    "no task": [{}],
    "options are a list": [{"task": "sample.add", "options": [1], "args": [], "kwargs": {}}],
    "arguments are a number": [{"task": "sample.add", "options": {}, "args": 1, "kwargs": {}}],
    "an unknown task": [{"task": "no.such", "options": {"task_id": "x"}, "args": [], "kwargs": {}}],
}


@pytest.mark.redis_only(reason="it writes into Redis")
@pytest.mark.parametrize("member", ["chain", "callbacks", "errbacks", "chord"])
@pytest.mark.parametrize("name", CHAINS)
def test_a_foreign_message_that_leads_to_nothing_sensible_ends(
    service: Service, name: str, member: str
) -> None:
    job_id, value = str(uuid.uuid4()), CHAINS[name]
    if member == "chord" and isinstance(value, list):
        value = value[0]
    task = "sample.has_a_bug" if member == "errbacks" else "sample.add"
    send_foreign(service, job_id, task, {member: value})
    wait_until(lambda: is_in(job_id, {State.DEAD, State.DONE}), seconds=20, what="the foreign job ends")
    job = job_of(job_id)
    # Of a shape that no message can carry, the body is not even begun.
    assert job.attempt <= 1
    assert job.state == State.DONE or job.error


def send_foreign(service: Service, job_id: str, task: str, options: dict[str, Any]) -> None:
    args = () if task == "sample.has_a_bug" else (1, 1)
    plain = Celery("plain", broker=service.redis.url, set_as_current=False)
    plain.conf.broker_transport_options = celery_app.conf.broker_transport_options
    headers = {"lang": "py", "task": task, "id": job_id, "retries": 0, "ignore_result": False}
    with plain.producer_pool.acquire(block=True) as producer:
        producer.publish(
            (args, {}, options),
            headers=headers,
            serializer="json",
            exchange="",
            routing_key="default",
            correlation_id=job_id,
        )
    plain.close()


def test_a_failure_before_the_body_begins_ends_the_job() -> None:
    job = dead_at_once(hard_ends.never_begin.delay().id)
    assert job.error == "RuntimeError: not ready to begin"


@pytest.mark.parametrize(
    ("task", "said"),
    [(hard_ends.be_cancelled, "CancelledError"), (hard_ends.exit_the_program, "SystemExit: that is all")],
    ids=["cancelled", "exit"],
)
def test_what_would_end_the_process_ends_the_job_alone(task: Any, said: str) -> None:
    job = dead_at_once(task.delay().id)
    assert f"The task raised {said}, which is meant to end a program." in str(job.error)


def test_a_foreign_message_that_no_row_can_hold_keeps_no_other_waiting(service: Service) -> None:
    for _ in range(6):
        send_foreign(service, os.urandom(200_000).hex(), "sample.add", {})
    jobs = [str(tasks.add.delay(number, 1).id) for number in range(20)]
    assert [ended(job_id).result for job_id in jobs] == list(range(1, 21))


def test_a_body_out_of_memory_ends_its_job_and_no_more(service: Service) -> None:
    job = dead_at_once(hard_ends.run_out_of_memory.delay().id)
    assert job.error == "MemoryError: no more"
    assert ended(str(tasks.add.delay(1, 1).id)).state == State.DONE
    assert service.worker.popen.poll() is None
