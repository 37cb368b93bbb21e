"""What is told of a job that somebody should have brought on by now, or cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.jobs.transitions.overdue import CHECK_TIMEOUT
from app.jobs.waits.causes import Cause, Wait, span, wait
from app.settings.config import settings

if TYPE_CHECKING:
    from datetime import timedelta

    from app.jobs.waits.looks import Look


def of_beat(look: Look, cause: Cause, sentence: str) -> Wait:
    """What beat does within a second or two, if it runs."""
    return beat_away(look.late) if look.late > CHECK_TIMEOUT else wait(cause, sentence)


def beat_away(late: timedelta) -> Wait:
    """What beat should have done so long ago."""
    seconds = late.total_seconds()
    sentence = (
        f"Beat should have brought it on {span(seconds)} ago and has not: look whether beat runs "
        "(`groundwork doctor`)."
    )
    return wait(Cause.BEAT_AWAY, sentence, late_seconds=round(seconds, 1))


def unknown_task(look: Look) -> Wait:
    """What neither this release nor a worker that was offered the job can run."""
    job = look.job
    sentence = (
        f'A release that knows its task "{job.task}" has to run: {settings().release} or a worker that was '
        "given the job does not."
    )
    again = job.published_at if look.is_put_off else None
    return wait(Cause.UNKNOWN_TASK, sentence, task=job.task, release=settings().release, offered_at=again)


def recovery_seconds() -> float:
    """How long it takes beat to notice what went wrong."""
    return settings().recover_seconds
