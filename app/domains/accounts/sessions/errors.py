"""Why somebody is not let in."""

from __future__ import annotations

from http import HTTPStatus

from app.errors import GroundworkError, InvalidInput, Unauthorized, Unavailable


class SignInRefused(Unauthorized):
    """Raised alike for an unknown address, a wrong password, and somebody who may not sign in."""

    code = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__("The address or the password is wrong, or this user may not sign in.")


class WrongCurrentPassword(InvalidInput):
    """Raised to somebody signed in who does not know the password that is to be replaced."""

    code = "wrong_current_password"

    def __init__(self) -> None:
        super().__init__("The current password is wrong, so that it stays.")


class TooManyAttempts(GroundworkError):
    """Raised while an account or an address pauses after many attempts; nothing was tried."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_attempts"

    def __init__(self, *, seconds: int) -> None:
        self.retry_after = seconds
        super().__init__(f"This was tried too often. Try again in {seconds} seconds.")


class SigningInBusy(Unavailable):
    """Raised when as many passwords wait to be checked as can be in a second or two."""

    code = "signing_in_busy"

    def __init__(self) -> None:
        super().__init__("Too many people sign in at this moment. Try again in a few seconds.")


class InvalidRefreshToken(Unauthorized):
    """Raised alike for a malformed, an unknown and an ended refresh token."""

    code = "invalid_refresh_token"

    def __init__(self) -> None:
        super().__init__("The refresh token is not known, or its session has ended. Sign in again.")


class ReusedRefreshToken(Unauthorized):
    """Raised when a refresh token comes a second time: one of the two who have it stole it."""

    code = "reused_refresh_token"

    def __init__(self) -> None:
        super().__init__("The refresh token was used before, so that its session has ended. Sign in again.")


class NotSignedIn(GroundworkError):
    """Raised to an API token, for what only a person has."""

    status = HTTPStatus.FORBIDDEN
    code = "not_signed_in"

    def __init__(self) -> None:
        super().__init__("This is for people who have signed in; an API token has no account of its own.")
