"""Queues over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.jobs.scopes import METRICS, READ, WRITE
from tests.api_client import client_for

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
QUEUES = "/api/v1/queues"
EMAILS = f"{QUEUES}/emails"


def pause(**body: Any) -> Any:
    return client_for(WRITE).post(f"{EMAILS}/pause", json={"reason": "The bank moves."} | body)


def listed() -> dict[str, Any]:
    return {one["name"]: one["paused"] for one in client_for(METRICS).get(QUEUES).json()}


def test_a_queue_is_paused_seen_and_resumed() -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    answer = pause(until=until.isoformat())
    assert answer.status_code == 200, answer.text
    paused = answer.json()["paused"]
    assert (paused["reason"], datetime.fromisoformat(paused["until"])) == ("The bank moves.", until)
    assert paused["by"].startswith("test-")
    assert pause(until=until.isoformat()).json()["paused"] == paused, "the same again is the same"
    assert listed() == dict.fromkeys(listed()) | {"emails": paused}
    for _ in range(2):
        assert client_for(WRITE).post(f"{EMAILS}/resume").json()["paused"] is None
    assert set(listed().values()) == {None}


def test_metrics_tell_for_how_long_a_queue_has_been_paused() -> None:
    pause()
    told = [
        line for line in client_for(METRICS).get("/metrics").text.splitlines() if "queue_paused_s" in line
    ]
    assert next(line for line in told if line[0] != "#").startswith(
        'groundwork_queue_paused_seconds{queue="emails"} '
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"reason": ""}, "say in one line why"),
        ({"reason": "x" * 501}, "500"),
        ({"reason": None}, "string"),
        ({"reason": "a\tb"}, "U+0009"),
        ({"until": "2001-01-01T00:00:00Z"}, "give a time to come"),
        ({"until": "9999-12-31T23:59:59Z"}, "366 days"),
        ({"until": "tomorrow"}, "RFC 3339"),
        ({"until": float(1)}, "RFC 3339"),
        ({"for": "2h"}, "for"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_a_sentence(body: dict[str, Any], said: str) -> None:
    answer = pause(**body)
    assert answer.status_code == 422, answer.text
    assert said.lower() in answer.text.lower()
    assert listed()["emails"] is None


@pytest.mark.parametrize("act", ["pause", "resume"])
@pytest.mark.parametrize("name", ["email", "x" * 200, "%D0%BF"])
def test_a_queue_that_is_not_there_is_not_found(act: str, name: str) -> None:
    answer = client_for(WRITE).post(
        f"{QUEUES}/{name}/{act}", json={"reason": "x"} if act == "pause" else None
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_queue")


def test_maintenance_is_not_paused_and_who_may_not_write_pauses_nothing() -> None:
    answer = client_for(WRITE).post(f"{QUEUES}/maintenance/pause", json={"reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "queue_never_paused")
    assert client_for(READ, METRICS).post(f"{EMAILS}/pause", json={"reason": "x"}).status_code == 403
    assert listed()["emails"] is None
