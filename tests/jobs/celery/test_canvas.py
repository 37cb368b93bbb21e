"""Chains, groups, chords and callbacks, run by a real worker on the ledger."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group
from celery.exceptions import TimeoutError as TooLate
from celery.result import AsyncResult, GroupResult
from sqlalchemy import text

from app.celery_app import celery_app
from app.db.sessions import transaction
from app.jobs.ledger.models import State
from app.jobs.service import retry_job
from tests.fleet import of_processes
from tests.jobs.running import effects, ended, job_of, jobs_named, send_again, wait_for_state
from tests.sample import celery_tasks, tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.jobs.running import Service

pytestmark = pytest.mark.usefixtures("service")
LONG = 60
add, double, total = tasks.add, tasks.double, tasks.total


def value_of(canvas: Any) -> Any:
    return canvas.apply_async().get(timeout=LONG)


@pytest.mark.parametrize(
    ("canvas", "expected"),
    [
        (lambda: add.s(1, 2) | add.s(3) | double.s(), 12),
        (lambda: add.si(1, 2) | add.si(3, 4), 7),
        (lambda: group(add.s(n, n) for n in range(5)), [0, 2, 4, 6, 8]),
        (lambda: group([add.s(1, 1)]), [2]),
        (lambda: chord([add.s(n, n) for n in range(5)], total.s()), 20),
        (lambda: chord([add.s(1, 1)], total.s()), 2),
        (lambda: group(add.s(n, n) for n in range(3)) | total.s(), 6),
        (lambda: group(add.s(n, n) for n in range(3)) | total.s() | double.s(), 12),
        (lambda: add.s(1, 1) | group(add.s(1), add.s(2)), [3, 4]),
        (lambda: add.s(1, 1) | group(add.s(1), add.s(2)) | total.s(), 7),
        (lambda: chord([add.s(1, 1) | double.s(), add.s(2, 2) | double.s()], total.s()), 12),
        (lambda: chord([group(add.s(1, 1), add.s(2, 2)), add.s(3, 3)], total.s()), 12),
        (
            lambda: chord(
                [chord([add.s(1, 1), add.s(2, 2)], total.s()), chord([add.s(3, 3)], total.s())], total.s()
            ),
            12,
        ),
        (lambda: chain(add.s(1, 1), chord([add.s(1), add.s(2)], total.s()), double.s()), 14),
        (lambda: group(group(add.s(1, 1), add.s(2, 2)), add.s(3, 3)), [2, 4, 6]),
        (lambda: chord([add.s(n, n) for n in range(3)], total.s() | double.s()), 12),
        (lambda: chord([celery_tasks.add_a_part.s(5), add.s(1, 1)], total.s()), 17),
        (lambda: chord([celery_tasks.add_a_part.s(5)], total.s()), 15),
        (lambda: double.map([1, 2, 3]), [2, 4, 6]),
        (lambda: add.starmap([(1, 2), (3, 4)]), [3, 7]),
        (lambda: add.chunks(zip(range(4), range(4), strict=True), 2).group(), [[0, 2], [4, 6]]),
    ],
    ids=[
        "chain",
        "immutable-chain",
        "group",
        "group-of-one",
        "chord",
        "chord-of-one",
        "group-then-task",
        "group-then-chain",
        "task-then-group",
        "task-group-task",
        "chord-of-chains",
        "chord-of-group",
        "chord-of-chords",
        "chord-in-chain",
        "group-in-group",
        "chord-then-chain",
        "chord-that-grows",
        "chord-of-one-that-grows",
        "map",
        "starmap",
        "chunks",
    ],
)
def test_a_canvas_gives_what_celery_would_give(canvas: Any, expected: Any) -> None:
    assert value_of(canvas()) == expected


def test_every_link_of_a_chain_is_a_job_that_knows_its_root() -> None:
    result: Any = (add.s(1, 2) | add.s(3) | double.s()).apply_async()
    assert result.get(timeout=LONG) == 12
    second, first = result.parent, result.parent.parent
    assert [job_of(link.id).result for link in (first, second, result)] == [3, 6, 12]
    for link in (second, result):
        options = job_of(link.id).options
        assert options
        assert options["root_id"] == first.id


def test_a_saved_group_is_found_again() -> None:
    result: Any = group(add.s(n, n) for n in range(3)).apply_async()
    result.save()
    found: Any = GroupResult.restore(result.id, app=celery_app)
    assert found.join(timeout=LONG) == [0, 2, 4]
    result.delete()
    assert GroupResult.restore(result.id, app=celery_app) is None


def test_a_canvas_in_a_transaction_is_accepted_with_it_or_not_at_all() -> None:
    before = len(jobs_named("sample.total"))
    with transaction() as session:
        undone: Any = chord([add.s(1, 1), add.s(2, 2)], total.s()).apply_async()
        session.rollback()
    with transaction():
        kept: Any = chord([add.s(1, 1), add.s(2, 2)], total.s()).apply_async()
    assert kept.get(timeout=LONG) == 6
    assert undone.state == "PENDING"
    assert len(jobs_named("sample.total")) == before + 1


def test_a_group_from_inside_a_job_is_accepted_with_its_finish() -> None:
    assert celery_tasks.spread.delay([1, 2, 3]).get(timeout=LONG) == 3
    wait_until(lambda: len(effects("note ('spread'")) == 3, seconds=LONG, what="three jobs ran")


def test_a_chord_counts_a_part_once_though_its_message_comes_twice(service: Service) -> None:
    ids = [str(uuid.uuid4()) for _ in range(2)]
    mark = str(uuid.uuid4())
    first = add.s(1, 1).set(task_id=ids[0])
    last = add.s(2, 2).set(task_id=ids[1], countdown=3600)
    result: Any = chord([first, last], celery_tasks.note.s(mark)).apply_async()
    ended(ids[0])
    for _ in range(3):
        send_again(ids[0])
    service.wait_until_drained()
    assert effects(f"note ([2, 4], '{mark}')") == []
    due_now(ids[1])
    result.get(timeout=LONG)
    send_again(ids[1])
    service.wait_until_drained()
    assert effects(f"note ([2, 4], '{mark}')") == [f"note ([2, 4], '{mark}')"]


def due_now(job_id: str) -> None:
    with transaction() as session:
        session.execute(
            text("UPDATE job SET run_at = accepted_at WHERE id = :id"),
            {"id": job_id},
        )


def test_a_callback_is_called_once_with_the_result(service: Service) -> None:
    mark = str(uuid.uuid4())
    result: Any = add.apply_async((1, 2), link=celery_tasks.note.s(mark))
    result.get(timeout=LONG)
    send_again(result.id)
    wait_until(lambda: effects(f"note (3, '{mark}')"), seconds=LONG, what="the callback ran")
    service.wait_until_drained()
    assert effects(f"note (3, '{mark}')") == [f"note (3, '{mark}')"]


def test_several_callbacks_are_all_called() -> None:
    marks = sorted(str(uuid.uuid4()) for _ in range(3))
    add.apply_async((1, 2), link=[celery_tasks.note.s(mark) for mark in marks])
    wanted = {f"note (3, '{mark}')" for mark in marks}
    wait_until(lambda: wanted <= set(effects()), seconds=LONG, what="each callback ran")


def test_an_errback_is_called_once_when_the_job_is_dead_and_not_before(service: Service) -> None:
    mark = str(uuid.uuid4())
    result: Any = tasks.fail_until.apply_async((9,), link_error=celery_tasks.note_failure.s(name=mark))
    assert ended(result.id).state == State.DEAD
    wait_until(lambda: effects(f"failure {mark}"), seconds=LONG, what="the errback ran")
    service.wait_until_drained()
    assert effects(f"failure {mark}") == [f"failure {mark}"]


def test_an_errback_is_not_called_when_a_retry_succeeds(service: Service) -> None:
    mark = str(uuid.uuid4())
    result: Any = tasks.fail_until.apply_async((2,), link_error=celery_tasks.note_failure.s(name=mark))
    assert result.get(timeout=LONG) == 2
    service.wait_until_drained()
    assert effects(f"failure {mark}") == []


@of_processes
def test_an_errback_is_called_when_the_worker_of_the_job_died_too_often() -> None:
    mark = str(uuid.uuid4())
    result: Any = tasks.kill_own_process.apply_async(link_error=celery_tasks.note_failure.s(name=mark))
    assert ended(result.id, seconds=40).state == State.DEAD
    wait_until(lambda: effects(f"failure {mark}"), seconds=LONG, what="the errback ran")


def test_the_rest_of_a_chain_is_dead_with_the_link_that_failed() -> None:
    result: Any = (add.s(1, 1) | tasks.has_a_bug.si() | double.si(1)).apply_async()
    with pytest.raises(Exception, match="a bug"):
        result.get(timeout=LONG)
    assert ended(result.id).state == State.DEAD
    assert ended(result.parent.parent.id).state == State.DONE


def test_a_dead_link_that_is_retried_takes_the_rest_of_its_chain_along() -> None:
    mark = str(uuid.uuid4())
    result: Any = (celery_tasks.fail_unless_mended.si(mark, 4) | double.s()).apply_async()
    assert ended(result.id).state == State.DEAD
    mend(mark)
    retry(result.parent.id)
    assert wait_for_value(result.id) == 8


def test_a_dead_part_makes_the_body_of_its_chord_fail() -> None:
    mark = str(uuid.uuid4())
    body = total.s().on_error(celery_tasks.note_failure.s(name=mark))
    result: Any = chord([add.s(1, 1), tasks.has_a_bug.si()], body).apply_async()
    job = ended(result.id)
    assert job.state == State.DEAD
    assert "is dead: ValueError: a bug" in str(job.error)
    wait_until(lambda: effects(f"failure {mark}"), seconds=LONG, what="the body's errback ran")


def test_a_dead_part_of_an_inner_chord_makes_the_outer_one_fail() -> None:
    inner = chord([add.s(1, 1), tasks.has_a_bug.si()], total.s())
    result: Any = chord([inner, add.s(2, 2)], total.s()).apply_async()
    assert "a bug" in str(ended(result.id).error)


def test_a_dead_part_makes_every_task_of_a_groups_body_fail() -> None:
    result: Any = chord([add.s(1, 1), tasks.has_a_bug.si()], group(total.s(), total.s())).apply_async()
    wait_until(result.ready, seconds=LONG, what="the whole group has failed")
    assert {str(part.state) for part in result.results} == {"FAILURE"}


def test_a_dead_part_that_is_retried_completes_its_chord() -> None:
    mark = str(uuid.uuid4())
    part = celery_tasks.fail_unless_mended.si(mark, 5)
    part.set(task_id=str(uuid.uuid4()))
    result: Any = chord([add.s(1, 1), part], total.s()).apply_async()
    assert ended(result.id).state == State.DEAD
    mend(mark)
    retry(str(part.id))
    assert wait_for_value(result.id) == 7


def test_a_job_that_a_chord_replaced_is_dead_with_its_part_and_done_with_it() -> None:
    mark = str(uuid.uuid4())
    job_id = str(celery_tasks.replace_itself_by_parts.delay(mark).id)
    assert "is dead: PermanentError" in str(wait_for_state(job_id, State.DEAD).error)
    [part] = [job for job in jobs_named("sample.fail_unless_mended") if mark in (job.args or [])]
    mend(mark)
    retry(part.id)
    assert wait_for_value(job_id) == 7


@pytest.mark.parametrize("how", ["cancelled", "expired"])
def test_a_part_that_is_called_off_makes_the_body_of_its_chord_fail(how: str) -> None:
    part = add.si(2, 2).set(task_id=str(uuid.uuid4()), countdown=3600)
    result: Any = chord([add.s(1, 1), part], total.s()).apply_async()
    if how == "cancelled":
        AsyncResult(str(part.id), app=celery_app).revoke()
    else:
        with transaction() as session:
            session.execute(
                text("UPDATE job SET expires_at = accepted_at WHERE id = :id"), {"id": str(part.id)}
            )
    assert ended(str(part.id)).state == State.CANCELLED
    wait_until(lambda: result.state == "FAILURE", seconds=LONG, what="the body has failed")


def mend(mark: str) -> None:
    with transaction() as session:
        session.execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": mark})


def retry(job_id: str) -> None:
    with transaction() as session:
        retry_job(session, job_id=job_id)


def wait_for_value(job_id: str) -> Any:
    return wait_for_state(job_id, State.DONE).result


def test_an_errback_with_a_bug_does_not_undo_the_death() -> None:
    result: Any = tasks.has_a_bug.apply_async(link_error=celery_tasks.fail_in_the_database.s())
    assert ended(result.id).state == State.DEAD
    lost: Any = tasks.never_end.apply_async(link_error=celery_tasks.fail_in_the_database.s())
    assert ended(lost.id).state == State.DEAD


def test_the_results_of_a_group_come_as_its_jobs_end() -> None:
    result: Any = group(add.s(n, n) for n in range(3)).apply_async()
    seen: list[Any] = []
    found = dict(result.iter_native(timeout=LONG, on_message=seen.append))
    assert {job_id: meta["result"] for job_id, meta in found.items()} == {
        part.id: 2 * n for n, part in enumerate(result.results)
    }
    assert len(seen) == 3
    assert result.join_native(timeout=LONG) == [0, 2, 4]
    late: Any = group([add.s(1, 1).set(countdown=60)]).apply_async()
    with pytest.raises(TooLate):
        list(late.iter_native(timeout=0.1))


def test_the_children_of_a_job_are_what_it_queued() -> None:
    spread = celery_tasks.spread.delay([1, 2])
    assert spread.get(timeout=LONG) == 2
    children: Any = AsyncResult(spread.id, app=celery_app).children
    assert [job_of(child.id).args for child in children] == [["spread", 1], ["spread", 2]]
    first: Any = (add.s(1, 2) | double.s()).apply_async()
    assert first.get(timeout=LONG) == 6
    assert first.parent.children == [first]
    assert [node.get(timeout=LONG) for _, node in first.parent.iterdeps()] == [3, 6]


@pytest.mark.parametrize("odd", ["\udce9", "a\x00b", '"parent_id": "x"', "%_\\"])
def test_the_children_are_found_whatever_later_links_are_called_with(odd: str) -> None:
    first: Any = (add.s(1, 2) | celery_tasks.spread.si([]) | tasks.echo.si(odd)).apply_async()
    assert first.get(timeout=LONG) == [[odd], {}]
    assert first.parent.parent.children == [first.parent]
    assert first.parent.children == [first]


def test_a_result_that_is_forgotten_is_gone_and_its_job_is_not() -> None:
    result = add.delay(1, 2)
    assert result.get(timeout=LONG) == 3
    result.forget()
    again: Any = AsyncResult(result.id, app=celery_app)
    assert (again.state, again.result, job_of(result.id).result) == ("SUCCESS", None, None)
