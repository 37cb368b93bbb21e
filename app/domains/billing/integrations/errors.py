"""What can go wrong with a provider, each as one sentence with its remedy."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.errors import Conflict, GroundworkError, NotFound
from app.jobs.errors import PermanentError, RetryableError
from app.logs import masking

if TYPE_CHECKING:
    from datetime import timedelta


class NotConfigured(PermanentError):
    """Raised when there is no client at a provider to call it with."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "integration_not_configured"

    def __init__(self, *, provider: str, settings: tuple[str, ...]) -> None:
        missing = " and ".join(f"GROUNDWORK_{name.upper()}" for name in settings)
        super().__init__(
            f"{provider} is off: set {missing} to what {provider} shows for the registered application."
        )


class NoRedirectUrl(PermanentError):
    """Raised when people who allowed an access would have no place to come back to."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "no_redirect_url"

    def __init__(self) -> None:
        super().__init__(
            "Nothing can be connected: set GROUNDWORK_OAUTH_REDIRECT_URL to the URL of your page to which "
            "providers send people back, and register it there."
        )


class ProviderUnavailable(RetryableError):
    """Raised when a provider or the way there is down, or asks for a pause."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "provider_unavailable"

    def __init__(self, sentence: str, *, after: timedelta | None = None) -> None:
        super().__init__(masking.sentence(sentence), after=after)


class RateLimited(ProviderUnavailable):
    """Raised when a provider was asked too often; `after` is how long it wants to be left alone."""

    code = "rate_limited"


class NoAnswer(ProviderUnavailable):
    """Raised when an answer did not come in time, or not at all."""

    code = "no_answer"


class MalformedAnswer(ProviderUnavailable):
    """Raised for an answer that says nothing: it is asked for again."""

    code = "malformed_answer"

    def __init__(self, *, provider: str, operation: str, problem: str) -> None:
        super().__init__(f"{provider}'s answer to {operation} cannot be read: {problem}.")


class AnswerTooLarge(MalformedAnswer):
    """Raised for an answer of which no more was read."""

    code = "answer_too_large"

    def __init__(self, *, provider: str, operation: str, limit: int) -> None:
        super().__init__(provider=provider, operation=operation, problem=f"it has more than {limit:,} bytes")


class ForeignLink(MalformedAnswer):
    """Raised for a link to the next page that leads elsewhere: the token of a person would follow it."""

    code = "foreign_link"

    def __init__(self, *, provider: str, operation: str) -> None:
        super().__init__(
            provider=provider,
            operation=operation,
            problem="it names a next page that is not one of the same calendar and the same server",
        )


class EndlessPages(MalformedAnswer):
    """Raised when page follows page without coming to an end."""

    code = "endless_pages"

    def __init__(self, *, provider: str, pages: int) -> None:
        problem = f"after page {pages} there is still another, or the same one again"
        super().__init__(provider=provider, operation="calendar sync", problem=problem)


class ProviderRefused(PermanentError):
    """Raised when a provider will never do what it was asked; `reason` is its own code for why."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "provider_refused"

    def __init__(self, sentence: str, *, reason: str) -> None:
        super().__init__(masking.sentence(sentence))
        self.reason = reason


class GrantRevoked(ProviderRefused):
    """Raised when a person's permission is gone, because they took it back or it ran out."""

    status = HTTPStatus.CONFLICT
    code = "grant_revoked"


class InteractionRequired(GrantRevoked):
    """Raised when a provider wants to see the person again before it goes on."""

    code = "interaction_required"


class AccessTokenRefused(ProviderUnavailable):
    """Raised when an access token is not, or no longer, good: it is to be refreshed once."""

    code = "access_token_refused"


class TokensReplaced(RetryableError):
    """Raised when another process refreshes the tokens of the same connection right now."""

    code = "tokens_replaced"

    def __init__(self, *, integration_id: int) -> None:
        super().__init__(
            f"The tokens of integration {integration_id} are being refreshed by another process."
        )


class NoRefreshToken(ProviderRefused):
    """Raised when a provider gave access that would end within the hour."""

    code = "no_refresh_token"

    def __init__(self, *, provider: str) -> None:
        super().__init__(
            f"{provider} gave no lasting access. Take the access of this application back in the settings "
            f"of the account at {provider}, then connect it again.",
            reason="no_refresh_token",
        )


class ScopeMissing(ProviderRefused):
    """Raised when a person allowed less than what is needed."""

    code = "scope_missing"

    def __init__(self, *, provider: str, scope: str) -> None:
        super().__init__(
            f'{provider} was not allowed "{scope}". Connect it again and allow all that is asked for.',
            reason="scope_missing",
        )


class SyncTokenExpired(GroundworkError):
    """Raised when changes since a token are not known any more: all events are to be read anew."""

    code = "sync_token_expired"

    def __init__(self, *, provider: str) -> None:
        super().__init__(f"{provider} does not know what changed since the last sync. Read all events anew.")


class InvalidState(Conflict):
    """Raised for a way back from a provider that does not belong to one that this person began."""

    code = "invalid_state"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"This sign-in cannot be completed: {problem}. Connect the account again.")


class IntegrationNotFound(NotFound):
    """Raised for an id that no connected account has."""

    code = "integration_not_found"

    def __init__(self, *, integration_id: int) -> None:
        super().__init__(f"There is no connected account with the id {integration_id}.")
