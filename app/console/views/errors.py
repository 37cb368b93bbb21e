"""Why a view was not saved, and what to do instead."""

from __future__ import annotations

from app.errors import Conflict, InvalidInput, NotFound


class ViewNotFound(NotFound):
    """Raised for an id that is no view's, or another person's."""

    code = "view_not_found"

    def __init__(self, *, view_id: int) -> None:
        super().__init__(f"You have no view {view_id}; only who saved a view changes it. Nothing was done.")


class UnusableName(InvalidInput):
    """Raised for a name that no view can have."""

    code = "unusable_name"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"Nothing was saved: {problem}.")


class NameTaken(Conflict):
    """Raised for a name that another view of the same person has."""

    code = "name_taken"

    def __init__(self, *, name: str) -> None:
        super().__init__(f"Nothing was saved: you have another view called {name}. Choose another name.")


class TooManyViews(Conflict):
    """Raised for one view too many."""

    code = "too_many_views"

    def __init__(self, *, most: int, whose: str) -> None:
        super().__init__(f"Nothing was saved: {whose} at most {most} views. Delete one first.")
