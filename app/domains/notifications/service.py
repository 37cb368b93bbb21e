"""Tells users something: one notification for each key, with a row and a job for each channel.

Nothing here commits: a notification, its inbox entry and the jobs of its other channels are accepted in
the caller's transaction, together with the business change they tell of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, insert, select

from app.db.upsert import insert_or_update
from app.domains.accounts.facts import Channel
from app.domains.notifications.facts import Notice, Told
from app.domains.notifications.models import ChannelDelivery, ChannelState, Notification
from app.domains.notifications.recipients import Recipient, find_recipients
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.settings.business_clock import business_now

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.jobs.ledger.new_job import NewJob

T = TypeVar("T")

#: Notifications in one statement; a statement of SQLite takes 32,766 parameters.
PART = 1_000
#: The task that carries a notification out by a channel; the inbox needs none.
CARRIERS = {channel: f"notifications.deliver_{channel}" for channel in Channel if channel != Channel.IN_APP}
SEND_TASK = "notifications.send_notification"
UNWANTED = "The user does not want notifications of this type by this channel."


def notify(
    session: Session,
    *,
    key: str,
    user_id: int,
    type: str,  # noqa: A002 (the domain's word)
    title: str,
    body: str,
    data: Mapping[str, Any] | None = None,
    channels: Collection[str] | None = None,
    now: datetime | None = None,
) -> int:
    """Tell one user something, unless it was told under `key`; gives the notification's id.

    It goes by the channels that the user chose for the type; `channels` narrows them. The inbox shows it
    with the caller's commit, other channels not before the user's quiet hours end.
    Raises `UserNotFound`.
    """
    notice = Notice(
        key=key, user_id=user_id, type=type, title=title, body=body, data=data or {}, channels=channels
    )
    return notify_all(session, [notice], now=now or business_now()).ids[key]


def notify_all(session: Session, notices: Sequence[Notice], *, now: datetime) -> Told:
    """Tell many at once, a thousand with as many statements as one. Raises `UserNotFound`."""
    first = {notice.key: notice for notice in reversed(notices)}
    # In one order for all: two that tell the same at once would otherwise wait for each other.
    ordered = [first[key] for key in sorted(first)]
    parts = [_notify_part(session, part, now=now) for part in _parts(ordered)]
    ids = {key: id_ for part in parts for key, id_ in part.ids.items()}
    return Told(ids=ids, new=frozenset().union(*(part.new for part in parts)))


def known_keys(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of `keys` that something was told under."""
    return {key for part in _parts(keys) for key in _ids(session, part)}


def count_notified(session: Session, *, since: datetime, until: datetime) -> dict[int, int]:
    """How many notifications each user got from `since` until just before `until`."""
    told = select(Notification.user_id, func.count()).where(
        Notification.created_at >= since, Notification.created_at < until
    )
    rows = session.execute(told.group_by(Notification.user_id))
    return {user_id: count for user_id, count in rows}  # noqa: C416


def _parts(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    return (whole[start : start + PART] for start in range(0, len(whole), PART))


def _notify_part(session: Session, notices: Sequence[Notice], *, now: datetime) -> Told:
    known = _ids(session, [notice.key for notice in notices])
    fresh = [notice for notice in notices if notice.key not in known]
    if not fresh:
        return Told(ids=known, new=frozenset())
    recipients = find_recipients(session, {notice.user_id for notice in fresh}, now=now)
    channels = {notice.key: recipients[notice.user_id].channels(notice) for notice in fresh}
    new = _insert(session, [_row(notice, channels=channels[notice.key], now=now) for notice in fresh])
    sendings = [
        _Sending(id=new[notice.key], to=recipients[notice.user_id], channels=channels[notice.key], now=now)
        for notice in fresh
        # Another transaction may have told the same in the meantime.
        if notice.key in new
    ]
    _send(session, sendings)
    told_meanwhile = _ids(session, [notice.key for notice in fresh if notice.key not in new])
    return Told(ids=known | new | told_meanwhile, new=frozenset(new))


def _ids(session: Session, keys: Sequence[str]) -> dict[str, int]:
    if not keys:
        return {}
    rows = session.execute(select(Notification.key, Notification.id).where(Notification.key.in_(keys)))
    return {key: id_ for key, id_ in rows}  # noqa: C416 (typed; dict() of rows is not)


def _row(notice: Notice, *, channels: Mapping[Channel, bool], now: datetime) -> dict[str, Any]:
    return {
        "key": notice.key,
        "user_id": notice.user_id,
        "type": notice.type,
        "title": notice.title,
        "body": notice.body,
        "data": dict(notice.data),
        "in_inbox": channels.get(Channel.IN_APP, False),
        "created_at": now,
    }


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    statement = insert_or_update(session, Notification).on_conflict_do_nothing(
        index_elements=[Notification.key]
    )
    inserted = session.execute(statement.returning(Notification.key, Notification.id), rows)
    return {key: id_ for key, id_ in inserted}  # noqa: C416


@dataclass(frozen=True, kw_only=True)
class _Sending:
    """A new notification on its way to its channels; each comes with whether the user wants it."""

    id: int
    to: Recipient
    channels: Mapping[Channel, bool]
    now: datetime

    def rows(self) -> Iterator[dict[str, Any]]:
        for channel, is_wanted in self.channels.items():
            state = ChannelState.WAITING if channel in CARRIERS else ChannelState.SENT
            yield {
                "notification_id": self.id,
                "channel": channel.value,
                "state": (state if is_wanted else ChannelState.SKIPPED).value,
                "reason": None if is_wanted else UNWANTED,
                "not_before": self.to.quiet_until if is_wanted and channel in CARRIERS else None,
                "changed_at": self.now,
            }

    def jobs(self) -> Iterator[NewJob]:
        until = self.to.quiet_until
        for channel, is_wanted in self.channels.items():
            if is_wanted and channel in CARRIERS:
                yield new_job(
                    CARRIERS[channel],
                    kwargs={"notification_id": self.id},
                    key=f"notification:{self.id}:{channel.value}",
                    # A span and not a moment: the ledger goes by the database's clock, a trial by a
                    # pretended one.
                    delay_seconds=0.0 if until is None else (until - self.now).total_seconds(),
                )


def _send(session: Session, sendings: Sequence[_Sending]) -> None:
    rows = [row for sending in sendings for row in sending.rows()]
    if rows:
        session.execute(insert(ChannelDelivery), rows)
    accept(session, [job for sending in sendings for job in sending.jobs()])
