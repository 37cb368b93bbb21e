"""HTTP routes of notifications: a user's inbox, its events, and the devices for push messages."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status
from sqlalchemy.orm import Session
from sse_starlette import EventSourceResponse

from app.db.sessions import reading, transaction
from app.domains.accounts.facts import OF_USER, Channel
from app.domains.accounts.service import find_user
from app.domains.notifications import devices, events, inbox, schemas
from app.domains.notifications.models import Notification
from app.domains.notifications.scopes import READ, WRITE
from app.domains.notifications.tasks import send_notification
from app.http import streams
from app.tokens.callers import require
from app.tokens.owners import OPERATED
from app.values.path_parameters import Cursor, Id, Limit
from app.values.row_ids import MAX_BIGINT
from app.values.strict_models import PlainInt

router = APIRouter(prefix="/api/v1/users/{user_id}", tags=["notifications"])
may_read = Depends(require(READ, OF_USER))
may_write = Depends(require(WRITE, OF_USER))
may_send = Depends(require(WRITE, OPERATED))


@router.get("/notifications", dependencies=[may_read])
def list_notifications(
    user_id: Id, unread: bool = False, limit: Limit = 50, cursor: Cursor = None
) -> schemas.NotificationPage:
    """The user's inbox, the newest first; with `unread=true` only what was not read."""
    with reading() as session:
        page = inbox.page(session, user_id=user_id, unread_only=unread, before=cursor, limit=limit)
        return schemas.NotificationPage(notifications=_views(session, page.rows), next=page.next)


@router.post("/notifications", dependencies=[may_send], status_code=status.HTTP_202_ACCEPTED)
def send(user_id: Id, wanted: schemas.NotificationIn) -> schemas.NotificationAccepted:
    """Notify the user by those of the channels that the user accepts: 202 with the job that does it."""
    with transaction() as session:
        find_user(session, user_id=user_id)
        job = send_notification.delay(user_id=user_id, **wanted.model_dump(mode="json", exclude_none=True))
    return schemas.NotificationAccepted(job_id=job.id)


@router.get("/notifications/unread-count", dependencies=[may_read])
def count_unread(user_id: Id) -> schemas.UnreadView:
    """How much the user has not read."""
    with reading() as session:
        return schemas.UnreadView.model_validate(inbox.unread(session, user_id=user_id))


@router.get("/notifications/events", dependencies=[may_read])
def follow_unread(user_id: Id, request: Request) -> EventSourceResponse:
    """Server-sent events: `unread` with the count and the newest id, now and at each change."""
    with reading() as session:
        find_user(session, user_id=user_id)
    streams.refuse_when_full()
    found = events.unread_events(user_id, request=request)
    return EventSourceResponse(found, ping=int(streams.HEARTBEAT.total_seconds()))


@router.post("/notifications/read-all", dependencies=[may_write])
def mark_all_read(
    user_id: Id,
    upto: Annotated[
        PlainInt | None,
        Query(ge=1, le=MAX_BIGINT, description="Id of the newest notification that was seen."),
    ] = None,
) -> schemas.MarkedView:
    """Mark all as read, or all up to a notification: what came since stays unread."""
    with transaction() as session:
        return schemas.MarkedView(marked=inbox.mark_all_read(session, user_id=user_id, upto=upto))


@router.post("/notifications/{notification_id}/read", dependencies=[may_write])
def mark_read(user_id: Id, notification_id: Id) -> schemas.NotificationView:
    """Mark one as read; the first time counts."""
    with transaction() as session:
        found = inbox.mark_read(session, user_id=user_id, notification_id=notification_id)
        return _views(session, [found])[0]


@router.get("/push-endpoints", dependencies=[may_read])
def list_push_endpoints(user_id: Id) -> schemas.EndpointList:
    """The user's devices; `disabled_at` says since when the platform rejects one."""
    with reading() as session:
        found = devices.devices_of(session, user_id=user_id)
    return schemas.EndpointList(push_endpoints=[schemas.EndpointView.model_validate(one) for one in found])


@router.post("/push-endpoints", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def register_push_endpoint(user_id: Id, device: schemas.EndpointIn) -> schemas.EndpointView:
    """Register a device. One that another user had becomes this user's."""
    with transaction() as session:
        made = devices.register(session, user_id=user_id, platform=device.platform, address=device.address)
        return schemas.EndpointView.model_validate(made)


@router.delete(
    "/push-endpoints/{endpoint_id}", dependencies=[may_write], status_code=status.HTTP_204_NO_CONTENT
)
def forget_push_endpoint(user_id: Id, endpoint_id: Id) -> Response:
    """Remove a device."""
    with transaction() as session:
        devices.forget(session, user_id=user_id, endpoint_id=endpoint_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


def _views(session: Session, notifications: Sequence[Notification]) -> list[schemas.NotificationView]:
    ids = [notification.id for notification in notifications]
    channels, mails = inbox.channels_of(session, ids), inbox.mail_states(session, ids)
    views = [schemas.NotificationView.model_validate(notification) for notification in notifications]
    for view in views:
        view.channels = [schemas.ChannelView.model_validate(one) for one in channels[view.id]]
        for channel in view.channels:
            channel.mail = mails.get(view.id) if channel.channel is Channel.EMAIL else None
    return views
