"""Each channel says what its server says, sends what it was given, and gives nothing away."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import stat
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.outbound.alerts.channels import command as command_channel
from app.outbound.alerts.channels import http_post
from app.outbound.alerts.channels.command import command
from app.outbound.alerts.channels.configured import channels
from app.outbound.alerts.channels.mail import mail
from app.outbound.alerts.channels.slack import slack
from app.outbound.alerts.channels.webhook import webhook
from app.outbound.alerts.message import MAX_TEXT, AlertMessage, Event
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.deliveries.outcome import HandOver
from tests.fakes.hooks import HookServer, busy, mentions
from tests.fakes.http_server import HANGS_UP, Answer
from tests.outbound.alerts.conftest import SECRET
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.outbound.alerts.channels.channel import Channel
    from tests.fakes.smtp import MailServer

OPENED = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def message(sentence: str = "The disk of worker-1 is full.", **changes: object) -> AlertMessage:
    facts = {
        "key": "alert:7:opened",
        "event": Event.OPENED,
        "kind": "disk",
        "subject": "worker-1",
        "sentence": sentence,
        "fix": "Make room.",
        "opened_at": OPENED,
        "host": "worker-1",
        "release": "r1",
    }
    return AlertMessage(**(facts | changes))  # type: ignore[arg-type]


def send(channel: Channel, told: AlertMessage | None = None) -> str:
    return channel.send(told or message(), HandOver())


def test_slack_is_told_in_one_text(hooks: HookServer) -> None:
    send(slack(hooks.slack_url))
    (text,) = hooks.texts
    assert text.splitlines() == [
        "[Groundwork] Problem: disk worker-1",
        "The disk of worker-1 is full.",
        *("", "Make room."),
        *("", "Since 2026-03-29 01:30:00 UTC, seen by worker-1 (release r1)."),
    ]


def test_nobody_is_called_and_nothing_formatted_by_what_came_from_elsewhere(hooks: HookServer) -> None:
    send(slack(hooks.slack_url), message("<!channel> <@U123> <https://evil.example|click> a & b *bold*"))
    assert mentions(hooks.texts[0]) == []
    assert "&lt;!channel&gt;" in hooks.texts[0]
    assert hooks.taken[0].json["mrkdwn"] is False


@pytest.mark.parametrize("character", ["x", "<", "é", "語", "🙂"])
def test_a_text_is_cut_where_slack_ends_and_not_within_an_entity(hooks: HookServer, character: str) -> None:
    send(slack(hooks.slack_url), message(character * 10_000))
    (text,) = hooks.texts
    assert len(text) <= MAX_TEXT
    assert text.count("&") == text.count("&lt;")
    assert character in text or "&lt;" in text


def test_control_characters_are_left_out_and_other_scripts_are_not(hooks: HookServer) -> None:
    send(slack(hooks.slack_url), message("a\x00b\x1b[31mc\ud800 日本語 Ünïcödé"))
    assert "ab[31mc 日本語 Ünïcödé" in hooks.texts[0]


def test_slack_that_is_busy_is_asked_again_when_it_says(hooks: HookServer) -> None:
    hooks.answers.append(busy(retry_after="30"))
    with pytest.raises(NotSent, match="429") as refusal:
        send(slack(hooks.slack_url))
    assert refusal.value.after == timedelta(seconds=30)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_that_fails_has_not_taken_it(hooks: HookServer, status: int) -> None:
    hooks.answers.append(Answer(status=status, body=b"rollup_error"))
    with pytest.raises(NotSent, match=f"{status}: rollup_error"):
        send(slack(hooks.slack_url))


@pytest.mark.parametrize("said", ["invalid_token", "channel_is_archived", "no_service"])
def test_a_webhook_that_is_gone_is_said_in_slacks_words(hooks: HookServer, said: str) -> None:
    hooks.answers.append(Answer(status=404, body=said.encode()))
    with pytest.raises(Refused, match=said):
        send(slack(hooks.slack_url))


def test_what_answers_as_slack_never_does_has_not_taken_it(hooks: HookServer) -> None:
    hooks.answers.append(Answer(status=200, body=b"<html>Please sign in</html>"))
    with pytest.raises(Refused, match="no webhook of Slack"):
        send(slack(hooks.slack_url))


def test_an_answer_that_does_not_come_leaves_it_open(hooks: HookServer) -> None:
    hooks.answers.append(HANGS_UP)
    with pytest.raises(OutcomeUnknown):
        send(slack(hooks.slack_url))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(hooks: HookServer, status: int) -> None:
    hooks.answers.append(Answer(status=status, headers={"Location": hooks.hook_url}))
    with pytest.raises(Refused, match="a redirect, which is not followed"):
        send(webhook(hooks.slack_url))
    assert hooks.taken == []


@pytest.mark.parametrize("make", [slack, webhook])
def test_nobody_there_means_that_nothing_was_sent(hooks: HookServer, make: Callable[[str], Channel]) -> None:
    with pytest.raises(NotSent, match="cannot be reached"):
        send(make(f"http://127.0.0.1:{free_port()}/services/hidden-part"))


def test_no_error_holds_the_url(hooks: HookServer) -> None:
    secret = "/services/T1/B1/verysecretpart"
    hooks.answers.append(Answer(status=400, body=f"bad {hooks.url}{secret}".encode()))
    with pytest.raises(Refused) as refusal:
        send(webhook(hooks.url + secret))
    assert "verysecretpart" not in str(refusal.value)
    assert "verysecretpart" not in webhook(hooks.url + secret).name


def test_a_large_answer_is_not_read_to_its_end(hooks: HookServer) -> None:
    hooks.answers.append(Answer(status=400, body=b"x " * 10_000_000))
    with pytest.raises(Refused) as refusal:
        send(webhook(hooks.hook_url))
    assert len(str(refusal.value)) < http_post.MAX_ANSWER_BYTES


@pytest.fixture
def dripping(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a server that answers without end, a byte at a time."""
    monkeypatch.setattr(http_post, "DEADLINE", timedelta(seconds=0.5))
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not ended.wait(0.05):
            try:
                connection.sendall(b"X: y\r\n")
            except OSError:
                return

    threading.Thread(target=drip, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    ended.set()
    listener.close()


def test_an_answer_that_drips_is_given_up(dripping: str) -> None:
    with pytest.raises(OutcomeUnknown):
        send(slack(dripping))


def test_a_webhook_is_signed_over_the_body_and_the_time(hooks: HookServer) -> None:
    send(webhook(hooks.hook_url), message("日本 <&>"))
    (request,) = hooks.taken
    time, _, digest = request.headers["groundwork-signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(SECRET.encode(), f"{time}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert digest == expected
    assert abs(int(time) - datetime.now(UTC).timestamp()) < 60
    assert request.headers["idempotency-key"] == "alert:7:opened"
    assert request.json["sentence"] == "日本 <&>"
    assert AlertMessage.from_json(request.json) == message("日本 <&>")


def test_a_mail_goes_to_each_address_by_itself(smtp: MailServer) -> None:
    told = message("日本語\r\nBcc: eve@example.org", subject="a\nb")
    send(mail("ops@example.org"), told)
    (made,) = smtp.mails
    assert (made["To"], made["Subject"]) == ("ops@example.org", "[Groundwork] Problem: disk a b")
    assert made["Bcc"] is None
    assert "日本語" in made.get_content()


def test_a_mail_that_is_sent_again_is_the_same_mail(smtp: MailServer) -> None:
    assert send(mail("ops@example.org")) == send(mail("ops@example.org"))
    assert smtp.mails[0]["Message-ID"] == smtp.mails[1]["Message-ID"]


def test_a_mailbox_that_is_not_there_is_a_refusal(smtp: MailServer) -> None:
    smtp.answers.append(("RCPT", "550 5.1.1 no such mailbox"))
    with pytest.raises(Refused, match="550"):
        send(mail("ops@example.org"))


def program(folder: Path, body: str) -> str:
    path = folder / "page"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_command_gets_json_and_its_arguments_and_no_shell(tmp_path: Path) -> None:
    path = program(tmp_path, f'cat > {tmp_path}/given; echo "$1" > {tmp_path}/argument')
    send(command([path, "$(id); ls"]))
    assert json.loads((tmp_path / "given").read_text())["sentence"] == "The disk of worker-1 is full."
    assert (tmp_path / "argument").read_text() == "$(id); ls\n"


def test_a_command_sees_none_of_the_settings(tmp_path: Path) -> None:
    assert os.environ["GROUNDWORK_SECRET_KEY"]
    send(command([program(tmp_path, f"env > {tmp_path}/seen")]))
    assert "GROUNDWORK" not in (tmp_path / "seen").read_text()


def test_a_command_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(NotSent, match="ended with 3: no such pager"):
        send(command([program(tmp_path, "echo no such pager >&2; exit 3")]))


def test_a_command_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotSent, match="cannot be started: No such file"):
        send(command([str(tmp_path / "nothing")]))


@pytest.mark.parametrize("body", ["sleep 60", "while :; do :; done", "sleep 60 & exec sleep 60"])
def test_a_command_that_does_not_end_is_killed_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr(command_channel, "DEADLINE", timedelta(seconds=0.3))
    group = tmp_path / "group"
    with pytest.raises(OutcomeUnknown, match=r"did not end within 0\.3 s"):
        send(command([program(tmp_path, f"echo $$ > {group}; {body}")]))
    wait_until(lambda: not running_in(group.read_text()), seconds=10, what="nothing of it is left")


def running_in(group: str) -> list[str]:
    """The processes of a group that run; one that nobody has waited for yet does not."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            if its_group == group.strip() and state != "Z":
                found.append(path.parent.name)
    return found


def test_a_command_that_says_much_is_read_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_channel, "DEADLINE", timedelta(seconds=0.5))
    with pytest.raises(OutcomeUnknown):
        send(command([program(tmp_path, "yes")]))
    with pytest.raises(NotSent) as refusal:
        send(command([program(tmp_path, "yes word | head -c 1000000; exit 1")]))
    assert len(str(refusal.value)) < command_channel.MAX_OUTPUT_BYTES


def test_a_command_that_leaves_something_running_has_ended(tmp_path: Path) -> None:
    send(command([program(tmp_path, "sleep 60 & exit 0")]))


def test_the_channels_are_those_of_the_settings(hooks: HookServer, configure: Callable[..., None]) -> None:
    configure(
        alert_mail="ops@example.org, it@example.org ops@example.org",
        alert_slack_urls=hooks.slack_url,
        alert_webhook_urls=f"{hooks.hook_url} {hooks.hook_url}?b",
        alert_command='["/usr/local/bin/page", "--urgent"]',
    )
    kinds = [name.split()[0] for name in channels()]
    assert kinds == ["mail", "mail", "slack", "webhook", "webhook", "command"]
