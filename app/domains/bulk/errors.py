"""Why nothing was done to many jobs, and what to do instead."""

from __future__ import annotations

from http import HTTPStatus

from app.errors import GroundworkError, InvalidInput, NotFound


class BulkActNotFound(NotFound):
    """Raised for an id that is no bulk act's."""

    code = "bulk_act_not_found"

    def __init__(self, *, act_id: int) -> None:
        super().__init__(
            f"There is no bulk act {act_id}, or it was forgotten: one that is not begun is, after a day. "
            "Choose the jobs again."
        )


class ChosenByAnother(GroundworkError):
    """Raised for somebody who would begin what another has chosen, perhaps from more than they may change."""

    status = HTTPStatus.FORBIDDEN
    code = "chosen_by_another"

    def __init__(self, *, user_name: str) -> None:
        super().__init__(
            f"Nothing was done: {user_name} chose these jobs, and nobody else begins it. Choose them "
            "yourself."
        )


class UnusablePace(InvalidInput):
    """Raised for a pace at which nothing begins."""

    code = "unusable_pace"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"Nothing was done: {problem}.")
