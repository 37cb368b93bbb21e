"""Why a link is of no use."""

from __future__ import annotations

from http import HTTPStatus

from app.errors import GroundworkError, InvalidInput


class UnusableLink(InvalidInput):
    """Raised alike for a token that was used, has expired, was replaced, or was never ours."""

    code = "unusable_link"

    def __init__(self) -> None:
        super().__init__(
            "The link cannot be used: it was used before, has expired, or a newer one has taken its place. "
            "Ask for a new one."
        )


class RegistrationClosed(GroundworkError):
    """Raised to somebody with a link, where nobody may register by themselves any more."""

    status = HTTPStatus.FORBIDDEN
    code = "registration_closed"

    def __init__(self) -> None:
        super().__init__("Nobody can register here by themselves. Ask an administrator for an account.")
