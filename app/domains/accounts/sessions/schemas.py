"""What the routes of signing in take and answer."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from app.domains.accounts.roles import Role
from app.domains.accounts.schemas import UserView
from app.values.strict_models import StrictModel

#: Longer than any there is; what an address may be is asked at registration.
Typed = Annotated[str, Field(max_length=1_000)]


class SignIn(StrictModel):
    """Somebody who signs in."""

    email: Typed
    password: SecretStr
    keep: Literal["tokens", "cookie"] = Field(
        default="tokens", description="`cookie` for a page in a browser, `tokens` for any other client."
    )


class PasswordChange(StrictModel):
    """Somebody who chooses another password."""

    current_password: SecretStr
    new_password: SecretStr


class Refresh(StrictModel):
    """A client that asks for its next tokens."""

    refresh_token: Typed


class TokensView(StrictModel):
    """The tokens of a client. The refresh token is good once, for the next two."""

    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 (it says how to send them)
    access_token: str
    expires_in: int = Field(description="Seconds for which the access token is good.")
    refresh_token: str


class CookieView(StrictModel):
    """A browser that has the cookie."""

    csrf_token: str = Field(description="Send it as X-CSRF-Token with whatever changes something.")


class MeView(StrictModel):
    """Who is signed in."""

    user: UserView
    role: Role
    csrf_token: str | None = Field(description="As at sign-in; only for a browser with the cookie.")
