"""What can go wrong with time that was worked, each as one sentence with its remedy."""

from __future__ import annotations

from app.errors import NotFound


class EntryNotFound(NotFound):
    """Raised for an id that no time entry has."""

    code = "entry_not_found"

    def __init__(self, *, entry_id: int) -> None:
        super().__init__(f"There is no time entry with the id {entry_id}.")
