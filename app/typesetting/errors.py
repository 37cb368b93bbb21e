"""What can go wrong where a document is set."""

from __future__ import annotations

from app.errors import GroundworkError


class ForkedAfterTypesetting(GroundworkError):
    """Raised in a process that would wait without end for threads that its parent has."""

    code = "forked_after_typesetting"

    def __init__(self, *, pid: int) -> None:
        super().__init__(
            f"This process was forked by process {pid} after that had set a document, and cannot set any. "
            "Set documents in processes that fork no others, or fork before the first."
        )


class CannotTypeset(GroundworkError):
    """Raised where a document of good facts cannot be set, which is a defect of the template."""

    code = "cannot_typeset"

    def __init__(self, *, template: str, problem: str) -> None:
        super().__init__(f"The template {template} cannot set this document: {problem}. Report this.")
