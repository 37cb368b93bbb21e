"""Jobs that are found by what they are about: the keys come with the job, and go with it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, func, select, text, update

from app.db.clock import clock, now
from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.accounts.roles import Role
from app.jobs import accept
from app.jobs.celery.task import task
from app.jobs.factory import new_job
from app.jobs.ledger import prepared
from app.jobs.ledger.models import Job, JobSearchKey, State
from app.jobs.listing import list_jobs
from app.jobs.transitions import rollup
from app.jobs.views import JobFilter
from app.logs.failures import ExitCode
from app.tokens.scope import declare_scope
from tests.command_line import groundwork
from tests.console.browser import signed_in
from tests.domains.accounts.people import add_person, client_of
from tests.jobs import samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine
    from starlette.testclient import TestClient

    from app.jobs.ledger.new_job import NewJob

pytestmark = pytest.mark.usefixtures("database", "redis_server")
DIARY = declare_scope("tests:diary", "Keep a diary, in tests.", is_personal=True)


@task(public=True, search=("order_id", "customer"))
def pack(order_id: int, customer: str | None = None) -> None:
    """Pack an order."""


@task(public=True, scope=DIARY, search=("order_id",))
def confide(order_id: int) -> None:
    """Is somebody's own."""


def packing(order_id: object, **options: Any) -> NewJob:
    return new_job(pack.name, kwargs={"order_id": order_id}, **options)


def accepted(*jobs: NewJob) -> list[str]:
    with transaction() as session:
        return [answer.id for answer in accept.accept(session, jobs)]


def found(key: str, *, states: Sequence[State] = (), **narrowed: Any) -> list[str]:
    """The ids on all pages of two, the newest first."""
    ids: list[str] = []
    cursor = None
    while True:
        with reading() as session:
            filters = JobFilter(key=key, **narrowed)
            page = list_jobs(session, filters=filters, states=states, limit=2, cursor=cursor)
        ids += [job.id for job in page.jobs]
        cursor = page.next
        if cursor is None:
            return ids


def count_keys() -> int:
    with reading() as session:
        return session.scalars(select(func.count()).select_from(JobSearchKey)).one()


def test_jobs_of_one_call_are_found_each_by_its_own_values() -> None:
    ids = accepted(*(packing(number % 3) for number in range(7)))
    # Those of one call share their moment, and stand by their ids.
    assert found("order_id:0") == sorted((ids[0], ids[3], ids[6]), reverse=True)
    assert found("order_id:2") == sorted((ids[2], ids[5]), reverse=True)
    assert found("order_id:3") == []
    assert found("customer:0") == []


def test_a_thousand_jobs_are_found_among_others() -> None:
    ids = accepted(
        *(packing(number) for number in range(1_000)), new_job(samples.greet.name, kwargs={"name": "Ada"})
    )
    assert found("order_id:777") == [ids[777]]
    assert count_keys() == 1_000


@pytest.mark.parametrize("key", [None, "my key"])
def test_one_that_is_accepted_alone_is_found(key: str | None) -> None:
    job_id = accept.accept_alone(packing(5, key=key))
    assert found("order_id:5") == [job_id]
    assert accept.accept_alone(packing(5, key="another")) != job_id
    assert len(found("order_id:5")) == 2


def test_jobs_of_many_callers_are_found_and_what_is_known_has_no_second_key() -> None:
    first, again, other = packing(5, key="k"), packing(6, key="k"), packing(7)
    assert [bool(answer) for answer in accept.accept_at_once([first, other])] == [True, True]
    assert accept.accept_at_once([again]) == [None]
    assert found("order_id:5") == [first.id]
    assert found("order_id:6") == []


def test_what_is_rolled_back_is_not_found() -> None:
    with transaction() as session:
        accept.accept(session, [packing(5)])
        session.rollback()
    assert count_keys() == 0


def test_a_link_of_a_chain_is_found_once_it_has_its_arguments() -> None:
    [job_id] = accepted(packing(None))
    with transaction() as session:
        waiting = {"state": State.SCHEDULED, "run_at": None}
        session.execute(update(Job).where(Job.id == job_id).values(waiting))
    assert count_keys() == 0
    [again] = accepted(packing(5, id=job_id))
    assert again == job_id
    assert found("order_id:5") == [job_id]


def test_arguments_that_do_not_fit_are_no_keys_and_the_job_is_accepted() -> None:
    [job_id] = accepted(new_job(pack.name, args=(1, 2, 3)))
    with reading() as session:
        assert session.get(Job, job_id) is not None
    assert count_keys() == 0


def test_other_tasks_are_accepted_without_another_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    run = prepared.run

    def note(connection: Any, statement: str, values: Any) -> Any:
        said.append(statement)
        return run(connection, statement, values)

    monkeypatch.setattr(prepared, "run", note)

    def note_too(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(engine(), "before_cursor_execute", note_too)
    accepted(*(new_job(samples.greet.name, kwargs={"name": str(number)}) for number in range(3)))
    accept.accept_alone(new_job(samples.greet.name, kwargs={"name": "Ada"}))
    event.remove(engine(), "before_cursor_execute", note_too)
    assert not any("search_key" in statement for statement in said)


def test_a_key_narrows_with_everything_else() -> None:
    ids = accepted(*(packing(5) for _ in range(3)))
    with transaction() as session:
        session.execute(update(Job).where(Job.id == ids[0]).values(state=State.DEAD, error="no"))
    assert found("order_id:5", states=[State.DEAD]) == [ids[0]]
    assert found("order_id:5", states=[State.DEAD, State.READY]) == sorted(ids, reverse=True)
    assert found("order_id:5", error="no") == [ids[0]]
    assert found("order_id:5", task=samples.greet.name) == []


@pytest.mark.databases("postgresql")
def test_the_newest_with_a_key_are_read_by_its_index(database: Engine) -> None:
    accepted(*(packing(number % 50) for number in range(1_000)))
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(database, "before_cursor_execute", note)
    found("order_id:7")
    event.remove(database, "before_cursor_execute", note)
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE job, job_search_key"))
    [statement, parameters] = next(each for each in asked if "job_search_key" in each[0])
    with engine().connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
    assert "pk_job_search_key" in plan, plan
    assert "pk_job on job" in plan, plan


def test_keys_go_with_their_job() -> None:
    [job_id, kept] = accepted(packing(5), packing(6))
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(state=State.DONE, finished_at=clock(-60)))
    with transaction() as session:
        rollup.roll_up(session)
    with transaction() as session:
        assert rollup.prune(session, before=now(session) - timedelta(seconds=30)) == 1
    assert (found("order_id:5"), found("order_id:6"), count_keys()) == ([], [kept], 1)


@pytest.mark.databases("sqlite")
def test_a_key_is_asked_for_over_http(api: TestClient, database: Engine) -> None:
    answer = api.post(
        "/api/v1/jobs", json={"task": pack.name, "arguments": {"order_id": 5, "customer": "Анна"}}
    )
    job_id = answer.json()["id"]
    batch = [{"task": pack.name, "arguments": {"order_id": 5}}] * 2
    assert api.post("/api/v1/jobs/batch", json={"jobs": batch}).status_code == 202

    def asked(key: str, **more: Any) -> Any:
        return api.get("/api/v1/jobs", params={"key": key, **more}).json()

    assert [job["id"] for job in asked("customer:Анна")["jobs"]] == [job_id]
    first = asked("order_id:5", limit=2)
    rest = asked("order_id:5", limit=2, cursor=first["next"])
    assert (len(first["jobs"]), [job["id"] for job in rest["jobs"]]) == (2, [job_id])
    assert asked("order_id:6")["jobs"] == []
    cancelled = api.post("/api/v1/jobs/cancel", json={"key": "order_id:5", "limit": 10})
    assert cancelled.json() == {"cancelled": 3, "more": False}
    [view] = [view for view in api.get("/api/v1/tasks").json() if view["name"] == pack.name]
    assert view["search"] == ["order_id", "customer"]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("key", "detail"),
    [
        ("order_id", "write its name and its value"),
        ("", "write its name and its value"),
        ("nothing:1", "No task declares the search key"),
        ("order_id:" + "x" * 1_001, "1,001 characters"),
        ("x" * 10_000, "at most 1200 characters"),
    ],
)
def test_what_is_no_key_is_refused_over_http(
    api: TestClient, database: Engine, key: str, detail: str
) -> None:
    answer = api.get("/api/v1/jobs", params={"key": key})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["parameter"], detail in error["detail"]) == ("key", True)


@pytest.mark.databases("sqlite")
def test_nobody_learns_by_a_key_what_is_hidden_from_them(api: TestClient, database: Engine) -> None:
    for name in (pack.name, confide.name):
        api.post("/api/v1/jobs", json={"task": name, "arguments": {"order_id": 5}})
    assert len(api.get("/api/v1/jobs?key=order_id:5").json()["jobs"]) == 2
    add_person(role=Role.OPERATOR)
    seen = client_of().get("/api/v1/jobs?key=order_id:5").json()["jobs"]
    assert [job["task"] for job in seen] == [pack.name]
    assert client_of().post("/api/v1/jobs/cancel", json={"key": "order_id:5"}).json()["cancelled"] == 1


@pytest.mark.databases("sqlite")
def test_a_key_is_asked_for_in_the_console(database: Engine) -> None:
    [job_id, other] = accepted(packing(5), packing(6))
    [hidden] = accepted(new_job(confide.name, kwargs={"order_id": 5}))
    admin, viewer = signed_in(Role.ADMIN), signed_in(Role.VIEWER)
    page = admin.get("/console/jobs?key=order_id:5").text
    assert 'name="key" value="order_id:5"' in page
    assert (job_id in page, hidden in page, other in page) == (True, True, False)
    page = viewer.get("/console/jobs?key=order_id:5").text
    assert (job_id in page, hidden in page, "2 jobs" in page) == (True, False, False)
    refused = viewer.get("/console/jobs", params={"key": "<b>:5"})
    assert (refused.status_code, "No task declares the search key" in refused.text) == (422, True)
    assert 'name="key" value="&lt;b&gt;:5"' in refused.text


@pytest.mark.databases("sqlite")
def test_a_key_is_asked_for_on_the_command_line(database: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    [job_id, _] = accepted(packing(5), packing(6))
    listed = groundwork(capsys, "jobs", "list", "--key", "order_id:5", "--json")
    assert [job["id"] for job in json.loads(listed.out)] == [job_id]
    refused = groundwork(capsys, "jobs", "list", "--key", "order:5")
    assert (refused.code, 'Did you mean "order_id"?' in refused.err) == (ExitCode.BAD_INPUT, True)
