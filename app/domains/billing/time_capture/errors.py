"""What can go wrong with time that was worked, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, InvalidInput, NotFound
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable


class EntryNotFound(NotFound):
    """Raised for an id that no time entry has."""

    code = "entry_not_found"

    def __init__(self, *, entry_id: int) -> None:
        super().__init__(f"There is no time entry with the id {entry_id}.")


class EntryDecided(Conflict):
    """Raised when an entry is to be changed or decided that was decided already."""

    code = "entry_decided"

    def __init__(self, *, entry_id: int, state: str) -> None:
        billed = "Credit its invoice, or cancel the draft."
        remedy = billed if state == "billed" else "An admin of the tenant can reopen it."
        super().__init__(f"Entry {entry_id} is {state} and stays as it is. {remedy}")


class WorkerMissing(InvalidInput):
    """Raised when nobody says who worked."""

    code = "worker_missing"

    def __init__(self) -> None:
        super().__init__("Say who worked: name a member of the tenant in user_id.")


class ProjectOfAnotherTenant(InvalidInput):
    """Raised when an entry is to go to a project of somebody else."""

    code = "project_of_another_tenant"

    def __init__(self, *, project_id: int) -> None:
        super().__init__(f"The tenant has no project with the id {project_id}. Choose one of its clients'.")


class MalformedTime(InvalidInput):
    """Raised for a text that is no moment."""

    code = "malformed_time"

    def __init__(self, *, text: str) -> None:
        super().__init__(
            f"{quoted(text)} is not a time: write it like 2026-03-02T09:00, or with its offset, "
            "2026-03-02T09:00+01:00."
        )


class NeverOnThatClock(InvalidInput):
    """Raised for a time that clocks skipped."""

    code = "never_on_that_clock"

    def __init__(self, *, text: str, timezone: str) -> None:
        super().__init__(
            f"{text} never was in {timezone}, where clocks were put forward over it. "
            "Correct it, or give the offset."
        )


class TwiceOnThatClock(InvalidInput):
    """Raised for a time that clocks showed twice."""

    code = "twice_on_that_clock"

    def __init__(self, *, text: str, timezone: str, offsets: Iterable[str]) -> None:
        super().__init__(
            f"{text} was twice in {timezone}, where clocks were put back. Say which by its offset: "
            f"{' or '.join(text + offset for offset in offsets)}."
        )
