from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.domains.notifications import inbox
from app.http import streams
from tests.api_client import client_for
from tests.domains.notifications import people

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def stop() -> Iterator[Event]:
    """Set, it ends the streams."""
    ended = Event()
    streams.end_when(ended.is_set)
    yield ended
    ended.clear()


def test_each_change_of_the_inbox_is_an_event(database: Engine, stop: Event) -> None:
    user = people.add_user()
    events: list[dict[str, int | None]] = []
    told = 0
    with client_for("notifications:read").stream(
        "GET", f"/api/v1/users/{user}/notifications/events"
    ) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in stream.iter_lines():
            name = line.removeprefix("event: ") if line.startswith("event: ") else name
            if not line.startswith("data: "):
                continue
            assert name == "unread"
            events.append(json.loads(line.removeprefix("data: ")))
            if len(events) == 1:
                told = people.tell(user)
            elif len(events) == 2:
                with transaction() as session:
                    inbox.mark_read(session, user_id=user, notification_id=told)
            else:
                stop.set()
    assert events == [
        {"count": 0, "newest_id": None},
        {"count": 1, "newest_id": told},
        {"count": 0, "newest_id": told},
    ]


def test_a_process_has_so_many_listeners_and_no_more(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = people.add_user()
    monkeypatch.setattr(streams, "MAX_STREAMS", 0)
    answer = client_for("notifications:read").get(f"/api/v1/users/{user}/notifications/events")
    assert (answer.status_code, answer.json()["code"]) == (503, "too_many_streams")
