"""What can go wrong with erasures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, InvalidInput, NotFound
from app.jobs.errors import PermanentError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Sequence


class NotErasableYet(Conflict):
    """Raised while there is something that only the person can put in order."""

    code = "not_erasable_yet"

    def __init__(self, *, obligation: str) -> None:
        super().__init__(obligation)


class NotConfirmed(InvalidInput):
    """Raised where the person was not named a second time."""

    code = "erasure_not_confirmed"

    def __init__(self, *, user_id: int) -> None:
        super().__init__(
            f"Erasing cannot be taken back: confirm it with the mail address of user {user_id}, as it is "
            "registered."
        )


class NobodyConfirmed(PermanentError):
    """Raised by the job of an erasure that was sent past the API and the command line."""

    code = "erasure_not_confirmed"

    def __init__(self, *, user_id: int) -> None:
        super().__init__(
            f"Nobody confirmed that user {user_id} is to be erased; run groundwork privacy erase {user_id}."
        )


class StillInUse(RetryableError):
    """Raised while something works on rows of the person; it runs again a little later."""

    code = "still_in_use"

    def __init__(self, *, user_id: int, tables: Sequence[str]) -> None:
        super().__init__(
            f"Rows of user {user_id} are still written or in use, in {', '.join(tables)}; they are erased "
            "once that is over."
        )


class AlreadyErased(Conflict):
    """Raised for somebody of whom nothing is left, or soon will be."""

    code = "already_erased"

    def __init__(self, *, user_id: int) -> None:
        super().__init__(f"The data of user {user_id} is erased, or is being erased now.")


class ErasedMeanwhile(PermanentError):
    """Raised by the job of an export whose person was erased while it was made; nothing of it stays."""

    code = "already_erased"

    def __init__(self, *, user_id: int) -> None:
        super().__init__(f"User {user_id} is erased, so that nothing of theirs is exported.")


class ExportRunning(Conflict):
    """Raised while an export of the same person is made."""

    code = "export_running"

    def __init__(self, *, user_id: int) -> None:
        super().__init__(f"An export of user {user_id} is being made. Wait for it, and then ask again.")


class ExportNotFound(NotFound):
    """Raised for an id that no export of the person has."""

    code = "export_not_found"

    def __init__(self, *, export_id: int) -> None:
        super().__init__(f"There is no export with the id {export_id}.")


class ExportNotReady(Conflict):
    """Raised for the passphrase of an archive that is not there yet, or no more."""

    code = "export_not_ready"

    def __init__(self, *, export_id: int, state: str) -> None:
        super().__init__(f"Export {export_id} is {state}: only one that is ready has something to open.")


class PassphraseWasShown(Conflict):
    """Raised when a passphrase is asked for a second time."""

    code = "passphrase_was_shown"

    def __init__(self, *, export_id: int) -> None:
        super().__init__(
            f"The passphrase of export {export_id} was shown, and is not kept. Ask for another export."
        )
