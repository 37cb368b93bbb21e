from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.db.sessions import reading
from app.domains.notifications import delivering
from app.domains.notifications import push as port
from app.domains.notifications.errors import StillQuiet
from app.domains.notifications.models import ChannelState, Notification, Platform, PushEndpoint
from app.jobs.errors import RetryableError
from app.outbound.deliveries.errors import NotSent, Refused
from app.outbound.deliveries.models import Delivery
from tests.domains.notifications import attempts, people
from tests.fakes.fcm import problem, unregistered
from tests.fakes.http_server import HANGS_UP

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.fakes.fcm import FcmServer

BUSY = problem(503, "UNAVAILABLE", **{"Retry-After": "90"})


def tell_by_push(*addresses: str, **facts: Any) -> int:
    """Tell a user with a device at each of the addresses; gives the notification's id."""
    user = people.add_user(channels={"bill_reminder": ["push", "email", "in_app"]})
    for address in addresses:
        people.add_device(user, address=address)
    return people.tell(user, **facts)


def is_enabled(address: str) -> bool:
    with reading() as session:
        found = session.scalars(select(PushEndpoint).where(PushEndpoint.address == address)).one()
    return found.disabled_at is None


def sent_to(fcm: FcmServer) -> list[str]:
    return [message["token"] for message in fcm.messages]


def test_a_mail_is_handed_on_once(database: Engine) -> None:
    told = people.tell(people.add_user())
    assert [attempts.hand_on(told) for _ in range(2)] == [ChannelState.SENT] * 2
    with reading() as session:
        mail = session.scalars(select(Delivery)).one()
    assert (mail.key, mail.subject) == (f"notification:{told}", "Rent is due")
    assert [job.kwargs for job in people.jobs_of("mail.deliver_mail")] == [{"delivery_id": mail.id}]


def test_a_mail_says_what_was_told_and_nothing_in_it_is_markup(database: Engine) -> None:
    told = people.tell(people.add_user(name="<b>Ada</b>"), title="A & B", body="1 < 2")
    attempts.hand_on(told)
    with reading() as session:
        content = json.dumps(session.scalars(select(Delivery)).one().content)
    assert "Hello <b>Ada</b>" in content
    assert "1 < 2" in content
    assert "Hello &lt;b&gt;Ada&lt;/b&gt;" in content
    assert "1 &lt; 2" in content


def test_each_device_gets_a_message(database: Engine, fcm: FcmServer) -> None:
    told = tell_by_push("a", "b")
    assert attempts.push(told) == ChannelState.SENT
    assert attempts.push(told) == ChannelState.SENT
    assert sent_to(fcm) == ["a", "b"]


def test_what_failed_for_now_is_repeated_and_nothing_else(database: Engine, fcm: FcmServer) -> None:
    told = tell_by_push("a", "b", "c")
    fcm.answers_to["b"] = [BUSY]
    with pytest.raises(NotSent) as error:
        attempts.push(told)
    assert error.value.after == timedelta(seconds=90)
    assert sent_to(fcm) == ["a", "c"]
    # The other channels know nothing of it.
    assert people.states(told) == {"push": "waiting", "email": "waiting", "in_app": "sent"}
    assert "Firebase answered 503" in (people.channels(told)["push"].reason or "")
    assert attempts.push(told) == ChannelState.SENT
    assert sent_to(fcm) == ["a", "c", "b"]
    assert people.channels(told)["push"].reason is None


def test_a_device_that_is_gone_is_not_tried_again(database: Engine, fcm: FcmServer) -> None:
    told = tell_by_push("a", "b")
    fcm.answers_to["a"] = [unregistered()]
    assert attempts.push(told) == ChannelState.SENT
    assert (is_enabled("a"), is_enabled("b")) == (False, True)
    with reading() as session:
        user = session.get_one(Notification, told).user_id
    attempts.push(people.tell(user, key="next"))
    assert sent_to(fcm) == ["b", "b"]


def test_without_a_device_left_the_push_is_skipped(database: Engine, fcm: FcmServer) -> None:
    told = tell_by_push("a")
    fcm.answers_to["a"] = [unregistered()]
    assert attempts.push(told) == ChannelState.SKIPPED
    assert people.channels(told)["push"].reason == delivering.NO_DEVICE


def test_devices_of_another_platform_are_not_asked(database: Engine, fcm: FcmServer) -> None:
    told = tell_by_push()
    with reading() as session:
        user = session.get_one(Notification, told).user_id
    people.add_device(user, address="arn:aws:sns:x", platform=Platform.SNS)
    assert attempts.push(told) == ChannelState.SKIPPED
    assert fcm.messages == []


def test_what_comes_late_into_quiet_hours_waits_for_their_end(database: Engine, fcm: FcmServer) -> None:
    user = people.add_user(
        quiet_hours={"start": "22:00", "end": "07:00"}, channels={"bill_reminder": ["push", "email"]}
    )
    people.add_device(user)
    told = people.tell(user)
    night, morning = people.NOON.replace(hour=22), people.NOON.replace(day=1, month=2, hour=6)
    for attempt in (attempts.push, attempts.hand_on):
        with pytest.raises(StillQuiet, match=f"User {user} has quiet hours until 2026-02-01T06:00") as error:
            attempt(told, now=night)
        assert error.value.after == morning - night
    assert {name: row.not_before for name, row in people.channels(told).items()} == {
        "email": morning,
        "push": morning,
    }
    assert fcm.messages == []
    assert attempts.push(told, now=morning) == attempts.hand_on(told, now=morning) == ChannelState.SENT


def test_the_last_try_is_made_even_in_quiet_hours(database: Engine, fcm: FcmServer) -> None:
    user = people.add_user(
        quiet_hours={"start": "10:00", "end": "14:00"}, channels={"bill_reminder": ["push"]}
    )
    people.add_device(user)
    assert attempts.push(people.tell(user), is_last=True) == ChannelState.SENT


def test_where_push_is_not_set_up_it_is_skipped_with_the_setting_to_change(database: Engine) -> None:
    told = tell_by_push("a")
    assert attempts.push(told) == ChannelState.SKIPPED
    assert "GROUNDWORK_PUSH_PROVIDER" in (people.channels(told)["push"].reason or "")


def test_a_refusal_fails_the_channel_at_once(database: Engine, fcm: FcmServer) -> None:
    told = tell_by_push("a")
    fcm.answers = [problem(403, "PERMISSION_DENIED")]
    with pytest.raises(Refused):
        attempts.push(told)
    channel = people.channels(told)["push"]
    assert (channel.state, channel.reason) == ("failed", "Firebase answered 403: PERMISSION_DENIED on demand")
    # Once the permission is there, an operator has the job run again.
    assert attempts.push(told) == ChannelState.SENT


def test_the_last_try_says_that_it_failed(database: Engine, fcm: FcmServer) -> None:
    told = tell_by_push("a")
    fcm.answers = [BUSY]
    with pytest.raises(NotSent):
        attempts.push(told, is_last=True)
    assert people.states(told)["push"] == "failed"


def test_a_push_whose_answer_was_lost_is_sent_again_and_uncertain_at_last(
    database: Engine, fcm: FcmServer
) -> None:
    told = tell_by_push("a")
    fcm.answers = [HANGS_UP, HANGS_UP]
    for is_last, state in ((False, "waiting"), (True, "uncertain")):
        with pytest.raises(RetryableError):
            attempts.push(told, is_last=is_last)
        assert people.states(told)["push"] == state
    assert attempts.push(told) == ChannelState.SENT
    assert sent_to(fcm) == ["a", "a", "a"]


def test_a_message_fits_into_four_kibibytes(
    database: Engine, fcm: FcmServer, configure: Callable[..., None]
) -> None:
    told = tell_by_push("a", title="😀" * 200, body="😀" * 5_000)
    attempts.push(told)
    [message] = fcm.messages
    assert len(json.dumps(message, ensure_ascii=False).encode()) < 4_096
    assert message["notification"]["title"] == "😀" * (port.MAX_TITLE - 1) + "…"
