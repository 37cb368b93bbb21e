"""How work that is done in chunks ends the transaction of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Checkpoint(Protocol):
    """Commits what was done so far, and shows `progress` to whoever looks at the job.

    Services do not commit by themselves; in a job they are given `app.jobs.transitions.attempt.checkpoint`.
    """

    def __call__(self, progress: Mapping[str, Any] | None = None, /) -> None: ...
