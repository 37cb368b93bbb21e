"""What somebody does by a form: why, as they say, and the row of the audit log that keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.audit.service import note_operation
from app.errors import InvalidInput
from app.values.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from app.tokens.callers import Caller

MAX_REASON = 500


class NoReason(InvalidInput):
    """Raised for a form without a reason that can be kept; nothing was done."""

    code = "no_reason"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"Nothing was done: {problem}. Go back, and say why in one line.")


def reason_of(form: Mapping[str, str]) -> str:
    """Why somebody does it."""
    typed = form.get("reason", "").strip()
    if not typed:
        raise NoReason(problem="a reason is missing")
    if len(typed) > MAX_REASON:
        raise NoReason(problem=f"the reason has {len(typed):,} characters, and may have {MAX_REASON}")
    try:
        return one_line(typed)
    except ValueError as error:
        raise NoReason(problem=f"of the reason, {error}") from None


def note(session: Session, caller: Caller, *, title: str, path: str, **arguments: Any) -> None:
    """Keep what `caller` does in the audit log, if the session's transaction commits."""
    note_operation(
        session,
        title=title,
        path=path,
        user_name=caller.name,
        user_id=caller.user_id,
        arguments=arguments,
    )
