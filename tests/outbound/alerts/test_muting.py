"""What is muted is opened, closed and seen, and told only if it outlasts that."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.db.clock import now
from app.db.sessions import reading, transaction
from app.outbound.alerts import muting, service
from app.outbound.alerts.errors import MuteTooLong, NoReason, UnknownAlertKind
from app.outbound.alerts.look import Look, Problem
from app.outbound.alerts.models import Alert, AlertMute
from tests.outbound.alerts.test_service import FULL, WELL, alerts, configured, events, take

__all__ = ["configured"]

AN_HOUR = timedelta(hours=1)


def moment() -> datetime:
    with reading() as session:
        return now(session)


def mute(kind: str = "disk", subject: str | None = None, *, span: timedelta = AN_HOUR) -> datetime:
    until = moment() + span
    with transaction() as session:
        assert muting.mute(session, kind=kind, subject=subject, until=until, reason="A new disk.", by="ann")
    return until


def let_pass() -> None:
    """The time of all mutes."""
    with transaction() as session:
        session.execute(update(AlertMute).values(until=now(session) - AN_HOUR))


def told() -> list[str]:
    return [event.split(":")[1] for event in events()]


@pytest.mark.parametrize("subject", [None, "worker-1"])
def test_what_is_muted_is_opened_and_closed_and_not_told(subject: str | None) -> None:
    mute(subject=subject)
    for look in (FULL, FULL, WELL):
        take(look)
    assert [one.closed_at is not None for one in alerts()] == [True]
    assert events() == []


def test_what_is_muted_of_others_is_told() -> None:
    mute(subject="worker-2")
    mute(kind="redis")
    take(FULL)
    assert told() == ["opened"]


def test_what_is_still_wrong_when_the_time_is_over_is_told_once() -> None:
    mute()
    take(FULL)
    let_pass()
    with reading() as session:
        assert service.is_news(session, [FULL])
    for look in (FULL, FULL, WELL):
        take(look)
    assert told() == ["opened", "recovered"]


def test_while_it_is_muted_it_is_no_news() -> None:
    mute()
    take(FULL)
    with reading() as session:
        assert not service.is_news(session, [FULL])


def test_of_what_was_told_before_the_end_is_told_though_it_is_muted() -> None:
    take(FULL)
    mute()
    take(WELL)
    assert told() == ["opened", "recovered"]


def test_many_who_see_at_once_that_the_time_is_over_tell_once() -> None:
    mute()
    take(FULL)
    let_pass()
    ready = threading.Barrier(4)

    def at_once(_: int) -> None:
        ready.wait()
        take(FULL)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(at_once, range(4)))
    assert told() == ["opened"]


def test_the_same_again_is_one_with_the_new_time_and_reason() -> None:
    mute(span=AN_HOUR)
    until = mute(span=2 * AN_HOUR)
    with reading() as session:
        (row,) = muting.muted(session)
    assert (row.until, row.muted_by) == (until, "ann")


def test_what_is_muted_so_already_is_nothing_new() -> None:
    until = mute()
    for reason, is_new in (("A new disk.", False), ("Another reason.", True)):
        with transaction() as session:
            found = muting.mute(session, kind="disk", subject=None, until=until, reason=reason, by="bob")
        assert found is is_new


def test_it_is_told_again_from_then_on_and_to_say_so_twice_is_no_harm() -> None:
    mute()
    take(FULL)
    for was_muted in (True, False):
        with transaction() as session:
            assert muting.unmute(session, kind="disk", subject=None, by="ann") is was_muted
    take(FULL)
    assert told() == ["opened"]


@pytest.mark.parametrize("text", ["\x00", "\ud800", "x" * 100_000, "日本語", "*", "<!channel>"])
def test_whatever_a_subject_and_a_reason_are_they_can_be_kept(text: str) -> None:
    with transaction() as session:
        until = now(session) + AN_HOUR
        muting.mute(session, kind="disk", subject=text, until=until, reason=f"a{text}", by=text)
    take(Look(kind="disk", problems={text: Problem(sentence="full")}))
    assert events() == []


def test_a_kind_that_nothing_raises_is_refused_and_one_that_was_raised_is_not() -> None:
    with pytest.raises(UnknownAlertKind, match=r'Did you mean "disk"\?'):
        mute(kind="dsk")
    take(Look(kind="tape", problems={"": Problem(sentence="torn")}))
    for kind in ("tape", "invoice mail"):
        mute(kind=kind)


@pytest.mark.parametrize("span", [timedelta(0), -AN_HOUR, timedelta(days=91), timedelta(days=365_000)])
def test_a_time_that_has_passed_or_is_far_is_refused(span: timedelta) -> None:
    with pytest.raises(MuteTooLong, match="at most 90 days"):
        mute(span=span)


def test_a_reason_is_needed() -> None:
    until = moment() + AN_HOUR
    with transaction() as session, pytest.raises(NoReason):
        muting.mute(session, kind="disk", subject=None, until=until, reason=" \n", by="ann")


def test_an_alert_that_an_earlier_release_opened_was_told() -> None:
    take(FULL)
    with reading() as session:
        assert session.scalars(select(Alert.untold)).all() == [False]
