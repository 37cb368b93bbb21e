"""What notifications holds about people."""

from __future__ import annotations

from sqlalchemy import select

from app.domains.notifications.models import ChannelDelivery, Notification, PushEndpoint
from app.personal_data.declaration import Declaration, Delete, PersonalTable

DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=Notification, rows=lambda who: Notification.user_id == who.user_id, erasure=Delete()
        ),
        PersonalTable(
            model=ChannelDelivery,
            rows=lambda who: ChannelDelivery.notification_id.in_(
                select(Notification.id).where(Notification.user_id == who.user_id)
            ),
            erasure=Delete(),
        ),
        PersonalTable(
            model=PushEndpoint,
            rows=lambda who: PushEndpoint.user_id == who.user_id,
            erasure=Delete(),
            withheld={"address": "Who holds it may send to the device."},
        ),
    )
)
