"""What can go wrong in banking, each as one sentence with its remedy."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.errors import Conflict, GroundworkError, InvalidInput, NotFound, Unauthorized, Unavailable
from app.jobs.errors import PermanentError, RetryableError
from app.logs import masking

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta


class PlaidNotConfigured(PermanentError):
    """Raised when there is no account at Plaid to call it with."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "plaid_not_configured"

    def __init__(self) -> None:
        super().__init__(
            "Banks cannot be reached: GROUNDWORK_PLAID_CLIENT_ID or GROUNDWORK_PLAID_SECRET is not set. "
            "Set both to the keys that Plaid's dashboard shows for the environment."
        )


class PlaidUnavailable(RetryableError):
    """Raised when Plaid, the bank behind it or the way there is down, or asks for a pause."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "plaid_unavailable"

    def __init__(self, sentence: str, *, after: timedelta | None = None) -> None:
        super().__init__(masking.sentence(sentence), after=after)


class MalformedAnswer(PlaidUnavailable):
    """Raised for an answer of Plaid that says nothing: it is asked for again."""

    def __init__(self, operation: str, *, problem: str) -> None:
        super().__init__(f"Plaid's answer to {operation} cannot be read: {problem}.")


class PlaidRefused(PermanentError):
    """Raised when Plaid will never do what it was asked."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "plaid_refused"

    def __init__(self, sentence: str, *, reason: str) -> None:
        super().__init__(masking.sentence(sentence))
        #: Plaid's error code, such as INVALID_ACCESS_TOKEN.
        self.reason = reason


class ItemBroken(PlaidRefused):
    """Raised when the connection to a bank needs its user before it works again."""

    status = HTTPStatus.CONFLICT
    code = "item_broken"


class MutatedDuringPagination(GroundworkError):
    """Raised when transactions changed between two pages: all pages are to be asked for again."""

    code = "mutated_during_pagination"

    def __init__(self) -> None:
        super().__init__("Transactions changed at Plaid while its pages were read. Read them again.")


class NeverSettled(RetryableError):
    """Raised when transactions changed during every one of several tries to read all pages."""

    code = "never_settled"

    def __init__(self, *, item_id: int, tries: int) -> None:
        super().__init__(f"The transactions of item {item_id} changed during each of {tries} tries.")


class SyncInProgress(RetryableError):
    """Raised when another job syncs the same item right now."""

    code = "sync_in_progress"

    def __init__(self, *, item_id: int, job_id: str) -> None:
        super().__init__(f"Job {job_id} is syncing item {item_id} now.")


class SyncOvertaken(RetryableError):
    """Raised when another job took the item over while this one was reading pages."""

    code = "sync_overtaken"

    def __init__(self, *, item_id: int) -> None:
        super().__init__(f"Another job has synced item {item_id} meanwhile; what this one read is dropped.")


class HouseholdNotFound(NotFound):
    """Raised for an id that no household has."""

    code = "household_not_found"

    def __init__(self, *, household_id: int) -> None:
        super().__init__(f"There is no household with the id {household_id}.")


class ItemNotFound(NotFound):
    """Raised for an id that no linked bank has."""

    code = "item_not_found"

    def __init__(self, *, item_id: int) -> None:
        super().__init__(f"There is no linked bank with the id {item_id}.")


class SyncNotFound(NotFound):
    """Raised for an id that is not that of a sync of the linked bank."""

    code = "sync_not_found"

    def __init__(self, *, item_id: int, job_id: str) -> None:
        super().__init__(f'The linked bank {item_id} has no sync with the id "{job_id[:64]}".')


class AccountNotFound(NotFound):
    """Raised for an id that no bank account has."""

    code = "account_not_found"

    def __init__(self, *, account_id: int) -> None:
        super().__init__(f"There is no bank account with the id {account_id}.")


class SetAsideNotFound(NotFound):
    """Raised for an id that nothing set aside of the household has."""

    code = "set_aside_not_found"

    def __init__(self, *, row_id: int) -> None:
        super().__init__(f"Nothing that is set aside in this household has the id {row_id}.")


class WebhookNotFound(NotFound):
    """Raised for an id that no stored webhook has."""

    code = "webhook_not_found"

    def __init__(self, *, webhook_id: int) -> None:
        super().__init__(f"There is no webhook with the id {webhook_id}.")


class UnknownUsers(InvalidInput):
    """Raised for members that are no users."""

    code = "unknown_users"

    def __init__(self, *, user_ids: Iterable[int]) -> None:
        ids = ", ".join(str(user_id) for user_id in sorted(user_ids))
        super().__init__(f"There is no user with the id {ids}. Register users before they join a household.")


class NotAMember(InvalidInput):
    """Raised when a user acts for a household of others."""

    code = "not_a_member"

    def __init__(self, *, user_id: int, household_id: int) -> None:
        super().__init__(f"User {user_id} is not a member of household {household_id}.")


class LinkedElsewhere(Conflict):
    """Raised when a bank connection belongs to another household already."""

    code = "linked_elsewhere"

    def __init__(self) -> None:
        super().__init__("This connection to a bank belongs to another household. Link the bank again.")


class InvalidWebhook(Unauthorized):
    """Raised for a webhook that is not surely Plaid's, or not new."""

    code = "invalid_webhook"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The webhook is refused: {problem}.")


class TooManyUnknownKeys(Unavailable):
    """Raised when too many webhooks name keys that were not asked for yet."""

    code = "too_many_unknown_keys"

    def __init__(self) -> None:
        super().__init__("Too many webhooks name unknown keys. Send this one again in a minute.")


class KeyUnavailable(Unavailable):
    """Raised when Plaid cannot be asked for the key that a webhook names."""

    code = "key_unavailable"

    def __init__(self) -> None:
        super().__init__("Plaid does not give the key of this webhook now. Send it again in a minute.")
