"""Which of a worker's processes this is: one of its pool, or the one that watches over them."""

from __future__ import annotations

from celery import signals

_IS_CHILD = False


@signals.worker_process_init.connect
def _note_child(**_: object) -> None:
    global _IS_CHILD
    _IS_CHILD = True


def is_child() -> bool:
    """Whether this process is one of the worker's pool."""
    return _IS_CHILD
