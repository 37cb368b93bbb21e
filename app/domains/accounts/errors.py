"""What can go wrong with users."""

from __future__ import annotations

from app.errors import Conflict, NotFound, Unauthorized


class UserNotFound(NotFound):
    """Raised for an id that no user has."""

    code = "user_not_found"

    def __init__(self, *, user_id: int) -> None:
        super().__init__(f"There is no user with the id {user_id}.")


class AddressNotFound(NotFound):
    """Raised for an address that no user has."""

    code = "address_not_found"

    def __init__(self, *, email: str) -> None:
        super().__init__(f"There is no user with the address {email}.")


class EmailTaken(Conflict):
    """Raised when somebody is registered under the address already."""

    code = "email_taken"

    def __init__(self, *, email: str, user_id: int) -> None:
        super().__init__(f"{email} is already registered, as user {user_id}.")


class SignInAgain(Unauthorized):
    """Raised to somebody who has been signed in for long, for what nobody else may ask in their place."""

    code = "sign_in_again"

    def __init__(self, *, minutes: int) -> None:
        super().__init__(f"You signed in more than {minutes} minutes ago. Sign in again, and ask once more.")
