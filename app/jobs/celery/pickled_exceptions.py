"""What of an exception a child tells the worker's main process, for which Celery pickles it.

Celery replaces what cannot be pickled. Code that ends the program while it is pickled or opened would end the
child instead, before the job's end is written.
"""

from __future__ import annotations

from celery.utils.serialization import UnpickleableExceptionWrapper, get_pickleable_exception

from app.jobs.celery import compat
from app.jobs.ledger.encoding import RAISED_BY_METHODS, said


def harmless(error: Exception) -> Exception:
    """`error`, or in its place one of its name and words where Celery could not pickle or replace it."""
    try:
        get_pickleable_exception(error)
    except RAISED_BY_METHODS:
        if compat.is_terminating():
            raise  # it is the worker that stops
        kind, words = type(error), said(error)
        return UnpickleableExceptionWrapper(kind.__module__, kind.__qualname__, (words,), words)
    return error
