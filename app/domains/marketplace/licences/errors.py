"""What can go wrong with licences, each as one sentence with its remedy."""

from __future__ import annotations

from http import HTTPStatus

from app.errors import Conflict, GroundworkError, NotFound


class LicenceNotFound(NotFound):
    """Raised for an id that no licence has, or none of the caller's."""

    code = "licence_not_found"

    def __init__(self, *, licence_id: int) -> None:
        super().__init__(f"There is no licence with the id {licence_id}.")


class UnknownKey(NotFound):
    """Raised alike for what is no key and for one that no licence has."""

    code = "unknown_key"

    def __init__(self) -> None:
        super().__init__("No licence has this key. Copy it from the mail anew.")


class UnusableLicence(Conflict):
    """Raised for a licence that has expired or was revoked."""

    code = "unusable_licence"

    def __init__(self, *, standing: str) -> None:
        super().__init__(f"The licence is {standing}. Order a new one.")


class TooManyDevices(Conflict):
    """Raised for one device more than a licence is for."""

    code = "too_many_devices"

    def __init__(self, *, most: int) -> None:
        super().__init__(f"The licence is used on {most} devices, and that is the most. Order another one.")


class TooManyGuesses(GroundworkError):
    """Raised to a network from which too many keys came that no licence has."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_guesses"

    def __init__(self, *, seconds: int) -> None:
        super().__init__(f"Too many unknown keys came from this address. Try again in {seconds} seconds.")
        self.retry_after = seconds
