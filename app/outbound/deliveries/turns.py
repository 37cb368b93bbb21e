"""Keeps what all workers together ask of one provider below its limit, without anybody waiting for it.

A job whose turn it is not goes back to the ledger, among those that wait for the same provider.
"""

from __future__ import annotations

from app.jobs.declaration import partitions
from app.jobs.errors import NotYourTurn
from app.jobs.publish import admission
from app.jobs.transitions import attempt


def take(name: str, *, per_minute: int) -> None:
    """Take a turn of the running job for one call of `name`. Raises `NotYourTurn`, and it gets another.

    What was not committed is lost then, so commit before: on SQLite nobody gets a turn otherwise.
    What is asked outside of a job, which is little, has nobody who could ask it later: jobs wait for it.
    """
    job = attempt.current()
    partition = partitions.paced(name, per_minute=per_minute)
    if job is None:
        admission.count_turn(partition)
    elif not job.use_turn(partition):
        raise NotYourTurn(partition=partition)
