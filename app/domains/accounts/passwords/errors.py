"""Why a password is refused. No sentence holds any of it: answers are logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


class UnusablePassword(InvalidInput):
    """Raised for what nobody can type, or that is too long to be a password."""

    code = "unusable_password"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The password cannot be used: {problem}.")


class WeakPassword(InvalidInput):
    """Raised for a password that is too easy to guess."""

    code = "weak_password"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The password is too easy to guess: {problem}.")


class BreachedListUnusable(Unavailable):
    """Raised when the list of breached passwords cannot be searched; no password is taken unchecked."""

    code = "breached_list_unusable"

    def __init__(self, *, path: Path, problem: str) -> None:
        super().__init__(
            f"The list of breached passwords {path} (GROUNDWORK_BREACHED_PASSWORDS) cannot be used: "
            f"{problem}."
        )
