"""Queues are paused and resumed from their page, and the overview says which are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import reading, transaction
from app.domains.accounts.roles import Role
from app.jobs.pauses import service
from tests.console.browser import HERE, OVERVIEW, signed_in
from tests.console.test_queues import HOSTILE, QUEUES, acts

if TYPE_CHECKING:
    from httpx import Response
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

    from app.jobs.pauses.models import QueuePause

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("redis_server")]
PAUSE, RESUME = f"{QUEUES}/pause", f"{QUEUES}/resume"


@pytest.fixture
def operator(database: Engine) -> TestClient:
    assert database
    return signed_in(Role.OPERATOR)


def pause(client: TestClient, **fields: str) -> Response:
    usual = {"queue": "emails", "until": "", "reason": "The bank moves."}
    answer: Response = client.post(PAUSE, data=usual | fields, headers=HERE)
    return answer


def resume(client: TestClient, *, since: str, queue: str = "emails") -> Response:
    answer: Response = client.post(RESUME, data={"queue": queue, "since": since}, headers=HERE)
    return answer


def found() -> QueuePause | None:
    with reading() as session:
        return service.find(session, "emails")


def since() -> str:
    row = found()
    assert row is not None
    return row.since.isoformat()


def test_a_queue_is_paused_and_resumed_once_however_often_the_forms_are_sent(operator: TestClient) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for _ in range(2):
        answer = pause(operator, until=until)
        assert (answer.status_code, answer.headers["Location"]) == (303, QUEUES)
    assert "‖ paused" in operator.get(QUEUES).text
    overview = unescape(operator.get(OVERVIEW).text)
    assert ("✓ Nothing." in overview, "The bank moves." in overview) == (False, True)
    seen = since()
    for _ in range(2):
        assert resume(operator, since=seen).status_code == 303
    assert found() is None
    assert "No queue is paused." in operator.get(QUEUES).text
    paused, resumed = acts()
    assert (paused["title"], resumed["title"]) == ("Pause a queue", "Resume a queue")
    kept: dict[str, Any] = paused["arguments"]
    assert (kept["before"], kept["after"]["reason"], kept["after"]["since"]) == (
        None,
        "The bank moves.",
        seen,
    )
    assert resumed["arguments"] == {"before": kept["after"], "after": None}


def test_the_form_of_an_older_pause_does_not_end_a_newer_one(operator: TestClient) -> None:
    pause(operator)
    old = (datetime.fromisoformat(since()) - timedelta(minutes=1)).isoformat()
    answer = resume(operator, since=old)
    assert (answer.status_code, "was paused anew" in answer.text) == (409, True)
    assert found() is not None


def test_a_hostile_reason_is_shown_and_not_obeyed(operator: TestClient) -> None:
    with transaction() as session:
        service.pause(session, "emails", reason="<img src=x onerror=alert(1)>\u202egnp", by=HOSTILE)
    for place in (QUEUES, OVERVIEW):
        page = operator.get(place).text
        assert ("&lt;img src=x" in page, "<img" in page, "\x1b" in page) == (True, False, False)


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"reason": ""}, 422, "a reason is missing"),
        ({"reason": "x" * 501}, 422, "501 characters"),
        ({"reason": "a\x00b"}, 422, "U+0000"),
        ({"until": "tomorrow"}, 422, "Choose one of the times"),
        ({"until": "2001-01-01T00:00:00+00:00"}, 422, "give a time to come"),
        ({"until": "9999-12-31T23:59:59+00:00"}, 422, "366 days"),
        ({"queue": "email"}, 404, 'Did you mean "emails"?'),
        ({"queue": "x" * 9_000}, 404, "There is no queue"),
        ({"queue": "maintenance"}, 409, "cannot be paused"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_done(
    operator: TestClient, fields: dict[str, str], status: int, said: str
) -> None:
    answer = pause(operator, **fields)
    assert (answer.status_code, said in unescape(answer.text)) == (status, True), answer.text
    assert (found(), acts()) == (None, [])


def test_a_viewer_sees_who_has_paused_it_and_may_do_nothing(database: Engine) -> None:
    with transaction() as session:
        service.pause(session, "emails", reason="The bank moves.", by="ann")
    client = signed_in(Role.VIEWER)
    page = client.get(QUEUES).text
    assert ("The bank moves." in page, RESUME in page, PAUSE in page) == (True, False, False)
    assert resume(client, since=since()).status_code == 403
    assert pause(client, queue="audit").status_code == 403
    assert found() is not None
