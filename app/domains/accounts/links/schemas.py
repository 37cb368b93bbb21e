"""What the routes of mailed links take and answer."""

from pydantic import Field, SecretStr

from app.domains.accounts.sessions.schemas import Typed
from app.outbound.mail.addresses import Mailbox
from app.values.strict_models import StrictModel

ANSWER = "If that can be done with this address, a mail with the next step is on its way."


class ResetRequest(StrictModel):
    """Somebody who cannot sign in any more."""

    email: Mailbox


class EmailChange(StrictModel):
    """Somebody signed in who wants another address."""

    email: Mailbox
    current_password: SecretStr


class Confirmation(StrictModel):
    """Somebody who has got the mail."""

    token: Typed = Field(description="What the mail has, or its link behind #token=.")


class ConfirmationWithPassword(Confirmation):
    """Somebody who has got the mail, and the password they choose."""

    password: SecretStr


class Mailed(StrictModel):
    """The same answer, whoever is registered."""

    detail: str = ANSWER
