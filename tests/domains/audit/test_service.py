"""Both logs are written once, whatever is delivered twice, and take no garbage."""

from __future__ import annotations

import time
from typing import Any

import pytest
from structlog.contextvars import bound_contextvars

from app.db.sessions import transaction
from app.domains.audit import service
from app.domains.audit.facts import LoginStatus
from tests.domains.audit.log import accepted, count, logins, operations, record, write

pytestmark = pytest.mark.usefixtures("database")


def test_a_record_has_all_its_fields() -> None:
    given = record(
        trace_id="abc",
        user_name="ann",
        token_id="0123",
        address="203.0.113.7",
        user_agent="curl/8.1.2",
        route="/api/v1/users/{user_id}",
        title="Change User",
        arguments={"body": {"name": "Zoë", "n": 1.5}},
        status=403,
        code="missing_scope",
        milliseconds=12,
    )
    assert write(given) == 1
    row = operations()[0]
    assert {name: getattr(row, name) for name in given if name not in ("id", "at")} == {
        name: value for name, value in given.items() if name not in ("id", "at")
    }
    assert (str(row.id), row.at.isoformat()) == (given["id"], given["at"])
    assert (row.browser, row.os, row.device, row.left_out) == ("curl 8", None, None, 0)


def test_a_record_that_comes_again_is_one_row() -> None:
    first, second = record(), record()
    assert write(first) == 1
    assert write(first, second, second) == 1
    assert write(first, second) == 0
    assert count() == 2


def test_no_record_is_nothing_to_do() -> None:
    assert write() == 0


def test_a_whole_batch_is_written_in_one_statement() -> None:
    assert write(*(record(path=f"/{number}") for number in range(500))) == 500


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"id": "x"}, "id"),
        ({"at": "yesterday"}, "at"),
        ({"status": float("nan")}, "status"),
        ({"status": 10**30}, "status"),
        ({"user_id": 2**63}, "user_id"),
        ({"path": ["/"]}, "path"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_no_record_is_refused_in_a_sentence(values: dict[str, Any], place: str) -> None:
    with pytest.raises(service.UnusableRecord, match=f"^A record cannot be kept: {place}: "):
        write(record() | values)


def test_hostile_text_is_kept_as_far_as_it_can_be() -> None:
    write(record(path="/\x00\ud800\u202e字", user_agent="\x00" * 1_000_000, arguments={"a": "表"}))
    assert operations()[0].path == "/??\u202e字"


def test_an_attempt_to_sign_in_becomes_a_job_of_the_transaction() -> None:
    with bound_contextvars(request_id="r-1"), transaction() as session:
        service.record_login(
            session,
            status=LoginStatus.FAILURE,
            user_name="ann@example.org",
            message="Wrong password",
            address="203.0.113.7",
            user_agent="curl/8.1.2",
        )
    records = accepted(service.LOGIN_TASK)
    assert len(records) == 1
    for _ in range(2):
        with transaction() as session:
            service.write_logins(session, records)
    row = logins()[0]
    assert (row.user_name, row.status, row.message) == ("ann@example.org", "failure", "Wrong password")
    assert (row.trace_id, row.address, row.browser) == ("r-1", "203.0.113.7", "curl 8")
    assert count(type(row)) == 1


def test_a_sign_in_that_is_rolled_back_was_none() -> None:
    with transaction() as session:
        service.record_login(session, status=LoginStatus.SUCCESS, user_name="ann", user_id=1)
        session.rollback()
    assert accepted(service.LOGIN_TASK) == []


def test_a_far_past_and_a_far_future_are_kept() -> None:
    write(record(at=0), record(at=time.time_ns() + 50 * 365 * 86_400 * 10**9))
    assert operations()[0].at.year == 1970
