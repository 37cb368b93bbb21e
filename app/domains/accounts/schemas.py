"""What the accounts API takes and answers."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.domains.accounts.preferences import Preferences
from app.outbound.mail.addresses import Mailbox
from app.values.patterned_text import Patterned
from app.values.row_views import RowView
from app.values.strict_models import StrictModel
from app.values.text_fields import ONE_LINE

Name = Annotated[str, Field(min_length=1, max_length=200), ONE_LINE]
Timezone = Annotated[str, Field(min_length=1, max_length=64, description="IANA name, such as Europe/Berlin.")]
#: Source: BCP 47; language, perhaps a script and a region.
Locale = Annotated[
    str,
    Patterned(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$",
        sentence="Write a language as its tag of BCP 47",
        such_as="de-CH",
    ),
]


def _by_the_users_clock(chosen: Preferences) -> Preferences:
    if chosen.quiet_hours is not None and chosen.quiet_hours.has_zone:
        raise PydanticCustomError(
            "zone", "The quiet hours go by the user's own clock; give times without a zone, such as 22:00"
        )
    return chosen


class Registration(StrictModel):
    """Somebody who registers."""

    email: Mailbox
    name: Name
    timezone: Timezone = "UTC"
    locale: Locale = "en"


class UserChange(StrictModel):
    """What is to change of a user; what is left out stays."""

    name: Name | None = None
    timezone: Timezone | None = None
    locale: Locale | None = None
    preferences: Annotated[Preferences, AfterValidator(_by_the_users_clock)] | None = None


class UserView(RowView):
    """A user."""

    id: int
    email: str
    name: str
    timezone: str
    locale: str
    preferences: Preferences
    created_at: datetime
