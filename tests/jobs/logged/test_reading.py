"""The log of a job is read in order, with what is missing said, whatever stands in the table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from app.db.sessions import reading, transaction
from app.jobs.ledger.models import State
from app.jobs.logged import storing
from app.jobs.logged.line import joined
from app.jobs.logged.models import JobLog
from app.jobs.logged.reading import READ_AT_ONCE, UNREADABLE, as_text, last_lines, lines_of
from app.jobs.transitions import rollup
from app.values.typed_json import to_json
from tests.jobs.ends import accepted, finish, roll_up

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("database")
AT = 1_795_952_876.6


def line(message: Any) -> str:
    return to_json([AT, "INFO", "app", message])


def row(job_id: str, first: int, *messages: Any, fence: int = 1) -> storing.Row:
    return storing.Row(job_id, fence, first, joined([line(message) for message in messages]))


@pytest.fixture
def link() -> Iterator[storing.Link]:
    link = storing.Link()
    yield link
    link.close()


def read(job_id: str) -> list[tuple[int, int, str]]:
    with reading() as session:
        return [(one.fence, one.left_out, one.message) for one in lines_of(session, job_id=job_id)]


def chunks() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(JobLog)) or 0


def test_attempts_are_read_one_after_the_other_with_what_is_missing(link: storing.Link) -> None:
    [job_id] = accepted()
    link.insert([row(job_id, 0, "c", fence=2), row(job_id, 7, "b"), row(job_id, 0, "a", "\x00\ud800")])
    assert read(job_id) == [(1, 0, "a"), (1, 0, "\x00\\ud800"), (1, 5, "b"), (2, 0, "c")]


def test_what_is_written_again_is_there_once(link: storing.Link) -> None:
    [job_id] = accepted()
    link.insert([row(job_id, 0, "a", "b")])
    link.insert([row(job_id, 0, "a", "b", "c"), row(job_id, 2, "c", "d")])
    assert read(job_id) == [(1, 0, "a"), (1, 0, "b"), (1, 0, "c"), (1, 0, "d")]


def test_a_job_that_is_gone_has_no_log(link: storing.Link) -> None:
    [job_id] = accepted()
    link.insert([row("gone", 0, "a"), row(job_id, 0, "b")])
    assert (read("gone"), read(job_id)) == ([], [(1, 0, "b")])


def test_the_last_lines_are_read_without_the_others(link: storing.Link) -> None:
    [job_id] = accepted()
    link.insert([row(job_id, number, str(number)) for number in range(3 * READ_AT_ONCE)])
    with reading() as session:
        some, are_more = last_lines(session, job_id=job_id, most=READ_AT_ONCE + 1)
        every, are_others = last_lines(session, job_id=job_id, most=3 * READ_AT_ONCE)
    assert [one.message for one in some] == [
        str(number) for number in range(2 * READ_AT_ONCE - 1, 3 * READ_AT_ONCE)
    ]
    assert {one.left_out for one in some} == {0}
    assert (are_more, are_others, len(every)) == (True, False, 3 * READ_AT_ONCE)


def test_what_nobody_foresaw_is_said(link: storing.Link) -> None:
    [job_id] = accepted()
    odd: list[Any] = [{"of": 1}, [7], [[1, 2]], [["x", "INFO", "app", "m"]], [[1e300, 1, None, {}]], None]
    with transaction() as session:
        for number, lines in enumerate(odd):
            session.add(JobLog(job_id=job_id, fence=1, first=number, lines=lines))
    assert read(job_id) == [(1, 0, UNREADABLE)] * len(odd)


def test_as_text_no_message_passes_for_a_line_nor_for_an_order_to_a_terminal(link: storing.Link) -> None:
    [job_id] = accepted()
    link.insert([row(job_id, 0, "a\n2026-11-29 forged \x1b[31m"), row(job_id, 9, "b")])
    with reading() as session:
        text = list(as_text(lines_of(session, job_id=job_id)))
    stamp = "2026-11-29T11:47:56.600Z attempt 1 INFO app:"
    assert text == [f"{stamp} a\n    2026-11-29 forged \\x1b[31m", "[8 lines left out]", f"{stamp} b"]


def test_lines_go_with_their_job(link: storing.Link) -> None:
    [job_id] = accepted()
    link.insert([row(job_id, 0, "a")])
    finish([job_id], ago=timedelta(days=2), state=State.DONE)
    roll_up()
    with transaction() as session:
        assert rollup.prune(session, before=datetime.now(UTC) - timedelta(days=1)) == 1
    assert chunks() == 0


def test_chunks_and_attempts_are_forgotten(link: storing.Link) -> None:
    [job_id] = accepted()
    link.insert([row(job_id, first, "a", fence=fence) for fence in (1, 2, 3) for first in (0, 1, 2)])
    link.forget_chunks(job_id=job_id, fence=3, first=1, last=2)
    link.forget_attempts(job_id=job_id, until=1)
    assert [fence for fence, *_ in read(job_id)] == [2, 2, 2, 3]
