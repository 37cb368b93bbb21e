"""Keeps what all workers together send to one provider below its limit, without anybody waiting for it.

A job whose turn it is not goes back to the ledger, among those that wait for the same provider.
"""

from __future__ import annotations

from app.jobs.declaration import partitions
from app.jobs.errors import NotYourTurn
from app.jobs.transitions import attempt


def take(name: str, *, per_minute: int) -> None:
    """Use the turn of the running job for one call of `name`. Raises `NotYourTurn`, and it gets another.

    What is sent outside of a job, which is little, has nobody who could send it later.
    """
    job = attempt.current()
    partition = partitions.paced(name, per_minute=per_minute)
    if job is not None and not job.use_turn(partition):
        raise NotYourTurn(partition=partition)
