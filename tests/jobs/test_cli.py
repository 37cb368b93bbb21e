"""Looking at, submitting, waiting for, cancelling and retrying jobs from the command line."""

from __future__ import annotations

import json
import signal
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from app.db.sessions import reading, transaction
from app.jobs.ledger import store
from app.jobs.ledger.models import Attempt, Job, State
from app.jobs.ledger.models import Outcome as Ending
from app.logs.failures import ExitCode
from tests.command_line import Outcome, groundwork, groundwork_process
from tests.jobs import samples
from tests.servers import stretched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("database")

GREET = samples.greet.name


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `groundwork jobs ...`."""
    return lambda *arguments: groundwork(capsys, "jobs", *arguments)


def submitted(command: Callable[..., Outcome], name: str = "Ada") -> str:
    outcome = command("submit", GREET, "--arg", f"name={name}")
    assert outcome.code == ExitCode.OK, outcome.err
    return outcome.out.strip()


def replace_process(job_id: str, state: State, **values: Any) -> None:
    """Put a job in a state, as a worker's run of it would have."""
    ended = {"finished_at": datetime.now(UTC)} if state.is_terminal else {}
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(state=state, **ended, **values))


def rename(job_id: str, new_id: str) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(id=new_id))


def state_of(job_id: str) -> str:
    with reading() as session:
        return session.scalars(select(Job.state).where(Job.id == job_id)).one()


def listed(command: Callable[..., Outcome], *options: str) -> set[str]:
    return {job["id"] for job in json.loads(command("list", *options, "--json").out)}


def test_a_submitted_job_is_in_the_ledger_with_typed_arguments(command: Callable[..., Outcome]) -> None:
    outcome = command("submit", GREET, "--arg", "name=Ada", "--arg", "times=3", "--json")
    job_id = json.loads(outcome.out)["id"]
    shown = json.loads(command("show", job_id, "--json").out)
    assert shown["arguments"] == {"name": "Ada", "times": 3}
    assert shown["state"] == State.READY


def test_a_task_that_is_not_public_can_be_submitted_by_an_operator(command: Callable[..., Outcome]) -> None:
    assert command("submit", samples.internal.name).code == ExitCode.OK


def test_arguments_can_be_json(command: Callable[..., Outcome]) -> None:
    outcome = command("submit", GREET, "--json-args", '{"name": "Ada", "times": 2}')
    assert json.loads(command("show", outcome.out.strip(), "--json").out)["arguments"]["times"] == 2


def test_a_job_can_be_put_off(command: Callable[..., Outcome]) -> None:
    outcome = command("submit", GREET, "--arg", "name=Ada", "--in", "15min")
    assert state_of(outcome.out.strip()) == State.SCHEDULED


def test_a_key_is_accepted_once(command: Callable[..., Outcome]) -> None:
    for _ in range(2):
        assert command("submit", GREET, "--arg", "name=Ada", "--key", "once").code == ExitCode.OK
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--arg", "times=3"], "name"),
        (["--arg", "name=Ada", "--arg", "times=many"], "times"),
        (["--arg", "name=Ada", "--arg", "tmies=3"], "tmies"),
        (["--arg", "name"], "name=value"),
        (["--json-args", "{"], "--json-args"),
        (["--json-args", "[1]"], "--json-args"),
        (["--arg", "name=Ada", "--in", "soon"], "--in"),
    ],
)
def test_arguments_that_do_not_fit_are_bad_input_and_named(
    command: Callable[..., Outcome], arguments: list[str], named: str
) -> None:
    outcome = command("submit", GREET, *arguments)
    assert outcome.code == ExitCode.BAD_INPUT
    assert named in outcome.err
    assert outcome.out == ""


def test_an_unknown_task_suggests_the_nearest(command: Callable[..., Outcome]) -> None:
    outcome = command("submit", GREET + "s")
    assert outcome.code == ExitCode.FAILED
    assert GREET in outcome.err


def test_a_secret_argument_is_not_shown(command: Callable[..., Outcome]) -> None:
    outcome = command("submit", samples.sign_in.name, "--arg", "user=ada", "--arg", "password=hunter2")
    shown = command("show", outcome.out.strip())
    assert "ada" in shown.out
    assert "hunter2" not in shown.out


def test_the_traceback_of_a_failure_is_shown_as_it_was(command: Callable[..., Outcome]) -> None:
    job_id = submitted(command)
    ended = {"outcome": Ending.FAILED, "traceback": 'File "x.py", line 1\n    boom()'}
    with transaction() as session:
        session.add(Attempt(job_id=job_id, fence=1, finished_at=datetime.now(UTC), **ended))
    assert 'File "x.py", line 1\n    boom()' in command("show", job_id).out


def test_the_list_is_narrowed_by_state_task_queue_age_and_error(command: Callable[..., Outcome]) -> None:
    dead, ready = submitted(command), submitted(command)
    replace_process(dead, State.DEAD, error="ValueError: The Moon is full")
    assert listed(command) == {dead, ready}
    assert listed(command, "--state", "dead") == {dead}
    assert listed(command, "--state", "dead", "--state", "ready") == {dead, ready}
    assert listed(command, "--error", "moon is") == {dead}
    assert listed(command, "--task", GREET, "--queue", "maintenance", "--since", "2h") == {dead, ready}
    assert listed(command, "--queue", "default") == set()
    assert len(listed(command, "--limit", "1")) == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--state", "ded"], "--state"),
        (["--since", "yesterdy"], "--since"),
        (["--since", "-2h"], "--since"),
        (["--limit", "x"], "--limit"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_a_filter_that_cannot_be_is_bad_input_and_named(
    command: Callable[..., Outcome], options: list[str], named: str
) -> None:
    outcome = command("list", *options)
    assert outcome.code == ExitCode.BAD_INPUT
    assert named in outcome.err


def test_the_list_for_people_shows_ids_whole_and_says_when_it_is_empty(
    command: Callable[..., Outcome],
) -> None:
    assert "No job matches" in command("list").out
    assert submitted(command) in command("list").out


def test_the_beginning_of_an_id_is_enough_when_it_is_the_only_one(command: Callable[..., Outcome]) -> None:
    job_id = submitted(command)
    assert json.loads(command("show", job_id[:9], "--json").out)["id"] == job_id


def test_an_ambiguous_beginning_names_at_most_five_candidates(command: Callable[..., Outcome]) -> None:
    for number in range(7):
        rename(submitted(command), f"abc-{number}")
    outcome = command("show", "abc")
    assert outcome.code == ExitCode.BAD_INPUT
    assert outcome.err.count("abc-") == 5


@pytest.mark.parametrize("prefix", ["ffffffff", "%", "_", "", "../etc"])
def test_an_id_that_is_no_jobs_is_said_so(command: Callable[..., Outcome], prefix: str) -> None:
    submitted(command)
    outcome = command("show", prefix)
    assert outcome.code == ExitCode.FAILED
    assert "There is no job" in outcome.err


def test_a_waiting_job_is_cancelled_and_a_finished_one_is_not(command: Callable[..., Outcome]) -> None:
    job_id = submitted(command)
    assert command("cancel", job_id).code == ExitCode.OK
    assert state_of(job_id) == State.CANCELLED
    again = command("cancel", job_id)
    assert again.code == ExitCode.FAILED
    assert "cancelled" in again.err


def test_a_running_job_is_cancelled(command: Callable[..., Outcome]) -> None:
    job_id = submitted(command)
    store.claim(store.connection(), [store.Message(job_id, 0)], worker="here#1")
    assert command("cancel", job_id).code == ExitCode.OK
    assert state_of(job_id) == State.CANCELLED


def test_a_dead_job_runs_again_and_a_done_one_does_not(command: Callable[..., Outcome]) -> None:
    dead, done = submitted(command), submitted(command)
    replace_process(dead, State.DEAD)
    replace_process(done, State.DONE)
    assert command("retry", dead).code == ExitCode.OK
    assert state_of(dead) == State.READY
    assert command("retry", done).code == ExitCode.FAILED


def test_all_dead_jobs_that_fit_run_again_once_that_is_confirmed(command: Callable[..., Outcome]) -> None:
    moon, sun = submitted(command), submitted(command)
    replace_process(moon, State.DEAD, error="moon")
    replace_process(sun, State.DEAD, error="sun")
    unconfirmed = command("retry", "--dead", "--error", "moon")
    assert unconfirmed.code == ExitCode.BAD_INPUT
    assert state_of(moon) == State.DEAD
    assert "1 jobs" in command("retry", "--dead", "--error", "moon", "--yes").out
    assert (state_of(moon), state_of(sun)) == (State.READY, State.DEAD)


@pytest.mark.parametrize("arguments", [[], ["abc", "--dead"]])
def test_retry_wants_either_an_id_or_all(command: Callable[..., Outcome], arguments: list[str]) -> None:
    assert command("retry", *arguments).code == ExitCode.BAD_INPUT


def test_waiting_ends_with_the_job_and_its_code_says_how(command: Callable[..., Outcome]) -> None:
    done, dead = submitted(command), submitted(command)
    replace_process(dead, State.DEAD, error="ValueError: no")
    threading.Timer(0.2, replace_process, (done, State.DONE), {"result": "hello"}).start()
    outcome = command("wait", done)
    assert (outcome.code, "hello" in outcome.out) == (ExitCode.OK, True)
    outcome = command("wait", dead, "--json")
    assert outcome.code == ExitCode.FAILED
    assert json.loads(outcome.out)["error"] == "ValueError: no"


def test_waiting_gives_up_after_the_time_given(command: Callable[..., Outcome]) -> None:
    outcome = command("wait", submitted(command), "--timeout", "0s")
    assert outcome.code == ExitCode.FAILED
    assert "still ready" in outcome.err


def test_ctrl_c_while_waiting_ends_without_a_traceback(
    command: Callable[..., Outcome], environment: dict[str, str], tmp_path: Path
) -> None:
    job_id = submitted(command)
    process = groundwork_process("jobs", "wait", job_id, environment=environment, folder=tmp_path)
    assert process.stderr
    assert process.stderr.readline() == f"Waiting for job {job_id}.\n".encode()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=stretched(10))
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert b"Traceback" not in err


def test_the_counts_are_by_task_and_state(command: Callable[..., Outcome]) -> None:
    replace_process(submitted(command), State.DEAD)
    submitted(command)
    counted = json.loads(command("stats", "--json").out)
    assert counted == [
        {"task": GREET, "scheduled": 0, "ready": 1, "running": 0, "done": 0, "dead": 1, "cancelled": 0}
    ]


def test_waiting_jobs_are_cancelled_by_filter_once_somebody_says_yes(
    command: Callable[..., Outcome],
) -> None:
    waiting = [submitted(command) for _ in range(3)]
    other = command("submit", samples.internal.name).out.strip()
    running = submitted(command)
    replace_process(running, State.RUNNING)
    refused = command("cancel", "--waiting", "--task", GREET)
    assert (refused.code, "add --yes" in refused.err) == (ExitCode.BAD_INPUT, True)
    assert {state_of(job_id) for job_id in waiting} == {State.READY}
    outcome = command("cancel", "--waiting", "--task", GREET, "--yes")
    assert outcome.out.strip() == "3 jobs are cancelled."
    assert {state_of(job_id) for job_id in waiting} == {State.CANCELLED}
    assert (state_of(other), state_of(running)) == (State.READY, State.RUNNING)
    assert command("cancel", "--waiting", "--task", GREET).out.strip() == "No waiting job matches."


@pytest.mark.parametrize("arguments", [(), ("1b9d6bcd", "--waiting")])
def test_one_job_or_all_waiting_ones_must_be_named(
    command: Callable[..., Outcome], arguments: tuple[str, ...]
) -> None:
    outcome = command("cancel", *arguments)
    assert outcome.code == ExitCode.BAD_INPUT
    assert "give either a job's ID or --waiting" in outcome.err
