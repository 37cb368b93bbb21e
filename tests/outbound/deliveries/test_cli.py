"""Deliveries from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.logs.failures import ExitCode
from app.outbound.deliveries import service
from app.outbound.deliveries.models import DeliveryState
from app.outbound.deliveries.service import Outgoing
from tests.command_line import Outcome, groundwork

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `groundwork deliveries ...`."""
    return lambda *arguments: groundwork(capsys, "deliveries", *arguments)


def put(key: str, state: DeliveryState) -> None:
    outgoing = Outgoing(key=key, channel="email", recipient="ann", subject="Hello", content={"text": "Hi"})
    with transaction() as session:
        service.prepare(session, outgoing).state = state


def test_deliveries_are_listed_by_state_the_newest_first(command: Callable[..., Outcome]) -> None:
    for key, state in (("a", DeliveryState.SENT), ("b", DeliveryState.FAILED), ("c", DeliveryState.SENT)):
        put(key, state)
    assert [row["key"] for row in json.loads(command("list", "--json").out)] == ["c", "b", "a"]
    assert [row["key"] for row in json.loads(command("list", "--state", "sent", "--json").out)] == ["c", "a"]
    assert "No delivery matches." in command("list", "--state", "uncertain").out


def test_one_is_shown_with_what_is_sent(command: Callable[..., Outcome]) -> None:
    put("a", DeliveryState.SENT)
    assert json.loads(command("show", "1", "--json").out)["content"] == {"text": "Hi"}
    assert "ann" in command("show", "1").out


def test_an_uncertain_one_is_settled_once(command: Callable[..., Outcome]) -> None:
    put("a", DeliveryState.UNCERTAIN)
    assert command("settle", "1", "--sent").out == "Delivery 1 counts as sent.\n"
    again = command("settle", "1", "--sent")
    assert (again.code, again.err) == (
        ExitCode.FAILED,
        "Delivery 1 is sent; only an uncertain one is settled by hand.\n",
    )


def test_what_is_given_up_is_not_sent_any_more(command: Callable[..., Outcome]) -> None:
    put("a", DeliveryState.UNCERTAIN)
    assert command("settle", "1", "--give-up").out == "Delivery 1 is given up.\n"
    shown = json.loads(command("show", "1", "--json").out)
    assert (shown["state"], shown["error"]) == ("suppressed", "Given up on the command line.")


@pytest.mark.parametrize("options", [[], ["--sent", "--give-up"], ["--not-sent", "--give-up"]])
def test_what_became_of_it_must_be_said(command: Callable[..., Outcome], options: list[str]) -> None:
    put("a", DeliveryState.UNCERTAIN)
    assert command("settle", "1", *options).code == ExitCode.BAD_INPUT
