"""Looks at what may never answer: in a thread of its own, for which nobody waits longer than is bearable."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

T = TypeVar("T")


class NoAnswer(Exception):
    """Raised for what has not come to an end in its time."""

    def __init__(self, *, name: str, timeout: timedelta) -> None:
        super().__init__(f"{name} gave no answer within {timeout.total_seconds():g} s")


#: What still hangs, by name: it is not joined by another, or a dead disk would collect threads.
_HANGING: dict[str, threading.Thread] = {}


def within(timeout: timedelta, work: Callable[[], T], *, name: str) -> T:
    """What `work` gives or raises. Raises `NoAnswer` when it takes too long, or hangs since last time."""
    hanging = _HANGING.get(name)
    if hanging is not None and hanging.is_alive():
        raise NoAnswer(name=name, timeout=timeout)
    answer: Future[T] = Future()
    # A daemon, unlike those of an executor: a process must be able to end beside it.
    thread = threading.Thread(target=_run, args=(work, answer), name=f"look-{name}", daemon=True)
    _HANGING[name] = thread
    thread.start()
    try:
        return answer.result(timeout=timeout.total_seconds())
    except FutureTimeoutError:
        if answer.done():  # it raised one itself
            raise
        raise NoAnswer(name=name, timeout=timeout) from None


def _run(work: Callable[[], T], answer: Future[T]) -> None:
    try:
        answer.set_result(work())
    except BaseException as error:  # (whoever waits raises it)
        answer.set_exception(error)
