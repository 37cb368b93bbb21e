"""Why nothing was done to a job, and what to do instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, InvalidInput
from app.jobs.ledger.seal import MASK

if TYPE_CHECKING:
    from collections.abc import Sequence


class MovedOn(Conflict):
    """Raised when a job is no longer as the page showed it, such as for a form that is sent twice."""

    code = "moved_on"

    def __init__(self, *, job_id: str, state: str) -> None:
        super().__init__(
            f"Job {job_id} has changed since the page was made, and is {state} now: nothing was done. "
            "Look at it again."
        )


class NotSelected(InvalidInput):
    """Raised for a list from which nothing was selected, or more than a page has."""

    code = "not_selected"

    def __init__(self, *, number: int, most: int) -> None:
        super().__init__(
            f"{number} jobs are selected, so that nothing was done. Go back, and select from 1 to {most}."
        )


class NotAllOfThese(InvalidInput):
    """Raised for a list that has others than those that are to be changed."""

    code = "not_all_of_these"

    def __init__(self, *, act: str, states: Sequence[str]) -> None:
        super().__init__(
            f"To {act} all that match, narrow the list to these states alone: {', '.join(states)}. Nothing "
            "was done."
        )


class NotEditable(InvalidInput):
    """Raised for a task whose jobs nobody gives other arguments here."""

    code = "not_editable"

    def __init__(self, *, task: str) -> None:
        super().__init__(
            f"{task} is not public, so that its jobs get their arguments from the service alone. Run the job "
            f"again as it is, or on a host: groundwork jobs submit {task}"
        )


class TooLargeToEdit(InvalidInput):
    """Raised for arguments that are more than a form sends."""

    code = "too_large_to_edit"

    def __init__(self, *, size: int, most: int) -> None:
        super().__init__(
            f"The arguments have {size:,} bytes, and at most {most:,} are edited here. Download them, "
            "and run them on a host: groundwork jobs submit TASK --json-args"
        )


class NotAnObject(InvalidInput):
    """Raised for arguments that are no JSON object."""

    code = "not_an_object"

    def __init__(self, *, problem: str) -> None:
        super().__init__(
            f'These arguments are no JSON object with their names, such as {{"days": 30}}: {problem}'
        )


class MaskedPart(InvalidInput):
    """Raised for an argument that was changed, and still has a mask in it."""

    code = "masked_part"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"{name}: part of it is masked as {MASK}, which nobody can fill in. Leave the argument as it "
            "was, or write all of it anew."
        )


class SentBefore(Conflict):
    """Raised for a form that comes a second time, with something else in it."""

    code = "sent_before"

    def __init__(self, *, job_id: str) -> None:
        super().__init__(
            f"This form was sent before with other arguments, and became job {job_id}; nothing was done now. "
            "Open the form anew to run another."
        )
