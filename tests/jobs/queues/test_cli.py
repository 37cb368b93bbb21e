"""Queues from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from app.logs.failures import ExitCode
from tests.command_line import groundwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("redis_server")]
WHY = ("--reason", "The bank moves.")


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return {one["name"]: one for one in json.loads(groundwork(capsys, "queues", "list", "--json").out)}


def test_a_queue_is_paused_listed_and_resumed(database: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    paused = groundwork(capsys, "queues", "pause", "emails", *WHY, "--for", "2h")
    assert (paused.code, 'The queue "emails" is paused until 20' in paused.out) == (ExitCode.OK, True)
    assert groundwork(capsys, "queues", "pause", "emails", *WHY).code == ExitCode.OK
    one = listed(capsys)["emails"]
    assert (one["state"], one["reason"], one["until"]) == ("paused", "The bank moves.", None)
    assert one["by"].endswith(" on the command line")
    assert "The bank moves." in groundwork(capsys, "queues", "list").out
    assert 'The queue "emails" is resumed.\n' in groundwork(capsys, "queues", "resume", "emails").out
    again = groundwork(capsys, "queues", "resume", "emails")
    assert (again.code, "is not paused" in again.err) == (ExitCode.FAILED, True)
    assert {one["state"] for one in listed(capsys).values()} == {"drained"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("email", *WHY), 'There is no queue "email". Did you mean "emails"?'),
        (("maintenance", *WHY), "cannot be paused"),
        (("emails", "--reason", ""), "Say in one line why"),
        (("emails", *WHY, "--for", "0s"), "give a time to come"),
        (("emails", *WHY, "--for", "400d"), "366 days"),
        (("emails", *WHY, "--for", "soon"), "not a duration"),
        (("emails",), "--reason"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_paused(
    database: Engine, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    refused = groundwork(capsys, "queues", "pause", *arguments)
    assert (refused.code != ExitCode.OK, said in refused.err) == (True, True), refused.err
    assert {one["state"] for one in listed(capsys).values()} == {"drained"}


def test_without_a_broker_the_queue_is_paused_all_the_same(
    database: Engine, configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure(redis_url="redis://127.0.0.1:1/0")
    paused = groundwork(capsys, "queues", "pause", "emails", *WHY)
    assert (paused.code, "at their next heartbeat" in paused.err) == (ExitCode.OK, True)
    assert listed(capsys)["emails"]["state"] == "paused"
