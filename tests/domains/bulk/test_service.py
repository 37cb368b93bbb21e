"""Bulk acts: what was chosen is done once, and of what is left alone it is known why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, func, select, update

from app.db.sessions import reading, transaction
from app.domains.bulk import service
from app.domains.bulk.errors import BulkActNotFound, ChosenByAnother, UnusablePace
from app.domains.bulk.models import BulkAct, BulkActJob
from app.domains.bulk.pace import Pace, pace_of
from app.jobs import chosen as jobs_chosen
from app.jobs.chosen import Act
from app.jobs.ledger.models import Job, State
from app.jobs.web.bundle import evidence_of
from app.settings.config import settings
from app.tokens.callers import Caller
from tests.command_line import groundwork
from tests.console.jobs.test_acts import noted, state_of
from tests.domains.bulk.many import ANN, WHY, begin, begun, chosen, find, problems, run, step
from tests.jobs.ends import accepted, change, finish

if TYPE_CHECKING:
    from sqlalchemy import Engine

MINUTE = timedelta(minutes=1)


def dead(number: int = 1) -> list[str]:
    ids = accepted(number)
    finish(ids, ago=MINUTE, state=State.DEAD)
    change(ids, error="KeyError: 'x'")
    return ids


def job(job_id: str) -> Job:
    with reading() as session:
        return session.get_one(Job, job_id)


def steps() -> list[Job]:
    with reading() as session:
        query = select(Job).where(Job.task == service.GO_ON_TASK).order_by(Job.accepted_at, Job.id)
        return list(session.scalars(query))


def test_each_act_does_what_it_says_and_writes_down_how_it_was_before_and_after(database: Engine) -> None:
    retried, discarded, cancelled = dead(), dead(), accepted()
    for act, ids in ((Act.RETRY, retried), (Act.DISCARD, discarded), (Act.CANCEL, cancelled)):
        done = run(begun(ids, act))
        assert (done.done, done.left_alone, done.left) == (1, 0, 0)
    assert [state_of(one) for one in (*retried, *discarded, *cancelled)] == [
        "ready",
        "cancelled",
        "cancelled",
    ]
    assert job(cancelled[0]).error == f"Cancelled by user:1: {WHY}"
    assert job(discarded[0]).error == f"Discarded by user:1: {WHY}. It was dead: KeyError: 'x'"
    changes = [one["arguments"] for one in noted() if "before" in one["arguments"]]
    assert [(one["before"], one["after"]) for one in changes] == [
        *[("dead", "ready")] * 2,
        *[("dead", "cancelled")] * 2,
        *[("scheduled, ready", "cancelled")] * 2,
    ]
    assert {one["reason"] for one in changes} == {WHY}


def test_jobs_that_have_changed_are_left_as_they_are_and_named_with_the_reason(database: Engine) -> None:
    gone, ran, died_again, same = dead(4)
    act_id = begun([gone, ran, died_again, same])
    with transaction() as session:
        session.execute(delete(Job).where(Job.id == gone))
    change([ran], state=State.DONE)
    finish([died_again], ago=timedelta(0), state=State.DEAD)
    act = run(act_id)
    assert (act.done, act.left_alone) == (1, 3)
    assert problems(act_id) == {
        gone: "It is not in the ledger any more.",
        ran: "It has changed since it was chosen, and is done now.",
        died_again: "It has changed since it was chosen, and is dead now.",
    }
    assert [state_of(one) for one in (ran, died_again, same)] == ["done", "dead", "ready"]


def test_it_is_in_the_evidence_about_a_job_for_whom_it_is(
    database: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    [job_id] = dead()
    chosen([job_id])
    run(begun([job_id]))
    [act] = json.loads(groundwork(capsys, "jobs", "evidence", job_id).out)["bulk_acts"]
    assert (act["act"], act["user_name"], act["reason"], act["problem"]) == ("retry", "user:1", WHY, None)
    person = Caller(token_id="s", name="user:2", scopes=frozenset({"jobs:read"}), expires_at=None, user_id=2)
    assert evidence_of(job_id, looking=reading, caller=person)["bulk_acts"] == []


def test_two_acts_on_the_same_jobs_do_each_once(database: Engine) -> None:
    ids = dead(3)
    first, second = begun(ids), begun(ids, Act.DISCARD)
    step(first)
    act = run(second)
    assert (find(first).done, act.done, act.left_alone) == (3, 0, 3)
    assert set(problems(second).values()) == {"It has changed since it was chosen, and is ready now."}
    assert {state_of(one) for one in ids} == {"ready"}


def test_an_act_goes_on_in_steps_and_ends_when_it_is_stopped(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    ids = dead(5)
    act_id = begun(ids)
    assert step(act_id) == {"done": 2, "left_alone": 0}
    with transaction() as session:
        assert service.stop(session, act_id, user_name="user:2", user_id=2)
    with transaction() as session:
        assert not service.stop(session, act_id, user_name="user:3", user_id=3)
    assert step(act_id) == {"done": 0, "left_alone": 0}
    act = find(act_id)
    assert (act.done, act.left, act.stopped_by, act.runs) == (2, 3, "user:2", False)
    assert [state_of(one) for one in ids] == ["ready"] * 2 + ["dead"] * 3
    assert noted()[-1]["arguments"] | {"reason": ""} == {
        "act": "retry",
        "filters": "state=dead",
        "before": "runs",
        "after": "stopped",
        "done": 2,
        "left_alone": 0,
        "left": 3,
        "reason": "",
    }


def test_a_paced_act_sends_each_step_for_later(database: Engine) -> None:
    act_id = begun(dead(3), pace=Pace(jobs=1, seconds=60))
    assert steps()[0].state == State.READY
    assert step(act_id) == {"done": 1, "left_alone": 0}
    first, second = steps()
    assert second.state == State.SCHEDULED
    assert second.run_at is not None
    assert timedelta(seconds=55) < second.run_at - first.accepted_at < timedelta(seconds=90)


def test_only_the_job_of_the_next_step_does_anything(database: Engine) -> None:
    act_id = begun(dead(2), pace=Pace(jobs=1, seconds=60))
    old = str(find(act_id).step_job_id)
    step(act_id)
    with transaction() as session:
        assert service.go_on(session, act_id, job_id=old) == {"done": 0, "left_alone": 0}
    assert (find(act_id).done, len(steps())) == (1, 2)


def test_who_chose_begins_it_and_once(database: Engine) -> None:
    act_id = chosen(dead())
    with transaction() as session, pytest.raises(ChosenByAnother):
        service.begin(session, act_id, reason=WHY, pace=None, user_name="user:2", user_id=2)
    assert [begin(act_id), begin(act_id)] == [True, False]
    assert len(steps()) == 1
    assert begin(chosen([])) is False
    with transaction() as session, pytest.raises(BulkActNotFound):
        service.begin(session, 4711, reason=WHY, pace=None, **ANN)


def test_choices_are_bounded_and_old_acts_forgotten(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_CHOSEN", 2)
    monkeypatch.setattr(service, "MAX_JOBS", 1)
    ids = dead(2)
    first, _, third = (chosen(ids) for _ in range(3))
    assert (find(third).jobs, find(third).has_more) == (1, True)
    with pytest.raises(BulkActNotFound):
        find(first)
    old = begun(ids[:1])
    run(old)
    running = begun(ids[1:])
    long_ago = datetime.now(UTC) - timedelta(days=settings().retention_days + 1)
    with transaction() as session:
        session.execute(update(BulkAct).values(chosen_at=long_ago))
        session.execute(update(BulkAct).where(BulkAct.id == old).values(ended_at=long_ago))
        assert service.forget(session, commit=lambda _progress=None: session.flush()) == 2
    with reading() as session:
        assert session.scalars(select(BulkAct.id)).all() == [running]
        assert session.scalar(select(func.count()).select_from(BulkActJob)) == 1


@pytest.mark.databases("sqlite")
def test_far_more_jobs_than_a_statement_takes_are_chosen(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_chosen, "BATCH", 2)
    ids = dead(5)
    assert find(chosen([*ids, "none"])).jobs == 5


@pytest.mark.parametrize(
    ("number", "per", "at_once", "pause"),
    [("1", "minute", 1, 60), ("7", "minute", 1, 60 / 7), ("1", "second", 5, 5), ("100", "second", 500, 5)],
)
def test_a_pace_is_kept_by_steps_and_pauses(number: str, per: str, at_once: int, pause: float) -> None:
    pace = pace_of(number=f" {number} ", per=per, jobs=100)
    assert pace is not None
    assert (pace.at_once, pace.pause) == (at_once, timedelta(seconds=pause))


def test_without_a_pace_it_is_as_fast_as_it_goes() -> None:
    assert pace_of(number=" ", per="", jobs=100) is None


@pytest.mark.parametrize(
    ("number", "per", "says"),
    [
        *(
            (number, "second", "a whole number from 1 to 100 jobs a second")
            for number in ("0", "-1", "101", "1.5", "NaN", "1e2", "٣", "\x00", "\ud800", "9" * 10_000)
        ),
        ("1", "", "so many jobs a second or a minute"),
        ("1", "year", "so many jobs a second or a minute"),
        ("6", "minute", "take longer than 24 hours. Choose 7 a minute or more"),
    ],
)
def test_what_is_no_pace_is_said(number: str, per: str, says: str) -> None:
    with pytest.raises(UnusablePace, match=says) as refused:
        pace_of(number=number, per=per, jobs=10_000)
    assert len(str(refused.value)) < 200
