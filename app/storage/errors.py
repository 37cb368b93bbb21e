"""What can be wrong with a file or with where it is kept.

The sentences name the setting and not what it says: callers of the API read them, too.
"""

from __future__ import annotations

from http import HTTPStatus

from app.errors import Conflict, GroundworkError, InvalidInput, NotFound, Unavailable


class UnusableKey(InvalidInput):
    """Raised for a key that cannot name a file in every store."""

    code = "unusable_key"

    def __init__(self, *, key: object) -> None:
        super().__init__(
            f"{str(key)[:64]!a} is no key of a file: write up to 512 ASCII letters, digits, dots, hyphens "
            "and underscores, with a slash between parts, none of which begins with a dot or a hyphen."
        )


class KeyTaken(Conflict):
    """Raised where a part of a key already names a file, or the whole of it a folder."""

    code = "key_taken"

    def __init__(self, *, key: str) -> None:
        super().__init__(f'A file is kept under a part of the key "{key}", or below it. Choose another key.')


class NoSuchFile(NotFound):
    """Raised when no file has the key."""

    code = "no_such_file"

    def __init__(self, *, key: str) -> None:
        super().__init__(f'There is no file "{key}". It was deleted, or never stored.')


class FileChanged(Conflict):
    """Raised when a file is no longer the one that was asked about."""

    code = "file_changed"

    def __init__(self, *, key: str) -> None:
        super().__init__(f'The file "{key}" was replaced meanwhile. Ask again for the whole of it.')


class FileTooLarge(GroundworkError):
    """Raised for more bytes than whoever stores them allows; nothing of them was kept."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "file_too_large"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"The file is over {limit} bytes. Send a smaller one.")


class WrongDigest(InvalidInput):
    """Raised when other bytes came than were announced; nothing of them was kept."""

    code = "wrong_digest"

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__(f"The SHA-256 of what came is {found}, not {expected}. Send the file again.")


class UnusableDigest(InvalidInput):
    """Raised for an announced digest that is none."""

    code = "unusable_digest"

    def __init__(self, *, found: str) -> None:
        super().__init__(f"{found[:80]!a} is no SHA-256. Send 64 hexadecimal digits.")


class StoreFull(Unavailable):
    """Raised when there is no room; nothing was kept."""

    code = "store_full"

    def __init__(self) -> None:
        super().__init__("There is no room left where files are kept. Make room at GROUNDWORK_STORAGE.")


class StoreRefuses(Unavailable):
    """Raised when the service is not allowed to do what it must."""

    code = "store_refuses"

    def __init__(self, *, said: str) -> None:
        super().__init__(
            f"Where files are kept, the service is refused ({said}). Give it access to GROUNDWORK_STORAGE."
        )


class StoreAway(Unavailable):
    """Raised when the store does not answer, or fails."""

    code = "store_away"

    def __init__(self, *, said: str) -> None:
        super().__init__(f"Where files are kept does not answer ({said}). Try again in a few seconds.")


class UnusableLink(NotFound):
    """Raised alike for a link that was changed, is not ours, has expired, or whose file is gone."""

    code = "unusable_link"

    def __init__(self) -> None:
        super().__init__("This link leads to nothing, or no longer does. Ask for a new one.")


class UnusableLinkTerms(InvalidInput):
    """Raised when no link can be made as asked."""

    code = "unusable_link_terms"
