"""What the API of notifications takes and gives."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator

from app.domains.accounts.facts import USUAL_CHANNELS, Channel
from app.domains.notifications.models import ChannelState, Platform
from app.values.patterned_text import Patterned
from app.values.row_ids import RowId
from app.values.row_views import RowView
from app.values.strict_models import StrictModel
from app.values.text_fields import ONE_LINE, SEVERAL_LINES

SNS_ADDRESS = "arn:"

Type = Annotated[
    str,
    Patterned(
        pattern=r"^[a-z][a-z0-9_]{0,49}$",
        sentence="Write a type as at most 50 small letters, digits and _, beginning with a letter",
        such_as="bill_reminder",
    ),
]
Title = Annotated[str, Field(min_length=1, max_length=200), ONE_LINE]
Message = Annotated[str, Field(min_length=1, max_length=5_000), SEVERAL_LINES]
Channels = Annotated[list[Channel], Field(max_length=len(Channel))]
Key = Annotated[str, Field(min_length=1, max_length=200), ONE_LINE]
USUAL = list(USUAL_CHANNELS)
#: Of a message that says nothing of itself but what it says.
MESSAGE, MESSAGE_TITLE = "message", "Message"


class ChannelView(RowView):
    """What became of a notification on one channel."""

    channel: Channel
    state: ChannelState = Field(description="`sent` by email: handed over as a mail, whose state is `mail`.")
    reason: str | None
    not_before: datetime | None
    changed_at: datetime
    mail: str | None = None


class NotificationView(RowView):
    """A notification of the inbox."""

    id: int
    type: str
    title: str
    body: str
    data: dict[str, Any]
    created_at: datetime
    read_at: datetime | None
    channels: list[ChannelView] = Field(default_factory=list)


class NotificationPage(BaseModel):
    """Some notifications, the newest first; `next` is the cursor of the page after, null on the last."""

    notifications: list[NotificationView]
    next: int | None


class UnreadView(RowView):
    """How much there is to read; `newest_id` is that of the newest notification, read or not."""

    count: int
    newest_id: int | None


class MarkedView(BaseModel):
    """How many notifications were unread."""

    marked: int


class EndpointIn(StrictModel):
    """A device to send push messages to."""

    platform: Platform
    address: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,2048}$")] = Field(
        description="The ARN of an endpoint of SNS, or a registration token of FCM."
    )

    @model_validator(mode="after")
    def _address_fits(self) -> Self:
        if (self.platform is Platform.SNS) != self.address.startswith(SNS_ADDRESS):
            raise ValueError("for sns give the ARN of an endpoint (arn:...), for fcm a registration token")
        return self


class EndpointView(RowView):
    """A device; its address is not shown, because who holds it may send to the device."""

    id: int
    platform: Platform
    created_at: datetime
    disabled_at: datetime | None


class EndpointList(BaseModel):
    """The devices of a user."""

    push_endpoints: list[EndpointView]


class NotificationIn(StrictModel):
    """Something to tell a user."""

    type: Type
    title: Title
    message: Message
    channels: Channels = USUAL
    key: Key | None = Field(default=None, description="Notifications with the same key reach this user once.")


class NotifyIn(StrictModel):
    """A message to a user, of whom nothing else is known."""

    user_id: RowId
    message: Message


class NotificationAccepted(BaseModel):
    """The job that tells the user."""

    job_id: str
