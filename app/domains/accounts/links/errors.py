"""Why a link is of no use."""

from __future__ import annotations

from http import HTTPStatus

from app.errors import Conflict, GroundworkError, InvalidInput


class UnusableLink(InvalidInput):
    """Raised alike for a token that was used, has expired, was replaced, or was never ours."""

    code = "unusable_link"

    def __init__(self) -> None:
        super().__init__(
            "The link cannot be used: it was used before, has expired, or a newer one has taken its place. "
            "Ask for a new one."
        )


class UnusableSignInLink(UnusableLink):
    """Raised alike for whatever is no good link to sign in with on this host."""

    def __init__(self) -> None:
        InvalidInput.__init__(
            self,
            "This link signs nobody in: it was used before, has expired, was replaced by a newer one, or is "
            "not of this host. Make a new one on the host: groundwork users sign-in-link ADDRESS.",
        )


class MayNotSignIn(Conflict):
    """Raised for a user who would not be let in with a link either."""

    code = "may_not_sign_in"

    def __init__(self, *, email: str) -> None:
        super().__init__(
            f"{email} may not sign in. First: groundwork users enable {email}, or groundwork users set-role "
            f"{email} ROLE."
        )


class RegistrationClosed(GroundworkError):
    """Raised to somebody with a link, where nobody may register by themselves any more."""

    status = HTTPStatus.FORBIDDEN
    code = "registration_closed"

    def __init__(self) -> None:
        super().__init__("Nobody can register here by themselves. Ask an administrator for an account.")
