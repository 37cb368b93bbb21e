"""What can go wrong with users."""

from __future__ import annotations

from app.errors import Conflict, NotFound


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
